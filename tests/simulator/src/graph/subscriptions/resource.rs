//! What a subscription watches, as its `resource` says: the messages of a mailbox or of one folder.
//!
//! Source: documentation page "Change notifications for Outlook resources in Microsoft Graph".

use crate::graph::GraphError;
use crate::graph::address::Address;

/// A resource taken apart; not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// The user, by object id or principal name.
    pub(super) user: String,
    /// The folder, by identifier or well-known name; the whole mailbox without one.
    pub(super) folder: Option<String>,
}

impl Resource {
    /// Reads `users/{id}/messages` or `users/{id}/mailFolders/{id}/messages`, with or without a slash before it and with either form of key.
    ///
    /// # Errors
    /// What Graph does not notify of, and what this server does not.
    pub(super) fn parse(text: &str) -> Result<Self, GraphError> {
        let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
        if query.is_some_and(|query| !query.is_empty()) {
            return Err(refusal("Query options of a resource are not served: subscribe without them and look at the message itself."));
        }
        let address = Address::parse(path)?;
        let segments: Vec<&str> = address.segments.iter().map(String::as_str).collect();
        let unsupported = || refusal(&format!("Resource '{text}' is not supported for change notifications."));
        let user = address.user.ok_or_else(unsupported)?;
        match segments.as_slice() {
            ["messages"] => Ok(Self { user, folder: None }),
            ["mailFolders", folder, "messages"] => Ok(Self { user, folder: Some((*folder).to_owned()) }),
            _ => Err(unsupported()),
        }
    }
}

fn refusal(text: &str) -> GraphError {
    GraphError::request("InvalidRequest", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, Option<String>)> {
        Resource::parse(text).ok().map(|resource| (resource.user, resource.folder))
    }

    #[test]
    fn mailboxes_and_folders_are_read_in_every_spelling() {
        let whole = Some(("bob@example.com".to_owned(), None));
        assert_eq!(read("/users/bob@example.com/messages"), whole);
        assert_eq!(read("Users('bob%40example.com')/Messages"), whole);
        let folder = |name: &str| Some(("o'brien@example.com".to_owned(), Some(name.to_owned())));
        assert_eq!(read("users('o''brien@example.com')/mailFolders('inbox')/messages"), folder("inbox"));
        assert_eq!(read("/users/o'brien@example.com/mailFolders/AAMk%3D/messages"), folder("AAMk="));
    }

    #[test]
    fn what_is_not_notified_of_is_refused() {
        for text in
            ["", "/me/messages", "/users/bob@example.com", "/users/bob@example.com/events", "/users/a/messages?$filter=isRead eq true"]
        {
            let error = Resource::parse(text).unwrap_err();
            assert!(matches!(error.status, 400 | 403), "{text}: {error:?}");
        }
    }
}
