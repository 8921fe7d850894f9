//! Paths below `/v1.0`: which user, which resource, and the name the operation is known by.
//!
//! Segments are decoded one by one, so an identifier may hold an encoded slash. A key in brackets (`messages('id')`) is a segment of its own,
//! a function's empty brackets (`delta()`) are nothing (OData 4.01 part 2 sections 4.3 and 4.5).

use super::error::GraphError;
use crate::http::percent_decode;

/// A path, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// Who, decoded; absent outside `users`.
    pub(crate) user: Option<String>,
    /// The same as the client wrote it, for links.
    pub(crate) written: String,
    /// The rest.
    pub(crate) segments: Vec<String>,
}

/// Names whose case does not matter, as it does not to Graph.
const NAMES: [&str; 19] = [
    "mailFolders",
    "childFolders",
    "messages",
    "delta",
    "move",
    "copy",
    "attachments",
    "translateExchangeIds",
    "subscriptions",
    "reauthorize",
    "$value",
    "$count",
    "$batch",
    "users",
    "me",
    "mailboxSettings",
    "send",
    "createReply",
    "parentFolder",
];

fn canonical(segment: String) -> String {
    match NAMES.iter().find(|name| name.eq_ignore_ascii_case(&segment)) {
        Some(name) => (*name).to_owned(),
        None => segment,
    }
}

/// Splits a path into segments.
fn split(path: &str) -> Vec<String> {
    let mut segments = Vec::with_capacity(8);
    for raw in path.split('/').filter(|raw| !raw.is_empty()) {
        let text = percent_decode(raw);
        let bare = text.strip_prefix("microsoft.graph.").unwrap_or(&text);
        match bare.strip_suffix(')').and_then(|open| open.split_once('(')) {
            Some((name, key)) if name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '$') && !name.is_empty() => {
                segments.push(canonical(name.to_owned()));
                let key = key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')).unwrap_or(key);
                if !key.is_empty() {
                    segments.push(key.replace("''", "'"));
                }
            }
            _ => segments.push(canonical(bare.to_owned())),
        }
    }
    segments
}

impl Address {
    /// Reads what follows `/v1.0/`.
    ///
    /// # Errors
    /// What Graph says of a path it does not know.
    pub(crate) fn parse(path: &str) -> Result<Self, GraphError> {
        let mut segments = split(path);
        let first = segments.first().map(String::as_str);
        match first {
            Some("users") => {}
            Some("me") => {
                return Err(GraphError::request("BadRequest", "/me request is only valid with delegated authentication flow."));
            }
            Some("subscriptions" | "$batch") => return Ok(Self { segments, ..Self::default() }),
            other => return Err(GraphError::segment(other.unwrap_or_default())),
        }
        if segments.len() < 2 {
            return Err(GraphError::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."));
        }
        let user = segments.remove(1);
        segments.remove(0);
        // A folder below another is addressed by its own id; what stands above it says nothing more.
        while let [folders, _, children, child, ..] = segments.as_slice() {
            if folders != "mailFolders" || children != "childFolders" || matches!(child.as_str(), "delta" | "$count") {
                break;
            }
            segments.drain(1..3);
        }
        let written = encode(&user);
        Ok(Self { user: Some(user), written, segments })
    }

    /// The name of the operation, for fault rules, counters and the record.
    pub(crate) fn operation(&self, method: &str) -> &'static str {
        let parts: Vec<&str> = self.segments.iter().map(String::as_str).collect();
        if self.user.is_none() {
            return match (method, parts.as_slice()) {
                (_, ["$batch"]) => "graph.Batch",
                ("POST", ["subscriptions"]) => "graph.Subscribe",
                ("GET", ["subscriptions"]) => "graph.ListSubscriptions",
                (_, ["subscriptions", _, "reauthorize"]) => "graph.Reauthorize",
                ("GET", ["subscriptions", _]) => "graph.GetSubscription",
                ("PATCH", ["subscriptions", _]) => "graph.Renew",
                ("DELETE", ["subscriptions", _]) => "graph.Unsubscribe",
                _ => "graph.Unknown",
            };
        }
        match parts.as_slice() {
            [] => "graph.GetUser",
            ["translateExchangeIds"] => "graph.Translate",
            ["mailFolders"] | ["mailFolders", _, "childFolders"] if method == "POST" => "graph.CreateFolder",
            ["mailFolders"] | ["mailFolders", _, "childFolders"] => "graph.ListFolders",
            ["mailFolders", "$count"] | ["mailFolders", _, "childFolders", "$count"] => "graph.CountFolders",
            ["mailFolders", "delta"] | ["mailFolders", _, "childFolders", "delta"] => "graph.FolderDelta",
            ["mailFolders", _] => match method {
                "PATCH" => "graph.UpdateFolder",
                "DELETE" => "graph.DeleteFolder",
                _ => "graph.GetFolder",
            },
            ["mailFolders", _, "move"] => "graph.MoveFolder",
            ["mailFolders", _, "copy"] => "graph.CopyFolder",
            ["mailFolders", _, "messages", rest @ ..] | ["messages", rest @ ..] => message_operation(method, rest),
            _ => "graph.Unknown",
        }
    }
}

