//! Which folders are still to be listed from the start although their cursors work, where `start_from` is `config`.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use crate::mail::{Folder, FolderId};

/// Each folder that was there when the mailbox was first read is listed from the start once. Clones share what is left to do, so that it outlives
/// the mailbox's rounds: rounds that begin anew for another reason do not begin at the start again.
#[derive(Clone, Debug, Default)]
pub struct Afresh(Arc<Mutex<Option<HashSet<FolderId>>>>);

impl Afresh {
    /// Whether this folder, one of `all`, is still to be listed from the start.
    pub fn is_due(&self, folder: &FolderId, all: &[Folder]) -> bool {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        due.get_or_insert_with(|| all.iter().map(|folder| folder.id.clone()).collect()).contains(folder)
    }

    /// Its saved cursor is forgotten, so that its listing begins at the start, whatever comes between.
    pub fn done(&self, folder: &FolderId) {
        if let Some(due) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            due.remove(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_of_the_beginning_is_due_once() {
        let folder = |name: &str| Folder::bare(FolderId(name.into()), vec![name.into()]);
        let (inbox, archive) = (folder("inbox"), folder("archive"));
        let afresh = Afresh::default();
        assert!(afresh.is_due(&inbox.id, std::slice::from_ref(&inbox)));
        let later = afresh.clone();
        later.done(&inbox.id);
        assert!(!afresh.is_due(&inbox.id, &[inbox.clone(), archive.clone()]));
        assert!(!later.is_due(&archive.id, &[inbox.clone(), archive.clone()]), "what was made since has no old cursor");
        assert!(Afresh::default().is_due(&inbox.id, std::slice::from_ref(&inbox)));
    }
}
