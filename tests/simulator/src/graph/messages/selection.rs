//! Which properties of a message are wanted.

use crate::graph::{GraphError, query::Query};

macro_rules! properties {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// A property of a message, in the order they are written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Property { $($name),* }

        /// All of them with their names.
        const ALL: &[(Property, &str)] = &[$((Property::$name, $text)),*];
    };
}

properties! {
    Created = "createdDateTime",
    Modified = "lastModifiedDateTime",
    ChangeKey = "changeKey",
    Categories = "categories",
    Received = "receivedDateTime",
    Sent = "sentDateTime",
    HasAttachments = "hasAttachments",
    MessageId = "internetMessageId",
    Subject = "subject",
    Preview = "bodyPreview",
    Importance = "importance",
    Parent = "parentFolderId",
    Conversation = "conversationId",
    ConversationIndex = "conversationIndex",
    DeliveryReceipt = "isDeliveryReceiptRequested",
    ReadReceipt = "isReadReceiptRequested",
    Read = "isRead",
    Draft = "isDraft",
    WebLink = "webLink",
    Inference = "inferenceClassification",
    Meeting = "meetingMessageType",
    Body = "body",
    UniqueBody = "uniqueBody",
    Sender = "sender",
    From = "from",
    To = "toRecipients",
    Cc = "ccRecipients",
    Bcc = "bccRecipients",
    ReplyTo = "replyTo",
    Headers = "internetMessageHeaders",
    Flag = "flag",
}

/// What comes only when it is named ("message resource type").
const NAMED_ONLY: u64 = 1 << Property::Headers as u64 | 1 << Property::UniqueBody as u64;
/// What a damaged item can still tell.
const ROBUST: u64 = 1 << Property::Created as u64
    | 1 << Property::Modified as u64
    | 1 << Property::ChangeKey as u64
    | 1 << Property::Received as u64
    | 1 << Property::Parent as u64;
/// What an application without the right to read bodies does not get.
const CONTENT: u64 = 1 << Property::Body as u64 | 1 << Property::UniqueBody as u64 | 1 << Property::Preview as u64;

/// A set of properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Selection(u64);

impl Selection {
    /// What a query asks for.
    ///
    /// # Errors
    /// For a property that messages do not have.
    pub(super) fn of(query: &Query) -> Result<Self, GraphError> {
        query.select.as_deref().map_or(Ok(Self::everything()), Self::named)
    }

    /// What comes where nothing was selected.
    pub(super) fn everything() -> Self {
        Self(ALL.iter().fold(0, |mask, (property, _)| mask | 1 << *property as u64) & !NAMED_ONLY)
    }

    /// These properties.
    ///
    /// # Errors
    /// For a name that messages do not have.
    pub(super) fn named<S: AsRef<str>>(names: &[S]) -> Result<Self, GraphError> {
        let mut mask = 0;
        for name in names {
            // A property of a derived type is named behind its type.
            let name = name.as_ref().rsplit('/').next().unwrap_or_default().trim();
            match ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) {
                Some((property, _)) => mask |= 1 << *property as u64,
                None if name.eq_ignore_ascii_case("id") => {}
                None if name == "*" => mask |= Self::everything().0,
                None => {
                    return Err(GraphError::request(
                        "RequestBroker--ParseUri",
                        format!("Could not find a property named '{name}' on type 'Microsoft.OutlookServices.Message'."),
                    ));
                }
            }
        }
        Ok(Self(mask))
    }

    /// The set without what bodies are made of.
    #[must_use]
    pub(super) fn without_content(self) -> Self {
        Self(self.0 & !CONTENT)
    }

    /// The set without internet headers, which lists of changes do not tell.
    #[must_use]
    pub(super) fn without_headers(self) -> Self {
        Self(self.0 & !(1 << Property::Headers as u64))
    }

    /// Only this property of the set, if it is there.
    #[must_use]
    pub(super) fn only(self, property: Property) -> Self {
        Self(self.0 & 1 << property as u64)
    }

    pub(super) fn has(self, property: Property) -> bool {
        self.0 & 1 << property as u64 != 0
    }

    /// Whether a damaged item can be told too.
    pub(super) fn is_robust(self) -> bool {
        self.0 & !ROBUST == 0
    }

    /// The set as a number, for tokens.
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// Undoes [`Selection::bits`]; unknown bits are dropped.
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits & (Self::everything().0 | NAMED_ONLY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_select_and_unknown_ones_are_refused() {
        let some = Selection::named(&["id", "Subject", "microsoft.graph.eventMessage/meetingMessageType"]).unwrap();
        assert!(some.has(Property::Subject) && some.has(Property::Meeting) && !some.has(Property::Read) && !some.is_robust());
        assert!(Selection::named(&["id", "receivedDateTime"]).unwrap().is_robust());
        for unknown in ["size", "@removed", ""] {
            assert_eq!(Selection::named(&[unknown]).unwrap_err().code, "RequestBroker--ParseUri", "{unknown}");
        }
        assert!(
            !Selection::everything().has(Property::Headers)
                && Selection::named(&["internetMessageHeaders"]).unwrap().has(Property::Headers)
        );
        assert_eq!(Selection::from_bits(some.bits()), some);
    }
}
