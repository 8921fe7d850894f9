//! Changes of a folder's messages (documentation page "message: delta").
//!
//! A first round tells what is there, page by page, and ends with a `deltaLink`; each later round begins with the link of the one before and
//! tells the net changes since. What was selected and filtered stands in the links, what was preferred does not.

use super::delta_token::{ChangeType, Dead, Token};
use super::entity::{Style, is_message};
use super::expand::Expand;
use super::ids::id_text;
use super::link;
use super::page::{self, Page};
use super::selection::{Property, Selection};
use crate::graph::folders::folder_of;
use crate::graph::query::{Compare, Literal};
use crate::graph::{Answer, Call, GraphError};
use crate::store::{Change, Folder, Item, ItemId, Listing, Mailbox, Position};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// The most entries of a page.
const MOST: usize = 500;
/// Entries of a page where none was preferred.
const USUAL: usize = 10;
/// The most messages a filtered first round tells in all.
const FILTERED: u32 = 5000;
/// Entries of history looked at for one page; a page with fewer entries than asked for follows from it.
const LOOKED: usize = 20_000;

/// One page.
pub(super) async fn delta(call: &Call<'_>, folder: &str) -> Answer {
    if call.method != "GET" {
        return Err(GraphError::unsupported(405));
    }
    let quirk = |name| call.state.quirks.has(name);
    let text = call.query.value("deltatoken").or_else(|| call.query.value("skiptoken"));
    if quirk("no-delta") {
        return Err(match text {
            Some(_) => GraphError::query("Parameter 'DeltaToken' not supported for this request."),
            None => GraphError::request("notSupported", "Change tracking is not supported against 'microsoft.graph.message'."),
        });
    }
    let mailbox = call.mailbox()?;
    let folder = mailbox.folder(folder_of(call, folder)?)?;
    if mailbox.is_full() {
        return Err(GraphError::new(
            403,
            "ErrorQuotaExceeded",
            "The process failed to get the correct properties: the mailbox has exceeded its quota.",
        ));
    }
    let mut token = match text {
        Some(text) => resume(call, text, &folder)?,
        None => begin(call)?,
    };
    let asked = call.prefer.page.unwrap_or(USUAL).min(MOST);
    let follows = text.is_some() && token.position.is_some_and(|position| position.below > 0 || position.cursor != position.head);
    let empty = quirk("delta-pages-empty") && follows && !token.paused;
    token.paused = empty;
    let style = page::style(call, token.selection.without_headers());
    let found = if empty { Round::default() } else { round(call, mailbox, &folder, &mut token, asked)? };
    let items = found.entries.iter().filter_map(|entry| match entry {
        Entry::Message(item) => Some(&**item),
        _ => None,
    });
    page::refuse_damage(items, style.selection, &Expand::default())?;
    let mut page = Page::begin(&format!("{}/$metadata#Collection(message)", call.root), None);
    if quirk("delta-removes-at-first") && text.is_none() {
        write(
            &mut page,
            mailbox,
            style,
            &Entry::Removed(ItemId { number: u64::MAX - 1, mailbox: folder.id.mailbox, generation: folder.id.generation }),
        );
    }
    for entry in &found.entries {
        write(&mut page, mailbox, style, entry);
    }
    if let Some(first) = found.entries.first().filter(|_| quirk("delta-repeats-entries")) {
        write(&mut page, mailbox, style, first);
    }
    token.generation = call.state.graph.generations.next(&call.app.client_id, &folder, token.generation);
    token.initial &= !found.last;
    let (name, option) = if found.last { ("@odata.deltaLink", "$deltatoken") } else { ("@odata.nextLink", "$skiptoken") };
    let link = format!("{}?{option}={}", link::address(call), token.encode(&folder));
    page.end(Some((name, &link)))
}

