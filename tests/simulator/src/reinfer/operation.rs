//! What is asked: a place and a method, under the name that fault rules and counters know it by.

use super::address::{BucketRef, Part, Place};
use super::refusal::Refusal;

/// An operation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    GetUser,
    RefreshPermissions,
    ListBuckets,
    GetBucket,
    CreateBucket,
    UpdateBucket,
    DeleteBucket,
    GetStatistics,
    PutEmails,
    ListEmails,
    GetEmail,
    QueryEmails,
    DeleteEmails,
    PutAttachment,
    GetAttachment,
    ListSyncStates,
    ListSyncStateIds,
    GetSyncState,
    StoreSyncState,
    DeleteSyncState,
    GetBucketSyncState,
    StoreBucketSyncState,
    GetConfig,
    PutConfig,
}

/// The name of what is none.
pub(super) const UNKNOWN: &str = "reinfer.Unknown";

impl Operation {
    /// What a method asks of a place.
    ///
    /// # Errors
    /// 404 for what is not served, and where the form of a bucket's name is not the one this resource takes; 405 for another method.
    pub(super) fn of(method: &str, place: &Place) -> Result<Self, Refusal> {
        let known: &[(&str, Self)] = match place {
            Place::User => &[("GET", Self::GetUser)],
            Place::Permissions => &[("POST", Self::RefreshPermissions)],
            Place::Buckets | Place::Owner(_) => &[("GET", Self::ListBuckets)],
            Place::Bucket(BucketRef::Id(_), part) => match part {
                Part::Itself => &[("GET", Self::GetBucket), ("DELETE", Self::DeleteBucket)],
                Part::Content(..) => &[("PUT", Self::PutAttachment)],
                Part::States => &[("GET", Self::ListSyncStates)],
                Part::StateIds => &[("POST", Self::ListSyncStateIds)],
                Part::State(_) => &[("GET", Self::GetSyncState), ("PUT", Self::StoreSyncState), ("DELETE", Self::DeleteSyncState)],
                Part::Statistics | Part::Emails | Part::Query => &[],
            },
            Place::Bucket(BucketRef::Name(..), part) => match part {
                Part::Itself => &[("GET", Self::GetBucket), ("PUT", Self::CreateBucket), ("POST", Self::UpdateBucket)],
                Part::Statistics => &[("GET", Self::GetStatistics)],
                Part::Emails => {
                    &[("PUT", Self::PutEmails), ("POST", Self::ListEmails), ("GET", Self::GetEmail), ("DELETE", Self::DeleteEmails)]
                }
                Part::Query => &[("POST", Self::QueryEmails)],
                Part::Content(..) | Part::States | Part::StateIds | Part::State(_) => &[],
            },
            Place::BucketState(..) => &[("GET", Self::GetBucketSyncState), ("PUT", Self::StoreBucketSyncState)],
            Place::Config(..) => &[("GET", Self::GetConfig), ("PUT", Self::PutConfig)],
            Place::Attachment(_) => &[("GET", Self::GetAttachment)],
            Place::Nothing => &[],
        };
        if known.is_empty() {
            return Err(Refusal::missing());
        }
        let found = known.iter().find(|(known, _)| *known == method).map(|(_, operation)| *operation);
        found.ok_or_else(|| {
            let allowed: Vec<&str> = known.iter().map(|(method, _)| *method).collect();
            Refusal::new(405, "405 Method Not Allowed").header("Allow", allowed.join(", "))
        })
    }

    /// The name in rules, counters and the record.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::GetUser => "reinfer.GetUser",
            Self::RefreshPermissions => "reinfer.RefreshPermissions",
            Self::ListBuckets => "reinfer.ListBuckets",
            Self::GetBucket => "reinfer.GetBucket",
            Self::CreateBucket => "reinfer.CreateBucket",
            Self::UpdateBucket => "reinfer.UpdateBucket",
            Self::DeleteBucket => "reinfer.DeleteBucket",
            Self::GetStatistics => "reinfer.GetStatistics",
            Self::PutEmails => "reinfer.PutEmails",
            Self::ListEmails => "reinfer.ListEmails",
            Self::GetEmail => "reinfer.GetEmail",
            Self::QueryEmails => "reinfer.QueryEmails",
            Self::DeleteEmails => "reinfer.DeleteEmails",
            Self::PutAttachment => "reinfer.PutAttachment",
            Self::GetAttachment => "reinfer.GetAttachment",
            Self::ListSyncStates => "reinfer.ListSyncStates",
            Self::ListSyncStateIds => "reinfer.ListSyncStateIds",
            Self::GetSyncState => "reinfer.GetSyncState",
            Self::StoreSyncState => "reinfer.StoreSyncState",
            Self::DeleteSyncState => "reinfer.DeleteSyncState",
            Self::GetBucketSyncState => "reinfer.GetBucketSyncState",
            Self::StoreBucketSyncState => "reinfer.StoreBucketSyncState",
            Self::GetConfig => "reinfer.GetConfig",
            Self::PutConfig => "reinfer.PutConfig",
        }
    }

    /// The permissions any one of which allows it; none for what every known user may ask.
    pub(super) fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::GetUser | Self::RefreshPermissions => &[],
            Self::ListBuckets | Self::GetBucket | Self::GetStatistics => &["buckets-read"],
            Self::ListEmails | Self::GetEmail | Self::QueryEmails | Self::GetAttachment => &["buckets-items-read", "buckets-read"],
            Self::ListSyncStates | Self::ListSyncStateIds | Self::GetSyncState | Self::GetBucketSyncState => &["buckets-read"],
            Self::CreateBucket | Self::UpdateBucket | Self::DeleteBucket | Self::DeleteEmails => &["buckets-write"],
            Self::PutEmails | Self::PutAttachment => &["buckets-append"],
            Self::StoreSyncState | Self::DeleteSyncState | Self::StoreBucketSyncState => &["buckets-append", "buckets-write"],
            Self::GetConfig => &["appliance-config-read"],
            Self::PutConfig => &["appliance-config-write"],
        }
    }
}
