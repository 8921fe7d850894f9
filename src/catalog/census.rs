//! What ledgers say, for whoever only asks: read beside the one who writes, without a lock, into a temporary index that nobody else sees.

mod doubts;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use rusqlite::{OptionalExtension, params};
use tokio::{runtime::Handle, sync::Mutex};

use super::{
    Error, Totals,
    book::Fault,
    identity::same_kind,
    index::{Batch, Index, read},
    ledger::{blocking, failed},
    line::{Line, Told},
    row::{Row, State, key, name},
    segments::{Look, Position},
};
use crate::{
    blob::Blobs,
    mail::{Address, Failure, FolderId, IdForm, Key, Listed, Mailbox},
    sink::{Stored, layout::Layout},
};

/// Where ledgers can be read.
#[derive(Clone, Debug)]
pub enum Records {
    /// In a folder.
    Folder(PathBuf),
    /// In a container.
    Container(Blobs),
}

impl Records {
    /// Reads a mailbox's ledger as it is now. One that does not exist is empty.
    pub async fn census(&self, mailbox: &Mailbox) -> Result<Census, Error> {
        let look = match self {
            Self::Folder(folder) => Look::Folder(Layout::new(folder).catalog(mailbox)),
            Self::Container(blobs) => Look::Container(blobs.clone(), blobs.layout().catalog(mailbox)),
        };
        let address = mailbox.address.clone();
        let runtime = Handle::current();
        let taken = blocking(move || Taken::new(look, runtime)).await;
        let taken = taken.map_err(|fault| failed(format!("reading the catalog of {address}"), fault))?;
        Ok(Census { mailbox: address, taken: Arc::new(Mutex::new(taken)) })
    }
}

/// How an item that Exchange lists stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its message is stored.
    Stored,
    /// A message that it may be is stored as another item: it moved, or came back, since.
    Moved,
    /// It is in quarantine.
    Quarantined,
    /// Nothing is stored of it.
    Missing,
}

/// A message that is stored, whatever became of it in the mailbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its key.
    pub key: Key,
    /// What was stored.
    pub stored: Stored,
    /// What is known of its item.
    pub listed: Listed,
    /// The folder it is, or was last, in.
    pub folder: FolderId,
    /// That folder's path.
    pub path: Vec<String>,
    /// Whether its item is in that folder as far as is known, readable or not.
    pub present: bool,
}

/// A message in quarantine.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    /// The key it would have.
    pub key: Key,
    /// What is known of its item.
    pub listed: Listed,
    /// The folder it is in.
    pub folder: FolderId,
    /// That folder's path.
    pub path: Vec<String>,
    /// Why.
    pub failure: Failure,
    /// When it was first put there.
    pub since: chrono::DateTime<chrono::Utc>,
    /// How often it was tried at least: the ledger is told when that has doubled.
    pub attempts: u64,
}

/// A place in a census. Only the order has meaning; the default is before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(i64);

/// One mailbox's ledger as it was read.
#[derive(Clone)]
pub struct Census {
    mailbox: Address,
    taken: Arc<Mutex<Taken>>,
}

impl Census {
    /// Reads what was written since.
    pub async fn catch_up(&self) -> Result<(), Error> {
        self.run(|taken| taken.catch_up()).await
    }

    /// Figures.
    pub async fn totals(&self) -> Result<Totals, Error> {
        self.run(|taken| Ok(taken.index.totals)).await
    }

    /// Whether there are messages that this form shows and that are known by ids of another one.
    pub async fn is_of_another_form(&self, form: IdForm) -> Result<bool, Error> {
        self.run(move |taken| {
            let mut after = 0;
            loop {
                let rows = taken.index.residents_after(after, form, true, AT_ONCE)?;
                let Some((last, _)) = rows.last() else { return Ok(false) };
                after = *last;
                if rows.iter().any(|(_, row)| form.shows(row.class.as_deref())) {
                    return Ok(true);
                }
            }
        })
        .await
    }

    /// How items that a folder's listing shows stand, in order. `all` folders listed, it is known which messages have left their places: only such a one
    /// can have moved, and to one place only.
    pub async fn standings(&self, folder: &FolderId, listed: Vec<Listed>, all: bool) -> Result<Vec<Standing>, Error> {
        let folder = folder.clone();
        self.run(move |taken| {
            let batch = taken.index.batch(false)?;
            let (_, walk, _) = batch.folder(&folder)?;
            let standings = listed.iter().map(|listed| standing(&batch, listed, walk, all)).collect::<rusqlite::Result<_>>()?;
            batch.commit()?;
            Ok(standings)
        })
        .await
    }

