//! The index of a mailbox's catalog: an SQLite file that answers which message an item is. It holds nothing that the segments do not tell, except
//! the marks of walks under way and attempts at messages in quarantine since they were last told, so it may be lost at any time: it is caught up from the place it had reached, or rebuilt from the first line.
//! That place is part of every transaction, and a transaction ends only after its lines are durable, so the index is never ahead of them.

use std::{fs, io, path::Path};

use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row as Found, Transaction, TransactionBehavior, params,
    types::{FromSqlError, Type},
};

use super::{
    Totals,
    line::{Line, tag},
    row::{Name, Row, State, name},
    segments::Position,
};
use crate::mail::{Folder, FolderId, IdForm, ItemId};

/// Raised whenever the tables or their meaning change; an index of another format is rebuilt.
const FORMAT: i64 = 4;

/// How many messages with one search key are looked at: more copies than that are stored again rather than searched through.
const ALIKE: i64 = 32;

const TABLES: &str = "
CREATE TABLE place (one INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL, before BLOB NOT NULL,
    messages INTEGER NOT NULL, bytes INTEGER NOT NULL, quarantined INTEGER NOT NULL, walks INTEGER NOT NULL);
INSERT INTO place VALUES (1, 0, 0, x'', 0, 0, 0, 0);
CREATE TABLE folders (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, walk INTEGER NOT NULL DEFAULT 0, whole INTEGER NOT NULL DEFAULT 0,
    path TEXT NOT NULL DEFAULT '[]');
CREATE TABLE messages (name BLOB NOT NULL UNIQUE, item_tag INTEGER NOT NULL, item TEXT NOT NULL, folder INTEGER NOT NULL, received INTEGER,
    created INTEGER, class TEXT, size INTEGER, search_tag INTEGER, search_key BLOB, flags INTEGER, read INTEGER, state INTEGER NOT NULL,
    stored INTEGER NOT NULL, bytes INTEGER NOT NULL, digest INTEGER, seen INTEGER NOT NULL, form INTEGER NOT NULL,
    attempts INTEGER NOT NULL, told INTEGER NOT NULL);
CREATE INDEX by_item ON messages (item_tag);
CREATE INDEX by_search_key ON messages (search_tag) WHERE search_tag IS NOT NULL;
CREATE INDEX by_folder ON messages (folder, state, seen);
CREATE INDEX by_line ON messages (folder, told);
";

/// A query for whole rows, in the order in which [`read`] takes them.
macro_rules! rows {
    ($condition:literal) => {
        concat!(
            "SELECT name, item, folder, received, created, class, size, search_key, flags, read, state, stored, bytes, digest, seen, form, \
             attempts, rowid, told FROM messages ",
            $condition
        )
    };
}

/// An open index.
#[derive(Debug)]
pub(super) struct Index {
    connection: Connection,
    pub(super) totals: Totals,
    pub(super) position: Position,
    /// What the segments held before that position.
    pub(super) before: Vec<u8>,
}

impl Index {
    /// A query for whole rows, in the order in which [`read`] takes them, to be ended by a condition.
    pub(super) const ROWS: &str = rows!("");

