//! Actions: what one sync writes, as data.
//!
//! A [`Plan`] is decided by [`decide`](super::decide) and carried out by [`act`](super::act). Actions
//! that may be carried out together have one [`Phase`]; a phase begins only if the one before it did
//! not fail.

use k8s_openapi::api::apps::v1::StatefulSetStatus;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use super::note::Note;
use crate::clock::Timestamp;

/// What one sync does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// What to write, in this order.
    pub(crate) actions: Vec<Action>,
    /// The set's status, before the pods that the update deletes are subtracted.
    pub(crate) status: StatefulSetStatus,
    /// When to plan again although nothing has changed.
    pub(crate) wake_at: Option<Timestamp>,
    /// Whether the actions of one phase may be carried out together.
    pub(crate) is_parallel: bool,
    /// What blocks the set, as events; recorded once, not at every plan.
    pub(crate) notes: Vec<Note>,
    /// The ordinals whose claims were looked up and need nothing.
    pub(crate) whole_claims: Vec<i32>,
}

/// One thing to do to one pod and its claims.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Raise the storage request of an existing claim.
    GrowClaim { pod: String, claim: Box<PersistentVolumeClaim>, from: String, to: String },
    /// Apply the claim steps, then create the pod.
    CreatePod { pod: Box<Pod>, claims: Vec<ClaimStep> },
    /// Apply claim steps of an existing pod.
    KeepClaims { pod: String, claims: Vec<ClaimStep>, is_condemned: bool },
    /// Apply the claim steps, then write the repaired pod.
    UpdatePod { pod: Box<Pod>, claims: Vec<ClaimStep> },
    /// Delete the pod of that uid.
    DeletePod { pod: String, uid: String, cause: Cause },
}

/// Why a pod is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It has failed or succeeded and is to be replaced.
    Ended,
    /// Its ordinal is no longer wanted.
    ScaledDown,
    /// It is of an old revision.
    Outdated,
    /// It is not ready, and of a revision that it would not be created from again (issue 67250).
    Abandoned,
}

/// A pod that a sync has created or whose deletion it has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PodWrite {
    Created { pod: String, uid: String },
    Deleted { pod: String, uid: String },
}

/// The phases of a sync, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Growth,
    Replicas,
    CondemnedClaims,
    ScaleDown,
    Update,
}

impl Action {
    /// The phase it belongs to.
    pub(crate) fn phase(&self) -> Phase {
        match self {
            Self::GrowClaim { .. } => Phase::Growth,
            Self::KeepClaims { is_condemned: true, .. } => Phase::CondemnedClaims,
            Self::DeletePod { cause: Cause::ScaledDown, .. } => Phase::ScaleDown,
            Self::DeletePod { cause: Cause::Outdated, .. } => Phase::Update,
            _ => Phase::Replicas,
        }
    }
}

/// One thing to do about one claim, before its pod is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ClaimStep {
    /// It is missing.
    Create(Box<PersistentVolumeClaim>),
    /// Its owner references must become these.
    Own(Box<PersistentVolumeClaim>),
    /// A foreign controller owns it, so the retention policy is not applied; an event says so.
    Conflicting(String),
    /// It is being deleted; its pod must wait.
    Leaving(String),
}
