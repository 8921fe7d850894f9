//! A mailbox's segments and index together, as plain blocking calls: lines first, then the index, and repair of what a crash or a full disk left
//! between the two.

use std::{collections::HashMap, fmt, io, path::PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Decision, Entry, Place, Reach, Resident, Residents, SWEEP, Span, Stand, Totals, Unseen,
    claims::Claims,
    identity::{Known, Page},
    index::{Batch, Index, damaged, remove},
    line::{Line, Told},
    row::{Name, Row, State, key, name},
    segments::{Position, Segments},
    sightings::Sightings,
};
use crate::{
    blob,
    mail::{Address, Change, Folder, FolderId, IdForm, ItemId, Key, Listed},
};

/// How many lines are applied in one transaction while the index catches up.
const CATCH_UP: usize = 10_000;

/// Why an operation failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// A file.
    Disk(io::Error),
    /// The index; a damaged one is rebuilt before anybody hears of it.
    Index(rusqlite::Error),
    /// A line that cannot be written.
    Line(String),
    /// A container.
    Blob(blob::Error),
    /// Another process writes to this ledger; what it is called by.
    Overtaken(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Index(error)
    }
}

impl From<blob::Error> for Fault {
    fn from(error: blob::Error) -> Self {
        Self::Blob(error)
    }
}

/// What keeps other writers out as long as it is not dropped.
pub(super) type Held = Box<dyn fmt::Debug + Send>;

/// An open ledger.
#[derive(Debug)]
pub(super) struct Book {
    mailbox: Address,
    path: PathBuf,
    segments: Box<dyn Segments>,
    /// None while it is being rebuilt.
    index: Option<Index>,
    /// Whether the segments may hold lines that the index has not seen.
    behind: bool,
    claims: Claims,
    sightings: Sightings,
    /// How the ids of items are written from now on.
    form: IdForm,
    /// The time of the last line.
    told: DateTime<Utc>,
    _held: Held,
}

impl Book {
    /// Opens the index of these segments at `path`, and brings it up to them.
    pub(super) fn open(mailbox: Address, segments: Box<dyn Segments>, path: PathBuf, held: Held) -> Result<Self, Fault> {
        let mut book = Self {
            mailbox,
            path,
            segments,
            index: None,
            behind: true,
            claims: Claims::default(),
            sightings: Sightings::default(),
            form: IdForm::default(),
            told: DateTime::UNIX_EPOCH,
            _held: held,
        };
        book.mending(|_, _, _, _| Ok(()))?;
        Ok(book)
    }

    pub(super) fn identify(&mut self, folder: &FolderId, changes: &[Change]) -> Result<Vec<Decision>, Fault> {
        let mailbox = self.mailbox.clone();
        let decisions = self.mending(|index, _, claims, _| {
            let walking = index.folder(folder)?.is_some_and(|(_, walk, _)| walk > 0);
            let batch = index.batch(walking)?;
            let (here, walk, _) = batch.folder(folder)?;
            let mut looks = Looks { batch: &batch, walk };
            let mut page = Page::new(&mut looks, claims, &mailbox, here);
            let decisions = changes.iter().map(|change| page.decide(change)).collect::<Result<_, _>>()?;
            batch.commit()?;
            Ok(decisions)
        })?;
        let listed = changes.iter().filter_map(|change| match change {
            Change::Created(listed) | Change::Updated(listed) => Some(&listed.id),
            Change::ReadChanged { .. } | Change::Deleted(_) => None,
        });
        self.sightings.note(folder, listed);
        Ok(decisions)
    }

