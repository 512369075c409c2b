//! The store: where everything meets.
//!
//! ```text
//!   create, update, delete ──► default ─► prepare ─► admit ─► validate ──► Backend::commit
//!   get, list, watch       ◄────────────────────────────────────────────── Backend
//! ```
//!
//! [`Store`] applies the rules that hold for every object (uid, generation, preconditions,
//! finalizers, deletionTimestamp and grace) and hands the result to a [`Backend`], which only
//! compares and writes. It knows nothing of who watches and why.

mod admission;
mod allocation;
mod backend;
mod bootstrap;
mod deletion;
mod error;
mod identity;
mod memory;
mod pods;
mod recorder;
mod rehearsal;
mod watch;

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};

pub use allocation::ServiceNetwork;
pub use backend::{Backend, Batch, Change, CommitError, Event, Expected, Gone, Listing, Write};
pub use bootstrap::{Bootstrap, DEFAULT_CLASS_ANNOTATION};
pub use deletion::{DeleteOptions, Deleted, FINALIZER_FOREGROUND, FINALIZER_ORPHAN, Propagation};
pub use error::StoreError;
pub use memory::MemoryBackend;
pub use recorder::{EVENT_LIFETIME, EVENTS_MAX, Severity};
pub use watch::{Interest, Watch};

use crate::clock::Clock;
use crate::machinery::selector::Selector;
use crate::objects::{Kind, KubeObject, Object, ObjectKey, Revision, Typed, time};
use crate::rules::{defaulting, strategy, validation};
use allocation::Ledger;
use identity::Identities;
use recorder::EventLog;

/// How a store behaves beyond what its objects say.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// Seed of uids and generated names; a random one if absent.
    pub seed: Option<u64>,
    /// Where cluster addresses and node ports come from.
    pub service_network: ServiceNetwork,
    /// Where the rules for objects are others than Kubernetes'.
    pub rules: validation::Rules,
}

/// The store. Cheap to clone; clones are the same store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    backend: Arc<dyn Backend>,
    clock: Clock,
    identities: Identities,
    service_network: ServiceNetwork,
    rules: validation::Rules,
    /// Held from the choice of a service's addresses to the commit that takes them.
    allocating: Mutex<Ledger>,
    /// Held for reading from the look at an object's namespace to the commit that puts the object
    /// there, and for writing while a namespace begins to terminate: what its content is can be
    /// seen completely afterwards.
    populating: RwLock<()>,
    recorded: std::sync::Mutex<EventLog>,
}

