//! One writer a mailbox, by a blob that its holder writes anew every few seconds. No clock is trusted: who wants the lock watches whether the blob changes,
//! by its own time. What a holder that was thought dead still writes is refused by the tags of segments and checkpoints; this lock only keeps two from
//! hindering each other.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::{
    runtime::Handle,
    sync::OwnedMutexGuard,
    time::{Instant, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::holder::Holder;
use crate::blob::{self, Blobs, ContentKind, Kind, Mode, patiently};

/// How often a holder writes.
const RENEWED: Duration = Duration::from_secs(10);
/// A holder that wrote nothing for so long is gone.
const EXPIRED: Duration = Duration::from_secs(30);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_secs(2);
/// Giving back takes no longer.
const RELEASE: Duration = Duration::from_secs(10);

/// What the blob holds, readable for people.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    version: u32,
    /// Whether nobody holds it any more.
    released: bool,
    /// Tells this holding from all others.
    holding: String,
    #[serde(flatten)]
    holder: Holder,
    /// Where the holder's index is.
    index: String,
    /// Makes each writing another one.
    count: u64,
}

/// When each lock was first seen as it is. Remembered between attempts, so that the wait is not begun anew with each.
pub(super) type Seen = Mutex<HashMap<PathBuf, (String, Instant)>>;

/// A held lock.
#[derive(Debug)]
pub(super) struct Lease {
    held: Arc<Held>,
    renewing: Option<AbortOnDropHandle<()>>,
    /// Keeps this process's other attempts out until the lock is given back.
    turn: Option<OwnedMutexGuard<()>>,
    runtime: Handle,
}

#[derive(Debug)]
struct Held {
    blobs: Blobs,
    path: PathBuf,
    record: Mutex<Record>,
    tag: Mutex<String>,
    /// Who took it away.
    lost: Arc<OnceLock<String>>,
}

/// Why a lock was not taken.
#[derive(Debug)]
pub(super) enum Untaken {
    /// Somebody holds it.
    Held(String),
    /// The container.
    Blob(blob::Error),
}

impl From<blob::Error> for Untaken {
    fn from(error: blob::Error) -> Self {
        Self::Blob(error)
    }
}

