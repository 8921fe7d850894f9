//! One subscription: what it watches, whom it tells, and how long it lives.

use super::notice::{Change, Letterhead, time};
use super::post::Target;
use crate::store::{Event, EventKind, FolderId, ItemId, Mailbox, Target as About};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

/// A receiver: its address as the client wrote it, and taken apart.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    pub(super) url: String,
    pub(super) target: Target,
}

/// When a subscription ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// As clients are told.
    pub(super) until: DateTime<Utc>,
    /// The same on the clock that timers follow.
    pub(super) end: Instant,
    /// When a receiver of lifecycle notifications is asked to renew it.
    pub(super) warning: Instant,
}

impl Term {
    /// From now until then. The warning comes when a tenth of it is left, or a quarter of an hour.
    pub(super) fn lasting(until: DateTime<Utc>) -> Self {
        let now = Instant::now();
        let life = (until - Utc::now()).to_std().unwrap_or_default();
        let end = now + life;
        let ahead = (life / 10).min(std::time::Duration::from_secs(15 * 60));
        Self { until, end, warning: end - ahead }
    }
}

/// One subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) id: String,
    /// Client id of the application it belongs to.
    pub(super) app: String,
    /// The application's tenant, as a GUID.
    pub(super) tenant: String,
    pub(super) mailbox: Mailbox,
    /// The one folder it watches.
    pub(super) folder: Option<FolderId>,
    /// As the client wrote it.
    pub(super) resource: String,
    pub(super) changes: Vec<Change>,
    pub(super) immutable: bool,
    pub(super) client_state: Option<String>,
    pub(super) notify: Receiver,
    pub(super) lifecycle: Option<Receiver>,
    pub(super) tls: String,
    pub(super) term: watch::Sender<Term>,
}

impl Subscription {
    /// What its notifications begin with.
    pub(super) fn letterhead(&self) -> Letterhead {
        Letterhead {
            subscription: self.id.clone(),
            expires: self.term.borrow().until,
            client_state: self.client_state.clone(),
            tenant: self.tenant.clone(),
            user: self.mailbox.guid().text(),
        }
    }

    /// Whether the messages of a folder are among what it watches.
    fn watches(&self, folder: FolderId) -> bool {
        match self.folder {
            Some(only) => only == folder,
            None => is_mail(&self.mailbox, folder),
        }
    }

    /// What an event is to this subscription: at most an end here and a beginning there.
    ///
    /// A move gives the message another default identifier. So for a whole mailbox it is a deletion and a creation; with immutable identifiers it
    /// is the same message, written.
    pub(super) fn changes_of(&self, event: &Event) -> Vec<(Change, ItemId)> {
        let About::Item(item) = event.target else { return Vec::new() };
        let here = self.watches(event.parent);
        let found = match event.kind {
            EventKind::Created | EventKind::Copied { .. } if here => vec![(Change::Created, item)],
            EventKind::Modified { .. } if here => vec![(Change::Updated, item)],
            EventKind::Deleted if here => vec![(Change::Deleted, item)],
            EventKind::Moved { old: About::Item(old), old_parent } => match (self.watches(old_parent), here) {
                (true, true) if self.immutable => vec![(Change::Updated, item)],
                (true, true) => vec![(Change::Deleted, old), (Change::Created, item)],
                (true, false) => vec![(Change::Deleted, old)],
                (false, true) => vec![(Change::Created, item)],
                (false, false) => Vec::new(),
            },
            _ => Vec::new(),
        };
        found.into_iter().filter(|(change, _)| self.changes.contains(change)).collect()
    }

    /// The entity.
    pub(super) fn json(&self) -> Value {
        let changes: Vec<&str> = self.changes.iter().map(|change| change.name()).collect();
        json!({
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.app,
            "changeType": changes.join(","),
            "clientState": self.client_state,
            "notificationUrl": self.notify.url,
            "notificationQueryOptions": null,
            "lifecycleNotificationUrl": self.lifecycle.as_ref().map(|receiver| &receiver.url),
            "expirationDateTime": time(self.term.borrow().until),
            "creatorId": self.app,
            "includeResourceData": null,
            "latestSupportedTlsVersion": self.tls,
            "encryptionCertificate": null,
            "encryptionCertificateId": null,
            "notificationUrlAppId": null,
        })
    }
}

/// Whether a folder holds messages of the visible mailbox: below its top, and not of contacts, appointments or the like. One that is gone was
/// as likely as not.
fn is_mail(mailbox: &Mailbox, folder: FolderId) -> bool {
    let Ok(first) = mailbox.folder(folder) else { return true };
    if first.class.as_deref().is_some_and(|class| class != "IPF" && !class.starts_with("IPF.Note")) {
        return false;
    }
    let top = mailbox.root_folder("msgfolderroot");
    let mut at = Some(first);
    while let Some(here) = at {
        if Some(here.id) == top {
            return true;
        }
        at = here.parent.and_then(|parent| mailbox.folder(parent).ok());
    }
    false
}