/// How many generated names are tried until one is free, as the API server does.
const GENERATED_NAMES_MAX: usize = 8;
/// How often a write without a precondition of its own is tried again when others write between.
const ATTEMPTS_MAX: usize = 64;

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

    /// A store in memory, for tests and for servers without a disk.
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
        self.0.backend.list(kind, namespace)
    }

    /// The present objects of a kind in a namespace whose labels match.
    pub fn select(&self, kind: Kind, namespace: &str, selector: &Selector) -> Vec<Object> {
        let mut objects = self.list(kind, Some(namespace)).objects;
        objects.retain(|object| selector.matches(object.meta().labels.as_ref()));
        objects
    }

    /// The present objects that have an owner reference to `uid`.
    pub fn owned_by(&self, uid: &str) -> Vec<Object> {
        self.0.backend.owned_by(uid)
    }

    /// The revision of the last write.
    pub fn revision(&self) -> Revision {
        *self.0.backend.revision().borrow()
    }

    /// A watch that delivers every event after revision `from`.
    pub fn watch(&self, interest: Interest, from: Revision) -> Watch {
        Watch::new(self.0.backend.clone(), interest, from)
    }

    /// Creates an object: named (from `generateName` if need be), defaulted, validated, with uid,
    /// creation time and the status a new object of its kind has.
    pub async fn create(&self, object: impl Into<Typed>) -> Result<Object, StoreError> {
        let typed = object.into();
        let is_named = typed.meta().name.as_deref().is_some_and(|name| !name.is_empty());
        if is_named {
            return self.create_once(typed).await;
        }
        for _ in 1..GENERATED_NAMES_MAX {
            match self.create_once(typed.clone()).await {
                Err(StoreError::AlreadyExists(_)) => {}
                other => return other,
            }
        }
        self.create_once(typed).await
    }

    async fn create_once(&self, mut typed: Typed) -> Result<Object, StoreError> {
        self.0.identities.name(typed.meta_mut());
        defaulting::default(&mut typed);
        strategy::prepare_for_create(&mut typed);
        let _populating = self.0.lock_namespace(&typed).await;
        let mut ledger = self.0.lock_allocation(&typed).await;
        let key = ObjectKey::of(&typed);
        self.admit_create(&key, &mut typed, ledger.as_deref_mut())?;
        check(&key, validation::validate_create_under(self.0.rules, &typed))?;
        let now = time(self.0.clock.now());
        let meta = typed.meta_mut();
        meta.uid = Some(self.0.identities.uid());
        meta.creation_timestamp = Some(now);
        meta.deletion_timestamp = None;
        meta.deletion_grace_period_seconds = None;
        match self.commit(&key, Expected::Absent, Some(typed)).await {
            Err(CommitError::Conflict { .. }) => Err(StoreError::AlreadyExists(key)),
            other => other.map_err(|error| StoreError::Backend(error.to_string())),
        }
    }

    /// Puts an object as it is, in place of what is there: no defaults, no validation, its status
    /// as given. For objects that come from another source of truth. Putting what is there already
    /// changes nothing.
    pub async fn mirror(&self, object: impl Into<Typed>) -> Result<Object, StoreError> {
        let mut typed = object.into();
        let key = ObjectKey::of(&typed);
        for _ in 0..ATTEMPTS_MAX {
            let old = self.get(&key);
            typed.meta_mut().resource_version =
                old.as_ref().and_then(|old| old.meta().resource_version.clone());
            if let Some(old) = old.as_ref().filter(|old| *old.typed() == typed) {
                return Ok(old.clone());
            }
            let expected = old.map_or(Expected::Absent, |old| Expected::At(old.revision()));
            match self.commit(&key, expected, Some(typed)).await {
                Err(CommitError::Conflict { refused: Some(refused), .. }) => typed = *refused,
                other => return other.map_err(|error| StoreError::Backend(error.to_string())),
            }
        }
        Err(too_busy(key))
    }

    /// Removes an object that [`Store::mirror`] has put, at once and whatever its finalizers.
    pub async fn unmirror(&self, key: &ObjectKey) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(old) = self.get(key) else { return Err(StoreError::NotFound(key.clone())) };
            match self.commit(key, Expected::At(old.revision()), None).await {
                Err(CommitError::Conflict { .. }) => {}
                other => return other.map(drop).map_err(|error| StoreError::Backend(error.to_string())),
            }
        }
        Err(too_busy(key.clone()))
    }

    /// Replaces everything but the status. `metadata.resourceVersion`, if set, must be the present
    /// one; `metadata.uid`, if set, likewise. Writing what is there already changes nothing.
    pub async fn update(&self, object: impl Into<Typed>) -> Result<Object, StoreError> {
        self.replace(object.into(), Half::Main).await
    }

    /// Replaces the status alone; otherwise as [`Store::update`].
    pub async fn update_status(&self, object: impl Into<Typed>) -> Result<Object, StoreError> {
        self.replace(object.into(), Half::Status).await
    }

    /// Replaces a namespace's `spec.finalizers` alone, its `finalize` subresource; an ordinary
    /// update keeps them. A terminating namespace without any is removed. Objects of other kinds
    /// stay as they are.
    pub async fn update_finalizers(&self, object: impl Into<Typed>) -> Result<Object, StoreError> {
        self.replace(object.into(), Half::Finalizers).await
    }

    /// Reads a `T`, lets `change` change it, and writes it back (all but the status), again and
    /// again if others write between. Returns the version that is there then.
    pub async fn modify<T: KubeObject>(
        &self,
        key: &ObjectKey,
        change: impl FnMut(&mut T) + Send,
    ) -> Result<Object, StoreError> {
        self.modify_half(key, Half::Main, change).await
    }

    /// As [`Store::modify`], for the status.
    pub async fn modify_status<T: KubeObject>(
        &self,
        key: &ObjectKey,
        change: impl FnMut(&mut T) + Send,
    ) -> Result<Object, StoreError> {
        self.modify_half(key, Half::Status, change).await
    }

    async fn modify_half<T: KubeObject>(
        &self,
        key: &ObjectKey,
        half: Half,
        mut change: impl FnMut(&mut T) + Send,
    ) -> Result<Object, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let old = self.get(key).ok_or_else(|| StoreError::NotFound(key.clone()))?;
            let mut object = old.get::<T>().ok_or_else(|| StoreError::NotFound(key.clone()))?.clone();
            change(&mut object);
            let new = match half {
                Half::Status => strategy::with_status_of(&object.into(), old.typed()),
                Half::Main | Half::Finalizers => object.into(),
            };
            if let Some(written) = self.replace_version(&old, new, half).await? {
                return Ok(written);
            }
        }
        Err(too_busy(key.clone()))
    }

    async fn replace(&self, wanted: Typed, half: Half) -> Result<Object, StoreError> {
        let key = ObjectKey::of(&wanted);
        for _ in 0..ATTEMPTS_MAX {
            let old = self.get(&key).ok_or_else(|| StoreError::NotFound(key.clone()))?;
            check_preconditions(&wanted, &old)?;
            let new = match half {
                Half::Status => strategy::with_status_of(&wanted, old.typed()),
                Half::Main | Half::Finalizers => wanted.clone(),
            };
            if let Some(written) = self.replace_version(&old, new, half).await? {
                return Ok(written);
            }
        }
        Err(too_busy(key))
    }

    /// Puts `new` in the place of `old`; `None` if that is not the present version any more. Of a
    /// status everything else is that of `old` already.
    async fn replace_version(
        &self,
        old: &Object,
        mut new: Typed,
        half: Half,
    ) -> Result<Option<Object>, StoreError> {
        let key = old.key();
        let mut ledger = self.0.lock_allocation(&new).await;
        match half {
            Half::Main => {
                keep_system_metadata(&mut new, old);
                self.prepare_main(&mut new, old, ledger.as_deref_mut())?;
            }
            Half::Status => {
                strategy::complete_status(&mut new, old.typed());
                check(key, validation::validate_status_update(&new, old.typed()))?;
            }
            Half::Finalizers => keep_all_but_finalizers(&mut new, old),
        }
        if new == *old.typed() {
            return Ok(Some(old.clone()));
        }
        let next = (!deletion::is_finished(&new)).then_some(new);
        match self.commit(key, Expected::At(old.revision()), next).await {
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(error) => Err(StoreError::Backend(error.to_string())),
            Ok(written) => Ok(Some(written)),
        }
    }

    fn prepare_main(
        &self,
        new: &mut Typed,
        old: &Object,
        ledger: Option<&mut Ledger>,
    ) -> Result<(), StoreError> {
        defaulting::default(new);
        strategy::prepare_for_update(new, old.typed());
        self.admit_update(new, old, ledger)?;
        check(old.key(), validation::validate_update_under(self.0.rules, new, old.typed()))
    }

    async fn commit(
        &self,
        key: &ObjectKey,
        expected: Expected,
        next: Option<Typed>,
    ) -> Result<Object, CommitError> {
        let write = Write { key: key.clone(), expected, next, at: self.0.clock.now() };
        Ok(self.0.backend.commit(write).await?.object)
    }
}