    /// How many messages are in a folder as far as is known, and how many of these its listing did not show.
    pub async fn unseen(&self, folder: &FolderId) -> Result<(u64, u64), Error> {
        let folder = folder.clone();
        self.run(move |taken| {
            let Some((number, walk, _)) = taken.index.folder(&folder)? else { return Ok((0, 0)) };
            let sql = "SELECT COUNT(*), COALESCE(SUM(seen < ?2), 0) FROM messages WHERE folder = ?1 AND state = 0";
            let counted = taken.index.connection().query_row(sql, [number, walk], |row| Ok((row.get(0)?, row.get(1)?)));
            let (live, unseen): (i64, i64) = counted?;
            Ok((live.unsigned_abs(), unseen.unsigned_abs()))
        })
        .await
    }

    /// Messages that are stored, the next behind a mark, at most `limit`.
    pub async fn kept(&self, after: Mark, limit: usize) -> Result<Vec<(Mark, Kept)>, Error> {
        self.run(move |taken| taken.kept_rows("stored AND rowid > ?1", after, limit)).await
    }

    /// The messages in quarantine.
    pub fn quarantine(&self) -> BoxStream<'static, Result<SetAside, Error>> {
        let portions = stream::try_unfold((self.clone(), Mark::default()), |(census, after)| async move {
            let some = census.set_aside(after, QUARANTINED).await?;
            let Some((last, _)) = some.last() else { return Ok(None) };
            let next = (census, *last);
            Ok(Some((stream::iter(some.into_iter().map(|(_, one)| Ok(one))), next)))
        });
        portions.try_flatten().boxed()
    }

    /// Messages in quarantine, the next behind a mark, at most `limit`.
    pub async fn set_aside(&self, after: Mark, limit: usize) -> Result<Vec<(Mark, SetAside)>, Error> {
        self.run(move |taken| {
            // Of a folder that was listed only what the listing showed: the rest has left since.
            let shown = "state = 2 AND rowid > ?1 AND (seen > 0 OR (SELECT walk FROM folders WHERE number = messages.folder) = 0)";
            let found = taken.rows(shown, after, limit)?;
            let set_aside = found.into_iter().map(|(mark, row)| {
                let about = taken.about(&row)?;
                let folder = taken.index.folder_id(row.folder)?;
                let failure = Failure { code: about.code, text: about.text };
                let (listed, attempts) = (row.listed(), row.attempts);
                Ok((mark, SetAside { key: key(&row.name), listed, folder, path: about.path, failure, since: about.since, attempts }))
            });
            set_aside.collect()
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Taken) -> Result<T, Fault> + Send + 'static) -> Result<T, Error> {
        let mut taken = Arc::clone(&self.taken).lock_owned().await;
        let done = blocking(move || work(&mut taken)).await;
        done.map_err(|fault| failed(format!("reading the catalog of {}", self.mailbox), fault))
    }
}

fn standing(batch: &Batch<'_>, listed: &Listed, walk: i64, all: bool) -> rusqlite::Result<Standing> {
    if let Some(row) = batch.by_item(&listed.id)? {
        batch.mark(&row.name, walk)?;
        return Ok(match row.state {
            State::Quarantined => Standing::Quarantined,
            _ if row.stored => Standing::Stored,
            _ => Standing::Missing,
        });
    }
    let alike = match &listed.search_key {
        Some(search_key) => batch.alike(search_key, listed.received.map(|at| at.timestamp()))?,
        None => Vec::new(),
    };
    // Copies, and the two halves of a mail to oneself, share the search key: one whose own item is there still is another message.
    match alike.iter().filter(|row| same_kind(row, listed)).find(|row| !all || row.seen == 0) {
        Some(row) if all => batch.mark(&row.name, walk).map(|()| Standing::Moved),
        Some(_) => Ok(Standing::Moved),
        None => Ok(Standing::Missing),
    }
}

/// Beside what the index of a ledger holds: where messages are, and why some are not.
const DETAILS: &str = "CREATE TABLE details (name BLOB PRIMARY KEY, path TEXT NOT NULL, object TEXT, sha256 TEXT, code TEXT, text TEXT,
    since INTEGER) WITHOUT ROWID";

/// Messages in quarantine taken out at once.
const QUARANTINED: usize = 1_000;

/// So many lines are taken in at once.
const AT_ONCE: usize = 2_000;

struct Taken {
    look: Look,
    runtime: Handle,
    index: Index,
}

/// What is known of a message beside its row.
#[derive(Default)]
struct About {
    path: Vec<String>,
    object: String,
    sha256: String,
    code: String,
    text: String,
    since: chrono::DateTime<chrono::Utc>,
}

