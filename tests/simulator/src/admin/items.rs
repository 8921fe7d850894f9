//! Items: deliver, move, copy, delete, mark, update, spoil.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::Utc;
use serde::Deserialize;
use serde_json::json;

use super::{Admin, Answer, Place, Refusal, bad};
use crate::content::{Kind, SizeShare};
use crate::life::{arrival, arrivals};
use crate::store::{DeleteHow, Find, FolderId, ItemId, ItemUpdate, Mailbox, NewItem};

/// The most items one call may make.
const MOST: u64 = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deliver {
    mailbox: String,
    folder: Option<Place>,
    count: Option<u64>,
    /// A message, base64. Delivered as it is, `count` times.
    eml: Option<String>,
    /// Length of generated messages in bytes.
    size: Option<u64>,
    /// Kind of generated messages.
    kind: Option<Kind>,
}

pub(super) fn deliver(admin: &Admin, call: Deliver) -> Answer {
    let mailbox = admin.mailbox(&call.mailbox)?;
    let folder = call.folder.unwrap_or(Place::WellKnown("inbox".into())).find(&mailbox)?;
    let count = call.count.unwrap_or(1);
    if count > MOST {
        return Err(bad(format!("count: at most {MOST}")));
    }
    let given = match &call.eml {
        None => None,
        Some(_) if call.size.is_some() || call.kind.is_some() => {
            return Err(bad("eml is delivered as it is: size and kind cannot be given too"));
        }
        Some(text) => Some(Bytes::from(STANDARD.decode(text).map_err(|error| bad(format!("eml is not base64: {error}")))?)),
    };
    let mut mail = arrivals(&mailbox, 0xde11);
    mail.sizes.extend(call.size.map(|bytes| SizeShare { bytes, weight: 1 }));
    mail.kinds.extend(call.kind.map(|kind| (kind, 1)));
    let mut ids = Vec::new();
    for _ in 0..count {
        let number = admin.delivered.fetch_add(1, Ordering::Relaxed) + 1;
        let item = match &given {
            Some(eml) => NewItem { received: Some(Utc::now()), delivered: true, ..NewItem::from_mime(eml.clone()) },
            None => arrival(&mail, number),
        };
        ids.push(mailbox.create_item(folder, item)?.text());
    }
    Ok(json!({ "ids": ids }))
}

/// Which items: by id, or the newest `count` (1) of a folder.
#[derive(Deserialize)]
pub(super) struct Which {
    mailbox: String,
    #[serde(alias = "from")]
    folder: Option<Place>,
    count: Option<usize>,
    ids: Option<Vec<String>>,
}

impl Which {
    pub(super) fn find(&self, admin: &Admin) -> Result<(Mailbox, Vec<ItemId>), Refusal> {
        let mailbox = admin.mailbox(&self.mailbox)?;
        let ids = match (&self.ids, self.count) {
            (Some(_), Some(_)) => return Err(bad("give ids or count, not both")),
            (Some(ids), None) => {
                let parse = |id: &String| ItemId::parse(id).map_err(|_| bad(format!("{id:?} is no item's id")));
                ids.iter().map(parse).collect::<Result<_, _>>()?
            }
            (None, count) => {
                let place = self.folder.clone().unwrap_or(Place::WellKnown("inbox".into()));
                let found = mailbox.find(place.find(&mailbox)?, &Find { limit: count.unwrap_or(1), ..Find::default() })?;
                found.items.into_iter().map(|item| item.id).collect()
            }
        };
        Ok((mailbox, ids))
    }
}

#[derive(Deserialize)]
pub(super) struct Shift {
    #[serde(flatten)]
    which: Which,
    to: Place,
}

pub(super) fn shift(admin: &Admin, call: Shift, moving: bool) -> Answer {
    let (mailbox, ids) = call.which.find(admin)?;
    let to: FolderId = call.to.find(&mailbox)?;
    let mut done = Vec::new();
    for id in ids {
        let new = if moving { mailbox.move_item(id, to)? } else { mailbox.copy_item(id, to)? };
        done.push(json!({ "from": id.text(), "to": new.text() }));
    }
    Ok(json!({ "items": done }))
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    #[default]
    Hard,
    Soft,
    DeletedItems,
}

impl From<How> for DeleteHow {
    fn from(how: How) -> Self {
        match how {
            How::Hard => Self::Hard,
            How::Soft => Self::Soft,
            How::DeletedItems => Self::ToDeletedItems,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Delete {
    #[serde(flatten)]
    which: Which,
    #[serde(default)]
    how: How,
}

pub(super) fn delete(admin: &Admin, call: Delete) -> Answer {
    let (mailbox, ids) = call.which.find(admin)?;
    for id in &ids {
        mailbox.delete_item(*id, call.how.into())?;
    }
    Ok(texts(&ids))
}

#[derive(Deserialize)]
pub(super) struct Mark {
    #[serde(flatten)]
    which: Which,
    read: Option<bool>,
}

pub(super) fn mark(admin: &Admin, call: Mark) -> Answer {
    let (mailbox, ids) = call.which.find(admin)?;
    for id in &ids {
        mailbox.update_item(*id, &ItemUpdate { read: Some(call.read.unwrap_or(true)), ..ItemUpdate::default() })?;
    }
    Ok(texts(&ids))
}

#[derive(Deserialize)]
pub(super) struct Update {
    #[serde(flatten)]
    which: Which,
    subject: Option<String>,
    categories: Option<Vec<String>>,
}

pub(super) fn update(admin: &Admin, call: Update) -> Answer {
    if call.subject.is_none() && call.categories.is_none() {
        return Err(bad("give subject, categories, or both"));
    }
    let (mailbox, ids) = call.which.find(admin)?;
    let change = ItemUpdate { subject: call.subject.map(Some), categories: call.categories, ..ItemUpdate::default() };
    for id in &ids {
        mailbox.update_item(*id, &change)?;
    }
    Ok(texts(&ids))
}

#[derive(Deserialize)]
pub(super) struct Spoil {
    #[serde(flatten)]
    which: Which,
    code: Option<String>,
}

/// What a damaged item may be refused with ("EWS reference: ResponseCode").
const CODES: &[&str] = &[
    "ErrorItemCorrupt",
    "ErrorCorruptData",
    "ErrorMimeContentConversionFailed",
    "ErrorContentConversionFailed",
    "ErrorUnsupportedMimeConversion",
    "ErrorMessageSizeExceeded",
    "ErrorInternalServerError",
];

pub(super) fn spoil(admin: &Admin, call: Spoil) -> Answer {
    let wanted = call.code.as_deref().unwrap_or("ErrorItemCorrupt");
    let code = CODES.iter().find(|code| **code == wanted);
    let code = *code.ok_or_else(|| bad(format!("code: one of {}", CODES.join(", "))))?;
    let (mailbox, ids) = call.which.find(admin)?;
    for id in &ids {
        mailbox.spoil_item(*id, code)?;
    }
    Ok(texts(&ids))
}

fn texts(ids: &[ItemId]) -> serde_json::Value {
    json!({ "ids": ids.iter().map(ItemId::text).collect::<Vec<_>>() })
}
