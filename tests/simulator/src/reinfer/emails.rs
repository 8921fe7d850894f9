//! Emails: put, listed, looked for, deleted.

use super::check::{body, is_json, not_json};
use super::email::{self, NewEmail, list};
use super::refusal::{Answer, Refusal, done, ok};
use super::store::{Reinfer, Shelf};
use crate::counters::Counters;
use crate::http::{Request, form_pairs};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};
use std::fmt;
use std::io::BufReader;

/// Emails of a page where the client does not say.
const PAGE: usize = 64;
/// The most emails of a page.
const LARGEST_PAGE: usize = 256;
/// The most ids of one deletion.
const DELETED_AT_ONCE: usize = 32;

/// Bytes of a file that are read at once.
const READ: usize = 256 * 1024;

/// What a `PUT` holds.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) emails: Vec<NewEmail>,
    no_charge: bool,
}

/// Reads a `PUT`, one email after the other, so that no more than one of them is held beside what is kept.
pub(super) fn read(request: &Request, keep: bool, max: usize) -> Result<Upload, Refusal> {
    let no_charge = match query(request, &["no_charge"])?.pop() {
        None => false,
        Some((_, value)) if value == "true" => true,
        Some((_, value)) if value == "false" => false,
        Some((_, value)) => return Err(Refusal::value("no_charge", format!("{value:?} is neither true nor false"))),
    };
    is_json(request)?;
    let mut taken = Taken { keep, max, emails: Vec::new(), seen: false, refusal: None };
    let read = match &request.spooled {
        None => document(&mut taken, serde_json::Deserializer::from_slice(&request.body)),
        Some(spooled) => {
            let reader = BufReader::with_capacity(READ, spooled.reader());
            document(&mut taken, serde_json::Deserializer::from_reader(reader))
        }
    };
    match (taken.refusal, read) {
        (Some(refusal), _) => Err(refusal),
        (None, Err(error)) => Err(not_json(error)),
        (None, Ok(())) if !taken.seen => Err(Refusal::shape("emails", "is missing")),
        (None, Ok(())) if taken.emails.is_empty() => Err(Refusal::value("emails", "must not be empty")),
        (None, Ok(())) => Ok(Upload { emails: taken.emails, no_charge }),
    }
}

fn document<'de, R: serde_json::de::Read<'de>>(taken: &mut Taken, mut json: serde_json::Deserializer<R>) -> serde_json::Result<()> {
    Document(taken).deserialize(&mut json).and_then(|()| json.end())
}

/// What was read so far, or why no more is.
struct Taken {
    keep: bool,
    max: usize,
    emails: Vec<NewEmail>,
    seen: bool,
    refusal: Option<Refusal>,
}

impl Taken {
    /// Stops the reading.
    fn stop<E: serde::de::Error>(&mut self, refusal: Refusal) -> E {
        self.refusal = Some(refusal);
        E::custom("refused")
    }
}

/// The document: an object whose one member is `emails`.
struct Document<'a>(&'a mut Taken);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object with the member `emails`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name != "emails" || self.0.seen {
                return Err(self.0.stop(Refusal::shape(&name, if self.0.seen { "comes twice" } else { "is unknown" })));
            }
            self.0.seen = true;
            map.next_value_seed(Emails(self.0))?;
        }
        Ok(())
    }
}

/// The list of emails.
struct Emails<'a>(&'a mut Taken);

impl<'de> DeserializeSeed<'de> for Emails<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Emails<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of emails")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut emails: A) -> Result<(), A::Error> {
        while let Some(value) = emails.next_element::<Value>()? {
            let at = self.0.emails.len();
            if self.0.max > 0 && at >= self.0.max {
                let refusal = Refusal::value("emails", format!("more than {} of them in one request", self.0.max));
                return Err(self.0.stop(refusal));
            }
            match email::read(format!("emails[{at}]"), value, self.0.keep) {
                Ok(email) => self.0.emails.push(email),
                Err(refusal) => return Err(self.0.stop(refusal)),
            }
        }
        Ok(())
    }
}

