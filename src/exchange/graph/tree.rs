//! The folders of a mailbox, put together from what lists of folders and of their changes say. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mail::{Cursor, Folder, FolderId};

/// How deep folders may lie; Exchange allows 300.
const DEPTH: usize = 400;

/// The only version there is.
const VERSION: u32 = 1;

/// All that is known of a mailbox's folders, kept as the cursor of their listing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    graph: u32,
    /// Where changes since are asked for; none where the server has no list of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The well-known folders that the mailbox has, by name; none before they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<BTreeMap<String, String>>,
    folders: BTreeMap<String, Node>,
    /// Grows with each word about any folder.
    sequence: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Node {
    name: Option<String>,
    parent: Option<String>,
    total: Option<u64>,
    unread: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    search: bool,
    /// The sequence at the last word about it.
    told: i64,
}

impl Tree {
    /// Nothing is known yet. Marks given out later differ from those of an earlier tree if `now` does.
    pub fn new(now: i64) -> Self {
        Self { graph: VERSION, sequence: now, ..Self::default() }
    }

    /// Reads a cursor; none for one that is not Graph's.
    pub fn read(cursor: &Cursor) -> Option<Self> {
        serde_json::from_str(&cursor.0).ok().filter(|tree: &Self| tree.graph == VERSION)
    }

