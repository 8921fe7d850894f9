//! What receivers are sent: change notifications and lifecycle notifications.
//!
//! Source: documentation pages "changeNotification resource type" and "Reduce missing subscriptions and change notifications".

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// What happened to a message, as a subscription names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Change {
    /// It came into the folder or mailbox.
    Created,
    /// It was written.
    Updated,
    /// It is no longer there.
    Deleted,
}

impl Change {
    /// Reads `created`, `updated` or `deleted`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Created, Self::Updated, Self::Deleted].into_iter().find(|change| change.name() == name)
    }

    /// Its name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// What happens to a subscription itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// Notifications were lost.
    Missed,
    /// It ends unless its owner proves that it may still watch.
    ReauthorizationRequired,
    /// It has ended before its time.
    SubscriptionRemoved,
}

impl Lifecycle {
    /// Reads the name on the wire.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Missed, Self::ReauthorizationRequired, Self::SubscriptionRemoved].into_iter().find(|event| event.name() == name)
    }

    /// Its name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::ReauthorizationRequired => "reauthorizationRequired",
            Self::SubscriptionRemoved => "subscriptionRemoved",
        }
    }
}

/// What all notifications of a subscription say.
#[derive(Clone, Debug)]
pub(super) struct Letterhead {
    pub(super) subscription: String,
    pub(super) expires: DateTime<Utc>,
    pub(super) client_state: Option<String>,
    pub(super) tenant: String,
    /// The user's object id.
    pub(super) user: String,
}

impl Letterhead {
    /// A change of the message with this identifier. `change_key` is absent for one that is gone.
    pub(super) fn change(&self, change: Change, id: &str, change_key: Option<&str>) -> Value {
        let resource = format!("Users/{}/Messages/{id}", self.user);
        let mut data = json!({ "@odata.type": "#Microsoft.Graph.Message", "@odata.id": resource, "id": id });
        if let (Some(key), Some(fields)) = (change_key, data.as_object_mut()) {
            fields.insert("@odata.etag".to_owned(), format!("W/\"{key}\"").into());
        }
        json!({
            "subscriptionId": self.subscription,
            "subscriptionExpirationDateTime": time(self.expires),
            "changeType": change.name(),
            "resource": resource,
            "resourceData": data,
            "clientState": self.client_state,
            "tenantId": self.tenant,
        })
    }

    /// Something that happened to the subscription.
    pub(super) fn lifecycle(&self, event: Lifecycle, resource: &str) -> Value {
        json!({
            "subscriptionId": self.subscription,
            "subscriptionExpirationDateTime": time(self.expires),
            "tenantId": self.tenant,
            "clientState": self.client_state,
            "lifecycleEvent": event.name(),
            "resource": resource,
            "organizationId": self.tenant,
        })
    }
}

/// A time as subscriptions write it: with seven digits after the second where there are any.
pub(super) fn time(at: DateTime<Utc>) -> String {
    if at.timestamp_subsec_nanos() == 0 {
        return at.to_rfc3339_opts(SecondsFormat::Secs, true);
    }
    at.format("%Y-%m-%dT%H:%M:%S%.6f0Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Letterhead {
        Letterhead {
            subscription: "7f105c7d-2dc5-4530-97cd-4e7ae6534c07".into(),
            expires: DateTime::from_timestamp(1_900_000_000, 500_000_000).unwrap(),
            client_state: Some("s3cret".into()),
            tenant: "t".into(),
            user: "uid".into(),
        }
    }

    #[test]
    fn a_change_names_message_and_subscription() {
        let told = head().change(Change::Created, "AAMk=", Some("CQAAAA=="));
        assert_eq!(told["resource"], "Users/uid/Messages/AAMk=");
        assert_eq!(told["resourceData"]["@odata.etag"], "W/\"CQAAAA==\"");
        assert_eq!(told["subscriptionExpirationDateTime"], "2030-03-17T17:46:40.5000000Z");
        assert_eq!((&told["clientState"], &told["changeType"]), (&json!("s3cret"), &json!("created")));
        assert!(head().change(Change::Deleted, "x", None)["resourceData"].get("@odata.etag").is_none());
    }

    #[test]
    fn names_are_read_again() {
        for change in [Change::Created, Change::Updated, Change::Deleted] {
            assert_eq!(Change::parse(change.name()), Some(change));
        }
        for event in [Lifecycle::Missed, Lifecycle::ReauthorizationRequired, Lifecycle::SubscriptionRemoved] {
            assert_eq!(Lifecycle::parse(event.name()), Some(event));
            assert_eq!(head().lifecycle(event, "r")["lifecycleEvent"], event.name());
        }
        assert_eq!((Change::parse("moved"), Lifecycle::parse("")), (None, None));
    }
}
