//! Taints that keep a pod away, and by score those that would rather not have it.

use k8s_openapi::api::core::v1::{Taint, Toleration};

use crate::objects::taint::{NO_EXECUTE, NO_SCHEDULE, PREFER_NO_SCHEDULE, is_tolerated};

/// The taint that a cordoned node is taken to have.
const UNSCHEDULABLE_TAINT: &str = "node.kubernetes.io/unschedulable";

/// Whether a taint keeps the pod away.
pub(in super::super) fn is_kept_away(taints: &[Taint], tolerations: &[Toleration]) -> bool {
    let binds = |taint: &&Taint| taint.effect == NO_SCHEDULE || taint.effect == NO_EXECUTE;
    taints.iter().filter(binds).any(|taint| !is_tolerated(taint, tolerations))
}

/// Whether the pod may go to cordoned nodes.
pub(in super::super) fn tolerates_cordon(tolerations: &[Toleration]) -> bool {
    let taint =
        Taint { key: UNSCHEDULABLE_TAINT.into(), effect: NO_SCHEDULE.into(), value: None, time_added: None };
    is_tolerated(&taint, tolerations)
}

/// How many taints would rather not have the pod.
pub(in super::super) fn n_unwelcoming(taints: &[Taint], tolerations: &[Toleration]) -> i64 {
    let advises = |taint: &&Taint| taint.effect == PREFER_NO_SCHEDULE;
    let count = taints.iter().filter(advises).filter(|taint| !is_tolerated(taint, tolerations)).count();
    i64::try_from(count).unwrap_or(i64::MAX)
}
