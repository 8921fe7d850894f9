//! Which folders a mailbox has. One request tells that nothing changed; a second one tells what did.

use super::{
    desk::Set,
    gate::Kind,
    operation::{
        find_folder,
        folder::{FEWEST, Found},
        get_folder,
        sync_folder_hierarchy::{self, TreePage},
    },
    retry::Failed,
    session::Session,
    tree::{above, same_tree, unite},
    trouble::Trouble,
    verdict::{Action, Scope},
    xml::Limits,
};
use crate::{
    exchange::Error,
    mail::{Cursor, Folder, FolderId, Hierarchy, Home, IdForm, Mailbox},
};

/// What users see of a mailbox, and the same of its archive. The root above also holds what nobody may read.
const PRIMARY: &str = "msgfolderroot";
const ARCHIVE: &str = "archivemsgfolderroot";

/// Bounds of pages per listing: a server that never comes to an end is not waited for.
const PAGES: usize = 1000;

impl Session {
    /// The folders of the mailbox and, where it is to be copied, of its archive.
    pub async fn folders(&self, mailbox: &Mailbox, known: &Hierarchy) -> Result<Hierarchy, Error> {
        let attempt = || format!("listing the folders of {}", mailbox.address);
        let mut hierarchy = Hierarchy::default();
        self.root(PRIMARY, known, &mut hierarchy).await.map_err(|failed| failed.into_error(Scope::Mailbox, attempt()))?;
        if !mailbox.archive {
            // Not wanted now is not gone: what is known of it stays.
            keep(known, true, &mut hierarchy);
            return Ok(hierarchy);
        }
        match self.root(ARCHIVE, known, &mut hierarchy).await {
            Ok(()) => {}
            Err(Failed { action: Some(Action::NoArchive | Action::FolderGone | Action::ItemGone), trouble }) => {
                if self.desk.lacks_archive() {
                    tracing::warn!(mailbox = %mailbox.address, %trouble, "the mailbox has no archive");
                }
                keep(known, true, &mut hierarchy);
            }
            Err(failed @ Failed { action: Some(Action::ArchiveElsewhere | Action::Denied | Action::Folder), .. }) => {
                tracing::warn!(mailbox = %mailbox.address, trouble = %failed.trouble, "the archive cannot be read now");
                keep(known, true, &mut hierarchy);
            }
            Err(failed) => return Err(failed.into_error(Scope::Mailbox, format!("listing the archive folders of {}", mailbox.address))),
        }
        Ok(hierarchy)
    }

    async fn root(&self, root: &'static str, known: &Hierarchy, hierarchy: &mut Hierarchy) -> Result<(), Failed> {
        let archive = root == ARCHIVE;
        let home = |folders: Option<&str>| folders.map(|id| Home { form: IdForm::Ews, root: FolderId(id.to_owned()) });
        let before: Vec<Folder> = known.folders.iter().filter(|folder| folder.archive == archive).cloned().collect();
        let cursor = known.cursors.get(root);
        let listing = self.listing(root).await?;
        if !archive {
            hierarchy.home =
                home(listing.as_deref().and_then(above)).or_else(|| known.home.clone().filter(|home| home.form == IdForm::Ews));
        }
        if let (Some(listing), Some(cursor)) = (&listing, cursor) {
            let folders = unite(&before, Some(listing.clone()), None, false, archive);
            if same_tree(&folders, &before) {
                hierarchy.folders.extend(folders);
                hierarchy.cursors.insert(root.to_owned(), cursor.clone());
                return Ok(());
            }
        }
        let (changes, since_known) = match self.changes_since(root, cursor).await {
            Ok(changes) => changes,
            // The listing alone will do where the server has no hierarchy to offer.
            Err(failed) if listing.is_some() && !passing(&failed) => {
                tracing::debug!(mailbox = %self.desk.mailbox, trouble = %failed.trouble, "no changes of the folder hierarchy");
                hierarchy.folders.extend(unite(&before, listing, None, false, archive));
                return Ok(());
            }
            Err(failed) => return Err(failed),
        };
        if !archive && hierarchy.home.is_none() {
            hierarchy.home = home(above(&changes.present));
        }
        let mut folders = unite(&before, listing, Some(&changes), since_known, archive);
        if !archive && !folders.iter().any(|folder| folder.well_known.is_some()) {
            self.name_well_known(&mut folders).await;
        }
        hierarchy.folders.extend(folders);
        hierarchy.cursors.insert(root.to_owned(), Cursor(changes.state));
        Ok(())
    }

