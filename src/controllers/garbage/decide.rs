//! The verdict about one object, from its owners and its dependents.
//!
//! Pure. An owner is *solid* while it exists, *dangling* when no object of that uid exists any more,
//! and *waiting* while it is being deleted in the foreground. One solid owner keeps an object; the
//! references to the others are then removed, since they would block those for ever.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::objects::{Kind, Object};
use crate::store::{FINALIZER_FOREGROUND, FINALIZER_ORPHAN, Propagation};

/// What an owner reference points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The owner exists.
    Solid,
    /// No object of that name and uid exists.
    Dangling,
    /// The owner waits until its dependents are gone.
    Waiting,
    /// Unknown: a kind that is not served, or a namespaced owner of a cluster-scoped object. Such an
    /// object is never collected.
    Unresolvable,
}

/// What to do with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing, until something changes.
    Keep,
    /// Remove the references to these uids; another owner keeps the object.
    LoseOwners(Vec<String>),
    /// Delete it. `unblocks` its owners first: it is part of a cycle whose members wait for each other.
    Delete {
        /// What happens to its own dependents.
        propagation: Propagation,
        /// Whether to let its owners no longer wait for it.
        unblocks: bool,
    },
    /// Remove the reference to it from its dependents, then its finalizer `orphan`.
    Orphan,
    /// Remove its finalizer `foregroundDeletion`: no dependent blocks it any more.
    Release,
    /// Delete it for good: nothing holds it, but its deletion was not completed. No node does it for a
    /// pod that was never scheduled (Kubernetes' pod garbage collector).
    Finish,
}

/// Decides about `object`. `owners` are the states of its owner references in their order;
/// `dependents` are the objects that refer to it as their owner.
pub fn decide(object: &Object, owners: &[Owner], dependents: &[Object]) -> Verdict {
    if object.is_terminating() {
        return decide_terminating(object, dependents);
    }
    let uids_of = |wanted: &[Owner]| -> Vec<String> {
        let pairs = references(object).zip(owners).filter(|(_, state)| wanted.contains(state));
        pairs.map(|(owner, _)| owner.uid.clone()).collect()
    };
    if owners.is_empty() || owners.contains(&Owner::Unresolvable) {
        return Verdict::Keep;
    }
    if owners.contains(&Owner::Solid) {
        let lost = uids_of(&[Owner::Dangling, Owner::Waiting]);
        return if lost.is_empty() { Verdict::Keep } else { Verdict::LoseOwners(lost) };
    }
    if owners.contains(&Owner::Waiting) && !dependents.is_empty() {
        let unblocks = dependents.iter().any(awaits_dependents);
        return Verdict::Delete { propagation: Propagation::Foreground, unblocks };
    }
    // A finalizer that is set already decides about the dependents.
    let propagation = match () {
        () if has_finalizer(object, FINALIZER_ORPHAN) => Propagation::Orphan,
        () if has_finalizer(object, FINALIZER_FOREGROUND) => Propagation::Foreground,
        () => Propagation::Background,
    };
    Verdict::Delete { propagation, unblocks: false }
}

fn decide_terminating(object: &Object, dependents: &[Object]) -> Verdict {
    if has_finalizer(object, FINALIZER_ORPHAN) {
        return Verdict::Orphan;
    }
    let is_blocking = |dependent: &Object| {
        let mut owners = references(dependent);
        owners.any(|owner| owner.uid == object.uid() && owner.block_owner_deletion == Some(true))
    };
    if awaits_dependents(object) && !dependents.iter().any(is_blocking) {
        return Verdict::Release;
    }
    if is_removable(object) { Verdict::Finish } else { Verdict::Keep }
}

/// Whether neither a grace nor a finalizer holds a terminating object. A namespace is held by its
/// content.
fn is_removable(object: &Object) -> bool {
    let meta = object.meta();
    let has_finalizers = meta.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty());
    meta.deletion_grace_period_seconds == Some(0) && !has_finalizers && object.kind() != Kind::Namespace
}

/// Whether an object is being deleted in the foreground.
pub(super) fn awaits_dependents(object: &Object) -> bool {
    object.is_terminating() && has_finalizer(object, FINALIZER_FOREGROUND)
}

pub(super) fn references(object: &Object) -> impl Iterator<Item = &OwnerReference> {
    object.meta().owner_references.iter().flatten()
}

fn has_finalizer(object: &Object, finalizer: &str) -> bool {
    object.meta().finalizers.iter().flatten().any(|present| present == finalizer)
}
