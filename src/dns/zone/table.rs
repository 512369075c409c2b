//! A persistent hash table, looked up in steps.
//!
//! ```text
//!   Directory ── four bits of the hash ──► Directory ── the next ──► Bucket ── hash ──► item
//!   (2 to 16 places)                       (2 to 16 places)          (a few items)
//! ```
//!
//! A copy shares everything; a change copies one directory per level and one bucket, unless nobody
//! shares them. A bucket that is full doubles the directory it is in, and becomes a directory of its
//! own once that has all its places. So the depth is the logarithm of the number of items to the
//! base of 16, and a table that doubles has moved each item about twice.
//!
//! Copying a directory touches all that it points to, which counts who shares it; that is most of what
//! a change costs, and the reason why directories are not wider.
//!
//! What a lookup costs in a large table is waiting for memory: once per level, for the bucket, for
//! the item. A [`Cursor`] waits at most once per [step](Cursor::step), so that many lookups, each
//! making a step in turn, wait together.

use std::fmt;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use triomphe::{Arc, ThinArc};

/// How many items a bucket has at most, as long as there are bits of the hash to tell them apart.
const BUCKET_MAX: usize = 8;
/// How many bits of the hash a level takes.
const LEVEL_BITS: u32 = 4;
/// A directory that has no more items than these is a bucket again.
const SCATTERED_MAX: usize = BUCKET_MAX / 2;

/// An item that a table finds by its name.
pub(crate) trait Named {
    /// The name.
    fn name(&self) -> &[u8];
}

/// Items by their names. Cheap to clone; a changed copy shares what it keeps.
#[derive(Clone)]
pub(crate) struct Table<T, S = RandomState> {
    root: Place<T>,
    n_items: usize,
    hasher: S,
}

#[derive(Clone)]
enum Place<T> {
    Bucket(ThinArc<(), Entry<T>>),
    /// The number of its places is two to the power of `n_bits`, which is kept beside the pointer
    /// so that the next place is known before what it points to has come.
    Directory {
        n_bits: u8,
        places: ThinArc<(), Place<T>>,
    },
}

#[derive(Clone)]
struct Entry<T> {
    hash: u64,
    item: T,
}

/// Where a lookup is.
pub(crate) struct Cursor<'t, T> {
    hash: u64,
    at: At<'t, T>,
}

enum At<'t, T> {
    Place(&'t Place<T>, u32),
    Entries(&'t [Entry<T>]),
    /// Items of the same hash.
    Items(&'t T, &'t [Entry<T>]),
    End(Option<&'t T>),
}

impl<'t, T> Cursor<'t, T> {
    /// A lookup that has already found this item.
    pub(super) fn at(item: &'t T) -> Self {
        Self { hash: 0, at: At::End(Some(item)) }
    }
}

impl<'t, T: Named> Cursor<'t, T> {
    /// Continues the lookup of `name` by one wait for memory; returns whether there is more to do.
    #[inline]
    pub(crate) fn step(&mut self, name: &[u8]) -> bool {
        self.at = match self.at {
            At::Place(Place::Directory { n_bits, places }, shift) => {
                At::Place(&places.slice[index(self.hash, shift, *n_bits)], shift + LEVEL_BITS)
            }
            At::Place(Place::Bucket(entries), _) => At::Entries(&entries.slice),
            At::Entries(entries) => match entries.iter().position(|entry| entry.hash == self.hash) {
                Some(place) => At::Items(&entries[place].item, &entries[place + 1..]),
                None => At::End(None),
            },
            At::Items(item, _) if item.name() == name => At::End(Some(item)),
            At::Items(_, others) => At::Entries(others),
            At::End(_) => return false,
        };
        true
    }

    /// What was looked up, once there is no more to do.
    #[inline]
    pub(crate) fn found(&self) -> Option<&'t T> {
        match self.at {
            At::End(found) => found,
            _ => None,
        }
    }
}

impl<T, S: Default> Default for Table<T, S> {
    fn default() -> Self {
        Self { root: Place::of(Vec::new()), n_items: 0, hasher: S::default() }
    }
}

impl<T: Named + Clone + fmt::Debug, S: BuildHasher> fmt::Debug for Table<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<T: Named + Clone, S: BuildHasher> Table<T, S> {
    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.n_items
    }

    /// The beginning of a lookup.
    #[inline]
    pub(super) fn seek(&self, name: &[u8]) -> Cursor<'_, T> {
        Cursor { hash: self.hash(name), at: At::Place(&self.root, 0) }
    }

    /// The item of this name.
    #[inline]
    pub(crate) fn get(&self, name: &[u8]) -> Option<&T> {
        let mut cursor = self.seek(name);
        while cursor.step(name) {}
        cursor.found()
    }

    /// The items, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let mut places = vec![&self.root];
        let mut entries: &[Entry<T>] = &[];
        std::iter::from_fn(move || {
            loop {
                if let Some((first, rest)) = entries.split_first() {
                    entries = rest;
                    return Some(&first.item);
                }
                match places.pop()? {
                    Place::Bucket(bucket) => entries = &bucket.slice,
                    Place::Directory { places: below, .. } => places.extend(&below.slice),
                }
            }
        })
    }

    /// Inserts an item; returns the one of the same name that it replaces.
    pub(crate) fn insert(&mut self, item: T) -> Option<T> {
        let entry = Entry { hash: self.hash(item.name()), item };
        let old = self.root.insert(entry, 0);
        self.n_items += usize::from(old.is_none());
        old
    }

    /// Removes the item of this name.
    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<T> {
        // A miss copies nothing.
        self.get(name)?;
        let removed = self.root.remove(self.hash(name), name, 0);
        self.n_items -= usize::from(removed.is_some());
        removed
    }

    /// The hash by which a name is found here, and in every copy.
    #[inline]
    pub(super) fn hash(&self, name: &[u8]) -> u64 {
        self.hasher.hash_one(name)
    }
}