impl Taken {
    fn new(look: Look, runtime: Handle) -> Result<Self, Fault> {
        // The empty path is a temporary file that goes with the connection (SQLite, "In-Memory Databases").
        let index = Index::open(Path::new(""))?;
        index.connection().execute_batch(DETAILS)?;
        index.connection().execute_batch(doubts::TABLES)?;
        let mut taken = Self { look, runtime, index };
        taken.catch_up()?;
        Ok(taken)
    }

    fn catch_up(&mut self) -> Result<(), Fault> {
        let from = self.index.position;
        let mut lines: Vec<Line> = Vec::new();
        let index = &mut self.index;
        let end = self.look.lines(from, &self.runtime, &mut |bytes| {
            match serde_json::from_slice(bytes) {
                Ok(line) => lines.push(line),
                Err(error) => tracing::warn!(%error, "a line of the catalog cannot be read and is passed over"),
            }
            if lines.len() >= AT_ONCE { apply(index, &mut lines) } else { Ok(()) }
        })?;
        apply(index, &mut lines)?;
        let mut batch = index.batch(false)?;
        batch.reach(end, &[])?;
        (index.totals, index.position) = batch.commit()?;
        Ok(())
    }

    fn rows(&self, condition: &str, after: Mark, limit: usize) -> rusqlite::Result<Vec<(Mark, Row)>> {
        let sql = format!("{} WHERE {condition} ORDER BY rowid LIMIT ?2", Index::ROWS);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.index.connection().prepare_cached(&sql)?;
        statement.query_map([after.0, limit], |row| Ok((Mark(row.get(17)?), read(row)?)))?.collect()
    }

    fn kept(&self, row: Row) -> rusqlite::Result<Kept> {
        let about = self.about(&row)?;
        Ok(Kept {
            key: key(&row.name),
            stored: Stored { object: about.object, bytes: row.bytes, sha256: about.sha256 },
            folder: self.index.folder_id(row.folder)?,
            path: about.path,
            present: row.present(),
            listed: row.listed(),
        })
    }

    fn about(&self, row: &Row) -> rusqlite::Result<About> {
        let sql = "SELECT path, object, sha256, code, text, since FROM details WHERE name = ?1";
        let mut statement = self.index.connection().prepare_cached(sql)?;
        let about = statement.query_row([row.name], |row| {
            let text = |column: usize| row.get::<_, Option<String>>(column).map(Option::unwrap_or_default);
            let since: Option<i64> = row.get(5)?;
            Ok(About {
                path: serde_json::from_str(&text(0)?).unwrap_or_default(),
                object: text(1)?,
                sha256: text(2)?,
                code: text(3)?,
                text: text(4)?,
                since: since.and_then(|at| chrono::DateTime::from_timestamp(at, 0)).unwrap_or_default(),
            })
        });
        Ok(about.optional()?.unwrap_or_default())
    }
}

fn apply(index: &mut Index, lines: &mut Vec<Line>) -> Result<(), Fault> {
    let mut batch = index.batch(false)?;
    for line in lines.drain(..) {
        // Where a line stands is of no concern here.
        if batch.apply(&line, Position::default())? {
            detail(&batch, &line)?;
        }
    }
    let position = batch.position;
    batch.reach(position, &[])?;
    (index.totals, _) = batch.commit()?;
    Ok(())
}

fn detail(batch: &Batch<'_>, line: &Line) -> rusqlite::Result<()> {
    let Some(name) = name(&line.key) else { return Ok(()) };
    let path = serde_json::to_string(&line.folder_path).unwrap_or_default();
    let connection = batch.connection();
    match line.event {
        Told::Stored => {
            let sql = "INSERT INTO details (name, path, object, sha256) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (name) DO UPDATE SET path = ?2, object = ?3, sha256 = ?4, code = NULL, text = NULL, since = NULL";
            connection.prepare_cached(sql)?.execute(params![name, path, line.object, line.sha256])?;
        }
        Told::Quarantined => {
            let sql = "INSERT INTO details (name, path, code, text, since) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (name) DO UPDATE SET path = ?2, code = ?3, text = ?4, since = COALESCE(since, ?5)";
            connection.prepare_cached(sql)?.execute(params![name, path, line.code, line.text, line.at.timestamp()])?;
        }
        Told::Moved => {
            connection.prepare_cached("UPDATE details SET path = ?2 WHERE name = ?1")?.execute(params![name, path])?;
        }
        Told::Readdressed | Told::Read | Told::Changed | Told::Deleted | Told::Vanished => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
