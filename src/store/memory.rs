//! The backend that keeps everything in memory and nothing after the process ends.
//!
//! One lock guards one state; it is held for the time of a map operation and never across an
//! await. The history is a ring of [`MemoryBackend::HISTORY_EVENTS_MAX`] events that all watchers
//! read, so a watcher that stops reading costs nothing and finds itself [`Gone`].

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::RwLock;

use async_trait::async_trait;
use tokio::sync::watch;

use super::backend::{Backend, Change, CommitError, Event, Expected, Gone, Listing, Write};
use crate::objects::{Kind, Object, ObjectKey, Revision};

/// A backend without a disk.
pub struct MemoryBackend {
    state: RwLock<State>,
    revision: watch::Sender<Revision>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<ObjectKey, Object>,
    owned: HashMap<String, BTreeSet<ObjectKey>>,
    history: VecDeque<Event>,
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

    /// A backend whose watchers may lie behind by at most `history_events_max` events.
    pub fn with_history(history_events_max: usize) -> Self {
        let state = State { history_events_max, ..State::default() };
        Self { state: RwLock::new(state), revision: watch::Sender::new(0) }
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
        let objects = state.objects.range(first..).take_while(|(key, _)| belongs(key));
        Listing { revision: state.revision, objects: objects.map(|(_, object)| object.clone()).collect() }
    }

    fn owned_by(&self, uid: &str) -> Vec<Object> {
        let state = self.read();
        let keys = state.owned.get(uid).into_iter().flatten();
        keys.filter_map(|key| state.objects.get(key).cloned()).collect()
    }

    fn events_after(&self, after: Revision, limit: usize) -> Result<Vec<Event>, Gone> {
        let state = self.read();
        let oldest = state.revision - state.history.len() as Revision;
        if after < oldest {
            return Err(Gone { asked: after, oldest });
        }
        let skipped = usize::try_from(after - oldest).unwrap_or(usize::MAX);
        Ok(state.history.iter().skip(skipped).take(limit).cloned().collect())
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
            return Err(CommitError::Conflict(previous));
        }
        let change = match (&previous, &write.next) {
            (None, None) => return Err(CommitError::Conflict(None)),
            (None, Some(_)) => Change::Added,
            (Some(_), Some(_)) => Change::Modified,
            (Some(_), None) => Change::Deleted,
        };
        let (revision, at) = (self.revision + 1, write.at);
        let is_present = write.next.is_some();
        let typed = write.next.or_else(|| previous.as_ref().map(|object| object.typed().clone()));
        let typed = typed.expect("one of the two versions exists");
        let object = Object::at_revision(typed, revision);
        if let Some(previous) = &previous {
            self.forget_owners(previous);
        }
        if is_present {
            self.remember_owners(&object);
            self.objects.insert(write.key, object.clone());
        } else {
            self.objects.remove(&write.key);
        }
        let event = Event { revision, change, object, previous, at };
        self.record(event.clone());
        Ok(event)
    }

    fn record(&mut self, event: Event) {
        self.revision = event.revision;
        self.history.push_back(event);
        while self.history.len() > self.history_events_max {
            self.history.pop_front();
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
