//! The store of a dry run: writes pass every rule and are not kept.
//!
//! It reads from the real store, and sees its own writes, so that a deletion in two steps can do
//! the second one.

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
    /// A store over the same objects that keeps no write (`dryRun`). Updated objects keep their
    /// `resourceVersion`; new ones get `0`.
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