/// The state a first request asks for.
fn begin(call: &Call<'_>) -> Result<Token, GraphError> {
    let query = &call.query;
    if query.search.is_some() || query.count || query.skip > 0 {
        return Err(GraphError::query("The query parameters '$search', '$count' and '$skip' are not supported with change tracking."));
    }
    if !Expand::of(query.expand.as_deref())?.is_empty() && !call.state.quirks.has("delta-ignores-expand") {
        return Err(GraphError::new(500, "InternalServerError", "Value cannot be null.\r\nParameter name: type"));
    }
    let mut since: Option<DateTime<Utc>> = None;
    for term in &query.filter {
        let (Literal::Time(time), "receivedDateTime") = (&term.literal, term.property.as_str()) else {
            return Err(unfiltered());
        };
        let time = match term.compare {
            Compare::Ge => *time,
            Compare::Gt => time.checked_add_signed(TimeDelta::nanoseconds(1)).unwrap_or(*time),
            _ => return Err(unfiltered()),
        };
        since = since.max(Some(time));
    }
    let by_date = match query.order.as_slice() {
        [] => None,
        [(property, true)] if property == "receivedDateTime" => Some(None),
        _ => return Err(GraphError::query("Change tracking sorts by 'receivedDateTime desc' alone.")),
    };
    let top = query.top.map(|top| u32::try_from(top).unwrap_or(u32::MAX));
    let cap = since.map(|_| FILTERED);
    let changes = match query.value("changeType").map(str::to_ascii_lowercase).as_deref() {
        None => ChangeType::Any,
        Some("created") => ChangeType::Created,
        Some("updated") => ChangeType::Updated,
        Some("deleted") => ChangeType::Deleted,
        Some(other) => return Err(GraphError::query(format!("The value '{other}' of changeType is not supported."))),
    };
    Ok(Token {
        generation: 0,
        position: None,
        selection: Selection::of(query)?,
        // Nanoseconds since 1970 are what a token can hold.
        since: since.map(|since| since.clamp(DateTime::from_timestamp_nanos(i64::MIN), DateTime::from_timestamp_nanos(i64::MAX))),
        changes,
        initial: true,
        left: top.into_iter().chain(cap).min(),
        by_date,
        paused: false,
    })
}

fn unfiltered() -> GraphError {
    GraphError::query("The query parameter '$filter' supports only 'receivedDateTime ge' and 'receivedDateTime gt' with change tracking.")
}

/// The state a link carries, if it still serves.
fn resume(call: &Call<'_>, text: &str, folder: &Folder) -> Result<Token, GraphError> {
    let line = call.state.graph.generations.line(&call.app.client_id, folder);
    let lost = |generation: u64| {
        let newest = line.newest;
        let kept = line.kept.iter().filter(|kept| **kept != newest);
        let kept: String = kept.map(|kept| format!("[{kept}]")).collect();
        let message = format!("The sync state generation is not found; generation={generation};[highest={newest}][{newest}]{kept}.");
        let code = if call.state.quirks.has("resync-required") { "resyncRequired" } else { "SyncStateNotFound" };
        GraphError::new(410, code, message).header("Location", link::address(call))
    };
    match Token::decode(text, folder) {
        Ok(token) if line.kept.contains(&token.generation) => Ok(token),
        Ok(token) => Err(lost(token.generation)),
        Err(Dead::Expired) => Err(lost(0)),
        Err(Dead::Invalid) => Err(GraphError::request("SyncStateInvalid", "The sync state is invalid.")),
    }
}

/// An entry of a page.
enum Entry {
    Message(Box<Item>),
    /// Only the read state changed.
    Read(Box<Item>),
    Removed(ItemId),
}

/// The entries of a page.
#[derive(Default)]
struct Round {
    entries: Vec<Entry>,
    last: bool,
}

fn write(page: &mut Page, mailbox: &Mailbox, style: Style, entry: &Entry) {
    match entry {
        Entry::Message(item) => page.message(item, style, &[]),
        Entry::Read(item) => page.message(item, Style { selection: style.selection.only(Property::Read), ..style }, &[]),
        Entry::Removed(id) => {
            let id = id_text(mailbox, *id, style.immutable);
            page.value(&json!({"@odata.type": "#microsoft.graph.message", "id": id, "@removed": {"reason": "deleted"}}));
        }
    }
}

/// Where the first round is over.
fn over(position: Position) -> Position {
    Position { base: position.head, cursor: position.head, head: position.head, below: 0 }
}