impl Lease {
    /// Takes the lock; waits to see whether a holder lives, and no longer. Returns where the index of the one before was.
    pub(super) async fn take(
        blobs: &Blobs,
        path: &Path,
        index: &str,
        seen: &Seen,
        turn: OwnedMutexGuard<()>,
    ) -> Result<(Self, Option<String>), Untaken> {
        let attempt = || format!("locking {}", path.display());
        let own = Holder::own();
        let holding = crate::http::guid();
        let record =
            Record { version: 1, released: false, holding: holding.clone(), holder: own.clone(), index: index.to_owned(), count: 0 };
        loop {
            let found = patiently(|| blobs.get(path, attempt)).await?;
            let there = found.as_ref().map(|found| (serde_json::from_slice::<Record>(&found.bytes).ok(), found.tag.clone()));
            let mode = match &there {
                None => Mode::Create,
                // An answer was lost: it is ours already.
                Some((Some(record), tag)) if record.holding == holding => {
                    return Ok((Self::held(blobs, path, record.clone(), tag.clone(), turn), None));
                }
                Some((Some(record), tag)) if record.released || record.holder.dead(&own) => Mode::Update(tag.clone()),
                // Left by an attempt of this process that was given up, since its other ledgers keep their turn.
                Some((Some(record), tag)) if record.holder == own && record.index == index => Mode::Update(tag.clone()),
                Some((record, tag)) => match wait(seen, path, tag) {
                    Wait::Over => {
                        tracing::warn!(lock = %path.display(), "its holder shows no sign of life, so it is taken over");
                        Mode::Update(tag.clone())
                    }
                    Wait::On => {
                        sleep(LOOK).await;
                        continue;
                    }
                    Wait::InVain => return Err(Untaken::Held(described(path, record.as_ref()))),
                },
            };
            match blobs.put(path, ContentKind::Record, written(&record).into(), mode, attempt).await {
                Ok(tag) => {
                    lock(seen).remove(path);
                    let before = there.and_then(|(record, _)| record).map(|record| record.index);
                    return Ok((Self::held(blobs, path, record, tag, turn), before));
                }
                // Somebody was faster, or an answer was lost: the next look tells.
                Err(error) if matches!(error.kind, Kind::Conflict | Kind::Later(_)) => sleep(Duration::from_millis(50)).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn held(blobs: &Blobs, path: &Path, record: Record, tag: String, turn: OwnedMutexGuard<()>) -> Self {
        let held = Arc::new(Held {
            blobs: blobs.clone(),
            path: path.to_owned(),
            record: Mutex::new(record),
            tag: Mutex::new(tag),
            lost: Arc::default(),
        });
        let renewed = Arc::clone(&held);
        let renewing = tokio::spawn(async move {
            while renewed.lost.get().is_none() {
                sleep(RENEWED).await;
                if let Err(error) = renewed.write(false).await {
                    tracing::warn!(lock = %renewed.path.display(), %error, "a lock could not be renewed");
                }
            }
        });
        Self { held, renewing: Some(AbortOnDropHandle::new(renewing)), turn: Some(turn), runtime: Handle::current() }
    }

    /// Filled in with who took the lock away, should that happen.
    pub(super) fn lost(&self) -> Arc<OnceLock<String>> {
        Arc::clone(&self.held.lost)
    }
}

impl Held {
    /// Writes the record anew, over what we wrote last.
    async fn write(&self, released: bool) -> Result<(), blob::Error> {
        let attempt = || format!("renewing {}", self.path.display());
        let record = {
            let mut record = lock(&self.record);
            record.count += 1;
            record.released = released;
            record.clone()
        };
        for _ in 0..3 {
            let tag = lock(&self.tag).clone();
            let error = match self.blobs.put(&self.path, ContentKind::Record, written(&record).into(), Mode::Update(tag), attempt).await {
                Ok(tag) => {
                    *lock(&self.tag) = tag;
                    return Ok(());
                }
                Err(error) => error,
            };
            if !matches!(error.kind, Kind::Conflict | Kind::Missing) {
                return Err(error);
            }
            // Ours all the same where an answer was lost.
            let found = self.blobs.get(&self.path, attempt).await?;
            let there = found.as_ref().and_then(|found| serde_json::from_slice::<Record>(&found.bytes).ok());
            match (found, there) {
                (Some(found), Some(there)) if there.holding == record.holding => *lock(&self.tag) = found.tag,
                (_, there) => {
                    let _ = self.lost.set(described(&self.path, there.as_ref()));
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (renewing, turn, held) = (self.renewing.take(), self.turn.take(), Arc::clone(&self.held));
        self.runtime.spawn(async move {
            if let Some(renewing) = renewing {
                renewing.abort();
                // What it was about to write is written before, or never.
                let _ = renewing.await;
            }
            if held.lost.get().is_none()
                && let Ok(Err(error)) = timeout(RELEASE, held.write(true)).await
            {
                tracing::debug!(lock = %held.path.display(), %error, "a lock could not be given back; it expires");
            }
            drop(turn);
        });
    }
}

enum Wait {
    On,
    Over,
    InVain,
}

/// What watching a lock tells: it changes, so its holder lives; it did not change for long; or neither yet.
fn wait(seen: &Seen, path: &Path, tag: &str) -> Wait {
    let now = Instant::now();
    let mut seen = lock(seen);
    match seen.get_mut(path) {
        Some((known, since)) if known == tag => {
            if now.duration_since(*since) >= EXPIRED {
                Wait::Over
            } else {
                Wait::On
            }
        }
        Some(entry) => {
            *entry = (tag.to_owned(), now);
            Wait::InVain
        }
        None => {
            seen.insert(path.to_owned(), (tag.to_owned(), now));
            Wait::On
        }
    }
}

fn described(path: &Path, record: Option<&Record>) -> String {
    match record {
        Some(Record { holder, .. }) => format!("{} is held by process {} on {}", path.display(), holder.pid, holder.host),
        None => format!("{} is held by another program", path.display()),
    }
}

fn written(record: &Record) -> Bytes {
    // Texts and numbers always are JSON.
    serde_json::to_vec(record).unwrap_or_default().into()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