    /// For queries of others.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Opens the file, making it where it is missing. An error for which [`damaged`] holds means that it must be rebuilt.
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        // The mailbox's lock keeps others out already; so the write-ahead log needs no shared memory, which network disks lack.
        connection.pragma_update(None, "locking_mode", "exclusive")?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "cache_size", -256)?;
        connection.pragma_update(None, "journal_size_limit", 4 * 1024 * 1024)?;
        let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if format == 0 {
            connection.execute_batch(&format!("BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT;"))?;
        } else if format != FORMAT {
            return Err(rusqlite::Error::InvalidQuery);
        }
        connection.set_prepared_statement_cache_capacity(32);
        let mut index = Self { connection, totals: Totals::default(), position: Position::default(), before: Vec::new() };
        index.recall()?;
        Ok(index)
    }

    /// Reads the figures as last committed.
    pub(super) fn recall(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT segment, offset, before, messages, bytes, quarantined FROM place";
        (self.position, self.before, self.totals) = self.connection.query_row(sql, [], |row| {
            let position = Position { segment: unsigned(row, 0)?, offset: unsigned(row, 1)? };
            let totals = Totals { messages: unsigned(row, 3)?, bytes: unsigned(row, 4)?, quarantined: unsigned(row, 5)? };
            Ok((position, row.get(2)?, totals))
        })?;
        Ok(())
    }

    /// Begins to write. `marks` makes the commit itself durable: a walk's marks are told by no line.
    pub(super) fn batch(&mut self, marks: bool) -> rusqlite::Result<Batch<'_>> {
        self.connection.pragma_update(None, "synchronous", if marks { "full" } else { "normal" })?;
        let (totals, position) = (self.totals, self.position);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Batch { transaction, totals, position })
    }

    /// More memory while many lines are applied at once, little otherwise.
    pub(super) fn bulk(&self, on: bool) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "cache_size", if on { -8192 } else { -256 })?;
        if on { Ok(()) } else { self.connection.execute_batch("PRAGMA shrink_memory") }
    }

    /// Up to `limit` messages of a folder in a state.
    pub(super) fn in_folder(&self, folder: i64, state: State, before_walk: i64, limit: usize) -> rusqlite::Result<Vec<Row>> {
        let sql = rows!("WHERE folder = ?1 AND state = ?2 AND seen < ?3 LIMIT ?4");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection.prepare_cached(sql)?.query_map(params![folder, state as i64, before_walk, limit], read)?.collect()
    }

    /// A folder's messages in quarantine, the next behind a place in the table, with their places.
    pub(super) fn quarantined_after(&self, place: i64, folder: i64, limit: usize) -> rusqlite::Result<Vec<(i64, Row)>> {
        let sql = rows!("WHERE rowid > ?1 AND folder = ?2 AND state = 2 ORDER BY rowid LIMIT ?3");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_map(params![place, folder, limit], |row| Ok((row.get(17)?, read(row)?)))?.collect()
    }

    /// Messages that are, or were last, in a folder, by ids of this form, whose last line lies behind one position and not behind another, in the order of
    /// these lines.
    pub(super) fn told(
        &self,
        folder: i64,
        form: IdForm,
        after: Position,
        until: Position,
        limit: usize,
    ) -> rusqlite::Result<Vec<(Position, Row)>> {
        let sql = rows!(
            "INDEXED BY by_line WHERE folder = ?1 AND told > ?2 AND told <= ?3 AND state IN (0, 1, 2) AND form = ?4 ORDER BY told LIMIT ?5"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(sql)?;
        let values = params![folder, packed(after), packed(until), number(form), limit];
        statement.query_map(values, |row| Ok((unpacked(row.get(18)?), read(row)?)))?.collect()
    }

    /// When the oldest of a folder's messages in quarantine came, in seconds since 1970.
    pub(super) fn oldest_quarantined(&self, folder: i64) -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT MIN(MAX(COALESCE(received, created), COALESCE(created, received))) FROM messages WHERE folder = ?1 AND state = 2";
        self.connection.prepare_cached(sql)?.query_row([folder], |row| row.get(0))
    }

    /// How many messages are in the mailbox as far as is known: those whose item ids are of this form, and the others.
    pub(super) fn residents(&self, form: IdForm) -> rusqlite::Result<(u64, u64)> {
        let sql = "SELECT COALESCE(SUM(form = ?1), 0), COALESCE(SUM(form <> ?1), 0) FROM messages WHERE state IN (0, 2)";
        self.connection.query_row(sql, [number(form)], |row| Ok((unsigned(row, 0)?, unsigned(row, 1)?)))
    }

    /// The next of them behind a place in the table, with their places: those of this form, or with `foreign` the others.
    pub(super) fn residents_after(&self, place: i64, form: IdForm, foreign: bool, limit: usize) -> rusqlite::Result<Vec<(i64, Row)>> {
        let sql = rows!("WHERE rowid > ?1 AND (form <> ?2) = ?3 AND state IN (0, 2) ORDER BY rowid LIMIT ?4");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_map(params![place, number(form), foreign, limit], |row| Ok((row.get(17)?, read(row)?)))?.collect()
    }

    /// The last place in the table.
    pub(super) fn last_place(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("SELECT COALESCE(MAX(rowid), 0) FROM messages", [], |row| row.get(0))
    }

    /// Whether some message is, or was last, this item.
    pub(super) fn knows(&self, id: &ItemId) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM messages WHERE item_tag = ?1 AND item = ?2";
        self.connection.prepare_cached(sql)?.exists(params![tag(id.0.as_bytes()), id.0])
    }

    /// A folder's id by its number.
    pub(super) fn folder_id(&self, number: i64) -> rusqlite::Result<FolderId> {
        let mut statement = self.connection.prepare_cached("SELECT id FROM folders WHERE number = ?1")?;
        statement.query_row([number], |row| row.get(0).map(FolderId))
    }

    /// A folder's number, walk (0 for none) and whether that walk was marked from its beginning.
    pub(super) fn folder(&self, id: &FolderId) -> rusqlite::Result<Option<(i64, i64, bool)>> {
        folder(&self.connection, id)
    }
}