fn message_operation(method: &str, rest: &[&str]) -> &'static str {
    match (method, rest) {
        ("POST", []) => "graph.CreateMessage",
        (_, []) => "graph.ListMessages",
        (_, ["delta"]) => "graph.MessageDelta",
        (_, ["$count"]) => "graph.CountMessages",
        ("PATCH", [_]) => "graph.UpdateMessage",
        ("DELETE", [_]) => "graph.DeleteMessage",
        (_, [_]) => "graph.GetMessage",
        (_, [_, "$value"]) => "graph.GetMime",
        (_, [_, "move"]) => "graph.MoveMessage",
        (_, [_, "copy"]) => "graph.CopyMessage",
        (_, [_, "attachments"]) => "graph.ListAttachments",
        (_, [_, "attachments", _]) => "graph.GetAttachment",
        (_, [_, "attachments", _, "$value"]) => "graph.GetAttachmentContent",
        _ => "graph.Unknown",
    }
}

/// Percent-encodes what may not stand in a path's segment or a query's value (RFC 3986 section 3.3). `@` and `$` stay, as Graph leaves them.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@$,'():!*;=".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> (Option<String>, Vec<String>) {
        let address = Address::parse(path).unwrap();
        (address.user, address.segments)
    }

    #[test]
    fn keys_may_stand_in_brackets_or_between_slashes() {
        let wanted = (Some("$a@example.com".to_owned()), vec!["mailFolders".to_owned(), "in'box/x".to_owned(), "messages".to_owned()]);
        assert_eq!(read("users/%24a%40example.com/mailfolders/in'box%2Fx/messages"), wanted);
        assert_eq!(read("users('$a@example.com')/mailFolders('in''box%2Fx')/Messages"), wanted);
        assert_eq!(read("users/u/mailFolders/x/messages/delta()").1, read("users/u/mailFolders/x/messages/microsoft.graph.delta()").1);
        assert_eq!(read("users/u/mailFolders/a/childFolders/b/childFolders/c/messages/d").1, ["mailFolders", "c", "messages", "d"]);
        assert_eq!(read("users/u/mailFolders/a/childFolders/delta").1, ["mailFolders", "a", "childFolders", "delta"]);
    }

    #[test]
    fn operations_have_names() {
        let name = |method: &str, path: &str| Address::parse(path).unwrap().operation(method);
        assert_eq!(name("GET", "users/u/messages/i/%24value"), "graph.GetMime");
        assert_eq!(name("GET", "users/u/mailFolders/f/messages/delta"), "graph.MessageDelta");
        assert_eq!(name("POST", "users/u/mailFolders/f/childFolders"), "graph.CreateFolder");
        assert_eq!(name("POST", "$batch"), "graph.Batch");
        assert_eq!(name("GET", "users/u/calendar"), "graph.Unknown");
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        assert_eq!(Address::parse("me/messages").unwrap_err().status, 400);
        assert_eq!(Address::parse("groups").unwrap_err().code, "RequestBroker--ParseUri");
        assert_eq!(Address::parse("").unwrap_err().code, "RequestBroker--ParseUri");
        assert_eq!(Address::parse("users").unwrap_err().status, 403);
    }

    #[test]
    fn what_is_encoded_is_read_again() {
        let text = "a b&c/d+ü%'@example.com";
        assert_eq!(percent_decode(&encode(text)), text);
    }
}
