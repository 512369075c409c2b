//! The objects and their history in memory, as readers and watchers share them.
//!
//! What Kubernetes' API server calls the watch cache: a backend publishes its events here, and get,
//! list and watch are answered from here. One lock guards the state; it is held for a map operation
//! or a scan, never across an await.

use std::sync::{RwLock, RwLockReadGuard};

use tokio::sync::watch;

use super::event::{Event, Gone, Interest};
use super::state::State;
use crate::objects::{Kind, Object, ObjectKey, Revision};

/// Objects as they were at one revision.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The revision of the listing; a watch from here misses nothing.
    pub revision: Revision,
    /// The objects in the order of their keys.
    pub objects: Vec<Object>,
}

/// Events out of the history.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// The revision up to which events of interest were delivered.
    pub seen: Revision,
}

/// Published objects and their history.
pub struct Cache {
    state: RwLock<State>,
    revision: watch::Sender<Revision>,
}

impl Cache {
    /// An empty cache whose events have revisions above `revision`, and which keeps at most
    /// `history_events_max` of them. Watches from before `revision` are [`Gone`].
    pub fn new(revision: Revision, history_events_max: usize) -> Self {
        let state = RwLock::new(State::new(revision, history_events_max));
        Self { state, revision: watch::Sender::new(revision) }
    }

    /// The present version of an object.
    pub fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.read().get(key).cloned()
    }

    /// The present objects of a kind, in one namespace or in all, that `is_wanted` picks.
    pub fn list(&self, kind: Kind, namespace: Option<&str>, is_wanted: impl Fn(&Object) -> bool) -> Listing {
        let state = self.read();
        let objects = state.list(kind, namespace).filter(|object| is_wanted(object));
        Listing { revision: state.revision(), objects: objects.cloned().collect() }
    }

    /// The present objects that have an owner reference to `uid`.
    pub fn owned_by(&self, uid: &str) -> Vec<Object> {
        self.read().owned_by(uid).cloned().collect()
    }

    /// The first `limit` events of interest after revision `after`, oldest first.
    pub fn events_after(&self, after: Revision, interest: &Interest, limit: usize) -> Result<Batch, Gone> {
        let state = self.read();
        let mut wanted = state.events_after(after)?.filter(|event| interest.wants(event));
        let events: Vec<Event> = wanted.by_ref().take(limit).cloned().collect();
        let seen = match (wanted.next(), events.last()) {
            (Some(_), Some(last)) => last.revision,
            _ => state.revision().max(after),
        };
        Ok(Batch { events, seen })
    }

    /// The revision of the last event, as a value that wakes its receivers when it changes.
    pub fn revision(&self) -> watch::Receiver<Revision> {
        self.revision.subscribe()
    }

    /// Makes events visible, in the order of their revisions, all of them in one step.
    pub fn publish(&self, events: impl IntoIterator<Item = Event>) {
        let mut state = self.state.write().expect("no panic happens while the state is written");
        events.into_iter().for_each(|event| state.publish(event));
        self.revision.send_replace(state.revision());
    }

    /// Decides about a write and publishes its event in one step, for a backend that writes nowhere
    /// else. `decide` gets the present version of the object and the revision of the last event.
    pub(super) fn publish_at_once<E>(
        &self,
        key: &ObjectKey,
        decide: impl FnOnce(Option<Object>, Revision) -> Result<Event, E>,
    ) -> Result<Event, E> {
        let mut state = self.state.write().expect("no panic happens while the state is written");
        let event = decide(state.get(key).cloned(), state.revision())?;
        state.publish(event.clone());
        self.revision.send_replace(state.revision());
        Ok(event)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("no panic happens while the state is written")
    }
}
