//! What is in quarantine, as far as appliances were asked.

use std::cmp::Reverse;

use super::List;
use crate::status::{Listing, Quarantined};

/// What is in quarantine and how it is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quarantine {
    /// With its source, the newest first.
    pub(crate) items: Vec<(usize, Quarantined)>,
    /// By source: whether it answered and there are more than it told, or why it did not.
    pub(crate) answers: Vec<Option<Result<bool, String>>>,
    pub(crate) list: List,
}

impl Quarantine {
    pub(crate) fn new(sources: usize) -> Self {
        Self { answers: vec![None; sources], ..Self::default() }
    }

    pub(crate) fn selected(&self) -> Option<&(usize, Quarantined)> {
        self.items.get(self.list.cursor)
    }

    /// Takes in what one of them says in place of what it said before. The selection stays with its message.
    pub(crate) fn take(&mut self, source: usize, answer: Result<Listing, String>) {
        let selected = self.selected().map(|(source, item)| (*source, item.key.clone()));
        self.items.retain(|(other, _)| *other != source);
        let answer = answer.map(|listing| {
            self.items.extend(listing.items.into_iter().map(|item| (source, item)));
            listing.more
        });
        if let Some(known) = self.answers.get_mut(source) {
            *known = Some(answer);
        }
        self.items.sort_by_key(|(_, item)| Reverse(item.at));
        let place =
            self.items.iter().position(|(source, item)| selected.as_ref().is_some_and(|(of, key)| of == source && *key == item.key));
        self.list.cursor = place.unwrap_or(self.list.cursor);
        self.list.step(0, self.items.len());
    }
}
