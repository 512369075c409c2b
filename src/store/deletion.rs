//! Deletion: preconditions, grace, finalizers, propagation.
//!
//! As the Kubernetes document "Garbage Collection" and the API server do it: a pod that runs
//! somewhere gets a deletionTimestamp and stays until its node confirms; an object with finalizers
//! stays until they are gone; everything else vanishes at once.

use std::time::Duration;

use super::{ATTEMPTS_MAX, CommitError, Expected, Store, StoreError, too_busy};
use crate::objects::{Object, ObjectKey, Typed, strategy, time};

/// What becomes of the objects that the deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted after it.
    #[default]
    Background,
    /// They are deleted before it.
    Foreground,
    /// They stay and lose their owner.
    Orphan,
}

/// How to delete, as `metav1.DeleteOptions`.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Seconds of grace; the pod's own if absent. Other kinds have none.
    pub grace_s: Option<i64>,
    /// What becomes of dependents.
    pub propagation: Propagation,
    /// The object must have this uid.
    pub uid: Option<String>,
    /// The object must be at this resource version.
    pub resource_version: Option<String>,
}

/// What a delete call has done.
#[derive(Clone, Debug)]
pub enum Deleted {
    /// The object is gone; its last version.
    Gone(Object),
    /// The object waits for its grace or its finalizers.
    Terminating(Object),
}

pub(super) const FINALIZER_ORPHAN: &str = "orphan";
pub(super) const FINALIZER_FOREGROUND: &str = "foregroundDeletion";
const POD_GRACE_S_DEFAULT: i64 = 30;

impl Store {
    /// Deletes an object, or begins to.
    pub async fn delete(&self, key: &ObjectKey, options: &DeleteOptions) -> Result<Deleted, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let old = self.get(key).ok_or_else(|| StoreError::NotFound(key.clone()))?;
            check_preconditions(&old, options)?;
            let Some(next) = self.next_version(&old, options) else { return Ok(Deleted::Terminating(old)) };
            let is_gone = next.is_none();
            match self.commit(key, Expected::At(old.revision()), next).await {
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(StoreError::Backend(error.to_string())),
                Ok(object) if is_gone => return Ok(Deleted::Gone(object)),
                Ok(object) => return Ok(Deleted::Terminating(object)),
            }
        }
        Err(too_busy(key.clone()))
    }

    /// `None`: nothing changes; `Some(None)`: the object goes; otherwise its terminating version.
    fn next_version(&self, old: &Object, options: &DeleteOptions) -> Option<Option<Typed>> {
        let mut next = old.typed().clone();
        let grace_s = grace_s(&next, options);
        add_propagation_finalizer(&mut next, options.propagation);
        let has_finalizers = next.meta().finalizers.as_ref().is_some_and(|list| !list.is_empty());
        if grace_s == 0 && !has_finalizers && !awaits_emptying(&next) {
            return Some(None);
        }
        let is_sooner = next.meta().deletion_grace_period_seconds.is_none_or(|present| grace_s < present);
        if next.meta().deletion_timestamp.is_none() {
            strategy::raise_generation(&mut next);
        }
        if is_sooner || next.meta().deletion_timestamp.is_none() {
            let grace = Duration::from_secs(u64::try_from(grace_s).unwrap_or_default());
            next.meta_mut().deletion_timestamp = Some(time(self.clock().now() + grace));
            next.meta_mut().deletion_grace_period_seconds = Some(grace_s);
        }
        if let Typed::Namespace(namespace) = &mut next {
            namespace.status.get_or_insert_default().phase = Some("Terminating".into());
        }
        (next != *old.typed()).then_some(Some(next))
    }
}

/// Whether nothing holds a terminating object any more.
pub(super) fn is_finished(typed: &Typed) -> bool {
    let meta = typed.meta();
    meta.deletion_timestamp.is_some()
        && meta.deletion_grace_period_seconds.unwrap_or_default() == 0
        && meta.finalizers.as_ref().is_none_or(Vec::is_empty)
        && !awaits_emptying(typed)
}

/// A namespace stays until its content is gone and `spec.finalizers` are removed.
fn awaits_emptying(typed: &Typed) -> bool {
    let Typed::Namespace(namespace) = typed else { return false };
    let finalizers = namespace.spec.as_ref().and_then(|spec| spec.finalizers.as_ref());
    finalizers.is_some_and(|list| !list.is_empty())
}

fn check_preconditions(old: &Object, options: &DeleteOptions) -> Result<(), StoreError> {
    let conflict = |what: &str, wanted: &str, found: &str| StoreError::Conflict {
        key: old.key().clone(),
        reason: format!(
            "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
        ),
    };
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != old.uid()) {
        return Err(conflict("UID", uid, old.uid()));
    }
    let version = old.revision().to_string();
    if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
        return Err(conflict("ResourceVersion", wanted, &version));
    }
    Ok(())
}

/// Only a pod that is placed on a node and has not ended has a grace.
fn grace_s(typed: &Typed, options: &DeleteOptions) -> i64 {
    let Typed::Pod(pod) = typed else { return 0 };
    let spec = pod.spec.as_ref();
    let is_placed = spec.and_then(|spec| spec.node_name.as_deref()).is_some_and(|node| !node.is_empty());
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    if !is_placed || matches!(phase, Some("Failed" | "Succeeded")) {
        return 0;
    }
    let own = spec.and_then(|spec| spec.termination_grace_period_seconds);
    options.grace_s.or(own).unwrap_or(POD_GRACE_S_DEFAULT).max(0)
}

fn add_propagation_finalizer(typed: &mut Typed, propagation: Propagation) {
    let wanted = match propagation {
        Propagation::Background => return,
        Propagation::Foreground => FINALIZER_FOREGROUND,
        Propagation::Orphan => FINALIZER_ORPHAN,
    };
    let finalizers = typed.meta_mut().finalizers.get_or_insert_default();
    finalizers.retain(|present| present != FINALIZER_ORPHAN && present != FINALIZER_FOREGROUND);
    finalizers.push(wanted.to_owned());
}
