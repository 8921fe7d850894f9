//! When a fault strikes.

use super::{Action, WireFault};
use serde::{Deserialize, Serialize};

/// One rule: an action and when it strikes. A condition that is absent holds always.
///
/// ```toml
/// [[faults]]
/// operation = "GetItem"
/// mailbox = "ada@example.com"
/// every = 10
/// count = 3
/// action = { kind = "cut", after_bytes = 2000 }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The operation's name, such as `SyncFolderItems`; also `Token` for the token endpoint and `Autodiscover`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The mailbox asked for, by its primary address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// The bucket asked for, as `owner/name` (Communications Mining API).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// An email in the upload, by its id: any upload that holds it is struck (Communications Mining API).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Bytes that stand somewhere in the request's body as it is sent, JSON escapes and all (Communications Mining API).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Strike only the nth matching request, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Strike every nth matching request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Strike with this probability, 0 to 1, decided by the world's seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Strike at most so many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Not before this many seconds after the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_s: Option<f64>,
    /// Not later than this many seconds after the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_s: Option<f64>,
    /// What happens.
    pub action: Action,
}

impl Rule {
    /// A rule that always strikes.
    pub fn always(action: impl Into<Action>) -> Self {
        Self {
            operation: None,
            mailbox: None,
            bucket: None,
            email: None,
            body: None,
            nth: None,
            every: None,
            probability: None,
            count: None,
            from_s: None,
            until_s: None,
            action: action.into(),
        }
    }

    /// Limits the rule to one operation.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Limits the rule to so many strikes.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Limits the rule to uploads that hold an email, by its id.
    #[must_use]
    pub fn holding(mut self, email: &str) -> Self {
        self.email = Some(email.to_owned());
        self
    }

    /// Says what is wrong with the rule, if anything.
    pub fn complaint(&self) -> Option<String> {
        if self.nth == Some(0) || self.every == Some(0) {
            return Some("nth and every count from 1".to_owned());
        }
        let other = self.operation.as_deref().is_some_and(|operation| !operation.to_ascii_lowercase().starts_with("reinfer."));
        if other && (self.bucket.is_some() || self.email.is_some() || self.body.is_some()) {
            return Some("bucket, email and body go with operations of reinfer alone".to_owned());
        }
        let cuts = matches!(self.action, Action::Wire(WireFault::CutRequest { .. }));
        if cuts && (other || self.mailbox.is_some() || self.email.is_some() || self.body.is_some()) {
            return Some("cut_request goes with operations of reinfer, and strikes before mailbox, email and body are known".to_owned());
        }
        match self.probability {
            Some(chance) if !(0.0..=1.0).contains(&chance) => Some(format!("probability {chance} is not between 0 and 1")),
            _ => None,
        }
    }
}
