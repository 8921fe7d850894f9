//! A folder as a watcher sees it, folded from events.

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
}

impl FolderRow {
    /// A folder that was seen.
    pub fn new(key: String, seen: &Seen, changed: u64) -> Self {
        let mut row = Self { key, folder: Folder::default(), changed, walk: None };
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

    /// It is to be visited. Gives how many messages of the visit before are to be listed again: it was broken off before they were stored.
    pub fn due(&mut self, whole: bool) -> u64 {
        let broken_off = matches!(self.folder.state, FolderState::Listing | FolderState::Syncing | FolderState::Failed);
        let figures = &mut self.folder.figures;
        let again = if broken_off { figures.wanted.saturating_sub(figures.stored).min(figures.listed) } else { 0 };
        (figures.wanted, figures.listed) = (figures.wanted - again, figures.listed - again);
        if let Some((seen, found)) = &mut self.walk {
            (*seen, *found) = (seen.saturating_sub(again), found.saturating_sub(again));
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
    pub fn listed(&mut self, changes: u64, wanted: u64) {
        let figures = &mut self.folder.figures;
        figures.listed += changes;
        figures.wanted += wanted;
        if let Some((seen, found)) = &mut self.walk {
            *seen += changes;
            *found += wanted;
        }
        self.folder.state = if figures.wanted > figures.stored { FolderState::Syncing } else { FolderState::Listing };
        self.estimate();
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
            // Before anything was listed all may be wanted.
            (unlisted * found).checked_div(seen).unwrap_or(unlisted)
        });
        let Figures { wanted, stored, .. } = self.folder.figures;
        self.folder.figures.expected = if self.folder.state == FolderState::Done { stored } else { wanted.max(stored) + left };
    }
}
