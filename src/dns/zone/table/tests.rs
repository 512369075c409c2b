//! The table beside the standard library's map.

use std::collections::BTreeMap;
use std::hash::Hasher;

use proptest::prelude::*;

use super::*;

/// A name and what was last put under it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item(Vec<u8>, u32);

impl Named for Item {
    fn name(&self) -> &[u8] {
        &self.0
    }
}

/// Keeps `BITS` bits of a name's number, at the upper end or the lower.
#[derive(Clone, Default)]
struct Poor<const BITS: u32, const IS_HIGH: bool>(u64);

impl<const BITS: u32, const IS_HIGH: bool> Hasher for Poor<BITS, IS_HIGH> {
    fn finish(&self) -> u64 {
        let kept = self.0 & ((1 << BITS) - 1);
        if IS_HIGH { kept << (u64::BITS - BITS) } else { kept }
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

impl<const BITS: u32, const IS_HIGH: bool> BuildHasher for Poor<BITS, IS_HIGH> {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        self.clone()
    }
}

fn name(number: u16) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn content<S: BuildHasher>(table: &Table<Item, S>) -> BTreeMap<Vec<u8>, u32> {
    let content: BTreeMap<Vec<u8>, u32> =
        table.iter().map(|Item(name, value)| (name.clone(), *value)).collect();
    assert_eq!(content.len(), table.iter().count(), "no item twice");
    assert_eq!(content.len(), table.len());
    content
}

/// Puts and takes out items, keeping a copy of the table at times; all has to be as in a map.
fn check<S: BuildHasher + Default + Clone>(steps: &[(u16, Option<u32>)]) {
    let mut table: Table<Item, S> = Table::default();
    let mut model: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    let mut kept = Vec::new();
    for (step, (number, value)) in steps.iter().enumerate() {
        let name = name(*number);
        let (is, expected) = match value {
            Some(value) => (table.insert(Item(name.clone(), *value)), model.insert(name.clone(), *value)),
            None => (table.remove(&name), model.remove(&name)),
        };
        assert_eq!(is.map(|item| item.1), expected);
        assert_eq!(table.get(&name).map(|item| item.1), *value);
        if step % (steps.len() / 8 + 1) == 0 {
            kept.push((table.clone(), model.clone()));
        }
    }
    kept.push((table, model));
    for (table, model) in &kept {
        assert_eq!(content(table), *model);
        assert!(model.keys().all(|name| table.get(name).is_some_and(|item| item.0 == *name)));
    }
}

fn steps(n_names: u16) -> impl Strategy<Value = Vec<(u16, Option<u32>)>> {
    proptest::collection::vec((0..n_names, proptest::option::weighted(0.6, 0..10_u32)), 0..600)
}

proptest! {
    #[test]
    fn it_holds_what_a_map_would_and_copies_stay_as_they_were(steps in steps(300)) {
        check::<RandomState>(&steps);
    }

    #[test]
    fn names_of_one_hash_are_told_apart(steps in steps(100)) {
        check::<Poor<0, false>>(&steps);
        check::<Poor<3, false>>(&steps);
        check::<Poor<3, true>>(&steps);
    }
}

#[test]
fn it_grows_and_shrinks_through_all_its_levels() {
    let all: Vec<(u16, Option<u32>)> = (0..40_000).map(|number| (number, Some(1))).collect();
    let none = (0..40_000).map(|number| (number, None));
    check::<RandomState>(&all.into_iter().chain(none).collect::<Vec<_>>());
}

#[test]
fn what_is_empty_again_keeps_no_directory() {
    let mut table: Table<Item> = Table::default();
    (0..10_000).for_each(|number| drop(table.insert(Item(name(number), 1))));
    assert!(matches!(table.root, Place::Directory { n_bits: 4, .. }));
    (0..10_000).for_each(|number| drop(table.remove(&name(number))));
    assert!(matches!(&table.root, Place::Bucket(entries) if entries.slice.is_empty()));
}

#[test]
fn lookups_that_take_turns_find_what_single_ones_do() {
    let mut table: Table<Item> = Table::default();
    (0..5_000).for_each(|number| drop(table.insert(Item(name(number), u32::from(number)))));
    let names: Vec<Vec<u8>> = (4_950..5_050).map(name).collect();
    let mut cursors: Vec<_> = names.iter().map(|name| table.seek(name)).collect();
    let mut n_rounds = 0;
    while cursors.iter_mut().zip(&names).fold(false, |more, (cursor, name)| cursor.step(name) | more) {
        n_rounds += 1;
    }
    assert!(n_rounds <= 7, "{n_rounds} rounds");
    for (cursor, name) in cursors.into_iter().zip(&names) {
        assert_eq!(cursor.found(), table.get(name));
    }
}
