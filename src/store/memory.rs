//! The backend that keeps everything in memory and nothing after the process ends.
//!
//! Objects lie in slots. A key finds its slot by its hash; an ordered index over the keys, which
//! changes only when an object comes or goes, gives listings their order.
//!
//! One lock guards one state; it is held for the time of a map operation and never across an
//! await. The history is a ring of at most [`MemoryBackend::HISTORY_EVENTS_MAX`] events, fewer if
//! their objects are large, that all watchers read; so a watcher that stops reading costs nothing
//! and finds itself [`Gone`].

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::RwLock;

use async_trait::async_trait;
use tokio::sync::watch;

use super::backend::{Backend, Batch, Change, CommitError, Event, Expected, Gone, Listing, Write};
use super::watch::Interest;
use crate::objects::{Kind, Object, ObjectKey, Revision};

/// A backend without a disk.
pub struct MemoryBackend {
    state: RwLock<State>,
    revision: watch::Sender<Revision>,
}

#[derive(Default)]
struct State {
    objects: Objects,
    owned: HashMap<String, BTreeSet<ObjectKey>>,
    history: VecDeque<Event>,
    /// About how much memory the objects of the history take.
    history_octets: usize,
    history_events_max: usize,
    revision: Revision,
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::with_history(Self::HISTORY_EVENTS_MAX)
    }
}

impl MemoryBackend {
    /// How many events a watcher may lie behind.
    pub const HISTORY_EVENTS_MAX: usize = 16_384;

    /// About how much memory the events may take; the last one is always kept.
    pub const HISTORY_OCTETS_MAX: usize = 128 << 20;

    /// A backend whose watchers may lie behind by at most `history_events_max` events.
    pub fn with_history(history_events_max: usize) -> Self {
        let state = State { history_events_max, ..State::default() };
        Self { state: RwLock::new(state), revision: watch::Sender::new(0) }
    }

    /// A backend whose first write has the revision after `revision`. Watches from before it are
    /// [`Gone`]: what there was then is not known here.
    pub fn starting_after(revision: Revision) -> Self {
        let state = State { history_events_max: Self::HISTORY_EVENTS_MAX, revision, ..State::default() };
        Self { state: RwLock::new(state), revision: watch::Sender::new(revision) }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().expect("no panic happens while the state is written")
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.read().objects.get(key).cloned()
    }

    fn list(&self, kind: Kind, namespace: Option<&str>) -> Listing {
        let state = self.read();
        let first = ObjectKey::new(kind, namespace.unwrap_or_default(), "");
        let belongs = |key: &ObjectKey| {
            key.kind == kind && namespace.is_none_or(|namespace| key.namespace == namespace)
        };
        let objects = state.objects.from(&first).take_while(|object| belongs(object.key()));
        Listing { revision: state.revision, objects: objects.cloned().collect() }
    }

    fn owned_by(&self, uid: &str) -> Vec<Object> {
        let state = self.read();
        let keys = state.owned.get(uid).into_iter().flatten();
        keys.filter_map(|key| state.objects.get(key).cloned()).collect()
    }

    fn events_after(&self, after: Revision, interest: &Interest, limit: usize) -> Result<Batch, Gone> {
        let state = self.read();
        let oldest = state.revision - state.history.len() as Revision;
        if after < oldest {
            return Err(Gone { asked: after, oldest });
        }
        let skipped = usize::try_from(after - oldest).unwrap_or(usize::MAX);
        let mut wanted = state.history.iter().skip(skipped).filter(|event| interest.wants(event));
        let events = wanted.by_ref().take(limit).cloned().collect();
        let seen = wanted.next().map_or(state.revision.max(after), |next| next.revision - 1);
        Ok(Batch { events, seen })
    }

    fn revision(&self) -> watch::Receiver<Revision> {
        self.revision.subscribe()
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        let mut state = self.state.write().expect("no panic happens while the state is written");
        let event = state.apply(write)?;
        self.revision.send_replace(state.revision);
        Ok(event)
    }
}

