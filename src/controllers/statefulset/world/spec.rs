//! What a set's spec asks for, with Kubernetes' defaults filled in.
//!
//! Pure. Objects from the API are defaulted already; objects from elsewhere need not be, so every
//! reader of the spec goes through these functions.

use k8s_openapi::api::apps::v1::{RollingUpdateStatefulSetStrategy, StatefulSet};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The ordinals that a set wants: `replicas` of them from `start` on, without the reserved ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ordinals<'a> {
    /// The first one.
    pub(crate) start: i32,
    /// How many.
    pub(crate) replicas: i32,
    /// The reserved ones, ascending, each once (Kubernetes issue 83224).
    pub(crate) reserved: &'a [i32],
}

impl<'a> Ordinals<'a> {
    /// The ordinals of `spec`; one replica by default.
    pub(crate) fn of(set: &StatefulSet, reserved: &'a [i32]) -> Self {
        let ordinals = set.spec.ordinals.as_ref();
        Self {
            start: ordinals.and_then(|ordinals| ordinals.start).unwrap_or_default().max(0),
            replicas: set.spec.replicas.unwrap_or(1).max(0),
            reserved,
        }
    }

    /// The index of an ordinal among those that could be wanted; `None` if it never is. The partition of
    /// a rollout counts in these.
    pub(crate) fn index(self, ordinal: i32) -> Option<i64> {
        let n_below = |ordinal: i32| self.reserved.partition_point(|reserved| *reserved < ordinal);
        if ordinal < self.start || self.reserved.binary_search(&ordinal).is_ok() {
            return None;
        }
        let n_left_out = i64::try_from(n_below(ordinal) - n_below(self.start)).unwrap_or_default();
        Some(i64::from(ordinal) - i64::from(self.start) - n_left_out)
    }

    /// Whether the set wants this ordinal.
    pub(crate) fn contains(self, ordinal: i32) -> bool {
        self.index(ordinal).is_some_and(|index| index < i64::from(self.replicas))
    }

    /// All of them, ascending; none above `i32::MAX`.
    pub(crate) fn iter(self) -> impl Iterator<Item = i32> + 'a {
        let is_free = move |ordinal: &i32| self.reserved.binary_search(ordinal).is_err();
        let n_wanted = usize::try_from(self.replicas).unwrap_or_default();
        (self.start..=i32::MAX).filter(is_free).take(n_wanted)
    }
}

/// `spec.persistentVolumeClaimRetentionPolicy`. The default retains always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RetentionPolicy {
    /// `whenDeleted: Delete`: claims are deleted with the set.
    pub(crate) is_deleted_delete: bool,
    /// `whenScaled: Delete`: claims are deleted with the pods that scaling down removes.
    pub(crate) is_scaled_delete: bool,
}

impl RetentionPolicy {
    /// The set's policy; the default retains.
    pub(crate) fn of(set: &StatefulSet) -> Self {
        let policy = set.spec.persistent_volume_claim_retention_policy.as_ref();
        let is_delete = |when: Option<&String>| when.is_some_and(|when| when == "Delete");
        Self {
            is_deleted_delete: is_delete(policy.and_then(|policy| policy.when_deleted.as_ref())),
            is_scaled_delete: is_delete(policy.and_then(|policy| policy.when_scaled.as_ref())),
        }
    }

    /// Whether the set owns the claim of such a pod.
    pub(crate) fn wants_set(self, is_condemned: bool) -> bool {
        self.is_deleted_delete && !(self.is_scaled_delete && is_condemned)
    }

    /// Whether the pod owns its claim.
    pub(crate) fn wants_pod(self, is_condemned: bool) -> bool {
        self.is_scaled_delete && is_condemned
    }

    /// Whether claims are never deleted.
    pub(crate) fn retains_always(self) -> bool {
        self == Self::default()
    }
}

/// Whether pods are created and deleted without waiting for each other.
pub(crate) fn is_parallel(set: &StatefulSet) -> bool {
    set.spec.pod_management_policy.as_deref() == Some("Parallel")
}

/// `spec.minReadySeconds`.
pub(crate) fn min_ready_s(set: &StatefulSet) -> i32 {
    set.spec.min_ready_seconds.unwrap_or_default().max(0)
}

/// The set's volume claim templates.
pub(crate) fn templates(set: &StatefulSet) -> &[PersistentVolumeClaim] {
    set.spec.volume_claim_templates.as_deref().unwrap_or_default()
}

/// Whether the update strategy is RollingUpdate, the default.
pub(crate) fn is_rolling(set: &StatefulSet) -> bool {
    let strategy = set.spec.update_strategy.as_ref();
    let type_ = strategy.and_then(|strategy| strategy.type_.as_deref());
    type_.is_none_or(|type_| type_.is_empty() || type_ == "RollingUpdate")
}

/// `spec.updateStrategy.rollingUpdate`.
pub(crate) fn rolling_update(set: &StatefulSet) -> Option<&RollingUpdateStatefulSetStrategy> {
    set.spec.update_strategy.as_ref()?.rolling_update.as_ref()
}

/// `maxUnavailable` as a number of pods, at least one.
pub(crate) fn max_unavailable(wanted: Option<&IntOrString>, replicas: i32) -> usize {
    let count = match wanted {
        None => 1,
        Some(IntOrString::Int(count)) => i64::from(*count),
        Some(IntOrString::String(percent)) => {
            let percent = percent.strip_suffix('%').and_then(|percent| percent.parse::<i64>().ok());
            i64::from(replicas) * percent.unwrap_or_default() / 100
        }
    };
    usize::try_from(count).unwrap_or_default().max(1)
}
