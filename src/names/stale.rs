//! Which objects must be rendered anew, and how much of each service.
//!
//! Collected over a batch of changes, so that an object that changed twice is rendered once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::render::Touched;
use crate::objects::{Kind, ObjectKey};

/// Objects that must be rendered anew.
#[derive(Default)]
pub(super) struct Stale {
    pub(super) namespaces: BTreeSet<String>,
    pub(super) services: BTreeMap<ObjectKey, Extent>,
    pub(super) pods: BTreeSet<ObjectKey>,
    /// Whether the records that follow from the options alone are stale: once, at start.
    pub(super) has_fixed: bool,
}

/// How much of a service must be rendered anew.
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// The records in which these endpoints take part.
    Endpoints(Touched),
}

impl Stale {
    /// A service or a pod.
    pub(super) fn add(&mut self, key: ObjectKey) {
        if key.kind == Kind::Pod {
            self.pods.insert(key);
        } else {
            self.services.insert(key, Extent::Whole);
        }
    }

    pub(super) fn add_endpoints(&mut self, service: ObjectKey, touched: Touched) {
        match self.services.entry(service) {
            Entry::Vacant(vacant) => drop(vacant.insert(Extent::Endpoints(touched))),
            Entry::Occupied(mut known) => {
                if let Extent::Endpoints(others) = known.get_mut() {
                    others.extend(touched);
                }
            }
        }
    }
}
