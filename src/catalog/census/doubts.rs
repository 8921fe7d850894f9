//! What a look at a mailbox sets aside until its second look: items that seem to be missing, and messages that seem to be lost. It is kept beside the
//! index, on disk, since nobody knows how much it is.

use rusqlite::params;

use super::{Census, Kept, Mark, Taken};
use crate::{
    catalog::{Error, book::Fault, line::tag, row::name},
    mail::{FolderId, Key, Listed},
};

/// The items that a listing under way has shown, those that are doubtful, and the messages that are.
pub(super) const TABLES: &str = "CREATE TABLE shown (item INTEGER PRIMARY KEY);
    CREATE TABLE doubts (number INTEGER PRIMARY KEY, folder INTEGER NOT NULL, listed TEXT NOT NULL);
    CREATE INDEX doubts_by_folder ON doubts (folder, number);
    CREATE TABLE suspects (name BLOB PRIMARY KEY) WITHOUT ROWID;";

impl Census {
    /// A listing of a folder from its beginning follows.
    pub async fn listing_begins(&self, folder: &FolderId) -> Result<(), Error> {
        let folder = folder.clone();
        self.run(move |taken| {
            let batch = taken.index.batch(false)?;
            let (number, _, _) = batch.folder(&folder)?;
            batch.walk(number, true)?;
            batch.connection().execute("DELETE FROM shown", [])?;
            batch.connection().execute("DELETE FROM doubts WHERE folder = ?1", [number])?;
            batch.commit()?;
            Ok(())
        })
        .await
    }

    /// Those items that the listing under way shows for the first time: a listing may show an item several times.
    pub async fn first_shown(&self, mut listed: Vec<Listed>) -> Result<Vec<Listed>, Error> {
        self.run(move |taken| {
            let batch = taken.index.batch(false)?;
            let mut fresh = Vec::with_capacity(listed.len());
            for listed in &listed {
                let sql = "INSERT OR IGNORE INTO shown VALUES (?1)";
                fresh.push(batch.connection().prepare_cached(sql)?.execute([tag(listed.id.0.as_bytes())])? > 0);
            }
            batch.commit()?;
            let mut fresh = fresh.into_iter();
            listed.retain(|_| fresh.next() == Some(true));
            Ok(listed)
        })
        .await
    }

    /// Sets items of a folder aside.
    pub async fn doubt(&self, folder: &FolderId, items: Vec<Listed>) -> Result<(), Error> {
        let folder = folder.clone();
        self.run(move |taken| {
            let batch = taken.index.batch(false)?;
            let (number, _, _) = batch.folder(&folder)?;
            for item in &items {
                let item = serde_json::to_string(item).map_err(|error| Fault::Line(error.to_string()))?;
                let sql = "INSERT INTO doubts (folder, listed) VALUES (?1, ?2)";
                batch.connection().prepare_cached(sql)?.execute(params![number, item])?;
            }
            batch.commit()?;
            Ok(())
        })
        .await
    }

    /// The items of a folder that were set aside, the next behind a mark, at most `limit`.
    pub async fn doubted(&self, folder: &FolderId, after: Mark, limit: usize) -> Result<Vec<(Mark, Listed)>, Error> {
        let folder = folder.clone();
        self.run(move |taken| {
            let Some((number, _, _)) = taken.index.folder(&folder)? else { return Ok(Vec::new()) };
            let sql = "SELECT number, listed FROM doubts WHERE folder = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
            let mut statement = taken.index.connection().prepare_cached(sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![number, after.0, limit], |row| Ok((Mark(row.get(0)?), row.get::<_, String>(1)?)))?;
            rows.map(|row| {
                let (mark, listed) = row?;
                Ok((mark, serde_json::from_str(&listed).map_err(|error| Fault::Line(error.to_string()))?))
            })
            .collect()
        })
        .await
    }

    /// Sets messages aside.
    pub async fn suspect(&self, keys: Vec<Key>) -> Result<(), Error> {
        self.run(move |taken| {
            let batch = taken.index.batch(false)?;
            for name in keys.iter().filter_map(name) {
                batch.connection().prepare_cached("INSERT OR IGNORE INTO suspects VALUES (?1)")?.execute([name])?;
            }
            batch.commit()?;
            Ok(())
        })
        .await
    }

    /// The messages that were set aside and are stored, as they are known now; the next behind a mark, at most `limit`.
    pub async fn suspected(&self, after: Mark, limit: usize) -> Result<Vec<(Mark, Kept)>, Error> {
        self.run(move |taken| taken.kept_rows("stored AND rowid > ?1 AND name IN (SELECT name FROM suspects)", after, limit)).await
    }

    /// Whether anything was set aside.
    pub async fn doubts(&self) -> Result<bool, Error> {
        self.run(|taken| {
            let sql = "SELECT EXISTS (SELECT 1 FROM doubts) OR EXISTS (SELECT 1 FROM suspects)";
            Ok(taken.index.connection().query_row(sql, [], |row| row.get(0))?)
        })
        .await
    }
}

impl Taken {
    /// Messages that are stored and meet a condition.
    pub(super) fn kept_rows(&self, condition: &str, after: Mark, limit: usize) -> Result<Vec<(Mark, Kept)>, Fault> {
        let found = self.rows(condition, after, limit)?;
        found.into_iter().map(|(mark, row)| Ok((mark, self.kept(row)?))).collect()
    }
}
