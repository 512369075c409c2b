//! Deletion: preconditions, grace, finalizers, propagation.
//!
//! As in the API server (Kubernetes document "Garbage Collection"): a bound pod gets a
//! deletionTimestamp and stays until its node confirms; an object with finalizers stays until they
//! are removed; everything else is removed at once. [`step`] decides and is pure; the store carries
//! the step out.

use std::time::Duration;

use super::error::StoreError;
use super::handle::{ATTEMPTS_MAX, Outcome, Store, too_busy};
use super::write::Expected;
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, ObjectKey, Typed, pod, time};
use crate::rules::strategy;

/// What happens to the dependents of the deleted object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// As the finalizers of the object say; `Background` without any.
    #[default]
    Unspecified,
    /// They are deleted after their owner.
    Background,
    /// They are deleted before their owner.
    Foreground,
    /// They stay and lose the owner reference.
    Orphan,
}

/// Options of a deletion, as `metav1.DeleteOptions`.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// The grace period of a pod, in seconds; by default the one in its spec. Other kinds have none.
    pub grace_s: Option<i64>,
    /// What happens to dependents.
    pub propagation: Propagation,
    /// The object must have this uid.
    pub uid: Option<String>,
    /// The object must be at this resource version.
    pub resource_version: Option<String>,
}

/// The result of a deletion.
#[derive(Clone, Debug)]
pub enum Deleted {
    /// The object is removed; this is its last version.
    Gone(Object),
    /// The object waits for its grace period or its finalizers.
    Terminating(Object),
}

/// Keeps an owner until its dependents have lost the owner reference.
pub const FINALIZER_ORPHAN: &str = "orphan";
/// Keeps an owner until its dependents are gone.
pub const FINALIZER_FOREGROUND: &str = "foregroundDeletion";
/// The grace period of a pod whose spec has none; the value that defaulting sets.
const POD_GRACE_S_DEFAULT: i64 = 30;

impl Store {
    /// Deletes an object, or starts its graceful deletion.
    pub async fn delete(&self, key: &ObjectKey, options: &DeleteOptions) -> Result<Deleted, StoreError> {
        self.admit_delete(key)?;
        for _ in 0..ATTEMPTS_MAX {
            let old = self.get(key).ok_or_else(|| StoreError::NotFound(key.clone()))?;
            check_preconditions(&old, options)?;
            if let Some(deleted) = self.carry_out(&old, step(&old, options, self.clock().now())).await? {
                return Ok(deleted);
            }
        }
        Err(too_busy(key.clone()))
    }

    /// Carries a step out; `None` if `old` is no longer the present version.
    async fn carry_out(&self, old: &Object, step: Step) -> Result<Option<Deleted>, StoreError> {
        let (key, expected) = (old.key(), Expected::At(old.revision()));
        let (next, is_finished) = match step {
            Step::Nothing => return Ok(Some(Deleted::Terminating(old.clone()))),
            Step::Remove => {
                return Ok(match self.commit(key, expected, None).await? {
                    Outcome::Written(object) => Some(Deleted::Gone(object)),
                    Outcome::Outrun { .. } => None,
                });
            }
            Step::Write(next) => (next, false),
            Step::WriteAndRemove(next) => (next, true),
        };
        let _populating = match (key.kind, is_finished) {
            (Kind::Namespace, false) => Some(self.0.populating.write().await),
            _ => None,
        };
        match self.commit(key, expected, Some(next)).await? {
            Outcome::Outrun { .. } => Ok(None),
            Outcome::Written(written) if is_finished => self.remove_finished(written).await.map(Some),
            Outcome::Written(written) => Ok(Some(Deleted::Terminating(written))),
        }
    }

    /// Removes an object that nothing keeps any more, even if others write to it meanwhile.
    async fn remove_finished(&self, mut written: Object) -> Result<Deleted, StoreError> {
        loop {
            let expected = Expected::At(written.revision());
            let present = match self.commit(written.key(), expected, None).await? {
                Outcome::Written(object) => return Ok(Deleted::Gone(object)),
                Outcome::Outrun { present, .. } => present,
            };
            match present.filter(|present| present.uid() == written.uid()) {
                None => return Ok(Deleted::Gone(written)),
                Some(present) if !is_finished(present.typed()) => return Ok(Deleted::Terminating(present)),
                Some(present) => written = present,
            }
        }
    }
}

/// What a deletion does to one version of an object.
#[derive(Debug, PartialEq)]
enum Step {
    Nothing,
    Remove,
    Write(Typed),
    /// Watchers see the deletionTimestamp before the removal, as the API server does it for pods.
    WriteAndRemove(Typed),
}

fn step(old: &Object, options: &DeleteOptions, now: Timestamp) -> Step {
    match old.typed() {
        Typed::Pod(_) => pod_step(old, options, now),
        Typed::Namespace(_) => namespace_step(old, options, now),
        _ => plain_step(old, options, now),
    }
}

