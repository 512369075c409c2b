//! Stamps that tell a reader whether sections it made from other names' records are still right.
//!
//! Names share a stamp if their hashes agree modulo the number of stamps, so a lookup compares no names
//! and sometimes reports a change that concerned another name. There are at least as many stamps as
//! names with names below them. The directories are small enough to stay in a processor's cache, so a
//! reader waits for memory once, and renewing a stamp copies little.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many stamps are copied when one is renewed.
const PAGE: usize = 64;
/// How many pages are in a volume, whose pointers are copied when a stamp is renewed.
const VOLUME: usize = 16;

/// A number that is unique in a process; the default is never used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    pub(super) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// The records of all names one label below another, at one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Below {
    parent_hash: u64,
    stamp: Stamp,
}

/// Stamps by hash. Cheap to clone; a changed copy shares what it keeps.
#[derive(Clone, Debug)]
pub(super) struct Stamps {
    /// Their number is a power of two.
    volumes: Arc<[Volume]>,
}

type Volume = Arc<[Arc<[Stamp; PAGE]>; VOLUME]>;

impl Default for Stamps {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Stamps {
    fn new(n_volumes: usize) -> Self {
        let page = Arc::new([Stamp::next(); PAGE]);
        let volume: Volume = Arc::new(std::array::from_fn(|_| page.clone()));
        Self { volumes: std::iter::repeat_n(volume, n_volumes).collect() }
    }

    /// The stamp of a hash.
    #[inline]
    fn get(&self, hash: u64) -> Stamp {
        let [volume, page, index] = self.place(hash);
        self.volumes[volume][page][index]
    }

    /// The records one label below a name of this hash.
    pub(super) fn below(&self, parent_hash: u64) -> Below {
        Below { parent_hash, stamp: self.get(parent_hash) }
    }

    /// Whether these records are unchanged; `false` may be wrong.
    #[inline]
    pub(super) fn has_unchanged(&self, below: Below) -> bool {
        self.get(below.parent_hash) == below.stamp
    }

    /// Gives the names of this hash another stamp.
    pub(super) fn renew(&mut self, hash: u64) {
        let [volume, page, index] = self.place(hash);
        let volume = Arc::make_mut(&mut Arc::make_mut(&mut self.volumes)[volume]);
        Arc::make_mut(&mut volume[page])[index] = Stamp::next();
    }

    /// Makes room for so many names; all stamps are renewed if there was not enough.
    pub(super) fn reserve(&mut self, n_names: usize) {
        if n_names > self.volumes.len() * VOLUME * PAGE {
            *self = Self::new(n_names.div_ceil(VOLUME * PAGE).next_power_of_two());
        }
    }

    #[inline]
    fn place(&self, hash: u64) -> [usize; 3] {
        let hash = hash as usize;
        [(hash / PAGE / VOLUME) & (self.volumes.len() - 1), hash / PAGE % VOLUME, hash % PAGE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_stamp_is_another_one_and_those_beside_it_and_in_copies_are_not() {
        const ALL: u64 = (4 * VOLUME * PAGE) as u64;
        let mut stamps = Stamps::new(4);
        let before = stamps.clone();
        for renewed in [0, 700, ALL - 1] {
            stamps.renew(renewed);
            assert_ne!(stamps.get(renewed), before.get(renewed));
            assert_eq!(stamps.get(renewed + ALL), stamps.get(renewed), "of the same place");
        }
        let renewed = (0..ALL).filter(|hash| stamps.get(*hash) != before.get(*hash));
        assert_eq!(renewed.collect::<Vec<_>>(), [0, 700, ALL - 1]);
        assert!((0..ALL).all(|hash| before.get(hash) == before.get(3)));
    }

    #[test]
    fn with_more_room_every_stamp_is_another_one() {
        let mut stamps = Stamps::default();
        let before = stamps.get(3);
        stamps.reserve(VOLUME * PAGE);
        assert_eq!(stamps.get(3), before);
        stamps.reserve(VOLUME * PAGE + 1);
        assert_ne!(stamps.get(3), before);
        assert_eq!(stamps.volumes.len(), 2);
    }
}
