//! Who and what is asked for most, in bounded memory.
//!
//! Of more keys than there is room for, a new one takes the place and the count of the one that was
//! counted least ("space saving"): a key may be counted too high, never too low, and what makes up
//! more than one in `room` of all is among those that are kept.

use std::collections::HashMap;
use std::hash::Hash;

/// Counts of the keys that occur most.
#[derive(Debug)]
pub(super) struct Top<K> {
    counts: HashMap<K, u64>,
    room: usize,
}

impl<K: Clone + Eq + Hash + Ord> Top<K> {
    pub(super) fn new(room: usize) -> Self {
        Self { counts: HashMap::with_capacity(room), room }
    }

    /// `key` has occurred `n` times more.
    pub(super) fn add(&mut self, key: K, n: u64) {
        if self.counts.len() < self.room || self.counts.contains_key(&key) {
            *self.counts.entry(key).or_default() += n;
            return;
        }
        // Of several that were counted least the first in order, so that runs are repeatable.
        let least = self.counts.iter().min_by_key(|(key, n)| (**n, *key));
        if let Some((least, count)) = least.map(|(key, count)| (key.clone(), *count)) {
            self.counts.remove(&least);
            self.counts.insert(key, count + n);
        }
    }

    /// The keys of all, the greatest `n` of them, with the sums of their counts.
    pub(super) fn of_all<'t>(all: impl IntoIterator<Item = &'t Self>, n: usize) -> Vec<(K, u64)>
    where
        K: 't,
    {
        let mut sums: HashMap<K, u64> = HashMap::new();
        for (key, count) in all.into_iter().flat_map(|top| &top.counts) {
            *sums.entry(key.clone()).or_default() += count;
        }
        let mut sorted: Vec<(K, u64)> = sums.into_iter().collect();
        sorted.sort_by(|(one, n_one), (other, n_other)| n_other.cmp(n_one).then_with(|| one.cmp(other)));
        sorted.truncate(n);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_occurs_most_is_kept_whatever_comes_between() {
        let mut top = Top::new(8);
        for n in 0..10_000_u32 {
            top.add(if n % 5 == 0 { u32::MAX } else { n }, 1);
        }
        let kept = Top::of_all([&top], 10_000);
        let (key, count) = kept[0];
        assert_eq!((key, kept.len()), (u32::MAX, 8));
        assert!((2_000..2_000 + 10_000 / 8).contains(&count), "{count}");
    }

    #[test]
    fn counts_of_several_are_summed_up() {
        let (mut one, mut other) = (Top::new(4), Top::new(4));
        one.add("a", 3);
        one.add("b", 5);
        other.add("a", 4);
        other.add("c", 1);
        assert_eq!(Top::of_all([&one, &other], 2), [("a", 7), ("b", 5)]);
    }
}
