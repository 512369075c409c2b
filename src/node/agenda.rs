//! The agenda: which pod is due when. It holds each key once, at its earliest instant.
//!
//! Pure: time is an argument. It holds at most one entry per pod.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::clock::Timestamp;

/// Keys ordered by the instant they are due at, then by key, so that the order never depends on the
/// order of additions.
#[derive(Debug)]
pub(super) struct Agenda<K> {
    order: BTreeSet<(Timestamp, K)>,
    due: HashMap<K, Timestamp>,
}

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Self { order: BTreeSet::new(), due: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash + Ord> Agenda<K> {
    /// Adds a key that is due at `instant`; an earlier entry of the key stays.
    pub(super) fn add(&mut self, key: K, instant: Timestamp) {
        match self.due.get(&key) {
            Some(present) if *present <= instant => return,
            Some(present) => self.order.remove(&(*present, key.clone())),
            None => false,
        };
        self.due.insert(key.clone(), instant);
        self.order.insert((instant, key));
    }

    /// Takes the first key that is due at `now`.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        self.due.remove(&key);
        Some(key)
    }

    /// When the first key is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(instant, _)| *instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_key_is_due_once_at_the_earliest_instant() {
        let at = |s| Timestamp::UNIX_EPOCH + Duration::from_secs(s);
        let mut agenda = Agenda::default();
        agenda.add("b", at(3));
        agenda.add("b", at(2));
        agenda.add("b", at(9));
        agenda.add("a", at(2));
        assert_eq!(agenda.next(), Some(at(2)));
        assert_eq!(agenda.take(at(1)), None);
        assert_eq!(
            [agenda.take(at(2)), agenda.take(at(2)), agenda.take(at(9))],
            [Some("a"), Some("b"), None]
        );
    }
}
