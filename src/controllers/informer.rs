//! An index over objects, kept up to date from the store's history.
//!
//! ```text
//!   history ──► Informer ──► Indexer: every event in order, or every object after a lost watch
//! ```
//!
//! What client-go calls an informer with an indexer. Nothing is missed: before each use the history
//! is read up to the store's present revision, and if it does not reach back far enough (a lost
//! watch) the index is rebuilt from a listing. It waits for nothing and holds no events.

use crate::objects::{Kind, Object};
use crate::store::{Event, Interest, Store, Watch};

/// An index that events update.
pub(super) trait Indexer: Default {
    /// The kinds whose objects are indexed.
    const INDEXED: &'static [Kind];
    /// The kinds whose events are wanted.
    const FOLLOWED: &'static [Kind] = Self::INDEXED;

    /// Adds an object that is there. An event about it may follow.
    fn add(&mut self, object: &Object);

    /// Takes in an event.
    fn note(&mut self, event: &Event);
}

/// An index with its position in the history.
#[derive(Default)]
pub(super) struct Informer<I> {
    watch: Option<Watch>,
    index: I,
}

impl<I: Indexer> Informer<I> {
    /// The index as of now.
    pub(super) fn current(&mut self, store: &Store) -> &mut I {
        let index = &mut self.index;
        self.watch = self.watch.take().and_then(|watch| watch.drained(|event| index.note(event)));
        if self.watch.is_none() {
            self.rebuild(store);
        }
        &mut self.index
    }

    fn rebuild(&mut self, store: &Store) {
        self.index = I::default();
        let watch = store.watch(Interest::in_kinds(I::FOLLOWED), store.revision());
        for object in I::INDEXED.iter().flat_map(|kind| store.list(*kind, None).objects) {
            self.index.add(&object);
        }
        let index = &mut self.index;
        // What was written while listing comes again, in its order, and ends as it is.
        self.watch = watch.drained(|event| index.note(event));
    }
}