    pub(super) fn commit(&mut self, folder: &Folder, entries: &[Entry]) -> Result<usize, Fault> {
        let (mut told, form) = (self.told, self.form);
        let left = self.sightings.left(&folder.id, entries.iter().map(subject));
        let written = self.mending(|index, segments, _, behind| {
            let mut batch = index.batch(false)?;
            let (here, _, _) = batch.folder(&folder.id)?;
            let begin = segments.end();
            let (mut text, mut written) = (Vec::new(), 0);
            for (entry, left) in entries.iter().zip(&left) {
                let past = match entry {
                    Entry::Readdressed { .. } => None,
                    _ if !left => None,
                    // Another folder listed it later, and has it in the catalog already: what was seen here before is past.
                    _ => batch.by_item(subject(entry))?.filter(|row| row.present() && row.folder != here),
                };
                let elsewhere = match past {
                    // Its bytes took the place of those that the catalog tells of, so these are told; but of where it is, the other folder told.
                    Some(row) if is_new_content(entry, &row) => Some((batch.placed(row.folder)?, row.folder)),
                    Some(_) => continue,
                    None => None,
                };
                let (folder, here) = elsewhere.as_ref().map_or((folder, here), |(folder, number)| (folder, *number));
                let at = after(told);
                let Some(line) = novelty(&batch, folder, here, entry, at, form)? else { continue };
                // Within the line, wherever it ends: an append may begin a new segment.
                let place = Position { segment: begin.segment, offset: begin.offset + text.len() as u64 + 1 };
                if batch.apply(&line, place)? {
                    serde_json::to_writer(&mut text, &line).map_err(|error| Fault::Line(error.to_string()))?;
                    text.push(b'\n');
                    written += 1;
                    told = at;
                }
            }
            if written > 0 {
                // From here on the lines may count, whatever becomes of the index.
                *behind = true;
                segments.append(&text)?;
                let end = segments.end();
                batch.reach(end, &text[text.len().saturating_sub(64)..])?;
            }
            let (totals, position) = batch.commit()?;
            (index.totals, index.position) = (totals, position);
            *behind = false;
            Ok(written)
        })?;
        self.told = told;
        self.claims.release(entries.iter().map(subject));
        Ok(written)
    }

    pub(super) fn walk_begins(&mut self, folder: &FolderId, resumed: bool) -> Result<(), Fault> {
        self.mending(|index, _, _, _| {
            let batch = index.batch(true)?;
            let (number, walk, _) = batch.folder(folder)?;
            if !resumed || walk == 0 {
                batch.walk(number, !resumed)?;
            }
            batch.commit()?;
            Ok(())
        })
    }

    pub(super) fn walk_ended(&mut self, folder: &FolderId) -> Result<Unseen, Fault> {
        let form = self.form;
        self.mending(|index, _, _, _| {
            let Some((number, walk, whole)) = index.folder(folder)? else { return Ok(Unseen::default()) };
            let unseen = if whole && walk > 0 { unseen(index, number, walk, form)? } else { Vec::new() };
            if unseen.is_empty() && walk > 0 {
                if !whole {
                    tracing::info!("a listing was not marked from its beginning, so what it did not show is not taken for deleted");
                }
                let batch = index.batch(true)?;
                batch.rest(number)?;
                batch.commit()?;
            }
            Ok(Unseen { gone: unseen.into_iter().map(departure).collect(), whole: whole && walk > 0 })
        })
    }

    pub(super) fn folder_gone(&mut self, folder: &FolderId) -> Result<Vec<Entry>, Fault> {
        self.mending(|index, _, _, _| {
            let Some((number, _, _)) = index.folder(folder)? else { return Ok(Vec::new()) };
            let left = present(index, number, i64::MAX)?;
            if left.is_empty() {
                let batch = index.batch(true)?;
                batch.rest(number)?;
                batch.commit()?;
            }
            Ok(left.into_iter().map(departure).collect())
        })
    }

    pub(super) fn quarantined(&mut self, folder: &FolderId, after: Place, limit: usize) -> Result<Vec<(Place, Key, Listed)>, Fault> {
        self.mending(|index, _, _, _| {
            let Some((number, _, _)) = index.folder(folder)? else { return Ok(Vec::new()) };
            let rows = index.quarantined_after(after.0, number, limit.min(SWEEP))?;
            Ok(rows.into_iter().map(|(place, row)| (Place(place), key(&row.name), row.listed())).collect())
        })
    }

    pub(super) fn oldest_quarantined(&mut self, folder: &FolderId) -> Result<Option<DateTime<Utc>>, Fault> {
        self.mending(|index, _, _, _| {
            let Some((number, _, _)) = index.folder(folder)? else { return Ok(None) };
            Ok(index.oldest_quarantined(number)?.and_then(|seconds| DateTime::from_timestamp(seconds, 0)))
        })
    }

