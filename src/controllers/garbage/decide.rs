//! What becomes of one object, from its owners and its dependents. Pure.
//!
//! An owner is *solid* while it lives, *dangling* when no object of that uid is there any more,
//! and *waiting* when it is being deleted in the foreground. One solid owner keeps an object; the
//! references to the others are then taken away, since they would hold those up for ever.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::objects::{Kind, Object};
use crate::store::{FINALIZER_FOREGROUND, FINALIZER_ORPHAN, Propagation};

/// What an owner reference points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The owner lives.
    Solid,
    /// No object of that name and uid is there where the reference looks for it.
    Dangling,
    /// The owner waits until its dependents are gone.
    Waiting,
    /// Nobody can tell: a kind that is not served, or a namespaced owner of an object without a
    /// namespace. Such an object is never collected.
    Unresolvable,
}

/// What to do with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing, until something changes.
    Keep,
    /// Take away the references to these uids; another owner keeps the object.
    LoseOwners(Vec<String>),
    /// Delete it. `unblocks` its owners first: it is on a circle whose members wait for each other.
    Delete {
        /// What becomes of its own dependents.
        propagation: Propagation,
        /// Whether its owners shall no longer wait for it.
        unblocks: bool,
    },
    /// Take the reference to it away from its dependents, then its finalizer `orphan`.
    Orphan,
    /// Take its finalizer `foregroundDeletion` away: no dependent holds it up any more.
    Release,
    /// Remove it: nothing holds it, but whoever began to delete it did not come to the end. No node
    /// will do it for a pod that never had one (Kubernetes collects those too).
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
    // A finalizer that is there already says what becomes of the dependents.
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
