//! Stamps by which a reader sees that what it has made of other names' records still holds.
//!
//! A stamp belongs to all names of one hash modulo the number of stamps, so looking it up waits for
//! memory twice, compares no names, and sometimes says that something has changed when it has not.
//! There are at least as many stamps as names that have others below them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many stamps are copied when one is renewed.
const PAGE: usize = 512;

/// A number that is given once in the life of a process; the default is never given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    pub(super) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Stamps by hash. Cheap to clone; a changed copy shares what it keeps.
#[derive(Clone, Debug)]
pub(super) struct Stamps {
    /// Two to some power.
    pages: Arc<[Arc<[Stamp; PAGE]>]>,
}

impl Default for Stamps {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Stamps {
    fn new(n_pages: usize) -> Self {
        let page = Arc::new([Stamp::next(); PAGE]);
        Self { pages: std::iter::repeat_n(page, n_pages).collect() }
    }

    /// The stamp of a hash.
    #[inline]
    pub(super) fn get(&self, hash: u64) -> Stamp {
        let (page, index) = self.place(hash);
        self.pages[page][index]
    }

    /// Gives the names of this hash another stamp.
    pub(super) fn renew(&mut self, hash: u64) {
        let (page, index) = self.place(hash);
        Arc::make_mut(&mut Arc::make_mut(&mut self.pages)[page])[index] = Stamp::next();
    }

    /// Makes room for so many names; all stamps are others if there was not enough.
    pub(super) fn reserve(&mut self, n_names: usize) {
        if n_names > self.pages.len() * PAGE {
            *self = Self::new(n_names.div_ceil(PAGE).next_power_of_two());
        }
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, usize) {
        let hash = hash as usize;
        ((hash / PAGE) & (self.pages.len() - 1), hash % PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_stamp_is_another_one_and_those_beside_it_and_in_copies_are_not() {
        let mut stamps = Stamps::new(4);
        let before = stamps.clone();
        stamps.renew(700);
        assert_ne!(stamps.get(700), before.get(700));
        assert_eq!(stamps.get(701), before.get(701));
        assert_eq!(stamps.get(700 + 4 * PAGE as u64), stamps.get(700), "of the same place");
        assert_eq!(stamps.get(700 + PAGE as u64), before.get(700 + PAGE as u64));
        assert_eq!(before.get(700), before.get(3));
    }

    #[test]
    fn with_more_room_every_stamp_is_another_one() {
        let mut stamps = Stamps::default();
        let before = stamps.get(3);
        stamps.reserve(PAGE);
        assert_eq!(stamps.get(3), before);
        stamps.reserve(PAGE + 1);
        assert_ne!(stamps.get(3), before);
        assert_eq!(stamps.pages.len(), 2);
    }
}
