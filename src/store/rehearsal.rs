//! A store that forgets: writes go through every rule and leave nothing behind.
//!
//! It reads what the real store holds. Its own writes are seen by itself alone, so that a deletion
//! that takes two steps can take the second; they are gone with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::watch;

use super::backend::{Backend, Batch, Change, CommitError, Event, Expected, Gone, Listing, Write};
use super::{Interest, Store, StoreOptions};
use crate::objects::{Kind, Object, ObjectKey, Revision};

impl Store {
    /// A store over the same objects whose writes are only tried (`dryRun`). Written objects keep
    /// the `resourceVersion` they have; new ones get `0`.
    pub fn rehearsal(&self) -> Store {
        let backend = Rehearsal { behind: self.0.backend.clone(), written: Mutex::default() };
        let service_network = self.0.service_network.clone();
        let options = StoreOptions { seed: None, service_network, rules: self.0.rules };
        Store::new(Arc::new(backend), self.0.clock.clone(), options)
    }
}

struct Rehearsal {
    behind: Arc<dyn Backend>,
    written: Mutex<BTreeMap<ObjectKey, Option<Object>>>,
}

#[async_trait]
impl Backend for Rehearsal {
    fn get(&self, key: &ObjectKey) -> Option<Object> {
        let written = self.written.lock().expect("nothing panics under this lock").get(key).cloned();
        written.unwrap_or_else(|| self.behind.get(key))
    }

    fn list(&self, kind: Kind, namespace: Option<&str>) -> Listing {
        self.behind.list(kind, namespace)
    }

    fn owned_by(&self, uid: &str) -> Vec<Object> {
        self.behind.owned_by(uid)
    }

    fn events_after(&self, after: Revision, interest: &Interest, limit: usize) -> Result<Batch, Gone> {
        self.behind.events_after(after, interest, limit)
    }

    fn revision(&self) -> watch::Receiver<Revision> {
        self.behind.revision()
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        let present = self.get(&write.key);
        let fits = match write.expected {
            Expected::Absent => present.is_none(),
            Expected::At(revision) => present.as_ref().is_some_and(|object| object.revision() == revision),
        };
        if !fits {
            return Err(CommitError::Conflict { present, refused: write.next.map(Box::new) });
        }
        let revision = present.as_ref().map_or(0, Object::revision);
        let change = match (&present, &write.next) {
            (None, _) => Change::Added,
            (Some(_), Some(_)) => Change::Modified,
            (Some(_), None) => Change::Deleted,
        };
        let next = write.next.map(|typed| Object::keyed(write.key.clone(), typed, revision));
        self.written.lock().expect("nothing panics under this lock").insert(write.key, next.clone());
        let object =
            next.or_else(|| present.clone()).ok_or(CommitError::Conflict { present: None, refused: None })?;
        Ok(Event { revision, change, object, previous: present, at: write.at })
    }
}
