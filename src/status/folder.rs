//! A folder as a watcher sees it, folded from events.

use std::collections::VecDeque;

use exchange_sync_tui::status::{Figures, Folder, FolderState};

use crate::event::Seen;

/// A folder, and what is needed to tell how much of it is left.
#[derive(Debug)]
pub struct FolderRow {
    /// Its name in the JSON: short, and the same for as long as the process lives.
    pub key: String,
    /// What is seen of it.
    pub folder: Folder,
    /// The revision of its last change.
    pub changed: u64,
    /// Entries listed since its listing from the start began, and messages found wanted among them; none while it is listed from a cursor.
    walk: Option<(u64, u64)>,
    /// Pages that came and are not done with, oldest first.
    open: VecDeque<Page>,
}

/// What a page told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Entries on it.
    pub changes: u64,
    /// Messages to be downloaded.
    pub wanted: u64,
    /// Messages that filters leave out.
    pub passed_over: u64,
    /// Messages that are stored already.
    pub known: u64,
}

impl FolderRow {
    /// A folder that was seen.
    pub fn new(key: String, seen: &Seen, changed: u64) -> Self {
        let mut row = Self { key, folder: Folder::default(), changed, walk: None, open: VecDeque::new() };
        row.see(seen);
        row
    }

    /// It was listed; whether anything is new.
    pub fn see(&mut self, seen: &Seen) -> bool {
        let items = seen.items.unwrap_or(0);
        let news = self.folder.path != seen.path || self.folder.figures.items != items;
        if news {
            self.folder.path.clone_from(&seen.path);
            self.folder.figures.items = items;
            self.estimate();
        }
        news
    }

    /// It is to be visited. Gives what was listed in the visit before and will be listed again: that was broken off before it was done with it.
    pub fn due(&mut self, whole: bool) -> Page {
        let again = self.open.drain(..).fold(Page::default(), |sum, page| Page {
            changes: sum.changes + page.changes,
            wanted: sum.wanted + page.wanted,
            ..sum
        });
        let figures = &mut self.folder.figures;
        (figures.wanted, figures.listed) = (figures.wanted.saturating_sub(again.wanted), figures.listed.saturating_sub(again.changes));
        // What was stored of it is known when it comes again.
        figures.wanted = figures.wanted.max(figures.stored);
        if let Some((seen, found)) = &mut self.walk {
            (*seen, *found) = (seen.saturating_sub(again.changes), found.saturating_sub(again.wanted));
        }
        self.folder.state = FolderState::Queued;
        // A listing in several rounds is one walk.
        self.walk = if whole { Some(self.walk.unwrap_or_default()) } else { None };
        self.estimate();
        again
    }

    /// Its listing begins anew.
    pub fn resync(&mut self) {
        self.walk = Some((0, 0));
        self.estimate();
    }

    /// A page came.
    pub fn listed(&mut self, page: Page, kept: bool) {
        let figures = &mut self.folder.figures;
        figures.listed += page.changes;
        figures.wanted += page.wanted;
        if let Some((seen, found)) = &mut self.walk {
            *seen += page.changes;
            *found += page.wanted;
        }
        if !kept {
            self.open.push_back(page);
        }
        self.folder.state = if figures.wanted > figures.stored { FolderState::Syncing } else { FolderState::Listing };
        self.estimate();
    }

    /// All that the oldest page that is not done with asked for is done.
    pub fn page_done(&mut self) -> Page {
        let page = self.open.pop_front().unwrap_or_default();
        self.folder.figures.passed_over += page.passed_over;
        self.folder.figures.known += page.known;
        page
    }

    /// It was read to its end, or had its share.
    pub fn finished(&mut self, drained: bool) {
        self.folder.state = if drained { FolderState::Done } else { FolderState::More };
        self.folder.error = None;
        if drained {
            self.walk = None;
        }
        self.estimate();
    }

    /// How many messages there will have been. What was wanted and never stored is in quarantine or gone once the folder was read to its end.
    pub fn estimate(&mut self) {
        let left = self.walk.map_or(0, |(seen, found)| {
            let unlisted = self.folder.figures.items.saturating_sub(seen);
            // Before anything was listed all may be wanted, but what is stored already.
            (unlisted * found).checked_div(seen).unwrap_or_else(|| unlisted.saturating_sub(self.folder.figures.stored))
        });
        let Figures { wanted, stored, .. } = self.folder.figures;
        self.folder.figures.expected = if self.folder.state == FolderState::Done { stored } else { wanted.max(stored) + left };
    }
}