    /// All folders below a root; none where the server refuses to find folders at all.
    async fn listing(&self, root: &'static str) -> Result<Option<Vec<Found>>, Failed> {
        let mut all = Vec::new();
        let mut offset = 0;
        for _ in 0..PAGES {
            let answer = self
                .ask_for(Set::Folders, FEWEST, Kind::Question, &|dialect, level| find_folder::request(dialect, root, level, offset))
                .await;
            let messages = match answer {
                Ok(messages) => messages,
                Err(failed) if refused_as_such(&failed) => return Ok(None),
                Err(failed) => return Err(failed),
            };
            let Some(message) = messages.first() else { break };
            let page = find_folder::read(message, offset);
            all.extend(page.folders);
            match page.next {
                Some(next) => offset = next,
                None => break,
            }
        }
        Ok(Some(all))
    }

    /// All changes since the cursor, and whether they really are since then; a dead cursor means everything anew.
    async fn changes_since(&self, root: &'static str, cursor: Option<&Cursor>) -> Result<(TreePage, bool), Failed> {
        let mut state = cursor.map(|cursor| cursor.0.clone());
        let mut since_known = state.is_some();
        let mut all = TreePage::default();
        for _ in 0..PAGES {
            let since = state.as_deref();
            let answer = self
                .ask_for(Set::Folders, FEWEST, Kind::Sync, &|dialect, level| sync_folder_hierarchy::request(dialect, root, level, since))
                .await;
            let messages = match answer {
                Ok(messages) => messages,
                Err(Failed { action: Some(Action::Resync), .. }) if state.is_some() => {
                    (state, since_known, all) = (None, false, TreePage::default());
                    continue;
                }
                Err(failed) => return Err(failed),
            };
            let Some(page) = messages.first().and_then(sync_folder_hierarchy::read) else {
                return Err(Failed {
                    trouble: Trouble::Broken("a page of folders came without a SyncState".into()),
                    action: Some(Action::Retry),
                });
            };
            let stuck = state.as_ref() == Some(&page.state) && page.present.is_empty() && page.deleted.is_empty();
            // What a later page says of a folder overrides an earlier one.
            all.present.retain(|found| !page.deleted.contains(&found.id));
            all.deleted.retain(|id| !page.present.iter().any(|found| found.id == *id));
            all.present.extend(page.present);
            all.deleted.extend(page.deleted);
            all.state.clone_from(&page.state);
            state = Some(page.state);
            if page.last || stuck {
                break;
            }
        }
        Ok((all, since_known))
    }

    /// Asks for the ids of the well-known folders; a mailbox that does not tell is read all the same.
    async fn name_well_known(&self, folders: &mut [Folder]) {
        match self.ask(Kind::Question, Limits::LEAN, &get_folder::request).await {
            Ok(messages) => {
                for (id, name) in get_folder::read(&messages) {
                    if let Some(folder) = folders.iter_mut().find(|folder| folder.id.0 == id) {
                        folder.well_known = Some(name.to_owned());
                    }
                }
            }
            Err(failed) => tracing::debug!(mailbox = %self.desk.mailbox, trouble = %failed.trouble, "no well-known folders"),
        }
    }
}

/// Keeps what is known of one root.
fn keep(known: &Hierarchy, archive: bool, hierarchy: &mut Hierarchy) {
    let root = if archive { ARCHIVE } else { PRIMARY };
    hierarchy.folders.extend(known.folders.iter().filter(|folder| folder.archive == archive).cloned());
    hierarchy.cursors.extend(known.cursors.get(root).map(|cursor| (root.to_owned(), cursor.clone())));
}

/// Whether the trouble may pass, so that the same is to be asked again rather than something else.
fn passing(failed: &Failed) -> bool {
    matches!(failed.action, Some(Action::Retry | Action::Suspect | Action::Throttle | Action::Final(_) | Action::Again))
}

/// Whether the server refuses the operation itself, rather than the mailbox or the folder.
fn refused_as_such(failed: &Failed) -> bool {
    let vague = matches!(failed.action, None | Some(Action::Smaller));
    matches!(failed.trouble, Trouble::Refused(_)) && (vague || failed.wants_fewer())
}