impl<T> Place<T> {
    fn of(entries: Vec<Entry<T>>) -> Self {
        Self::Bucket(ThinArc::from_header_and_iter((), entries.into_iter()))
    }
}

impl<T: Named + Clone> Place<T> {
    /// `shift` is how many bits of the hash have led here.
    fn insert(&mut self, entry: Entry<T>, shift: u32) -> Option<T> {
        match self {
            Self::Directory { n_bits, places } => {
                let index = index(entry.hash, shift, *n_bits);
                let (old, is_full) = change(places, |places| {
                    let old = places[index].insert(entry, shift + LEVEL_BITS);
                    (old, places[index].is_full())
                });
                let next_bit = shift + u32::from(*n_bits);
                if is_full && next_bit < (shift + LEVEL_BITS).min(u64::BITS) {
                    *places = doubled(&places.slice, next_bit);
                    *n_bits += 1;
                } else if is_full {
                    change(places, |places| places[index].divide(shift + LEVEL_BITS));
                }
                old
            }
            Self::Bucket(entries) => {
                let known = entries.slice.iter().position(|known| known.is(entry.hash, entry.item.name()));
                if let Some(known) = known {
                    return Some(change(entries, |entries| {
                        std::mem::replace(&mut entries[known].item, entry.item)
                    }));
                }
                let mut all = entries.slice.to_vec();
                all.push(entry);
                *self = Self::of(all);
                if shift == 0 && self.is_full() {
                    self.divide(0);
                }
                None
            }
        }
    }

    fn remove(&mut self, hash: u64, name: &[u8], shift: u32) -> Option<T> {
        match self {
            Self::Directory { n_bits, places } => {
                let index = index(hash, shift, *n_bits);
                let removed = change(places, |places| places[index].remove(hash, name, shift + LEVEL_BITS));
                if let Some(few) = few(&places.slice) {
                    *self = Self::of(few);
                }
                removed
            }
            Self::Bucket(entries) => {
                let (removed, kept): (Vec<_>, Vec<_>) =
                    entries.slice.iter().cloned().partition(|entry| entry.is(hash, name));
                *self = Self::of(kept);
                removed.into_iter().next().map(|entry| entry.item)
            }
        }
    }

    fn is_full(&self) -> bool {
        matches!(self, Self::Bucket(entries) if entries.slice.len() > BUCKET_MAX)
    }

    /// Makes a directory of a bucket, if there are bits left.
    fn divide(&mut self, shift: u32) {
        if let Self::Bucket(_) = self
            && shift < u64::BITS
        {
            *self = Self::Directory { n_bits: 1, places: doubled(std::slice::from_ref(self), shift) };
        }
    }
}

impl<T: Named> Entry<T> {
    fn is(&self, hash: u64, name: &[u8]) -> bool {
        self.hash == hash && self.item.name() == name
    }
}

/// The place that a hash has in a directory.
#[inline]
fn index(hash: u64, shift: u32, n_bits: u8) -> usize {
    (hash >> shift) as usize & ((1 << n_bits) - 1)
}

/// Twice as many places, told apart by the bit at `shift`.
fn doubled<T: Clone>(places: &[Place<T>], shift: u32) -> ThinArc<(), Place<T>> {
    let half = |bit: u64| {
        places.iter().map(move |place| {
            let Place::Bucket(entries) = place else {
                unreachable!("a directory that can be doubled has no other below it");
            };
            let own = entries.slice.iter().filter(|entry| entry.hash >> shift & 1 == bit);
            Place::of(own.cloned().collect())
        })
    };
    let all: Vec<Place<T>> = half(0).chain(half(1)).collect();
    ThinArc::from_header_and_iter((), all.into_iter())
}

/// All entries below, if there are only a few.
fn few<T: Clone>(places: &[Place<T>]) -> Option<Vec<Entry<T>>> {
    let mut all = Vec::new();
    for place in places {
        let Place::Bucket(entries) = place else { return None };
        all.extend_from_slice(&entries.slice);
        if all.len() > SCATTERED_MAX {
            return None;
        }
    }
    Some(all)
}

/// Changes what is kept in place, after copying it if it is shared.
fn change<T: Clone, R>(shared: &mut ThinArc<(), T>, change: impl FnOnce(&mut [T]) -> R) -> R {
    if ThinArc::strong_count(shared) > 1 {
        *shared = ThinArc::from_header_and_iter((), shared.slice.iter().cloned());
    }
    shared.with_arc_mut(|own| change(Arc::get_mut(own).expect("nobody shares it").slice_mut()))
}

#[cfg(test)]
mod tests;
