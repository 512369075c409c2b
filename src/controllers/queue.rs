//! The keyed work queue: each key at most once, delayed keys by their time, failures with a back-off.
//!
//! Pure: callers pass the time. A key that is added while it is being worked on comes back once the
//! work is done, so two syncs of one key never overlap and no change is missed (client-go's work
//! queue).

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use crate::clock::Timestamp;

/// Keys that wait to be reconciled. Each key is held once, so the number of objects bounds it.
#[derive(Debug)]
pub struct Queue<K> {
    ready: VecDeque<K>,
    queued: HashSet<K>,
    working: HashSet<K>,
    again: HashSet<K>,
    later: BTreeSet<(Timestamp, K)>,
    due: HashMap<K, Timestamp>,
    resting: HashMap<K, Timestamp>,
    failures: HashMap<K, u32>,
}

/// The first wait after a failure; each further failure doubles it, as in client-go.
const BACKOFF_MIN: Duration = Duration::from_millis(5);
/// The longest wait after a failure.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            queued: HashSet::new(),
            working: HashSet::new(),
            again: HashSet::new(),
            later: BTreeSet::new(),
            due: HashMap::new(),
            resting: HashMap::new(),
            failures: HashMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash + Ord> Queue<K> {
    /// Adds a key that is due now, or once it has rested.
    pub fn add(&mut self, key: K) {
        if self.working.contains(&key) {
            self.again.insert(key);
        } else if let Some(until) = self.resting.get(&key).copied() {
            self.add_at(key, until);
        } else if self.queued.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    /// Adds a key that is due at `instant`; the earliest of several instants wins.
    pub fn add_at(&mut self, key: K, instant: Timestamp) {
        match self.due.get(&key) {
            Some(present) if *present <= instant => return,
            Some(present) => self.later.remove(&(*present, key.clone())),
            None => false,
        };
        self.due.insert(key.clone(), instant);
        self.later.insert((instant, key));
    }

    /// Takes the next key that is due; return it with [`Queue::done`] or [`Queue::failed`].
    pub fn take(&mut self, now: Timestamp) -> Option<K> {
        self.promote(now);
        let key = self.ready.pop_front()?;
        self.queued.remove(&key);
        self.working.insert(key.clone());
        Some(key)
    }

    /// When the next delayed key becomes due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.later.first().map(|(instant, _)| *instant)
    }

    /// How many keys have failed since they last succeeded.
    pub fn n_failing(&self) -> usize {
        self.failures.len()
    }

    /// Returns a taken key after a success.
    pub fn done(&mut self, key: &K) {
        self.failures.remove(key);
        self.give_back(key);
    }

    /// Lets a taken key rest after a success: until `until` it is not taken again, however often it is
    /// added. To be called before [`Queue::done`].
    pub fn rest(&mut self, key: &K, until: Timestamp) {
        self.resting.insert(key.clone(), until);
    }

    /// Returns a taken key after a failure: it comes back after its back-off.
    pub fn failed(&mut self, key: &K, now: Timestamp) {
        let failures = self.failures.entry(key.clone()).or_default();
        let wait = BACKOFF_MIN.saturating_mul(1 << (*failures).min(20)).min(BACKOFF_MAX);
        *failures += 1;
        self.give_back(key);
        self.add_at(key.clone(), now + wait);
    }

    fn give_back(&mut self, key: &K) {
        self.working.remove(key);
        if self.again.remove(key) {
            self.add(key.clone());
        }
    }

    fn promote(&mut self, now: Timestamp) {
        self.resting.retain(|_, until| *until > now);
        while let Some((instant, key)) = self.later.first().cloned() {
            if instant > now {
                break;
            }
            self.later.remove(&(instant, key.clone()));
            self.due.remove(&key);
            self.add(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_millis(ms)
    }

    #[test]
    fn a_key_is_queued_once_and_comes_back_if_added_while_worked_on() {
        let mut queue = Queue::default();
        queue.add("a");
        queue.add("a");
        assert_eq!(queue.take(at(0)), Some("a"));
        assert_eq!(queue.take(at(0)), None);
        queue.add("a");
        assert_eq!(queue.take(at(0)), None, "never twice at the same time");
        queue.done(&"a");
        assert_eq!(queue.take(at(0)), Some("a"));
        queue.done(&"a");
        assert_eq!(queue.take(at(0)), None);
    }

    #[test]
    fn of_several_instants_the_earliest_counts() {
        let mut queue = Queue::default();
        queue.add_at("a", at(20));
        queue.add_at("a", at(10));
        queue.add_at("a", at(30));
        assert_eq!(queue.next_due(), Some(at(10)));
        assert_eq!(queue.take(at(9)), None);
        assert_eq!(queue.take(at(10)), Some("a"));
        assert_eq!(queue.next_due(), None);
    }

    #[test]
    fn a_key_that_rests_comes_back_once_and_only_if_it_was_added() {
        let mut queue = Queue::default();
        for key in ["a", "b"] {
            queue.add(key);
            queue.take(at(0));
            queue.rest(&key, at(10));
            queue.done(&key);
        }
        queue.add("a");
        queue.add("a");
        assert_eq!((queue.take(at(9)), queue.next_due()), (None, Some(at(10))));
        assert_eq!(queue.take(at(10)), Some("a"));
        queue.add("a");
        queue.rest(&"a", at(20));
        queue.done(&"a");
        assert_eq!(queue.take(at(19)), None, "also what was added while it was worked on rests");
        assert_eq!(queue.take(at(20)), Some("a"));
        queue.add("b");
        assert_eq!(queue.take(at(20)), Some("b"), "a rest that is over is forgotten");
    }

    #[test]
    fn failures_double_the_wait_and_a_success_resets_it() {
        let mut queue = Queue::default();
        queue.add("a");
        for wait in [5, 10, 20] {
            queue.take(at(0));
            queue.failed(&"a", at(0));
            assert_eq!(queue.next_due(), Some(at(wait)));
            queue.promote(at(wait));
        }
        queue.take(at(0));
        queue.done(&"a");
        queue.add("a");
        queue.take(at(0));
        queue.failed(&"a", at(0));
        assert_eq!(queue.next_due(), Some(at(5)));
    }
}
