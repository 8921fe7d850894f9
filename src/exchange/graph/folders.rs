//! Which folders a mailbox has. One request a round tells what changed, in them too; an idle mailbox costs no more.

use chrono::Utc;
use serde_json::Value;

use super::{
    call::Call,
    link::{encode, query},
    page::Page,
    retry::Failed,
    session::Session,
    tree::Tree,
    trouble::Trouble,
    verdict::{Action, Scope},
};
use crate::{
    exchange::{Error, gate::Kind},
    mail::{Folder, FolderId, Hierarchy, Home, Mailbox},
};

/// Under which name the tree is kept.
const ROOT: &str = "msgfolderroot";

const SELECT: (&str, &str) = ("$select", "id,displayName,parentFolderId,childFolderCount,totalItemCount,unreadItemCount,isHidden");
const HIDDEN: (&str, &str) = ("includeHiddenFolders", "true");

/// Bounds: a server that never comes to an end is not waited for.
const PAGES: usize = 1000;
const DEPTH: usize = 50;

/// Folders on one page of a list of changes.
const PAGE: usize = 200;

/// What a look at the folders brought.
struct Look {
    entries: Vec<Value>,
    /// Whether they are all there are, rather than those that changed.
    whole: bool,
    /// Where to ask for changes next time.
    link: Option<String>,
    /// Whether the server said that it gives ids that survive moves.
    immutable: bool,
}

impl Session {
    /// The folders of the mailbox. `delta` is whether the cloud has lists of changed folders at all.
    pub async fn folders(&self, mailbox: &Mailbox, known: &Hierarchy, delta: bool) -> Result<Hierarchy, Error> {
        let attempt = || format!("listing the folders of {}", mailbox.address);
        let mut hierarchy = self.tree(known, delta).await.map_err(|failed| failed.into_error(Scope::Mailbox, attempt()))?;
        // Graph gives no access to archives. What is known of one stays.
        let archived: Vec<Folder> = known.folders.iter().filter(|folder| folder.archive).cloned().collect();
        hierarchy.folders.extend(archived);
        let others = known.cursors.iter().filter(|(root, _)| *root != ROOT);
        hierarchy.cursors.extend(others.map(|(root, cursor)| (root.clone(), cursor.clone())));
        Ok(hierarchy)
    }

    async fn tree(&self, known: &Hierarchy, delta: bool) -> Result<Hierarchy, Failed> {
        let saved = known.cursors.get(ROOT).and_then(Tree::read);
        let mut tree = saved.clone().unwrap_or_else(|| Tree::new(Utc::now().timestamp_millis()));
        let look = self.look(&tree, delta).await?;
        let since = tree.sequence();
        if !look.whole && look.entries.iter().any(|entry| tree.recounts(entry)) {
            self.desk.memory.tells_counts();
        }
        tree.tell(&look.entries);
        let recounted = match look.link.is_some() && self.desk.memory.counting_due() {
            true => self.recounted(&tree).await,
            false => Vec::new(),
        };
        tree.tell(&recounted);
        let silent = look.entries.is_empty() && recounted.is_empty() && !look.whole;
        if look.whole {
            tree.forget_before(since);
            tree.doubt_names(&look.entries);
        }
        tree.link = match (tree.link.take(), look.link) {
            // Nothing is to be saved in a round without news: the newest link is only remembered.
            (Some(saved), Some(newest)) if silent && !self.desk.memory.renew(&saved, newest.clone()) => Some(saved),
            (_, newest) => newest,
        };
        let mut all_named = true;
        if tree.named.is_none() {
            let (named, all) = self.well_known().await?;
            (tree.named, all_named) = (Some(named), all);
        }
        let form = self.form(look.immutable).await?;
        let home = tree.root().map(|root| Home { form, root: FolderId(root.to_owned()) }).or_else(|| known.home.clone());
        let folders = tree.folders();
        if !all_named {
            // To be asked again.
            tree.named = None;
        }
        Ok(Hierarchy { folders, cursors: [(ROOT.to_owned(), tree.write())].into(), home, ..Hierarchy::default() })
    }

    /// Known folders whose counts are others than known, without a word about them in the list of changes. That list is promised to tell of folders
    /// that come, go and change their properties, not of messages that come into one (Graph "mailFolder: delta").
    async fn recounted(&self, tree: &Tree) -> Vec<Value> {
        match self.all_levels().await {
            Ok((all, _)) => all.into_iter().filter(|entry| tree.recounts(entry)).collect(),
            Err(failed) => {
                tracing::debug!(mailbox = %self.desk.mailbox, trouble = %failed.trouble, "messages are counted later");
                Vec::new()
            }
        }
    }