/// Changes to the index, visible to its own look-ups at once and to others once committed. Dropped, they never were.
pub(super) struct Batch<'c> {
    transaction: Transaction<'c>,
    pub(super) totals: Totals,
    pub(super) position: Position,
}

impl Batch<'_> {
    /// For tables of others beside the index.
    pub(super) fn connection(&self) -> &Connection {
        &self.transaction
    }

    /// The message whose current item this is.
    pub(super) fn by_item(&self, id: &ItemId) -> rusqlite::Result<Option<Row>> {
        let sql = rows!("WHERE item_tag = ?1 AND item = ?2 ORDER BY state, rowid LIMIT 1");
        self.transaction.prepare_cached(sql)?.query_row(params![tag(id.0.as_bytes()), id.0], read).optional()
    }

    /// The message of this key.
    pub(super) fn by_name(&self, name: &Name) -> rusqlite::Result<Option<Row>> {
        let sql = rows!("WHERE name = ?1");
        self.transaction.prepare_cached(sql)?.query_row([name], read).optional()
    }

    /// Stored messages with this search key that were received in this second, those recorded as deleted first.
    pub(super) fn alike(&self, search_key: &[u8], received: Option<i64>) -> rusqlite::Result<Vec<Row>> {
        let sql = rows!("WHERE search_tag = ?1 AND search_key = ?2 AND received IS ?3 AND stored ORDER BY state <> 1, rowid LIMIT ?4");
        self.transaction.prepare_cached(sql)?.query_map(params![tag(search_key), search_key, received, ALIKE], read)?.collect()
    }

    /// A folder's number, walk and whether the walk is whole; the folder is entered where it is new.
    pub(super) fn folder(&self, id: &FolderId) -> rusqlite::Result<(i64, i64, bool)> {
        if let Some(found) = folder(&self.transaction, id)? {
            return Ok(found);
        }
        self.transaction.prepare_cached("INSERT INTO folders (id) VALUES (?1)")?.execute([&id.0])?;
        Ok((self.transaction.last_insert_rowid(), 0, false))
    }

    /// A folder as the last line of it tells.
    pub(super) fn placed(&self, number: i64) -> rusqlite::Result<Folder> {
        let mut statement = self.transaction.prepare_cached("SELECT id, path FROM folders WHERE number = ?1")?;
        statement.query_row([number], |row| {
            let path: String = row.get(1)?;
            Ok(Folder::bare(FolderId(row.get(0)?), serde_json::from_str(&path).unwrap_or_default()))
        })
    }

    fn call(&self, folder: i64, path: &[String]) -> rusqlite::Result<()> {
        let path = serde_json::to_string(path).unwrap_or_default();
        self.transaction.prepare_cached("UPDATE folders SET path = ?2 WHERE number = ?1 AND path <> ?2")?.execute(params![folder, path])?;
        Ok(())
    }

    /// Counts another attempt at a message in quarantine that no line tells of.
    pub(super) fn tried(&self, name: &Name) -> rusqlite::Result<()> {
        self.transaction.prepare_cached("UPDATE messages SET attempts = attempts + 1 WHERE name = ?1")?.execute([name])?;
        Ok(())
    }

    /// Applies a line that is, or is about to be made, part of the segments, at this position or ending there. Returns whether it is about a message that is
    /// known or stored now.
    pub(super) fn apply(&mut self, line: &Line, at: Position) -> rusqlite::Result<bool> {
        let Some(name) = name(&line.key) else { return Ok(false) };
        let (folder, walk, _) = self.folder(&line.folder_id)?;
        self.call(folder, &line.folder_path)?;
        let old = self.by_name(&name)?;
        let mints = matches!(line.event, super::line::Told::Stored | super::line::Told::Quarantined | super::line::Told::Vanished);
        let mut new = match &old {
            Some(old) => old.clone(),
            None if mints => Row::new(name, line.item_id.clone(), folder),
            None => return Ok(false),
        };
        new.apply(line, folder, walk);
        self.count(old.as_ref(), &new);
        self.put(&new, at)?;
        Ok(true)
    }

    fn count(&mut self, old: Option<&Row>, new: &Row) {
        let figures = |row: &Row| {
            let quarantined = u64::from(row.state == State::Quarantined);
            if row.stored { (1, row.bytes, quarantined) } else { (0, 0, quarantined) }
        };
        let (was, is) = (old.map_or((0, 0, 0), figures), figures(new));
        let totals = &mut self.totals;
        totals.messages = (totals.messages + is.0).saturating_sub(was.0);
        totals.bytes = totals.bytes.saturating_add(is.1).saturating_sub(was.1);
        totals.quarantined = (totals.quarantined + is.2).saturating_sub(was.2);
    }

    fn put(&self, row: &Row, told: Position) -> rusqlite::Result<()> {
        let sql = "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20) \
            ON CONFLICT (name) DO UPDATE SET item_tag = ?2, item = ?3, folder = ?4, received = ?5, created = ?6, class = ?7, size = ?8, \
            search_tag = ?9, search_key = ?10, flags = ?11, read = ?12, state = ?13, stored = ?14, bytes = ?15, digest = ?16, seen = ?17, \
            form = ?18, attempts = ?19, told = ?20";
        self.transaction.prepare_cached(sql)?.execute(params![
            row.name,
            tag(row.item.0.as_bytes()),
            row.item.0,
            row.folder,
            row.received,
            row.created,
            row.class,
            row.size.map(signed),
            row.search_key.as_deref().map(tag),
            row.search_key,
            row.flags,
            row.read,
            row.state as i64,
            row.stored,
            signed(row.bytes),
            row.digest,
            row.seen,
            number(row.form),
            signed(row.attempts),
            packed(told),
        ])?;
        Ok(())
    }

    /// Marks a message as seen by a walk.
    pub(super) fn mark(&self, name: &Name, walk: i64) -> rusqlite::Result<()> {
        self.transaction.prepare_cached("UPDATE messages SET seen = ?2 WHERE name = ?1")?.execute(params![name, walk])?;
        Ok(())
    }

    /// Puts a folder on a walk of its own. `whole`: it starts at the beginning, so that what it does not see is gone.
    pub(super) fn walk(&self, folder: i64, whole: bool) -> rusqlite::Result<()> {
        self.transaction.execute("UPDATE place SET walks = walks + 1", [])?;
        let sql = "UPDATE folders SET walk = (SELECT walks FROM place), whole = ?2 WHERE number = ?1";
        self.transaction.execute(sql, params![folder, whole])?;
        Ok(())
    }

    /// Ends a folder's walk.
    pub(super) fn rest(&self, folder: i64) -> rusqlite::Result<()> {
        self.transaction.execute("UPDATE folders SET walk = 0, whole = 0 WHERE number = ?1", [folder])?;
        Ok(())
    }

    /// Notes how far the segments are applied.
    pub(super) fn reach(&mut self, position: Position, before: &[u8]) -> rusqlite::Result<()> {
        self.position = position;
        let sql = "UPDATE place SET segment = ?1, offset = ?2, before = ?3, messages = ?4, bytes = ?5, quarantined = ?6";
        let totals = &self.totals;
        self.transaction.prepare_cached(sql)?.execute(params![
            signed(position.segment),
            signed(position.offset),
            before,
            signed(totals.messages),
            signed(totals.bytes),
            signed(totals.quarantined)
        ])?;
        Ok(())
    }

    /// Keeps the changes; returns the figures to remember.
    pub(super) fn commit(self) -> rusqlite::Result<(Totals, Position)> {
        self.transaction.commit()?;
        Ok((self.totals, self.position))
    }
}

