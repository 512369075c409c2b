//! The store as its users hold it: its options and state, reads, and the one way to commit.

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};

use super::allocation::ledger::Ledger;
use super::allocation::network::ServiceNetwork;
use super::backend::Backend;
use super::cache::{Cache, Listing};
use super::error::StoreError;
use super::event::Interest;
use super::event_log::EventLog;
use super::identity::Identities;
use super::memory::MemoryBackend;
use super::watch::Watch;
use super::write::{CommitError, Expected, Write};
use crate::clock::Clock;
use crate::machinery::selector::Selector;
use crate::objects::{Kind, KubeObject, Object, ObjectKey, Revision, Typed};
use crate::rules::validation;

/// Options of a store.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// Seed of uids and generated names; a random one if absent.
    pub seed: Option<u64>,
    /// Where cluster addresses and node ports come from.
    pub service_network: ServiceNetwork,
    /// Which validation rules differ from Kubernetes'.
    pub rules: validation::Rules,
}

/// The store. Cheap to clone; clones are the same store.
#[derive(Clone)]
pub struct Store(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) clock: Clock,
    pub(super) identities: Identities,
    pub(super) service_network: ServiceNetwork,
    pub(super) rules: validation::Rules,
    /// Held from the choice of a service's addresses to the commit.
    allocating: Mutex<Ledger>,
    /// Read lock: from the check of an object's namespace to the commit of the object. Write lock:
    /// while a namespace starts to terminate, so that its content is complete afterwards.
    pub(super) populating: RwLock<()>,
    pub(super) recorded: std::sync::Mutex<EventLog>,
}

/// How many times a write without a precondition is tried while others write the same object.
pub(super) const ATTEMPTS_MAX: usize = 64;

/// The outcome of a commit that did not fail.
pub(super) enum Outcome {
    /// The version written, or the last version of a removed object.
    Written(Object),
    /// The precondition does not hold: somebody else wrote first.
    Outrun {
        /// The version that is there now, if any.
        present: Option<Object>,
        /// The version that was not written, given back.
        refused: Option<Box<Typed>>,
    },
}

impl Store {
    /// A store over `backend`.
    pub fn new(backend: Arc<dyn Backend>, clock: Clock, options: StoreOptions) -> Self {
        Self(Arc::new(Inner {
            backend,
            clock,
            identities: Identities::new(options.seed),
            service_network: options.service_network,
            rules: options.rules,
            allocating: Mutex::default(),
            populating: RwLock::default(),
            recorded: std::sync::Mutex::default(),
        }))
    }

    /// A store in memory, for tests and `--ephemeral`.
    pub fn in_memory(clock: Clock, options: StoreOptions) -> Self {
        Self::new(Arc::new(MemoryBackend::default()), clock, options)
    }

    /// The clock that stamps objects.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The present version of an object.
    pub fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.0.backend.get(key)
    }

    /// The present version of a `T`, by namespace (ignored for cluster-scoped kinds) and name.
    pub fn find<T: KubeObject>(&self, namespace: &str, name: &str) -> Option<Object> {
        self.get(&ObjectKey::new(T::KIND, namespace, name))
    }

    /// The present objects of a kind, in one namespace or in all, ordered by key.
    pub fn list(&self, kind: Kind, namespace: Option<&str>) -> Listing {
        self.cache().list(kind, namespace, |_| true)
    }

    /// The present objects of a kind in a namespace whose labels match.
    pub fn select(&self, kind: Kind, namespace: &str, selector: &Selector) -> Vec<Object> {
        let is_selected = |object: &Object| selector.matches(object.meta().labels.as_ref());
        self.cache().list(kind, Some(namespace), is_selected).objects
    }

    /// The present objects that have an owner reference to `uid`.
    pub fn owned_by(&self, uid: &str) -> Vec<Object> {
        self.cache().owned_by(uid)
    }

    /// The revision of the last write.
    pub fn revision(&self) -> Revision {
        *self.cache().revision().borrow()
    }

    /// A watch that delivers every event after revision `from`.
    pub fn watch(&self, interest: Interest, from: Revision) -> Watch {
        Watch::new(self.cache().clone(), interest, from)
    }

    /// The published objects and events, for readers that need no store.
    pub fn cache(&self) -> &Arc<Cache> {
        self.0.backend.cache()
    }

    pub(super) async fn commit(
        &self,
        key: &ObjectKey,
        expected: Expected,
        next: Option<Typed>,
    ) -> Result<Outcome, StoreError> {
        let write = Write { key: key.clone(), expected, next, at: self.0.clock.now() };
        match self.0.backend.commit(write).await {
            Ok(event) => Ok(Outcome::Written(event.object)),
            Err(CommitError::Conflict { present, refused }) => Ok(Outcome::Outrun { present, refused }),
            Err(CommitError::Backend(source)) => Err(StoreError::Backend(source)),
        }
    }
}

impl Inner {
    /// Services are written one at a time, so that no two get the same address.
    pub(super) async fn lock_allocation(&self, typed: &Typed) -> Option<MutexGuard<'_, Ledger>> {
        match typed.kind() {
            Kind::Service => Some(self.allocating.lock().await),
            _ => None,
        }
    }

    /// No namespace starts to terminate between the check and the commit.
    pub(super) async fn lock_namespace(&self, typed: &Typed) -> Option<RwLockReadGuard<'_, ()>> {
        if typed.kind().info().is_namespaced { Some(self.populating.read().await) } else { None }
    }
}

/// The conflict of a write that was tried [`ATTEMPTS_MAX`] times.
pub(super) fn too_busy(key: ObjectKey) -> StoreError {
    StoreError::Conflict {
        key,
        reason: format!("others wrote it {ATTEMPTS_MAX} times in between; try again"),
    }
}