impl State {
    fn apply(&mut self, write: Write) -> Result<Event, CommitError> {
        let previous = self.objects.get(&write.key).cloned();
        let found = previous.as_ref().map_or(Expected::Absent, |object| Expected::At(object.revision()));
        if found != write.expected {
            return Err(CommitError::Conflict { present: previous, refused: write.next.map(Box::new) });
        }
        let change = match (&previous, &write.next) {
            (None, None) => return Err(CommitError::Conflict { present: None, refused: None }),
            (None, Some(_)) => Change::Added,
            (Some(_), Some(_)) => Change::Modified,
            (Some(_), None) => Change::Deleted,
        };
        let (revision, at) = (self.revision + 1, write.at);
        let key = previous.as_ref().map_or(write.key, |previous| previous.key().clone());
        let object = match (write.next, &previous) {
            (Some(next), _) => Object::keyed(key, next, revision),
            (None, Some(previous)) => previous.restamped(revision),
            (None, None) => return Err(CommitError::Conflict { present: None, refused: None }),
        };
        let is_owned_as_before = change == Change::Modified && has_owners_of(&object, previous.as_ref());
        if let Some(previous) = previous.as_ref().filter(|_| !is_owned_as_before) {
            self.forget_owners(previous);
        }
        if change == Change::Deleted {
            self.objects.remove(object.key());
        } else {
            if !is_owned_as_before {
                self.remember_owners(&object);
            }
            self.objects.put(object.clone());
        }
        let event = Event { revision, change, object, previous, at };
        self.record(event.clone());
        Ok(event)
    }

    fn record(&mut self, event: Event) {
        self.revision = event.revision;
        self.history_octets += event.object.typed().weight_octets();
        self.history.push_back(event);
        while self.history.len() > self.history_events_max
            || (self.history.len() > 1 && self.history_octets > MemoryBackend::HISTORY_OCTETS_MAX)
        {
            let Some(oldest) = self.history.pop_front() else { return };
            self.history_octets -= oldest.object.typed().weight_octets();
        }
    }

    fn remember_owners(&mut self, object: &Object) {
        for owner in object.meta().owner_references.iter().flatten() {
            self.owned.entry(owner.uid.clone()).or_default().insert(object.key().clone());
        }
    }

    fn forget_owners(&mut self, object: &Object) {
        for owner in object.meta().owner_references.iter().flatten() {
            if let Some(keys) = self.owned.get_mut(&owner.uid) {
                keys.remove(object.key());
                if keys.is_empty() {
                    self.owned.remove(&owner.uid);
                }
            }
        }
    }
}

fn has_owners_of(object: &Object, other: Option<&Object>) -> bool {
    other.is_some_and(|other| other.meta().owner_references == object.meta().owner_references)
}

/// Objects by key, in the order of their keys.
#[derive(Default)]
struct Objects {
    slots: Vec<Option<Object>>,
    free: Vec<usize>,
    places: foldhash::HashMap<ObjectKey, usize>,
    order: BTreeMap<ObjectKey, usize>,
}

impl Objects {
    fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.slots[*self.places.get(key)?].as_ref()
    }

    /// The objects from `first` on.
    fn from(&self, first: &ObjectKey) -> impl Iterator<Item = &Object> {
        self.order.range(first..).filter_map(|(_, slot)| self.slots[*slot].as_ref())
    }

    fn put(&mut self, object: Object) {
        if let Some(slot) = self.places.get(object.key()) {
            self.slots[*slot] = Some(object);
            return;
        }
        let slot = self.free.pop().unwrap_or(self.slots.len());
        self.places.insert(object.key().clone(), slot);
        self.order.insert(object.key().clone(), slot);
        if slot == self.slots.len() {
            self.slots.push(Some(object));
        } else {
            self.slots[slot] = Some(object);
        }
    }

    fn remove(&mut self, key: &ObjectKey) {
        let Some(slot) = self.places.remove(key) else { return };
        self.order.remove(key);
        self.slots[slot] = None;
        self.free.push(slot);
    }
}