/// Whether an error says that the file is no index of ours any more, rather than that the disk or its permissions fail.
pub(super) fn damaged(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::SchemaChanged
                | ErrorCode::TypeMismatch
                | ErrorCode::ConstraintViolation
                | ErrorCode::Unknown
                | ErrorCode::InternalMalfunction
        ),
        rusqlite::Error::InvalidQuery
        | rusqlite::Error::QueryReturnedNoRows
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}

/// Removes an index, which is made anew when it is opened next.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = path.as_os_str().to_owned();
        path.push(suffix);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

fn folder(connection: &Connection, id: &FolderId) -> rusqlite::Result<Option<(i64, i64, bool)>> {
    let mut statement = connection.prepare_cached("SELECT number, walk, whole FROM folders WHERE id = ?1")?;
    statement.query_row([&id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
}

pub(super) fn read(row: &Found<'_>) -> rusqlite::Result<Row> {
    let state: i64 = row.get(10)?;
    Ok(Row {
        name: row.get(0)?,
        item: ItemId(row.get(1)?),
        folder: row.get(2)?,
        received: row.get(3)?,
        created: row.get(4)?,
        class: row.get(5)?,
        size: row.get::<_, Option<i64>>(6)?.map(|size| size.unsigned_abs()),
        search_key: row.get(7)?,
        flags: row.get(8)?,
        read: row.get(9)?,
        state: State::from_number(state)
            .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(10, Type::Integer, Box::new(FromSqlError::OutOfRange(state))))?,
        stored: row.get(11)?,
        bytes: unsigned(row, 12)?,
        digest: row.get(13)?,
        seen: row.get(14)?,
        form: form(row, 15)?,
        attempts: unsigned(row, 16)?,
    })
}

const FORMS: [IdForm; 3] = [IdForm::Ews, IdForm::GraphImmutable, IdForm::GraphRest];

fn number(form: IdForm) -> i64 {
    match form {
        IdForm::Ews => 0,
        IdForm::GraphImmutable => 1,
        IdForm::GraphRest => 2,
    }
}

fn form(row: &Found<'_>, column: usize) -> rusqlite::Result<IdForm> {
    let found: i64 = row.get(column)?;
    let unknown = || rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(FromSqlError::OutOfRange(found)));
    FORMS.into_iter().find(|form| number(*form) == found).ok_or_else(unknown)
}

/// How many bits of a position's number are its offset: segments end long before.
const OFFSET: u32 = 40;

/// A position as one number, in the same order.
fn packed(at: Position) -> i64 {
    signed(at.segment.min((1 << (63 - OFFSET)) - 1) << OFFSET | at.offset.min((1 << OFFSET) - 1))
}

fn unpacked(number: i64) -> Position {
    let number = number.max(0).unsigned_abs();
    Position { segment: number >> OFFSET, offset: number & ((1 << OFFSET) - 1) }
}

/// SQLite knows signed integers only; no figure here comes near their end.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &Found<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| number.max(0).unsigned_abs())
}
