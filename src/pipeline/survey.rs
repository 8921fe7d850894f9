//! A folder's listing taken whole first, and handed out from the oldest message on.
//!
//! Exchange lists a folder's newest messages first, or in no order at all. Where nothing is kept but a time before which all is delivered, that time
//! could not pass until the last message of the listing is stored, and whoever is interrupted would begin again. So the listing is kept aside, on disk
//! and without a name that could outlive the process, and its messages are fetched by their age: the time passes with them.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::Trouble;
use crate::{
    catalog,
    mail::{Change, Cursor, ItemId, Listed, Page},
};

/// How far messages were handed out. Only the order has meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handed(Option<(i64, i64)>);

/// A listing and what is left of it.
#[derive(Clone)]
pub struct Survey {
    listing: Arc<Mutex<Connection>>,
    /// Where the listing goes on, and once it is whole, where changes behind it begin.
    pub cursor: Option<Cursor>,
    /// Whether it is whole.
    pub whole: bool,
    handed: Handed,
    /// When the listing began: of what came since it tells nothing.
    pub began: DateTime<Utc>,
}

impl Survey {
    /// An empty one.
    pub fn new() -> Result<Self, Trouble> {
        // The empty path is a database in a temporary file that nobody else can open and that goes with the connection (SQLite, "In-Memory Databases").
        let open = || {
            let listing = Connection::open("")?;
            listing.execute_batch(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -256;
                CREATE TABLE listed (number INTEGER PRIMARY KEY, item TEXT NOT NULL UNIQUE, came INTEGER NOT NULL, received INTEGER, created INTEGER,
                    modified INTEGER, size INTEGER, class TEXT, search_key BLOB, flags INTEGER);
                CREATE INDEX by_age ON listed (came, number);",
            )?;
            Ok(listing)
        };
        let listing = open().map_err(failed)?;
        Ok(Self { listing: Arc::new(Mutex::new(listing)), cursor: None, whole: false, handed: Handed::default(), began: Utc::now() })
    }

    /// Takes a page of the listing in.
    pub async fn note(&mut self, page: Page, whole: bool) -> Result<(), Trouble> {
        let changes = page.changes;
        self.run(move |listing| {
            let batch = listing.transaction()?;
            for change in &changes {
                match change {
                    Change::Created(listed) | Change::Updated(listed) => put(&batch, listed, true)?,
                    // The listing of an item may be followed by a change of its flag.
                    Change::ReadChanged { id, .. } => put(&batch, &Listed::bare(id.clone()), false)?,
                    Change::Deleted(id) => drop(batch.execute("DELETE FROM listed WHERE item = ?1", [&id.0])?),
                }
            }
            batch.commit()
        })
        .await?;
        (self.cursor, self.whole) = (Some(page.cursor), whole);
        Ok(())
    }

    /// The next messages, oldest first, at most `limit`; how far that is; and whether none are left behind them.
    pub async fn hand_out(&mut self, limit: usize) -> Result<(Vec<Change>, Handed, bool), Trouble> {
        let Handed(from) = self.handed;
        let (came, number) = from.unwrap_or((i64::MIN, -1));
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut rows = self
            .run(move |listing| {
                let sql = "SELECT came, number, item, received, created, modified, size, class, search_key, flags FROM listed
                    WHERE (came, number) > (?1, ?2) ORDER BY came, number LIMIT ?3";
                let mut query = listing.prepare_cached(sql)?;
                let rows = query.query_map(params![came, number, wanted], |row| Ok(((row.get(0)?, row.get(1)?), read(row)?)))?;
                rows.collect::<rusqlite::Result<Vec<((i64, i64), Listed)>>>()
            })
            .await?;
        let last = rows.len() <= limit;
        rows.truncate(limit);
        if let Some((place, _)) = rows.last() {
            self.handed = Handed(Some(*place));
        }
        Ok((rows.into_iter().map(|(_, listed)| Change::Created(listed)).collect(), self.handed, last))
    }

    /// What was handed out behind `place` is handed out again.
    pub fn back_to(&mut self, place: Handed) {
        self.handed = place;
    }

