//! This process's store as a source of objects. Nothing else in `names` knows the store.
//!
//! A watch that falls behind the store's bounded history reports that changes were lost.

use super::source::{Change, Lost, Source};
use crate::clock::Clock;
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{Event, Interest, Store, Watch};

/// A store, and a watch on it.
pub struct Stored {
    store: Store,
    watch: Watch,
}

impl From<Store> for Stored {
    /// The objects of this store; no kind is followed yet.
    fn from(store: Store) -> Self {
        Self { watch: store.watch(Interest::in_kinds(&[]), store.revision()), store }
    }
}

impl Source for Stored {
    fn clock(&self) -> &Clock {
        self.store.clock()
    }

    fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.store.get(key)
    }

    fn list(&self, kind: Kind) -> Vec<Object> {
        self.store.list(kind, None).objects
    }

    fn follow(&mut self, kinds: &[Kind]) {
        self.watch = self.store.watch(Interest::in_kinds(kinds), self.store.revision());
    }

    fn changes(&mut self) -> Result<Vec<Change>, Lost> {
        self.watch.ready().map(changes).map_err(|_| Lost)
    }

    async fn next_changes(&mut self) -> Result<Vec<Change>, Lost> {
        self.watch.next().await.map(changes).map_err(|_| Lost)
    }
}

fn changes(events: Vec<Event>) -> Vec<Change> {
    events.into_iter().map(|event| Change { key: event.object.key().clone(), at: event.at }).collect()
}