    pub(super) fn told(&mut self, folder: &FolderId, span: Span, limit: usize) -> Result<Vec<super::Told>, Fault> {
        let form = self.form;
        self.mending(|index, _, _, _| {
            let Some((number, _, _)) = index.folder(folder)? else { return Ok(Vec::new()) };
            let rows = index.told(number, form, position(span.after), position(span.until), limit.min(SWEEP))?;
            let told = |(Position { segment, offset }, row): (Position, Row)| super::Told {
                place: Reach(segment, offset),
                key: key(&row.name),
                listed: row.listed(),
                present: row.present(),
                stored: row.stored && row.state != State::Quarantined,
            };
            Ok(rows.into_iter().map(told).collect())
        })
    }

    /// Lines written from now on carry ids of this form.
    pub(super) fn speaks(&mut self, form: IdForm) {
        self.form = form;
    }

    pub(super) fn knows(&mut self, ids: &[ItemId]) -> Result<Vec<bool>, Fault> {
        self.mending(|index, _, _, _| Ok(ids.iter().map(|id| index.knows(id)).collect::<Result<_, _>>()?))
    }

    pub(super) fn stands(&mut self, ids: &[ItemId]) -> Result<Vec<Option<Stand>>, Fault> {
        self.mending(|index, _, _, _| {
            let batch = index.batch(false)?;
            let rows = ids.iter().map(|id| batch.by_item(id)).collect::<rusqlite::Result<Vec<_>>>()?;
            drop(batch);
            let stand = |row: Row| {
                let (folder, quarantined) = (index.folder_id(row.folder)?, row.state == State::Quarantined);
                Ok(Stand { key: key(&row.name), folder, stored: row.stored, quarantined })
            };
            Ok(rows.into_iter().map(|row| row.map(stand).transpose()).collect::<rusqlite::Result<_>>()?)
        })
    }

    pub(super) fn residents(&mut self) -> Result<Residents, Fault> {
        let form = self.form;
        self.mending(|index, _, _, _| {
            let (own, foreign) = index.residents(form)?;
            Ok(Residents { own, foreign })
        })
    }

    pub(super) fn sample(&mut self, foreign: bool, limit: usize) -> Result<Vec<Resident>, Fault> {
        let form = self.form;
        self.mending(|index, _, _, _| {
            let last = u64::try_from(index.last_place()?).unwrap_or(0);
            let mut found: Vec<(i64, Row)> = Vec::new();
            for n in 0..limit {
                let even = u128::from(last) * n as u128 / limit as u128;
                let behind = found.last().map_or(0, |(place, _)| *place).max(i64::try_from(even).unwrap_or(i64::MAX));
                match index.residents_after(behind, form, foreign, 1)?.pop() {
                    Some(next) => found.push(next),
                    None => break,
                }
            }
            residents(index, found)
        })
    }

    pub(super) fn foreign(&mut self, after: Place, limit: usize) -> Result<Vec<Resident>, Fault> {
        let form = self.form;
        self.mending(|index, _, _, _| {
            let found = index.residents_after(after.0, form, true, limit.min(SWEEP))?;
            residents(index, found)
        })
    }

    /// How far the durable lines reach.
    pub(super) fn reach(&self) -> Reach {
        let Position { segment, offset } = self.segments.end();
        Reach(segment, offset)
    }

    pub(super) fn totals(&mut self) -> Result<Totals, Fault> {
        self.mending(|index, _, _, _| Ok(index.totals))
    }

    /// All messages that are live, for comparison with a model.
    #[cfg(test)]
    pub(super) fn live_rows(&mut self) -> Vec<Row> {
        let folders = 0..10;
        let rows = self.mending(|index, _, _, _| {
            let found = folders.clone().map(|folder| index.in_folder(folder, State::Live, i64::MAX, SWEEP));
            Ok(found.collect::<rusqlite::Result<Vec<_>>>()?.concat())
        });
        rows.unwrap()
    }

