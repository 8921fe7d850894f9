//! The folders of one root, put together from what was known, what a listing shows and what the hierarchy's changes say. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{folder::Found, sync_folder_hierarchy::TreePage};
use crate::mail::{Folder, FolderId};

/// How deep folders may lie; Exchange allows 300.
const DEPTH: usize = 400;

/// The folders of one root. A folder that either source lists is there, unless the changes say that it was deleted; one that neither
/// mentions stays while the changes were asked for since a known state. Search folders are left out.
pub fn unite(known: &[Folder], listing: Option<Vec<Found>>, changes: Option<&TreePage>, since_known: bool, archive: bool) -> Vec<Folder> {
    let listed: BTreeSet<String> = listing.iter().flatten().map(|found| found.id.clone()).collect();
    let mut found: BTreeMap<String, Found> = listing.into_iter().flatten().map(|found| (found.id.clone(), found)).collect();
    let mut gone = BTreeSet::new();
    let mut keep_known = since_known;
    if let Some(changes) = changes {
        let present: BTreeSet<&String> = changes.present.iter().map(|found| &found.id).collect();
        // Servers that do not know the state any more may say nothing and begin anew; then silence about a folder means that it is gone.
        keep_known &= listed.is_empty() || !listed.iter().all(|id| present.contains(id));
        for change in &changes.present {
            let merged = match found.remove(&change.id) {
                Some(before) => newer(before, change.clone()),
                None => change.clone(),
            };
            found.insert(change.id.clone(), merged);
        }
        for id in &changes.deleted {
            // Deleted and there again means there.
            if !present.contains(id) {
                found.remove(id);
                gone.insert(id.clone());
            }
        }
    }
    let before: BTreeMap<&str, &Folder> = known.iter().map(|folder| (folder.id.0.as_str(), folder)).collect();
    let mut folders: Vec<Folder> = found
        .values()
        .filter(|entry| !entry.search)
        .map(|entry| {
            let known = before.get(entry.id.as_str());
            Folder {
                id: FolderId(entry.id.clone()),
                path: path(&entry.id, &found, &before),
                class: entry.class.clone(),
                well_known: entry.well_known.clone().or_else(|| known.and_then(|known| known.well_known.clone())),
                archive,
                hidden: entry.hidden,
                total: entry.total,
                stamp: entry.stamp.clone(),
            }
        })
        .collect();
    if keep_known {
        let silent = known.iter().filter(|folder| !found.contains_key(&folder.id.0) && !gone.contains(&folder.id.0));
        folders.extend(silent.map(|folder| Folder { stamp: None, ..folder.clone() }));
    }
    // A path sorts after each of its beginnings: parents come first.
    folders.sort_by(|a, b| (&a.path, &a.id).cmp(&(&b.path, &b.id)));
    folders
}

/// The folder above all of `found`: the parent most of them have that is not among them.
pub fn above(found: &[Found]) -> Option<&str> {
    let listed: BTreeSet<&str> = found.iter().map(|found| found.id.as_str()).collect();
    let mut children: BTreeMap<&str, usize> = BTreeMap::new();
    for parent in found.iter().filter_map(|found| found.parent.as_deref()).filter(|parent| !listed.contains(parent)) {
        *children.entry(parent).or_default() += 1;
    }
    children.into_iter().max_by_key(|(_, count)| *count).map(|(parent, _)| parent)
}

/// The later description, with what only the earlier one tells.
fn newer(before: Found, after: Found) -> Found {
    Found {
        parent: after.parent.or(before.parent),
        name: after.name.or(before.name),
        class: after.class.or(before.class),
        total: after.total.or(before.total),
        well_known: after.well_known.or(before.well_known),
        stamp: after.stamp.or(before.stamp),
        ..after
    }
}

/// The names down to a folder. A parent that nobody lists is the root or out of reach; a circle ends where it closes.
fn path(id: &str, found: &BTreeMap<String, Found>, before: &BTreeMap<&str, &Folder>) -> Vec<String> {
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = id;
    while let Some(entry) = found.get(at) {
        if !seen.insert(at) || seen.len() > DEPTH {
            break;
        }
        names.push(entry.name.clone().unwrap_or_else(|| "(no name)".to_owned()));
        let Some(parent) = entry.parent.as_deref() else { break };
        at = parent;
    }
    names.reverse();
    match (found.contains_key(at), before.get(at)) {
        (false, Some(known)) => known.path.iter().cloned().chain(names).collect(),
        _ => names,
    }
}

/// Whether two looks show the same tree: ids, names and places. Counts and stamps may differ.
pub fn same_tree(one: &[Folder], other: &[Folder]) -> bool {
    let shape = |folders: &[Folder]| folders.iter().map(|folder| (folder.id.clone(), folder.path.clone())).collect::<BTreeMap<_, _>>();
    shape(one) == shape(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, parent: &str, name: &str) -> Found {
        Found { id: id.into(), parent: Some(parent.into()), name: Some(name.into()), ..Found::default() }
    }

    fn shown(folders: &[Folder]) -> Vec<String> {
        folders.iter().map(|folder| format!("{}={}", folder.id.0, folder.path.join("/"))).collect()
    }

    #[test]
    fn paths_follow_parents_and_parents_come_first() {
        let listing = vec![found("c", "b", "deep"), found("b", "a", "Sub"), found("a", "root", "Inbox")];
        assert_eq!(shown(&unite(&[], Some(listing), None, false, false)), ["a=Inbox", "b=Inbox/Sub", "c=Inbox/Sub/deep"]);
    }

    #[test]
    fn circles_and_missing_parents_do_no_harm() {
        let listing = vec![found("a", "b", "A"), found("b", "a", "B"), found("c", "c", "C"), found("d", "nowhere", "D")];
        assert_eq!(unite(&[], Some(listing), None, false, false).len(), 4);
    }

    #[test]
    fn either_source_makes_a_folder_and_only_a_deletion_ends_it() {
        let known =
            unite(&[], Some(vec![found("a", "root", "Inbox"), found("b", "root", "Old"), found("c", "b", "Child")]), None, false, false);
        let changes = TreePage { present: vec![found("d", "b", "New")], deleted: vec!["a".into()], ..TreePage::default() };
        let listing = vec![found("a", "root", "Inbox"), found("e", "root", "Listed")];
        let united = unite(&known, Some(listing), Some(&changes), true, false);
        assert_eq!(shown(&united), ["e=Listed", "b=Old", "c=Old/Child", "d=Old/New"]);
    }

    #[test]
    fn a_beginning_anew_forgets_what_it_does_not_list() {
        let known = unite(&[], Some(vec![found("a", "root", "A"), found("b", "root", "B")]), None, false, false);
        let all = vec![found("a", "root", "A"), found("c", "root", "C")];
        let changes = TreePage { present: all.clone(), ..TreePage::default() };
        assert_eq!(shown(&unite(&known, Some(all.clone()), Some(&changes), true, false)), ["a=A", "c=C"]);
        assert_eq!(shown(&unite(&known, None, Some(&changes), false, false)), ["a=A", "c=C"]);
    }

    #[test]
    fn search_folders_are_left_out_and_renames_win() {
        let mut search = found("s", "root", "Unread");
        search.search = true;
        let changes = TreePage { present: vec![found("a", "root", "Renamed")], ..TreePage::default() };
        let mut counted = found("a", "root", "Before");
        counted.total = Some(7);
        let united = unite(&[], Some(vec![search, counted]), Some(&changes), true, false);
        assert_eq!(shown(&united), ["a=Renamed"]);
        assert_eq!(united[0].total, Some(7));
    }
}