impl Inner {
    /// Services are written one at a time, so that two never take the same address.
    async fn lock_allocation(&self, typed: &Typed) -> Option<MutexGuard<'_, Ledger>> {
        match typed.kind() {
            Kind::Service => Some(self.allocating.lock().await),
            _ => None,
        }
    }

    /// No namespace begins to terminate between the look at it and the commit.
    async fn lock_namespace(&self, typed: &Typed) -> Option<RwLockReadGuard<'_, ()>> {
        if typed.kind().info().is_namespaced { Some(self.populating.read().await) } else { None }
    }
}

/// Which part of an object a write changes.
#[derive(Clone, Copy)]
enum Half {
    Main,
    Status,
    Finalizers,
}

fn check(key: &ObjectKey, errors: Vec<crate::objects::FieldError>) -> Result<(), StoreError> {
    if errors.is_empty() { Ok(()) } else { Err(StoreError::Invalid { key: key.clone(), errors }) }
}

fn too_busy(key: ObjectKey) -> StoreError {
    StoreError::Conflict {
        key,
        reason: format!("others wrote it {ATTEMPTS_MAX} times in between; try again"),
    }
}

fn check_preconditions(wanted: &Typed, old: &Object) -> Result<(), StoreError> {
    let meta = wanted.meta();
    let conflict = |reason: &str| StoreError::Conflict { key: old.key().clone(), reason: reason.to_owned() };
    if meta.uid.as_deref().is_some_and(|uid| !uid.is_empty() && uid != old.uid()) {
        let uid = meta.uid.as_deref().unwrap_or_default();
        return Err(conflict(&deletion::uid_differs(uid, old.uid())));
    }
    let version = meta.resource_version.as_deref().unwrap_or_default();
    if !version.is_empty() && version != old.revision().to_string() {
        return Err(conflict(
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    Ok(())
}

/// A writer changes none of the fields that the system keeps.
fn keep_system_metadata(new: &mut Typed, old: &Object) {
    let old = old.meta();
    let meta = new.meta_mut();
    meta.uid = old.uid.clone();
    meta.creation_timestamp = old.creation_timestamp.clone();
    meta.deletion_timestamp = old.deletion_timestamp.clone();
    meta.deletion_grace_period_seconds = old.deletion_grace_period_seconds;
    meta.generate_name = old.generate_name.clone();
    meta.resource_version = old.resource_version.clone();
}

/// Only `spec.finalizers` of a namespace comes from the writer.
fn keep_all_but_finalizers(new: &mut Typed, old: &Object) {
    let mut kept = old.typed().clone();
    if let (Typed::Namespace(kept), Typed::Namespace(new)) = (&mut kept, &mut *new) {
        kept.spec = new.spec.take();
    }
    *new = kept;
}

#[cfg(test)]
mod tests;
