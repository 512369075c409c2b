//! Updating objects: all but the status, the status alone, or the finalizers of a namespace.

use super::allocation::ledger::Ledger;
use super::defaulted::Defaulted;
use super::deletion::{is_finished, uid_differs};
use super::error::StoreError;
use super::handle::{ATTEMPTS_MAX, Outcome, Store, too_busy};
use super::write::Expected;
use crate::objects::{KubeObject, Object, ObjectKey, Typed};
use crate::rules::{strategy, validation};

/// The part of an object that an update writes.
#[derive(Clone, Copy)]
pub(super) enum Half {
    Main,
    Status,
    Finalizers,
}

impl Store {
    /// Replaces everything but the status. `metadata.resourceVersion`, if set, must be the present
    /// one; `metadata.uid`, if set, likewise. Writing what is there already changes nothing.
    pub async fn update(&self, object: impl Into<Defaulted>) -> Result<Object, StoreError> {
        self.replace(object.into().into_typed(), Half::Main).await
    }

    /// Replaces the status alone, and the managed fields if there are any; otherwise as
    /// [`Store::update`].
    pub async fn update_status(&self, object: impl Into<Typed>) -> Result<Object, StoreError> {
        self.replace(object.into(), Half::Status).await
    }

    /// Replaces a namespace's `spec.finalizers` alone, its `finalize` subresource; an ordinary
    /// update keeps them. A terminating namespace without any is removed. Objects of other kinds
    /// stay as they are.
    pub async fn update_finalizers(&self, object: impl Into<Typed>) -> Result<Object, StoreError> {
        self.replace(object.into(), Half::Finalizers).await
    }

    /// Reads a `T`, applies `change`, and writes it back (all but the status). Retries on
    /// conflict. Returns the version written.
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
                Half::Main | Half::Finalizers => Defaulted::from(object).into_typed(),
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
                Half::Status => with_status_and_managers(&wanted, old.typed()),
                Half::Main | Half::Finalizers => wanted.clone(),
            };
            if let Some(written) = self.replace_version(&old, new, half).await? {
                return Ok(written);
            }
        }
        Err(too_busy(key))
    }

    /// Puts `new` in the place of `old`; `None` if that is not the present version any more. `new`
    /// has its defaults, and where only the status is written, everything else of `old`.
    pub(super) async fn replace_version(
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
                StoreError::unless_valid(key, validation::validate_status_update(&new, old.typed()))?;
            }
            Half::Finalizers => keep_all_but_finalizers(&mut new, old),
        }
        if new == *old.typed() {
            return Ok(Some(old.clone()));
        }
        let next = (!is_finished(&new)).then_some(new);
        match self.commit(key, Expected::At(old.revision()), next).await? {
            Outcome::Written(written) => Ok(Some(written)),
            Outcome::Outrun { .. } => Ok(None),
        }
    }

    fn prepare_main(
        &self,
        new: &mut Typed,
        old: &Object,
        ledger: Option<&mut Ledger>,
    ) -> Result<(), StoreError> {
        strategy::prepare_for_update(new, old.typed());
        self.admit_update(new, old, ledger)?;
        let errors = validation::validate_update_under(self.0.rules, new, old.typed());
        StoreError::unless_valid(old.key(), errors)
    }
}

fn check_preconditions(wanted: &Typed, old: &Object) -> Result<(), StoreError> {
    let meta = wanted.meta();
    let conflict = |reason: &str| StoreError::Conflict { key: old.key().clone(), reason: reason.to_owned() };
    if meta.uid.as_deref().is_some_and(|uid| !uid.is_empty() && uid != old.uid()) {
        let uid = meta.uid.as_deref().unwrap_or_default();
        return Err(conflict(&uid_differs(uid, old.uid())));
    }
    let version = meta.resource_version.as_deref().unwrap_or_default();
    if !version.is_empty() && version != old.revision().to_string() {
        return Err(conflict(
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    Ok(())
}

/// A client cannot change the metadata that the system sets.
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

/// `old` with the wanted status, and with the managed fields that say who owns it.
fn with_status_and_managers(wanted: &Typed, old: &Typed) -> Typed {
    let mut new = strategy::with_status_of(wanted, old);
    if let Some(entries) = &wanted.meta().managed_fields {
        new.meta_mut().managed_fields = Some(entries.clone());
    }
    new
}

/// Takes `spec.finalizers` of a namespace from the client and nothing else.
fn keep_all_but_finalizers(new: &mut Typed, old: &Object) {
    let mut kept = old.typed().clone();
    if let (Typed::Namespace(kept), Typed::Namespace(new)) = (&mut kept, &mut *new) {
        kept.spec = new.spec.take();
    }
    *new = kept;
}