    async fn look(&self, tree: &Tree, delta: bool) -> Result<Look, Failed> {
        if delta && !self.desk.memory.lists_tree() {
            match self.changed_folders(tree).await {
                Err(failed) if declined(&failed) => {
                    tracing::debug!(mailbox = %self.desk.mailbox, trouble = %failed.trouble, "no list of changed folders");
                    self.desk.memory.list_tree();
                }
                other => return other,
            }
        }
        let (entries, immutable) = self.all_levels().await?;
        Ok(Look { entries, whole: true, link: None, immutable })
    }

    /// The folders that changed, or, where the link is dead or there is none yet, all of them (Graph "mailFolder: delta").
    async fn changed_folders(&self, tree: &Tree) -> Result<Look, Failed> {
        let mut link = tree.link.as_deref().map(|saved| self.desk.memory.newest(saved));
        let mut look = Look { entries: Vec::new(), whole: link.is_none(), link: None, immutable: false };
        for _ in 0..PAGES {
            let call = match &link {
                Some(link) => Call::follow("list changed folders", link.clone()),
                None if self.desk.memory.hidden_unasked() => {
                    Call::get("list changed folders", format!("/mailFolders/delta{}", query(&[SELECT])))
                }
                None => Call::get("list changed folders", format!("/mailFolders/delta{}", query(&[HIDDEN, SELECT]))),
            };
            let page = match self.ask::<Page<Value>>(&self.in_form(call.kind(Kind::Sync).page(PAGE))).await {
                Ok(answered) => {
                    look.immutable |= answered.immutable;
                    answered.value
                }
                Err(Failed { action: Some(Action::Resync | Action::Query), .. }) if !look.whole => {
                    (link, look) = (None, Look { entries: Vec::new(), whole: true, link: None, immutable: false });
                    continue;
                }
                Err(failed) if link.is_none() && declined(&failed) && !self.desk.memory.hidden_unasked() => {
                    self.desk.memory.leave_hidden();
                    continue;
                }
                Err(failed) => return Err(failed),
            };
            look.entries.extend(page.value);
            match (page.delta, page.next) {
                (Some(delta), _) => {
                    look.link = Some(delta);
                    if look.whole && self.desk.memory.hidden_unasked() {
                        let (all, _) = self.all_levels().await?;
                        look.entries.extend(all);
                    }
                    return Ok(look);
                }
                (None, Some(next)) => link = Some(next),
                (None, None) => break,
            }
        }
        let trouble = Trouble::Broken("the list of changed folders has no end".to_owned());
        Err(Failed { trouble, action: Some(Action::Retry) })
    }

    /// All folders, level by level (Graph "List mailFolders", "List childFolders"), and whether the server says that it gives ids that survive
    /// moves.
    async fn all_levels(&self) -> Result<(Vec<Value>, bool), Failed> {
        let options = query(&[("$top", "100"), HIDDEN, SELECT]);
        let (mut all, mut told, mut pages): (Vec<Value>, bool, usize) = (Vec::new(), false, 0);
        let mut level = vec![format!("/mailFolders{options}")];
        for _ in 0..DEPTH {
            let mut below = Vec::new();
            for path in level {
                let mut next = Some(Call::get("list folders", path));
                while let Some(call) = next.take() {
                    pages += 1;
                    let answered = match self.ask::<Page<Value>>(&self.in_form(call.kind(Kind::Sync))).await {
                        Ok(answered) => answered,
                        // Gone since its parent was listed.
                        Err(Failed { action: Some(Action::ItemGone | Action::FolderGone), .. }) if !all.is_empty() => break,
                        Err(failed) => return Err(failed),
                    };
                    told |= answered.immutable;
                    let page = answered.value;
                    below.extend(
                        page.value.iter().filter_map(children).map(|id| format!("/mailFolders/{}/childFolders{options}", encode(id))),
                    );
                    all.extend(page.value);
                    next = page.next.filter(|_| pages < PAGES).map(|link| Call::follow("list folders", link));
                }
            }
            if below.is_empty() {
                break;
            }
            level = below;
        }
        Ok((all, told))
    }
}

/// The id of a folder that has others below it.
fn children(entry: &Value) -> Option<&str> {
    let count = entry.get("childFolderCount").and_then(Value::as_u64).unwrap_or(0);
    entry.get("id").and_then(Value::as_str).filter(|_| count > 0)
}

/// Whether the server refuses the list of changes itself, rather than the mailbox.
fn declined(failed: &Failed) -> bool {
    matches!(failed.trouble, Trouble::Refused(_))
        && matches!(
            failed.action,
            Some(Action::NoDelta | Action::Query | Action::Misunderstood | Action::Resync | Action::ItemGone | Action::WrongId) | None
        )
}

#[cfg(test)]
mod tests;