/// Objects without a grace period are removed at once unless they have finalizers.
fn plain_step(old: &Object, options: &DeleteOptions, now: Timestamp) -> Step {
    let mut next = old.typed().clone();
    set_propagation_finalizer(&mut next, options.propagation);
    if !has_finalizers(&next) {
        return Step::Remove;
    }
    if next.meta().deletion_grace_period_seconds.is_none() {
        strategy::raise_generation(&mut next);
    }
    let meta = next.meta_mut();
    meta.deletion_grace_period_seconds = Some(0);
    if meta.deletion_timestamp.as_ref().is_none_or(|instant| instant.0 > now) {
        meta.deletion_timestamp = Some(time(now));
    }
    if next == *old.typed() { Step::Nothing } else { Step::Write(next) }
}

/// A pod's grace period can only be shortened; the time it has already waited counts.
fn pod_step(old: &Object, options: &DeleteOptions, now: Timestamp) -> Step {
    let mut next = old.typed().clone();
    let wanted_s = grace_s(&next, options);
    let present = (&old.meta().deletion_timestamp, old.meta().deletion_grace_period_seconds);
    let started = match present {
        (None, _) => {
            strategy::raise_generation(&mut next);
            now
        }
        (Some(_), None | Some(0)) => return plain_step(old, options, now),
        (Some(ends), Some(present_s)) if options.grace_s.is_some() && wanted_s < present_s => {
            ends.0 - seconds(present_s)
        }
        _ => return Step::Nothing,
    };
    next.meta_mut().deletion_timestamp = Some(time(started + seconds(wanted_s)));
    next.meta_mut().deletion_grace_period_seconds = Some(wanted_s);
    set_propagation_finalizer(&mut next, options.propagation);
    match (is_finished(&next), old.is_terminating()) {
        (false, _) => Step::Write(next),
        (true, false) => Step::WriteAndRemove(next),
        (true, true) => Step::Remove,
    }
}

/// A namespace starts to terminate and stays until its content is gone.
fn namespace_step(old: &Object, options: &DeleteOptions, now: Timestamp) -> Step {
    let mut next = old.typed().clone();
    if old.is_terminating() {
        return if awaits_emptying(&next) { Step::Nothing } else { plain_step(old, options, now) };
    }
    next.meta_mut().deletion_timestamp = Some(time(now));
    set_propagation_finalizer(&mut next, options.propagation);
    if let Typed::Namespace(namespace) = &mut next {
        namespace.status.get_or_insert_default().phase = Some("Terminating".into());
    }
    if is_finished(&next) { Step::WriteAndRemove(next) } else { Step::Write(next) }
}

/// Whether nothing keeps a terminating object any more.
pub(super) fn is_finished(typed: &Typed) -> bool {
    let meta = typed.meta();
    meta.deletion_timestamp.is_some()
        && meta.deletion_grace_period_seconds.unwrap_or_default() == 0
        && !has_finalizers(typed)
        && !awaits_emptying(typed)
}

fn has_finalizers(typed: &Typed) -> bool {
    typed.meta().finalizers.as_ref().is_some_and(|list| !list.is_empty())
}

/// A namespace stays until its content is gone and `spec.finalizers` are removed.
fn awaits_emptying(typed: &Typed) -> bool {
    let Typed::Namespace(namespace) = typed else { return false };
    let finalizers = namespace.spec.as_ref().and_then(|spec| spec.finalizers.as_ref());
    finalizers.is_some_and(|list| !list.is_empty())
}

pub(super) fn check_preconditions(old: &Object, options: &DeleteOptions) -> Result<(), StoreError> {
    let conflict = |reason| StoreError::Conflict { key: old.key().clone(), reason };
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != old.uid()) {
        return Err(conflict(differs("UID", uid, old.uid(), "deleted and then recreated")));
    }
    let version = old.revision().to_string();
    if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
        return Err(conflict(differs("ResourceVersion", wanted, &version, "modified")));
    }
    Ok(())
}

/// The API server's message for a failed precondition of a deletion.
fn differs(what: &str, wanted: &str, found: &str, might_be: &str) -> String {
    format!(
        "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). \
         The object might have been {might_be}"
    )
}

/// The API server's message for an update of another object than was meant.
pub(super) fn uid_differs(wanted: &str, found: &str) -> String {
    format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}")
}

/// Only a pod that is bound to a node and has not ended has a grace period. A negative one means
/// one second.
fn grace_s(typed: &Typed, options: &DeleteOptions) -> i64 {
    let Typed::Pod(pod) = typed else { return 0 };
    if pod::node_name(pod).is_none() || pod::has_ended(pod) {
        return 0;
    }
    let own = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
    match options.grace_s.or(own).unwrap_or(POD_GRACE_S_DEFAULT) {
        ..0 => 1,
        wanted => wanted,
    }
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or_default())
}

/// An object has at most one of the two finalizers; an explicit propagation policy replaces it.
fn set_propagation_finalizer(typed: &mut Typed, propagation: Propagation) {
    let wanted = match propagation {
        Propagation::Unspecified => return,
        Propagation::Background => None,
        Propagation::Foreground => Some(FINALIZER_FOREGROUND),
        Propagation::Orphan => Some(FINALIZER_ORPHAN),
    };
    let mut finalizers = typed.meta_mut().finalizers.take().unwrap_or_default();
    finalizers.retain(|present| present != FINALIZER_ORPHAN && present != FINALIZER_FOREGROUND);
    finalizers.extend(wanted.map(str::to_owned));
    typed.meta_mut().finalizers = (!finalizers.is_empty()).then_some(finalizers);
}

#[cfg(test)]
mod tests;
