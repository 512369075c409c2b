//! Objects of the store that a pod waits for, each with the version that was not enough.

use std::collections::BTreeMap;

use crate::objects::{Object, ObjectKey, Revision};

/// What is waited for, and what was found of it: a version, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::node) struct Awaited(BTreeMap<ObjectKey, Option<Revision>>);

impl Awaited {
    /// Something was looked up, and this was found.
    pub(super) fn note(&mut self, key: ObjectKey, found: Option<&Object>) {
        self.0.insert(key, found.map(Object::revision));
    }

    /// Takes over what another one waits for.
    pub(super) fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().map(|(key, revision)| (key.clone(), *revision)));
    }

    /// Whether any of it has appeared, gone or changed; `present` is the version that is there now.
    pub(in crate::node) fn has_changed(&self, present: impl Fn(&ObjectKey) -> Option<Revision>) -> bool {
        self.0.iter().any(|(key, found)| present(key) != *found)
    }

    /// The keys.
    pub(in crate::node) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.0.keys()
    }
}
