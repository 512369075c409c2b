//! The garbage controller: collects objects whose owners are gone, and empties terminating namespaces.
//!
//! ```text
//!   event ──► keys ──► object, its owners, its dependents ──► decide ──► Verdict ──► act
//!   terminating namespace ──► delete its pods, then the rest ──► drop the finalizer `kubernetes`
//! ```
//!
//! The rules are those of the Kubernetes document "Garbage Collection" and of the API machinery's
//! garbage collector: background, foreground and orphan. The cost of an event depends on the object's
//! owners and dependents only, that of a namespace on its content.
//!
//! It also deletes Event objects that have expired.

mod act;
mod conditions;
mod decide;
mod namespace;

use async_trait::async_trait;

use super::controller::{Controller, Next, ReconcileError};
use crate::clock::until;
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{Change, Event, Interest, Store};
use act::COMPONENT;
pub use decide::{Owner, Verdict, decide};

/// The garbage controller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Garbage;

impl Garbage {
    /// A garbage controller.
    pub fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Controller for Garbage {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn interest(&self) -> Interest {
        Interest::default()
    }

    fn concerned(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        if event.object.kind() == Kind::Event && event.change != Change::Deleted {
            return vec![event_objects()];
        }
        match event.change {
            Change::Added => Vec::from_iter(is_candidate(&event.object).then(|| event.object.key().clone())),
            Change::Modified => concerned_by_change(store, event),
            Change::Deleted => concerned_by_removal(store, &event.object),
        }
    }

    fn all(&mut self, store: &Store) -> Vec<ObjectKey> {
        let mut keys = vec![event_objects()];
        for kind in Kind::ALL {
            let objects = store.list(*kind, None).objects;
            keys.extend(
                objects.iter().filter(|object| is_candidate(object)).map(|object| object.key().clone()),
            );
        }
        keys
    }

    async fn reconcile(&mut self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError> {
        if *key == event_objects() {
            let next = store.expire_events().await;
            let wait = |instant| Next::After(until(store.clock().now(), instant));
            return Ok(next.map_or(Next::OnChange, wait));
        }
        let Some(object) = store.get(key) else { return Ok(Next::OnChange) };
        if object.kind() == Kind::Namespace && object.is_terminating() {
            namespace::empty(store, &object).await?;
        }
        let owners = act::owners(store, &object);
        let dependents = act::dependents(store, &object);
        act::carry_out(store, &object, &dependents, decide(&object, &owners, &dependents)).await?;
        Ok(Next::OnChange)
    }
}

/// The key under which expired Event objects are deleted.
fn event_objects() -> ObjectKey {
    ObjectKey::new(Kind::Event, "", "")
}

/// Whether an object may need collection.
fn is_candidate(object: &Object) -> bool {
    object.is_terminating() || decide::references(object).next().is_some()
}

fn concerned_by_change(store: &Store, event: &Event) -> Vec<ObjectKey> {
    let object = &event.object;
    let previous = event.previous.as_ref();
    let mut keys = Vec::new();
    let has_same_owners =
        previous.is_some_and(|previous| decide::references(previous).eq(decide::references(object)));
    if object.is_terminating() || !has_same_owners {
        keys.push(object.key().clone());
    }
    if !has_same_owners {
        keys.extend(previous.into_iter().flat_map(|previous| waiting_owners(store, previous)));
    }
    let was_waiting = previous.is_some_and(decide::awaits_dependents);
    if decide::awaits_dependents(object) && !was_waiting {
        keys.extend(act::dependents(store, object).iter().map(|dependent| dependent.key().clone()));
    }
    keys
}

/// Its dependents have lost an owner; its owners and its namespace may have been waiting for it.
fn concerned_by_removal(store: &Store, object: &Object) -> Vec<ObjectKey> {
    let mut keys: Vec<ObjectKey> =
        store.owned_by(object.uid()).iter().map(|dependent| dependent.key().clone()).collect();
    keys.extend(waiting_owners(store, object));
    let namespace = ObjectKey::new(Kind::Namespace, "", object.namespace());
    keys.extend(store.get(&namespace).filter(Object::is_terminating).map(|_| namespace));
    keys
}

fn waiting_owners(store: &Store, object: &Object) -> Vec<ObjectKey> {
    let keys = decide::references(object).filter_map(|owner| act::key_of(object, owner));
    keys.filter(|key| store.get(key).is_some_and(|owner| decide::awaits_dependents(&owner))).collect()
}

#[cfg(test)]
mod tests;
