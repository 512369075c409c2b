//! A store that forgets: writes go through every rule and leave nothing behind.
//!
//! It reads what the real store holds. Its own writes are seen by itself alone, so that a deletion
//! that takes two steps can take the second; they are gone with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::backend::Backend;
use super::cache::Cache;
use super::event::{Change, Event};
use super::handle::{Store, StoreOptions};
use super::write::{CommitError, Write};
use crate::objects::{Object, ObjectKey};

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
    fn cache(&self) -> &Arc<Cache> {
        self.behind.cache()
    }

    fn get(&self, key: &ObjectKey) -> Option<Object> {
        let written = self.written.lock().expect("nothing panics under this lock").get(key).cloned();
        written.unwrap_or_else(|| self.behind.get(key))
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        let (key, present) = (write.key.clone(), self.get(&write.key));
        let revision = present.as_ref().map_or(0, Object::revision);
        let event = write.carried_out(present, revision)?;
        let next = (event.change != Change::Deleted).then(|| event.object.clone());
        self.written.lock().expect("nothing panics under this lock").insert(key, next);
        Ok(event)
    }
}
