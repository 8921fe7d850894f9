//! A list with a selected row, of which a window is seen.

/// Where one is in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) cursor: usize,
    pub(crate) offset: usize,
    /// Rows that were seen at the last drawing.
    page: usize,
}

impl List {
    /// Moves the selected row.
    pub(crate) fn step(&mut self, by: isize, length: usize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(length.saturating_sub(1));
    }

    /// A page is what is seen, less a row to hold on to.
    pub(crate) fn page(&self) -> isize {
        self.page.saturating_sub(1).max(1) as isize
    }

    /// Moves the window so that the selected row is seen in it.
    pub(crate) fn show(&mut self, page: usize, length: usize) {
        self.page = page;
        self.cursor = self.cursor.min(length.saturating_sub(1));
        self.offset =
            self.offset.min(length.saturating_sub(page.max(1))).min(self.cursor).max((self.cursor + 1).saturating_sub(page.max(1)));
    }
}

/// A text of which some lines are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) first: usize,
    page: usize,
}

impl Window {
    pub(crate) fn page(&self) -> isize {
        self.page.saturating_sub(1).max(1) as isize
    }

    pub(crate) fn step(&mut self, by: isize) {
        self.first = self.first.saturating_add_signed(by);
    }

    /// Keeps the window within the text.
    pub(crate) fn show(&mut self, page: usize, lines: usize) {
        self.page = page;
        self.first = self.first.min(lines.saturating_sub(page));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_seen() {
        let mut list = List::default();
        list.step(-1, 100);
        list.show(10, 100);
        assert_eq!((list.cursor, list.offset), (0, 0));
        list.step(list.page(), 100);
        list.step(1, 100);
        list.show(10, 100);
        assert_eq!((list.cursor, list.offset), (10, 1));
        list.step(isize::MAX, 100);
        list.show(10, 100);
        assert_eq!((list.cursor, list.offset), (99, 90));
        list.show(10, 5);
        assert_eq!((list.cursor, list.offset), (4, 0));
        list.show(0, 0);
        assert_eq!((list.cursor, list.offset), (0, 0));
    }
}