/// `PUT`: all of the upload or, where it is refused, nothing of it.
pub(super) fn put(reinfer: &Reinfer, owner: &str, name: &str, upload: Upload, counters: &Counters) -> Answer {
    let mut shelves = reinfer.shelves();
    let change = shelves.change();
    let shelf = shelves.named(owner, name).ok_or_else(Refusal::missing)?;
    let (mut bytes, mut again) = (0, 0);
    let all = upload.emails.len() as u64;
    for email in upload.emails {
        bytes += email.mime.length;
        again += u64::from(!shelf.put(email, upload.no_charge, change));
    }
    counters.add("reinfer.emails", all);
    counters.add("reinfer.emails_again", again);
    counters.add("reinfer.mime_bytes", bytes);
    counters.raise("reinfer.most_emails", all);
    done()
}

/// `GET ?id=`: one email, or none.
pub(super) fn find(shelf: &Shelf, request: &Request) -> Answer {
    let ids = query(request, &["id"])?;
    match ids.as_slice() {
        [(_, id)] => ok(Value::Object(list(&shelf.email(id).cloned().into_iter().collect::<Vec<_>>()))),
        _ => Err(Refusal::shape("id", "one is to be given")),
    }
}

/// `DELETE ?id=&id=`.
pub(super) fn delete(shelf: &mut Shelf, request: &Request) -> Answer {
    let ids = query(request, &["id"])?;
    if ids.is_empty() || ids.len() > DELETED_AT_ONCE {
        return Err(Refusal::value("id", format!("from 1 to {DELETED_AT_ONCE} are to be given, not {}", ids.len())));
    }
    for (_, id) in &ids {
        shelf.delete(id);
    }
    done()
}

/// The parameters of a query, none but the known.
fn query(request: &Request, known: &[&str]) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = form_pairs(request.query.as_deref().unwrap_or_default());
    match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(Refusal::shape(name, "is no parameter of this query")),
        None => Ok(pairs),
    }
}

/// `POST`: a page of all emails.
pub(super) fn page(shelf: &Shelf, request: &Request) -> Answer {
    let mut fields = body(request)?;
    let (limit, from) = range(&mut fields)?;
    fields.end()?;
    let mut rest = shelf.from(from);
    let emails: Vec<_> = rest.by_ref().take(limit).map(|(_, email)| email.clone()).collect();
    let mut members = list(&emails);
    members.insert("continuation".to_owned(), json!(rest.next().map(|(place, _)| continuation(place))));
    ok(Value::Object(members))
}

/// `POST .../query`: a page of those that match. As many emails are looked at as a page may hold, so that pages may be short or empty before the
/// last: `more_results` alone tells the end.
pub(super) fn search(shelf: &Shelf, request: &Request) -> Answer {
    let mut fields = body(request)?;
    let (limit, from) = range(&mut fields)?;
    let first = fields.moment_or_null("from_timestamp")?;
    let end = fields.moment_or_null("to_timestamp")?;
    fields.drop_null("mailbox_name");
    let mailbox = fields.text("mailbox_name")?;
    fields.end()?;
    let mut rest = shelf.from(from);
    let looked_at: Vec<_> = rest.by_ref().take(limit).map(|(_, email)| email.clone()).collect();
    let next = rest.next().map(|(place, _)| continuation(place));
    let wanted = |email: &super::email::StoredEmail| {
        first.is_none_or(|first| email.timestamp >= first)
            && end.is_none_or(|end| email.timestamp < end)
            && mailbox.as_ref().is_none_or(|mailbox| *mailbox == email.mailbox)
    };
    let emails: Vec<_> = looked_at.into_iter().filter(|email| wanted(email)).collect();
    let mut members = list(&emails);
    members.insert("more_results".to_owned(), json!(next.is_some()));
    if let Some(next) = next {
        members.insert("continuation".to_owned(), json!(next));
    }
    ok(Value::Object(members))
}

/// How many emails, and from which place on.
fn range(fields: &mut super::check::Fields) -> Result<(usize, u64), Refusal> {
    let limit = fields.count("limit")?.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or_default());
    if limit == 0 || limit > LARGEST_PAGE {
        return Err(Refusal::value(&fields.at("limit"), format!("{limit} is not between 1 and {LARGEST_PAGE}")));
    }
    fields.drop_null("continuation");
    let from = match fields.text("continuation")? {
        None => 0,
        Some(text) => {
            let place = text.strip_prefix(MARK).and_then(|rest| u64::from_str_radix(rest, 16).ok());
            place.ok_or_else(|| Refusal::value(&fields.at("continuation"), "was not given out by this server"))?
        }
    };
    Ok((limit, from))
}

/// What continuations begin with: none is to be made by hand.
const MARK: &str = "c0ffee";

fn continuation(place: u64) -> String {
    format!("{MARK}{place:016x}")
}