    /// As a cursor.
    pub fn write(&self) -> Cursor {
        // Strings and numbers are always JSON.
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    /// Forgets the well-known folders where a whole listing hangs from another root: then this is another mailbox under the same address.
    pub fn doubt_names(&mut self, entries: &[Value]) {
        let Some(root) = self.named.as_ref().and_then(|named| named.get("msgfolderroot")) else { return };
        let below = |entry: &Value| entry.get("parentFolderId").and_then(Value::as_str) == Some(root);
        if !entries.is_empty() && !entries.iter().any(below) {
            self.named = None;
        }
    }

    /// Whether a known folder holds more or fewer messages than known, all else being as it was.
    pub fn recounts(&self, entry: &Value) -> bool {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let count = |name: &str| entry.get(name).and_then(Value::as_u64);
        let Some(node) = text("id").and_then(|id| self.folders.get(id)) else { return false };
        let same = |known: &Option<String>, told: Option<&str>| told.is_none_or(|told| known.as_deref() == Some(told));
        let differs = |known: Option<u64>, told: Option<u64>| told.is_some_and(|told| known != Some(told));
        same(&node.name, text("displayName"))
            && same(&node.parent, text("parentFolderId"))
            && (differs(node.total, count("totalItemCount")) || differs(node.unread, count("unreadItemCount")))
    }

    /// Takes in a page of folders or of their changes. An entry may tell what changed only.
    pub fn tell(&mut self, entries: &[Value]) {
        let mut removed = BTreeSet::new();
        for entry in entries {
            let Some(id) = entry.get("id").and_then(Value::as_str) else { continue };
            if entry.get("@removed").is_some() {
                self.folders.remove(id);
                removed.insert(id.to_owned());
                continue;
            }
            removed.remove(id);
            self.sequence += 1;
            let node = self.folders.entry(id.to_owned()).or_default();
            node.told = self.sequence;
            let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
            let count = |name: &str| entry.get(name).and_then(Value::as_u64);
            node.name = text("displayName").or_else(|| node.name.take());
            node.parent = text("parentFolderId").or_else(|| node.parent.take());
            node.total = count("totalItemCount").or(node.total);
            node.unread = count("unreadItemCount").or(node.unread);
            node.hidden = entry.get("isHidden").and_then(Value::as_bool).unwrap_or(node.hidden);
            node.search |= text("@odata.type").is_some_and(|kind| kind.ends_with("mailSearchFolder"));
        }
        // What lay below a folder that is gone went with it.
        while !removed.is_empty() {
            let orphans = self.folders.iter().filter(|(_, node)| node.parent.as_ref().is_some_and(|parent| removed.contains(parent)));
            removed = orphans.map(|(id, _)| id.clone()).collect();
            self.folders.retain(|id, _| !removed.contains(id));
        }
    }

    /// Forgets folders of which a complete listing, begun when the sequence was `since`, said nothing.
    pub fn forget_before(&mut self, since: i64) {
        self.folders.retain(|_, node| node.told > since);
    }

    /// How much was told so far.
    pub fn sequence(&self) -> i64 {
        self.sequence
    }

    /// The folder above all others.
    pub fn root(&self) -> Option<&str> {
        let named = self.named.as_ref().and_then(|named| named.get("msgfolderroot"));
        named.map(String::as_str).or_else(|| self.most_frequent_stranger())
    }

    /// The folders that can hold messages, parents before children. Counts are the marks where nothing better tells of changes.
    pub fn folders(&self) -> Vec<Folder> {
        let root = self.root();
        let named: BTreeMap<&str, &str> = self
            .named
            .iter()
            .flatten()
            .filter(|(name, _)| *name != "msgfolderroot")
            .map(|(name, id)| (id.as_str(), name.as_str()))
            .collect();
        let mut folders: Vec<(bool, Folder)> = Vec::with_capacity(self.folders.len());
        for (id, node) in self.folders.iter().filter(|(id, node)| !node.search && Some(id.as_str()) != root) {
            let (path, top) = self.path(id, root);
            let stamp = match &self.link {
                Some(_) => Some(node.told.to_string()),
                None => node.total.map(|total| format!("{total}/{}", node.unread.unwrap_or_default())),
            };
            folders.push((
                // A circle leads nowhere, yet what it holds is somebody's mail.
                top.is_none_or(|top| Some(top) == root || self.folders.contains_key(top)),
                Folder {
                    id: FolderId(id.clone()),
                    path,
                    class: None,
                    well_known: named.get(id.as_str()).map(|name| (*name).to_owned()),
                    archive: false,
                    hidden: node.hidden,
                    total: node.total,
                    stamp,
                },
            ));
        }
        // What lies beside the root is not what people see; but with a root that no folder names, nothing would be left.
        let rooted = folders.iter().any(|(below, _)| *below);
        let mut folders: Vec<Folder> = folders.into_iter().filter(|(below, _)| *below || !rooted).map(|(_, folder)| folder).collect();
        folders.sort_by(|a, b| (&a.path, &a.id).cmp(&(&b.path, &b.id)));
        folders
    }

    /// The names down to a folder, and the id above the topmost of them. A circle ends where it closes.
    fn path(&self, id: &str, root: Option<&str>) -> (Vec<String>, Option<&str>) {
        let (mut names, mut seen) = (Vec::new(), BTreeSet::new());
        let mut at = self.folders.get_key_value(id);
        let mut top = None;
        while let Some((id, node)) = at {
            if !seen.insert(id) || seen.len() > DEPTH {
                break;
            }
            names.push(node.name.clone().unwrap_or_else(|| "(no name)".to_owned()));
            top = node.parent.as_deref();
            at = top.filter(|parent| Some(*parent) != root).and_then(|parent| self.folders.get_key_value(parent));
        }
        names.reverse();
        (names, top)
    }

    /// The parent that most folders have and that is none of them.
    fn most_frequent_stranger(&self) -> Option<&str> {
        let mut children: BTreeMap<&str, usize> = BTreeMap::new();
        for parent in self.folders.values().filter_map(|node| node.parent.as_deref()).filter(|parent| !self.folders.contains_key(*parent)) {
            *children.entry(parent).or_default() += 1;
        }
        children.into_iter().max_by_key(|(_, count)| *count).map(|(parent, _)| parent)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn folder(id: &str, parent: &str, name: &str) -> Value {
        json!({"id": id, "parentFolderId": parent, "displayName": name, "totalItemCount": 1, "unreadItemCount": 0})
    }

    fn tree(entries: &[Value]) -> Tree {
        let mut tree = Tree::new(1000);
        tree.link = Some("https://g/d".into());
        tree.named = Some(BTreeMap::from([("msgfolderroot".into(), "root".into()), ("inbox".into(), "a".into())]));
        tree.tell(entries);
        tree
    }

    fn shown(tree: &Tree) -> Vec<String> {
        tree.folders().iter().map(|folder| format!("{}={}", folder.id.0, folder.path.join("|"))).collect()
    }

    #[test]
    fn paths_follow_parents_and_names_stay_whole() {
        let search =
            json!({"@odata.type": "#microsoft.graph.mailSearchFolder", "id": "s", "parentFolderId": "root", "displayName": "Unread"});
        let tree = tree(&[
            folder("c", "b", "deep"),
            folder("b", "a", "a/b"),
            folder("a", "root", "Posteingang"),
            folder("root", "above", "Top of Information Store"),
            folder("r", "recoverable", "Deletions"),
            search,
        ]);
        assert_eq!(shown(&tree), ["a=Posteingang", "b=Posteingang|a/b", "c=Posteingang|a/b|deep"]);
        assert_eq!(tree.folders()[0].well_known.as_deref(), Some("inbox"));
    }

    #[test]
    fn circles_missing_parents_and_odd_entries_do_no_harm() {
        let mut tree = Tree::new(0);
        tree.tell(&[folder("a", "b", "A"), folder("b", "a", "B"), folder("c", "c", "C"), json!({"id": "d"}), json!({}), json!(7)]);
        assert_eq!(tree.folders().len(), 4);
        assert_eq!(tree.root(), None);
    }

    #[test]
    fn a_word_about_a_folder_changes_its_mark_alone() {
        let mut tree = tree(&[folder("a", "root", "A"), folder("b", "root", "B")]);
        let marks = |tree: &Tree| tree.folders().iter().map(|folder| folder.stamp.clone()).collect::<Vec<_>>();
        let before = marks(&tree);
        tree.tell(&[json!({"id": "b", "totalItemCount": 2})]);
        let after = marks(&tree);
        assert!(before[0] == after[0] && before[1] != after[1]);
        assert_eq!(tree.folders()[1].path, ["B"]);
        tree.link = None;
        assert_eq!(tree.folders()[1].stamp.as_deref(), Some("2/0"));
    }

    #[test]
    fn removed_folders_take_what_lies_below_along() {
        let mut tree = tree(&[folder("a", "root", "A"), folder("b", "a", "B"), folder("c", "b", "C"), folder("d", "root", "D")]);
        tree.tell(&[json!({"id": "a", "@removed": {"reason": "deleted"}})]);
        assert_eq!(shown(&tree), ["d=D"]);
        tree.tell(&[json!({"id": "d", "@removed": {"reason": "changed"}}), folder("d", "root", "D2")]);
        assert_eq!(shown(&tree), ["d=D2"]);
    }

    #[test]
    fn a_new_listing_forgets_what_it_does_not_name() {
        let mut tree = tree(&[folder("a", "root", "A"), folder("b", "root", "B")]);
        let since = tree.sequence();
        tree.tell(&[folder("b", "root", "B")]);
        tree.forget_before(since);
        assert_eq!(shown(&tree), ["b=B"]);
    }

    #[test]
    fn the_root_is_told_by_its_children_where_no_name_tells_it() {
        let mut tree = Tree::new(0);
        tree.tell(&[folder("a", "root", "A"), folder("b", "root", "B"), folder("x", "other", "X")]);
        assert_eq!(tree.root(), Some("root"));
        assert_eq!(shown(&tree), ["a=A", "b=B"]);
    }

    #[test]
    fn a_tree_survives_as_a_cursor_and_others_do_not_pass_for_one() {
        let tree = tree(&[folder("a", "root", "A")]);
        assert_eq!(Tree::read(&tree.write()), Some(tree));
        assert_eq!(Tree::read(&Cursor("H4sIAA".into())), None);
        assert_eq!(Tree::read(&Cursor("{}".into())), None);
    }
}
