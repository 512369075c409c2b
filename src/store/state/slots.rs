//! Objects in slots: a key finds its slot by its hash, and an ordered index over the keys, which
//! changes only when an object comes or goes, gives listings their order.

use std::collections::BTreeMap;

use crate::objects::{Object, ObjectKey};

/// Objects by key, in the order of their keys.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Option<Object>>,
    free: Vec<usize>,
    numbers: foldhash::HashMap<ObjectKey, usize>,
    order: BTreeMap<ObjectKey, usize>,
}

impl Slots {
    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.slots[*self.numbers.get(key)?].as_ref()
    }

    /// The objects from `first` on.
    pub(super) fn from(&self, first: ObjectKey) -> impl Iterator<Item = &Object> {
        self.order.range(first..).filter_map(|(_, slot)| self.slots[*slot].as_ref())
    }

    pub(super) fn put(&mut self, object: Object) {
        if let Some(slot) = self.numbers.get(object.key()) {
            self.slots[*slot] = Some(object);
            return;
        }
        let slot = self.free.pop().unwrap_or(self.slots.len());
        self.numbers.insert(object.key().clone(), slot);
        self.order.insert(object.key().clone(), slot);
        if slot == self.slots.len() {
            self.slots.push(Some(object));
        } else {
            self.slots[slot] = Some(object);
        }
    }

    pub(super) fn remove(&mut self, key: &ObjectKey) {
        let Some(slot) = self.numbers.remove(key) else { return };
        self.order.remove(key);
        self.slots[slot] = None;
        self.free.push(slot);
    }
}
