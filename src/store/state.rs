//! Objects by key, in order and by owner, with the history of what happened to them.
//!
//! A plain value without locks or tasks. Events are applied unchecked: they come from
//! [`Write::carried_out`](super::Write::carried_out) or from another server.

mod history;
mod slots;

use std::collections::{BTreeSet, HashMap};

use super::event::{Change, Event, Gone};
use crate::objects::{Kind, Object, ObjectKey, Revision};
use history::History;
pub(super) use history::{EVENTS_MAX, OCTETS_MAX};
use slots::Slots;

/// The present objects and their history.
pub(super) struct State {
    objects: Slots,
    owned: HashMap<String, BTreeSet<ObjectKey>>,
    history: History,
}

impl State {
    /// No objects; what happened up to `revision` is not known.
    pub(super) fn new(revision: Revision, history_events_max: usize) -> Self {
        Self {
            objects: Slots::default(),
            owned: HashMap::new(),
            history: History::new(revision, history_events_max),
        }
    }

    /// The revision of the last event.
    pub(super) fn revision(&self) -> Revision {
        self.history.revision()
    }

    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.objects.get(key)
    }

    /// The objects of a kind, in one namespace or in all, in the order of their keys.
    pub(super) fn list(&self, kind: Kind, namespace: Option<&str>) -> impl Iterator<Item = &Object> {
        let first = ObjectKey::new(kind, namespace.unwrap_or_default(), "");
        self.objects.from(first).take_while(move |object| {
            let key = object.key();
            key.kind == kind && namespace.is_none_or(|namespace| key.namespace == namespace)
        })
    }

    pub(super) fn owned_by(&self, uid: &str) -> impl Iterator<Item = &Object> {
        self.owned.get(uid).into_iter().flatten().filter_map(|key| self.objects.get(key))
    }

    pub(super) fn events_after(&self, after: Revision) -> Result<impl Iterator<Item = &Event>, Gone> {
        self.history.after(after)
    }

    /// Applies an event, newer than all before it.
    pub(super) fn publish(&mut self, event: Event) {
        let (object, previous) = (&event.object, event.previous.as_ref());
        let is_owned_as_before = event.change == Change::Modified
            && previous
                .is_some_and(|previous| previous.meta().owner_references == object.meta().owner_references);
        if !is_owned_as_before {
            let owners = previous.and_then(|previous| previous.meta().owner_references.as_ref());
            for owner in owners.into_iter().flatten() {
                self.disown(&owner.uid, object.key());
            }
        }
        if event.change == Change::Deleted {
            self.objects.remove(object.key());
        } else {
            if !is_owned_as_before {
                for owner in object.meta().owner_references.iter().flatten() {
                    self.owned.entry(owner.uid.clone()).or_default().insert(object.key().clone());
                }
            }
            self.objects.put(object.clone());
        }
        self.history.push(event);
    }

    fn disown(&mut self, uid: &str, key: &ObjectKey) {
        if let Some(keys) = self.owned.get_mut(uid) {
            keys.remove(key);
            if keys.is_empty() {
                self.owned.remove(uid);
            }
        }
    }
}
