//! What reading one mailbox taught, until the process ends.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::mail::{FolderId, IdForm};

/// So long the server is not asked again for lists of changes that it did not have or broke down over. Mailboxes that were full, or whose cloud
/// learned a new trick, recover.
pub const FORGIVEN: Duration = Duration::from_secs(24 * 3600);

/// So often a folder's listing may die under way until the folder is listed by time instead.
const DEATHS: u32 = 2;

/// After so many rounds without news the newest link is kept for good: the server forgets links that are long out of use.
const ROUNDS: u32 = 240;

/// How often the messages of all folders are counted beside the list of changed folders: until it has told several times that counts changed,
/// and from then on.
const COUNTING: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(15 * 60));
const PROOFS: u32 = 3;

/// So often names of well-known folders may stay untold until the mailbox is read without them.
const NAMELESS: u32 = 3;

/// The lessons.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Lessons>);

#[derive(Debug, Default)]
struct Lessons {
    form: Option<IdForm>,
    /// Folders listed by time, and until when.
    listed: HashMap<FolderId, Instant>,
    deaths: HashMap<FolderId, u32>,
    tree_listed: Option<Instant>,
    hidden_unasked: bool,
    unordered: bool,
    windowless: bool,
    /// The link that the saved tree holds, the newest after it, and how often it came without news.
    link: Option<(String, String, u32)>,
    /// When messages were last counted, and how often changes told of counts.
    counted: Option<Instant>,
    counts_told: u32,
    nameless: u32,
}

impl Memory {
    /// How the mailbox writes ids, once that is known.
    pub fn form(&self) -> Option<IdForm> {
        self.with(|lessons| lessons.form)
    }

    /// Remembers how it writes ids.
    pub fn learn_form(&self, form: IdForm) {
        self.with(|lessons| lessons.form = Some(form));
    }

    /// Whether a folder is to be listed by time.
    pub fn lists(&self, folder: &FolderId) -> bool {
        self.with(|lessons| lessons.listed.get(folder).is_some_and(|until| *until > Instant::now()))
    }

    /// Lists a folder by time from now on, for a while.
    pub fn list(&self, folder: &FolderId) {
        self.with(|lessons| {
            lessons.listed.insert(folder.clone(), Instant::now() + FORGIVEN);
            lessons.deaths.remove(folder);
        });
    }

    /// Asks again for a folder's changes.
    pub fn forgive(&self, folder: &FolderId) {
        self.with(|lessons| lessons.listed.remove(folder));
    }

    /// A listing of a folder from the start died under way; whether that is once too often.
    pub fn died(&self, folder: &FolderId) -> bool {
        self.with(|lessons| {
            let deaths = lessons.deaths.entry(folder.clone()).or_default();
            *deaths += 1;
            *deaths >= DEATHS
        })
    }

    /// A listing came to its end.
    pub fn survived(&self, folder: &FolderId) {
        self.with(|lessons| lessons.deaths.remove(folder));
    }

    /// Whether folders are to be listed level by level.
    pub fn lists_tree(&self) -> bool {
        self.with(|lessons| lessons.tree_listed.is_some_and(|until| until > Instant::now()))
    }

    /// Lists folders level by level from now on, for a while.
    pub fn list_tree(&self) {
        self.with(|lessons| lessons.tree_listed = Some(Instant::now() + FORGIVEN));
    }

    /// Whether a list of changed folders takes no word about hidden ones.
    pub fn hidden_unasked(&self) -> bool {
        self.with(|lessons| lessons.hidden_unasked)
    }

    /// Remembers that it takes none.
    pub fn leave_hidden(&self) {
        self.with(|lessons| lessons.hidden_unasked = true);
    }

    /// Whether a list of changes takes no order.
    pub fn unordered(&self) -> bool {
        self.with(|lessons| lessons.unordered)
    }

    /// Remembers that it takes none.
    pub fn leave_order(&self) {
        self.with(|lessons| lessons.unordered = true);
    }

    /// Whether messages cannot be described by stretches of time.
    pub fn windowless(&self) -> bool {
        self.with(|lessons| lessons.windowless)
    }

    /// Remembers that they cannot.
    pub fn leave_windows(&self) {
        self.with(|lessons| lessons.windowless = true);
    }

    /// Remembers that a list of changed folders told that a folder holds more or fewer messages.
    pub fn tells_counts(&self) {
        self.with(|lessons| lessons.counts_told = lessons.counts_told.saturating_add(1));
    }

    /// Whether messages are to be counted now; true once each time. The first time is a while after the first question.
    pub fn counting_due(&self) -> bool {
        self.with(|lessons| {
            let every = if lessons.counts_told < PROOFS { COUNTING.0 } else { COUNTING.1 };
            let due = lessons.counted.is_some_and(|last| last.elapsed() >= every);
            if due || lessons.counted.is_none() {
                lessons.counted = Some(Instant::now());
            }
            due
        })
    }

    /// Names of well-known folders could not be told; whether that is to be put up with.
    pub fn go_nameless(&self) -> bool {
        self.with(|lessons| {
            lessons.nameless = lessons.nameless.saturating_add(1);
            lessons.nameless > NAMELESS
        })
    }

    /// The link to follow where the saved one is `saved`.
    pub fn newest(&self, saved: &str) -> String {
        self.with(|lessons| match &lessons.link {
            Some((known, newest, _)) if known == saved => newest.clone(),
            _ => saved.to_owned(),
        })
    }

    /// Remembers `newest` beside the saved link, so that a round without news saves nothing; true where it had better be saved after all.
    pub fn renew(&self, saved: &str, newest: String) -> bool {
        self.with(|lessons| {
            let rounds = match &lessons.link {
                Some((known, _, rounds)) if known == saved => rounds + 1,
                _ => 1,
            };
            lessons.link = Some((saved.to_owned(), newest, rounds));
            rounds >= ROUNDS
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Lessons) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn folders_are_forgiven_after_a_day() {
        let (memory, folder) = (Memory::default(), FolderId("f".into()));
        assert!(!memory.died(&folder) && memory.died(&folder));
        memory.list(&folder);
        assert!(memory.lists(&folder) && !memory.lists(&FolderId("g".into())));
        tokio::time::advance(FORGIVEN).await;
        assert!(!memory.lists(&folder));
        assert!(!memory.died(&folder));
    }

    #[test]
    fn a_newest_link_belongs_to_the_saved_one() {
        let memory = Memory::default();
        assert_eq!(memory.newest("a"), "a");
        assert!(!memory.renew("a", "b".into()));
        assert_eq!((memory.newest("a"), memory.newest("c")), ("b".into(), "c".into()));
        assert!((0..ROUNDS).any(|_| memory.renew("a", "d".into())));
    }
}
