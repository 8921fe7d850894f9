//! The generated items of a folder: item number n is a function of the seed and n, and made only when asked for.

use chrono::{DateTime, TimeDelta, Utc};

use super::kind::Kind;
use super::mail::{Letter, control_subject, mail};
use super::rng::Rng;
use super::words;
use super::{Content, recipe::Recipe};
use crate::store::{Address, Details, Importance, Mime, NewItem, Sensitivity};

/// What sort of folder the items lie in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    /// Received mail.
    #[default]
    Received,
    /// The owner's own mail.
    Sent,
    /// Never sent.
    Drafts,
}

/// So many bytes, with this weight among the sizes of a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SizeShare {
    /// Length of the MIME in bytes, met exactly unless the headers alone are longer.
    pub bytes: u64,
    /// Its weight.
    pub weight: u64,
}

/// The generated items of one folder.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Decides everything.
    pub seed: u64,
    /// How many items.
    pub count: u64,
    /// The mailbox's owner.
    pub owner: Address,
    /// What sort of folder.
    pub role: Role,
    /// Date of the oldest item.
    pub from: DateTime<Utc>,
    /// No item is later.
    pub to: DateTime<Utc>,
    /// Sizes; empty for 2 to 60 KiB.
    pub sizes: Vec<SizeShare>,
    /// The newest items are of these sizes: (bytes, how many).
    pub big: Vec<(u64, u64)>,
    /// Kinds with weights; empty for the usual mixture of mail.
    pub kinds: Vec<(Kind, u64)>,
    /// Share of unread items, the newest, in per cent.
    pub unread_percent: u64,
}

const SIZES: &[SizeShare] = &[
    SizeShare { bytes: 2_048, weight: 30 },
    SizeShare { bytes: 4_096, weight: 30 },
    SizeShare { bytes: 9_000, weight: 25 },
    SizeShare { bytes: 24_000, weight: 10 },
    SizeShare { bytes: 60_000, weight: 5 },
];

impl Batch {
    /// How many items are unread.
    pub fn unread(&self) -> u64 {
        self.count * self.unread_percent.min(100) / 100
    }

    /// When an item was received: the dates are spread evenly and in the order of the ordinals.
    pub fn date(&self, ordinal: u64) -> DateTime<Utc> {
        let span = i128::from((self.to - self.from).num_milliseconds().max(0));
        let step = span / i128::from(self.count.max(1));
        let jitter = Rng::of(&[self.seed, ordinal, 0xda7e]).below(u64::try_from(step).unwrap_or(0).max(1));
        let past = span * i128::from(ordinal) / i128::from(self.count.max(1)) + i128::from(jitter);
        self.from + TimeDelta::milliseconds(i64::try_from(past.min(span)).unwrap_or(0))
    }

    /// When an item was received, where that can be said without making it; its inner value is `None` for what never was.
    pub fn received(&self, ordinal: u64) -> Option<Option<DateTime<Utc>>> {
        if self.role == Role::Drafts {
            return Some(None);
        }
        let all_mail = self.kinds.iter().all(|(kind, _)| kind.is_mail());
        all_mail.then(|| Some(self.date(ordinal)))
    }

    fn size(&self, ordinal: u64, rng: &mut Rng) -> (u64, bool) {
        let mut from_newest = self.count.saturating_sub(ordinal + 1);
        for (bytes, count) in &self.big {
            if from_newest < *count {
                return (*bytes, true);
            }
            from_newest -= count;
        }
        let sizes = if self.sizes.is_empty() { SIZES } else { &self.sizes };
        let share = rng.weighted(sizes.iter().map(|share| share.weight));
        let bytes = sizes.get(share).map_or(4_096, |share| share.bytes);
        // The default sizes vary, those of a world file are exact.
        (if self.sizes.is_empty() { bytes + rng.below(bytes / 2) } else { bytes }, false)
    }

    /// The item of an ordinal; 0 is the oldest.
    pub fn make(&self, ordinal: u64) -> NewItem {
        self.make_at(ordinal, self.date(ordinal))
    }

