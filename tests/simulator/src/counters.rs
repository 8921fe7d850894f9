//! Counts of what was asked, by name, for tests and the admin API.
//!
//! Names are dotted and free: `ews.GetItem`, `auth.logins`, `oauth.tokens`, `http.401`, `ews.early_requests`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Named counters.
#[derive(Debug, Default)]
pub struct Counters {
    values: Mutex<BTreeMap<String, u64>>,
}

impl Counters {
    /// Adds to one.
    pub fn add(&self, name: &str, by: u64) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = values.get_mut(name) {
            *value = value.saturating_add(by);
        } else {
            values.insert(name.to_owned(), by);
        }
    }

    /// Raises one to a value, if it is lower: for the most there ever was of something.
    pub fn raise(&self, name: &str, to: u64) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = values.get_mut(name) {
            *value = to.max(*value);
        } else {
            values.insert(name.to_owned(), to);
        }
    }

    /// Adds a wait that a client was told by an interface, and how much longer it waited.
    pub fn waited(&self, interface: &str, asked: Duration, lost: Duration) {
        let ms = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.add(&format!("{interface}.asked_ms"), ms(asked));
        self.add(&format!("{interface}.lost_ms"), ms(lost));
    }

    /// The value of one; 0 when it was never counted.
    pub fn value(&self, name: &str) -> u64 {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or(0)
    }

    /// All of them, sorted by name.
    pub fn all(&self) -> BTreeMap<String, u64> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins again at nothing.
    pub fn reset(&self) {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_reset() {
        let counters = Counters::default();
        counters.add("ews.GetItem", 2);
        counters.add("ews.GetItem", 3);
        assert_eq!((counters.value("ews.GetItem"), counters.value("other")), (5, 0));
        counters.raise("most", 3);
        counters.raise("most", 2);
        assert_eq!(counters.value("most"), 3);
        counters.reset();
        assert!(counters.all().is_empty());
    }
}
