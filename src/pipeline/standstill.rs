//! Notices a listing that goes on for ever.

use crate::mail::{Cursor, Page};

/// So many pages in a row that bring no new cursor are taken for a server that would go on like this for ever.
const STUCK: u32 = 3;

/// The same for pages without any change, whose cursor does move: servers send some of them while they look for changes.
const EMPTY: u32 = 10_000;

/// What has come in a row.
#[derive(Debug, Default)]
pub struct Standstill {
    stuck: u32,
    empty: u32,
}

impl Standstill {
    /// Looks at one more page, asked for with `cursor`; returns what is wrong once too many pages brought nothing.
    pub fn notice(&mut self, cursor: Option<&Cursor>, page: &Page) -> Option<String> {
        let ended = page.ends();
        // With the same cursor the same page comes again, whatever is on it.
        let moved = ended || cursor != Some(&page.cursor);
        self.stuck = if moved { 0 } else { self.stuck + 1 };
        self.empty = if ended || !page.changes.is_empty() { 0 } else { self.empty + 1 };
        if self.stuck >= STUCK {
            return Some(format!("{STUCK} pages in a row brought nothing new, though the server says that there is more"));
        }
        (self.empty >= EMPTY).then(|| format!("{EMPTY} pages in a row were empty, though the server says that there is more"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Change, ItemId};

    fn page(cursor: u32, changes: usize, last: bool, certain: bool) -> Page {
        let changes = (0..changes).map(|n| Change::Deleted(ItemId(n.to_string()))).collect();
        Page { changes, cursor: Cursor(cursor.to_string()), last, certain }
    }

    #[test]
    fn a_cursor_that_does_not_move_is_noticed() {
        let at = Cursor("7".into());
        let mut standstill = Standstill::default();
        for same in
            [page(7, 1, false, true), page(7, 0, false, false), page(8, 1, false, true), page(7, 1, true, false), page(7, 0, true, false)]
        {
            assert_eq!(standstill.notice(Some(&at), &same), None);
        }
        assert_eq!(standstill.notice(Some(&at), &page(7, 1, true, true)), None);
        assert_eq!(standstill.notice(None, &page(7, 1, false, true)), None, "the first page has no cursor before it");
        assert_eq!(standstill.notice(Some(&at), &page(7, 1, false, true)), None);
        assert_eq!(standstill.notice(Some(&at), &page(7, 1, false, true)), None);
        assert!(standstill.notice(Some(&at), &page(7, 1, false, true)).is_some());
    }

    #[test]
    fn empty_pages_are_borne_for_long_but_not_for_ever() {
        let mut standstill = Standstill::default();
        let mut at = Cursor("0".into());
        let mut feed = |standstill: &mut Standstill, n: u32, changes| {
            let page = page(n, changes, false, true);
            let noticed = standstill.notice(Some(&at), &page);
            at = page.cursor;
            noticed
        };
        for n in 1..EMPTY {
            assert_eq!(feed(&mut standstill, n, 0), None);
        }
        assert_eq!(feed(&mut standstill, EMPTY, 1), None, "a change ends the row");
        for n in 1..EMPTY {
            assert_eq!(feed(&mut standstill, EMPTY + n, 0), None);
        }
        assert!(feed(&mut standstill, 3 * EMPTY, 0).unwrap().contains("were empty"));
    }
}