    /// The item of an ordinal, at another date than the folder's spread gives it.
    pub fn make_at(&self, ordinal: u64, date: DateTime<Utc>) -> NewItem {
        let mut rng = Rng::of(&[self.seed, ordinal]);
        let (size, big) = self.size(ordinal, &mut rng);
        let kinds = if self.kinds.is_empty() { Kind::MAIL } else { &self.kinds };
        let drawn = kinds.get(rng.weighted(kinds.iter().map(|(_, weight)| *weight))).map_or(Kind::Text, |(kind, _)| *kind);
        let kind = if big { Kind::Attachment } else { drawn };
        let seed = rng.next_u64();
        let charset = rng.below(words::CHARSETS.len() as u64) as usize;
        let subject = match kind {
            Kind::MissingHeaders => None,
            Kind::ControlCharacters => Some(control_subject(&mut rng)),
            Kind::Charset => words::CHARSETS.get(charset).map(|(_, subject, _)| (*subject).to_owned()),
            Kind::EncodedHeaders => Some(format!("Größe, Maße und eine längere Überschrift {}", rng.below(500))),
            _ => Some(words::subject(&mut rng)),
        };
        let other = if kind == Kind::EncodedHeaders { words::foreigner(&mut rng) } else { words::person(&mut rng) };
        let more: Vec<Address> = (0..rng.below(3)).map(|_| words::person(&mut rng)).collect();
        let mine = self.role != Role::Received;
        let (from, to) = if mine { (self.owner.clone(), other) } else { (other, self.owner.clone()) };
        let bare = kind == Kind::MissingHeaders;
        let (from, to) = if bare { (None, Vec::new()) } else { (Some(from), vec![to]) };
        let cc = if bare { Vec::new() } else { more };
        let message_id = match kind {
            Kind::NoMessageId | Kind::Contact | Kind::Task | Kind::DistributionList | Kind::StickyNote | Kind::Appointment => None,
            Kind::DuplicateMessageId => Some(format!("<duplicate.{}@example.com>", seed % 3)),
            _ if self.role == Role::Drafts => None,
            _ => Some(format!("<{seed:016x}.{ordinal}@example.com>")),
        };
        let in_reply_to =
            subject.as_deref().filter(|subject| subject.starts_with("Re:")).map(|_| format!("<{:016x}@example.com>", rng.next_u64()));
        let received = kind.is_mail() && self.role != Role::Drafts;
        let letter = Letter {
            kind,
            seed,
            subject: subject.as_deref(),
            from: from.as_ref(),
            to: &to,
            cc: &cc,
            date,
            message_id: message_id.as_deref(),
            in_reply_to: in_reply_to.as_deref(),
            received: received && !mine,
            charset,
        };
        let mime = match kind.refusal() {
            Some(code) => Mime::Refused(code),
            None => Mime::Content(Content::recipe(recipe(&letter, size))),
        };
        NewItem {
            class: kind.class().to_owned(),
            sender: from.clone(),
            from,
            to,
            cc,
            bcc: Vec::new(),
            references: in_reply_to.clone(),
            in_reply_to,
            message_id,
            received: received.then_some(date),
            created: Some(date),
            sent: received.then(|| date - TimeDelta::seconds(3)),
            read: ordinal < self.count.saturating_sub(self.unread()),
            draft: self.role == Role::Drafts,
            from_me: self.role == Role::Sent,
            importance: if rng.chance(4) { Importance::High } else { Importance::Normal },
            sensitivity: if rng.chance(2) { Sensitivity::Private } else { Sensitivity::Normal },
            categories: if rng.chance(5) { vec!["Red category".to_owned()] } else { Vec::new() },
            has_attachments: matches!(kind, Kind::Attachment | Kind::Forwarded),
            text: format!("Hello, this is about {}.", subject.as_deref().unwrap_or("nothing")),
            details: details(kind, date, &mut rng),
            subject,
            mime,
            size: None,
            search_key: Some(Rng::of(&[self.seed, ordinal, 0x300b]).bytes16()),
            delivered: false,
        }
    }
}

fn recipe(letter: &Letter<'_>, size: u64) -> Recipe {
    // A calendar object has no room for a fill.
    mail(letter, if letter.kind == Kind::Appointment { 0 } else { size })
}

fn details(kind: Kind, date: DateTime<Utc>, rng: &mut Rng) -> Option<Details> {
    match kind {
        Kind::Contact => {
            let (given, surname) = words::names(rng);
            let email = format!("{}.{}@example.net", given.to_lowercase(), surname.to_lowercase());
            Some(Details::Contact { given, surname, company: "Example Ltd".to_owned(), email })
        }
        Kind::DistributionList => Some(Details::DistributionList((0..3).map(|_| words::person(rng)).collect())),
        Kind::Task => Some(Details::Task { due: date + TimeDelta::days(7), percent: (rng.below(11) * 10) as u8 }),
        Kind::Appointment => {
            let start = date + TimeDelta::days(1);
            Some(Details::Appointment { start, end: start + TimeDelta::hours(1), location: "Room 4".to_owned() })
        }
        Kind::StickyNote | Kind::Post => Some(Details::Note),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