/// Gathers the entries of a page and moves the token on.
fn round(call: &Call<'_>, mailbox: &Mailbox, folder: &Folder, token: &mut Token, limit: usize) -> Result<Round, GraphError> {
    let mut round = Round::default();
    if token.initial && token.by_date.is_some() {
        by_date(mailbox, folder, token, limit, &mut round)?;
    }
    // Entries of the history up to this one are generated messages older than the filter: nobody need look at them.
    let old = token.since.map(|since| mailbox.entries_before(folder.id, since)).transpose()?.unwrap_or(0);
    let mut looked = 0;
    while round.entries.len() < limit && !round.last {
        if let Some(position) = token.position.filter(|position| position.below > 0)
            && (token.left == Some(0) || position.below <= old + 1)
        {
            token.position = Some(over(position));
        }
        if looked >= LOOKED {
            break;
        }
        let enumerating = token.position.is_none_or(|position| position.below > 0);
        let mut room = limit - round.entries.len();
        if let Some(left) = token.left.filter(|_| enumerating) {
            room = room.min(left as usize).max(1);
        }
        let page = mailbox.changes(folder.id, token.position, room)?;
        looked += room;
        for change in page.changes {
            if let Some(entry) = entry(call, mailbox, folder, token, change, enumerating) {
                round.entries.push(entry);
                token.left = token.left.map(|left| left.saturating_sub(u32::from(enumerating)));
            }
        }
        token.position = Some(page.next);
        round.last = page.last;
    }
    Ok(round)
}

/// The entry a change becomes, if it is told at all.
fn entry(call: &Call<'_>, mailbox: &Mailbox, folder: &Folder, token: &Token, change: Change, enumerating: bool) -> Option<Entry> {
    if enumerating && token.left == Some(0) {
        return None;
    }
    let told = |item: &Item| is_message(&item.class) && token.since.is_none_or(|since| item.sort_date() >= since);
    let wanted = |kind| enumerating || matches!(token.changes, ChangeType::Any) || token.changes == kind;
    match change {
        Change::Create(item) => {
            let returned = || {
                call.prefer.immutable
                    && call.state.quirks.has("delta-drops-returned-items")
                    && token.position.is_some_and(|position| mailbox.returned(folder.id, position, item.id).unwrap_or(false))
            };
            (wanted(ChangeType::Created) && told(&item) && !returned()).then_some(Entry::Message(item))
        }
        Change::Update(item) => (wanted(ChangeType::Updated) && told(&item)).then_some(Entry::Message(item)),
        Change::ReadFlag(id, _) => {
            let item = mailbox.item(id).ok()?;
            (wanted(ChangeType::Updated) && told(&item)).then(|| Entry::Read(Box::new(item)))
        }
        Change::Delete(id) => wanted(ChangeType::Deleted).then_some(Entry::Removed(id)),
    }
}

/// A page of a first round that goes by date, the latest first.
fn by_date(mailbox: &Mailbox, folder: &Folder, token: &mut Token, limit: usize, round: &mut Round) -> Result<(), GraphError> {
    let position = match token.position {
        // What is written from here on is told when the list is through.
        None => over(mailbox.changes(folder.id, None, 0)?.next),
        Some(position) => position,
    };
    token.position = Some(position);
    let after = token.by_date.flatten();
    let earlier = |item: &Item| {
        let key = (item.sort_date().timestamp_nanos_opt().unwrap_or(0), item.id.number);
        after.is_none_or(|after| key < after)
    };
    let room = token.left.map_or(limit, |left| limit.min(left as usize));
    let listing = Listing {
        newest_first: true,
        from: token.since,
        before: after.map(|(nanos, _)| DateTime::from_timestamp_nanos(nanos.saturating_add(1))),
        limit: room,
        class: Some(is_message),
        filter: after.is_some().then_some(&earlier),
        ..Listing::default()
    };
    let found = mailbox.list(&[folder.id], &listing)?;
    token.left = token.left.map(|left| left.saturating_sub(u32::try_from(found.items.len()).unwrap_or(u32::MAX)));
    if let Some(last) = found.items.last() {
        token.by_date = Some(Some((last.sort_date().timestamp_nanos_opt().unwrap_or(0), last.id.number)));
    }
    if !found.more || token.left == Some(0) {
        token.by_date = None;
    }
    round.entries.extend(found.items.into_iter().map(|item| Entry::Message(Box::new(item))));
    Ok(())
}