    /// Does a piece of work with the index up to date. An index that turns out damaged is rebuilt, and the work is done once more.
    fn mending<T>(
        &mut self,
        mut work: impl FnMut(&mut Index, &mut dyn Segments, &mut Claims, &mut bool) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        for last in [false, true] {
            let done = self.caught_up().and_then(|()| match &mut self.index {
                Some(index) => work(index, self.segments.as_mut(), &mut self.claims, &mut self.behind),
                None => Err(Fault::Line("the index is not open".into())),
            });
            match done {
                Err(Fault::Index(error)) if !last && damaged(&error) => {
                    tracing::warn!(index = %self.path.display(), %error, "the catalog's index is damaged and is rebuilt");
                    self.discard()?;
                }
                done => return done,
            }
        }
        Err(Fault::Line("the index could not be rebuilt".into()))
    }

    fn caught_up(&mut self) -> Result<(), Fault> {
        if self.index.is_some() && !self.behind {
            return Ok(());
        }
        self.segments.settle()?;
        let index = match &mut self.index {
            Some(index) => index,
            empty => empty.insert(Index::open(&self.path)?),
        };
        index.recall()?;
        let start = Position::default();
        if index.position != start && self.segments.before(index.position)?.is_none_or(|bytes| bytes != index.before) {
            // Somebody took away or replaced the segments: what the index says is not what they tell.
            return Err(Fault::Index(rusqlite::Error::InvalidQuery));
        }
        catch_up(index, self.segments.as_ref())?;
        self.behind = false;
        Ok(())
    }

    fn discard(&mut self) -> io::Result<()> {
        self.index = None;
        self.behind = true;
        remove(&self.path)
    }
}

/// Applies what the segments hold beyond the index's position.
fn catch_up(index: &mut Index, segments: &dyn Segments) -> Result<(), Fault> {
    if index.position == segments.end() {
        return Ok(());
    }
    let mut lines = segments.lines(index.position)?;
    let mut text = Vec::new();
    index.bulk(true)?;
    loop {
        let mut batch = index.batch(false)?;
        let (mut position, mut applied) = (None, 0);
        while applied < CATCH_UP
            && let Some(next) = lines.next(&mut text)?
        {
            position = Some(next);
            applied += 1;
            match serde_json::from_slice::<Line>(&text) {
                Ok(line) => {
                    batch.apply(&line, next)?;
                }
                Err(error) => {
                    tracing::warn!(segment = next.segment, offset = next.offset, %error, "a line of the catalog is damaged and does not count")
                }
            }
        }
        let Some(position) = position else { break };
        let before = segments.before(position)?.unwrap_or_default();
        batch.reach(position, &before)?;
        (index.totals, index.position) = batch.commit()?;
    }
    index.bulk(false)?;
    Ok(())
}

fn position(Reach(segment, offset): Reach) -> Position {
    Position { segment, offset }
}

/// The time now, in microseconds as most readers keep them, and later than the last line's: sorted by time, lines are in their order.
fn after(last: DateTime<Utc>) -> DateTime<Utc> {
    let now = DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap_or_default();
    now.max(last + TimeDelta::microseconds(1))
}

/// The line of an entry, unless it tells nothing new. Entries about an item count for whatever message has that item now.
fn novelty(batch: &Batch<'_>, folder: &Folder, here: i64, entry: &Entry, at: DateTime<Utc>, spoken: IdForm) -> Result<Option<Line>, Fault> {
    let (key_of, by_item) = match entry {
        Entry::Stored { key, .. }
        | Entry::Moved { key, .. }
        | Entry::Readdressed { key, .. }
        | Entry::Quarantined { key, .. }
        | Entry::Vanished { key, .. } => (key, false),
        Entry::Read { key, .. } | Entry::Changed { key, .. } | Entry::Deleted { key, .. } => (key, true),
    };
    let named = name(key_of).ok_or_else(|| Fault::Line(format!("{key_of:?} is no key of this catalog")))?;
    let row = if by_item { batch.by_item(subject(entry))? } else { batch.by_name(&named)? };
    let key = row.as_ref().filter(|_| by_item).map_or_else(|| key_of.clone(), |row| key(&row.name));
    if let (Entry::Readdressed { id, .. }, Some(row)) = (entry, &row)
        && (!row.present() || batch.by_item(id)?.is_some_and(|other| other.present() && other.name != row.name))
    {
        return Ok(None);
    }
    // An entry about a known item keeps the form under which that is known.
    let form = row.as_ref().filter(|_| by_item).map_or(spoken, |row| row.form);
    let mut line = Line::of(entry, key, folder, at, form);
    if line.event == Told::Quarantined {
        line.attempts = Some(row.as_ref().map_or(0, |row| row.attempts) + 1);
    }
    Ok(match row {
        Some(row) if row.knows(&line, here) => {
            if line.event == Told::Quarantined {
                batch.tried(&row.name)?;
            }
            None
        }
        Some(_) => Some(line),
        None => (!by_item && line.event != Told::Readdressed).then_some(line),
    })
}

