//! One call of Graph: who asks, of which mailbox, for what.

use super::error::GraphError;
use super::prefer::Prefer;
use super::query::Query;
use crate::accounts::App;
use crate::http::{Headers, Response};
use crate::state::State;
use crate::store::Mailbox;
use bytes::Bytes;
use std::sync::Arc;

/// What a resource answers.
pub(crate) type Answer = Result<Response, GraphError>;

/// One call, proven and allowed.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Everything the server knows.
    pub(crate) state: &'a Arc<State>,
    /// The application that asks.
    pub(crate) app: &'a App,
    /// The mailbox in the address; none outside `/users/{id}`.
    pub(crate) mailbox: Option<Mailbox>,
    /// The method, in capitals.
    pub(crate) method: &'a str,
    /// What follows the user in the path (or `/v1.0` where there is none), decoded; keys in brackets are segments too.
    pub(crate) segments: Vec<String>,
    /// The query.
    pub(crate) query: Query,
    /// The preferences; `immutable` only where the server honours it.
    pub(crate) prefer: Prefer,
    /// It may see no bodies, previews, attachments or extended properties (`Mail.ReadBasic`): they are left out.
    pub(crate) basic: bool,
    /// Header fields; of an inner request of a batch, its own.
    pub(crate) headers: &'a Headers,
    /// The body.
    pub(crate) body: &'a Bytes,
    /// `http://host:port/v1.0`, for links.
    pub(crate) root: String,
    /// The user as the client wrote it (still percent-encoded), for links.
    pub(crate) user: String,
}

impl Call<'_> {
    /// The mailbox.
    ///
    /// # Errors
    /// Where the address names none.
    pub(crate) fn mailbox(&self) -> Result<&Mailbox, GraphError> {
        self.mailbox.as_ref().ok_or_else(|| GraphError::segment(self.segments.first().map_or("", String::as_str)))
    }

    /// The path's segments as text, for matching.
    pub(crate) fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// `http://host:port/v1.0/users/{user}`, the beginning of links.
    pub(crate) fn base(&self) -> String {
        format!("{}/users/{}", self.root, self.user)
    }

    /// `@odata.context` of what follows `$metadata#users('..')/`.
    pub(crate) fn context(&self, of: &str) -> String {
        format!("{}/$metadata#users('{}')/{of}", self.root, self.user.replace('\'', "''"))
    }

    /// An entity cut down to what `$select` names; the id and what begins with `@` stay.
    pub(crate) fn selected(&self, mut entity: serde_json::Value) -> serde_json::Value {
        if let (Some(names), serde_json::Value::Object(members)) = (&self.query.select, &mut entity) {
            members.retain(|key, _| key == "id" || key.starts_with('@') || names.iter().any(|name| name == key));
        }
        entity
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// 400 where it is none.
    pub(crate) fn json(&self) -> Result<serde_json::Value, GraphError> {
        serde_json::from_slice(self.body).map_err(|_| {
            GraphError::request(
                "BadRequest",
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            )
        })
    }
}

/// A parameter of an action by name, whatever the case: the metadata names actions' parameters with a capital, the documentation does not, and
/// both are sent.
pub(crate) fn parameter<'a>(body: &'a serde_json::Value, name: &str) -> Option<&'a serde_json::Value> {
    body.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_names_of_any_case() {
        let body = serde_json::json!({"SourceIdType": "restId"});
        assert_eq!(parameter(&body, "sourceIdType"), Some(&serde_json::json!("restId")));
        assert_eq!(parameter(&body, "targetIdType"), None);
        assert_eq!(parameter(&serde_json::json!([]), "targetIdType"), None);
    }
}
