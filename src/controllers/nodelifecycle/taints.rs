//! The taints of a node that follow from its conditions and from its cordon.
//!
//! Pure. Taints that others have set are kept; those of this controller come and go with their cause.

use k8s_openapi::api::core::v1::{Node, Taint};

use crate::clock::Timestamp;
use crate::objects::taint::{NO_EXECUTE, NO_SCHEDULE};
use crate::objects::time;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// A user's word that nothing runs on the node any more.
pub(super) const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// A condition, its status, and the taint that says so.
const CAUSES: [(&str, &str, &str); 6] = [
    ("Ready", "False", NOT_READY),
    ("Ready", "Unknown", UNREACHABLE),
    ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
    ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
];

/// The taints that the node should have, `None` if it has them.
pub(super) fn wanted(node: &Node, now: Timestamp) -> Option<Vec<Taint>> {
    let spec = node.spec.as_ref();
    let present = spec.and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let due = due(node);
    let mut next = present.clone();
    next.retain(|taint| !is_ours(taint) || due.contains(&(taint.key.as_str(), taint.effect.as_str())));
    for (key, effect) in due {
        if !next.iter().any(|taint| taint.key == key && taint.effect == effect) {
            next.push(Taint {
                key: key.to_owned(),
                effect: effect.to_owned(),
                time_added: Some(time(now)),
                value: None,
            });
        }
    }
    (next != present).then_some(next)
}

fn due(node: &Node) -> Vec<(&'static str, &'static str)> {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let causes: Vec<&str> = CAUSES
        .iter()
        .filter(|(type_, status, _)| {
            conditions.iter().any(|one| one.type_ == *type_ && one.status == *status)
        })
        .map(|(_, _, key)| *key)
        .collect();
    let is_cordoned = node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true);
    let no_schedule = causes.iter().copied().chain(is_cordoned.then_some(UNSCHEDULABLE));
    let no_execute = causes.iter().copied().filter(|key| is_evicting(key));
    let no_schedule = no_schedule.map(|key| (key, NO_SCHEDULE));
    no_schedule.chain(no_execute.map(|key| (key, NO_EXECUTE))).collect()
}

fn is_evicting(key: &str) -> bool {
    matches!(key, NOT_READY | UNREACHABLE)
}

fn is_ours(taint: &Taint) -> bool {
    let key = taint.key.as_str();
    match taint.effect.as_str() {
        NO_SCHEDULE => key == UNSCHEDULABLE || CAUSES.iter().any(|(_, _, cause)| *cause == key),
        NO_EXECUTE => is_evicting(key),
        _ => false,
    }
}