/// Whether an entry tells that the bytes of this very message were written anew.
fn is_new_content(entry: &Entry, row: &Row) -> bool {
    matches!(entry, Entry::Stored { key, .. } if name(key) == Some(row.name))
}

fn present(index: &Index, folder: i64, before_walk: i64) -> rusqlite::Result<Vec<Row>> {
    let mut rows = index.in_folder(folder, State::Live, before_walk, SWEEP)?;
    rows.extend(index.in_folder(folder, State::Quarantined, before_walk, SWEEP - rows.len())?);
    Ok(rows)
}

/// What a walk that is over did not see and should have: what is known through another interface, and not shown by this one, is passed over.
fn unseen(index: &mut Index, folder: i64, walk: i64, form: IdForm) -> rusqlite::Result<Vec<Row>> {
    loop {
        let rows = present(index, folder, walk)?;
        let (unseen, unshown): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| row.form == form || form.shows(row.class.as_deref()));
        if unshown.is_empty() {
            return Ok(unseen);
        }
        let batch = index.batch(true)?;
        for row in &unshown {
            batch.mark(&row.name, walk)?;
        }
        batch.commit()?;
        if !unseen.is_empty() {
            return Ok(unseen);
        }
    }
}

fn residents(index: &Index, rows: Vec<(i64, Row)>) -> Result<Vec<Resident>, Fault> {
    let mut folders: HashMap<i64, FolderId> = HashMap::new();
    let mut found = Vec::with_capacity(rows.len());
    for (place, row) in rows {
        let folder = match folders.get(&row.folder) {
            Some(folder) => folder.clone(),
            None => folders.entry(row.folder).or_insert(index.folder_id(row.folder)?).clone(),
        };
        found.push(Resident { key: key(&row.name), listed: row.listed(), folder, form: row.form, place: Place(place) });
    }
    Ok(found)
}

fn departure(row: Row) -> Entry {
    Entry::Deleted { key: key(&row.name), id: row.item }
}

fn subject(entry: &Entry) -> &ItemId {
    match entry {
        Entry::Stored { listed, .. } | Entry::Moved { listed, .. } | Entry::Quarantined { listed, .. } | Entry::Vanished { listed, .. } => {
            &listed.id
        }
        Entry::Readdressed { id, .. } | Entry::Read { id, .. } | Entry::Changed { id, .. } | Entry::Deleted { id, .. } => id,
    }
}

/// Look-ups for one page, which mark what a walk sees.
struct Looks<'b, 'c> {
    batch: &'b Batch<'c>,
    walk: i64,
}

impl Known for Looks<'_, '_> {
    type Error = rusqlite::Error;

    fn by_item(&mut self, id: &ItemId) -> rusqlite::Result<Option<Row>> {
        self.batch.by_item(id)
    }

    fn by_name(&mut self, name: &Name) -> rusqlite::Result<Option<Row>> {
        self.batch.by_name(name)
    }

    fn alike(&mut self, search_key: &[u8], received: Option<i64>) -> rusqlite::Result<Vec<Row>> {
        self.batch.alike(search_key, received)
    }

    fn seen(&mut self, row: &Row) -> rusqlite::Result<()> {
        if self.walk > 0 && row.seen != self.walk { self.batch.mark(&row.name, self.walk) } else { Ok(()) }
    }
}