    /// The time before which nothing is left behind `place`; none where nothing is left at all, or no message has a date.
    pub async fn delivered_until(&self, place: Handed) -> Result<Option<DateTime<Utc>>, Trouble> {
        let Handed(from) = place;
        let (came, number) = from.unwrap_or((i64::MIN, -1));
        let oldest = self
            .run(move |listing| {
                let sql = "SELECT came FROM listed WHERE (came, number) > (?1, ?2) AND came > ?3 ORDER BY came, number LIMIT 1";
                listing.query_row(sql, params![came, number, UNDATED], |row| row.get::<_, i64>(0)).optional()
            })
            .await?;
        Ok(oldest.and_then(DateTime::from_timestamp_micros))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Trouble> {
        let listing = self.listing.clone();
        let done = tokio::task::spawn_blocking(move || work(&mut listing.lock().unwrap_or_else(PoisonError::into_inner))).await;
        match done {
            Ok(done) => done.map_err(failed),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// Messages without a date come before all others: they are fetched by every listing, whatever time was reached.
const UNDATED: i64 = i64::MIN;

fn put(listing: &Connection, listed: &Listed, replace: bool) -> rusqlite::Result<()> {
    let micros = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_micros());
    let sql = if replace {
        "INSERT INTO listed (item, came, received, created, modified, size, class, search_key, flags)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (item) DO UPDATE SET came = ?2, received = ?3, created = ?4, modified = ?5, size = ?6, class = ?7, search_key = ?8,
            flags = ?9"
    } else {
        "INSERT OR IGNORE INTO listed (item, came, received, created, modified, size, class, search_key, flags)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    };
    listing.prepare_cached(sql)?.execute(params![
        listed.id.0,
        micros(listed.came()).unwrap_or(UNDATED),
        micros(listed.received),
        micros(listed.created),
        micros(listed.modified),
        listed.size.map(|size| i64::try_from(size).unwrap_or(i64::MAX)),
        listed.class,
        listed.search_key,
        listed.flags,
    ])?;
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Listed> {
    let at = |micros: Option<i64>| micros.and_then(DateTime::from_timestamp_micros);
    Ok(Listed {
        id: ItemId(row.get(2)?),
        received: at(row.get(3)?),
        created: at(row.get(4)?),
        modified: at(row.get(5)?),
        size: row.get::<_, Option<i64>>(6)?.and_then(|size| u64::try_from(size).ok()),
        class: row.get(7)?,
        search_key: row.get(8)?,
        flags: row.get(9)?,
    })
}

fn failed(error: rusqlite::Error) -> Trouble {
    catalog::Error {
        attempt: "keeping a listing in a temporary file".into(),
        cause: error.to_string(),
        hint: Some("let the folder that TMPDIR names have some space".into()),
        locked: false,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(1_700_000_000 + second, 0)
    }

    fn listed(id: &str, received: Option<i64>, created: Option<i64>) -> Listed {
        let date = |second: Option<i64>| second.and_then(at);
        Listed { received: date(received), created: date(created), size: Some(7), flags: Some(1), ..Listed::bare(ItemId(id.into())) }
    }

    fn page(changes: Vec<Change>, cursor: &str) -> Page {
        Page { changes, cursor: Cursor(cursor.into()), last: false, certain: true }
    }

    async fn names(survey: &mut Survey, limit: usize) -> (Vec<String>, Handed, bool) {
        let (changes, handed, last) = survey.hand_out(limit).await.unwrap();
        let name = |change: &Change| match change {
            Change::Created(listed) => listed.id.0.clone(),
            other => panic!("{other:?}"),
        };
        (changes.iter().map(name).collect(), handed, last)
    }

    #[tokio::test]
    async fn messages_are_handed_out_by_age_once_each() {
        let mut survey = Survey::new().unwrap();
        let new = Change::Created(listed("new", Some(300), None));
        let imported = Change::Created(listed("imported", Some(10), Some(200)));
        let gone = Change::Created(listed("gone", Some(5), None));
        survey.note(page(vec![new.clone(), imported, gone], "1"), false).await.unwrap();
        let old = Change::Created(listed("old", Some(100), None));
        let read = Change::ReadChanged { id: ItemId("new".into()), read: true };
        let bare = Change::ReadChanged { id: ItemId("bare".into()), read: true };
        survey.note(page(vec![old, read, bare, new, Change::Deleted(ItemId("gone".into()))], "2"), true).await.unwrap();
        assert!(survey.whole);
        assert_eq!(survey.cursor, Some(Cursor("2".into())));

        assert_eq!(survey.delivered_until(Handed::default()).await.unwrap(), at(100));
        let (first, place, last) = names(&mut survey, 2).await;
        assert_eq!((first.as_slice(), last), (["bare".to_owned(), "old".to_owned()].as_slice(), false));
        assert_eq!(survey.delivered_until(place).await.unwrap(), at(200));
        let (rest, end, last) = names(&mut survey, 9).await;
        assert_eq!((rest.as_slice(), last), (["imported".to_owned(), "new".to_owned()].as_slice(), true));
        assert_eq!(survey.delivered_until(end).await.unwrap(), None);
        survey.back_to(place);
        assert_eq!(names(&mut survey, 9).await.0, rest);
        assert_eq!(names(&mut survey, 9).await, (vec![], end, true));
    }

    #[tokio::test]
    async fn what_was_listed_is_handed_out_whole() {
        let mut survey = Survey::new().unwrap();
        let whole = Listed {
            class: Some("IPM.Note".into()),
            search_key: Some(vec![1, 2]),
            created: at(2),
            modified: at(3),
            ..listed("a", Some(1), None)
        };
        survey.note(page(vec![Change::Created(whole.clone())], "1"), true).await.unwrap();
        assert_eq!(survey.hand_out(1).await.unwrap().0, [Change::Created(whole)]);
    }
}
