//! What a watcher may ask of a running appliance.

use serde::{Deserialize, Serialize};

/// Something to be done, in the JSON of `POST /actions`: `{"do": "pause", "mailbox": "ann@example.com"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Begin nothing more for one mailbox, or for all; what is under way is finished.
    Pause {
        /// The mailbox; none for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mailbox: Option<String>,
    },
    /// Go on with one mailbox, or with all.
    Resume {
        /// The mailbox; none for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mailbox: Option<String>,
    },
    /// Begin a mailbox's next round now rather than when it is due. A wait that the server asked for is kept.
    Retry {
        /// The mailbox.
        mailbox: String,
    },
    /// Try what is in quarantine again: all of it, one mailbox's, or one message.
    RetryQuarantined {
        /// The mailbox; none for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mailbox: Option<String>,
        /// One message, by key or item id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// Compare one mailbox with what was copied of it; the answer becomes part of its status.
    Verify {
        /// The mailbox.
        mailbox: String,
    },
}

impl Action {
    /// The mailbox that it is about; none where it is about all.
    pub fn mailbox(&self) -> Option<&str> {
        match self {
            Self::Pause { mailbox } | Self::Resume { mailbox } | Self::RetryQuarantined { mailbox, .. } => mailbox.as_deref(),
            Self::Retry { mailbox } | Self::Verify { mailbox } => Some(mailbox),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_as_documented() {
        for (action, json) in [
            (Action::Pause { mailbox: Some("ann@example.com".into()) }, r#"{"do":"pause","mailbox":"ann@example.com"}"#),
            (Action::Resume { mailbox: None }, r#"{"do":"resume"}"#),
            (Action::Retry { mailbox: "ann@example.com".into() }, r#"{"do":"retry","mailbox":"ann@example.com"}"#),
            (Action::RetryQuarantined { mailbox: None, id: None }, r#"{"do":"retry_quarantined"}"#),
            (Action::Verify { mailbox: "ann@example.com".into() }, r#"{"do":"verify","mailbox":"ann@example.com"}"#),
        ] {
            assert_eq!(serde_json::to_string(&action).unwrap(), json);
            assert_eq!(serde_json::from_str::<Action>(json).unwrap(), action);
        }
        assert!(serde_json::from_str::<Action>(r#"{"do":"stop"}"#).is_err());
        assert!(serde_json::from_str::<Action>(r#"{"do":"pause","mailboxes":[]}"#).is_err(), "a mistyped key must not pause everything");
    }
}
