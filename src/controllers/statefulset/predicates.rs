//! What a pod is, in the words of the StatefulSet documents.
//!
//! Each predicate looks at one pod and nothing else; time is given. A pod that is terminating may
//! still be ready and available, so who asks about availability asks about termination too.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, PodCondition};

use crate::clock::Timestamp;

/// Whether the API has taken the pod in; it stores every new pod with a phase.
pub(super) fn is_created(pod: &Pod) -> bool {
    !phase(pod).is_empty()
}

/// Whether the pod waits to run.
pub(super) fn is_pending(pod: &Pod) -> bool {
    phase(pod) == "Pending"
}

/// Whether the pod has ended, well or badly; a StatefulSet replaces both.
pub(super) fn is_ended(pod: &Pod) -> bool {
    matches!(phase(pod), "Failed" | "Succeeded")
}

/// Whether deletion has been asked for.
pub(super) fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether the pod runs and its `Ready` condition is true.
pub(super) fn is_ready(pod: &Pod) -> bool {
    phase(pod) == "Running" && ready_condition(pod).is_some()
}

/// Whether the pod has been ready for `min_ready_s` seconds at `now`.
pub(super) fn is_available(pod: &Pod, min_ready_s: i32, now: Timestamp) -> bool {
    match ready_condition(pod) {
        None => false,
        Some(_) if min_ready_s == 0 => true,
        Some(_) => available_at(pod, min_ready_s).is_some_and(|instant| instant <= now),
    }
}

/// When a pod that stays ready becomes available; `None` if it is not ready, or does not say since
/// when.
pub(super) fn available_at(pod: &Pod, min_ready_s: i32) -> Option<Timestamp> {
    after(ready_condition(pod)?.last_transition_time.as_ref()?.0, min_ready_s)
}

/// `since`, `min_ready_s` seconds later.
pub(super) fn after(since: Timestamp, min_ready_s: i32) -> Option<Timestamp> {
    let min_ready = Duration::from_secs(u64::try_from(min_ready_s).unwrap_or_default());
    since.checked_add(min_ready).ok()
}

/// The pod's phase; empty if it has none.
pub(super) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// The `Ready` condition, if it is true.
fn ready_condition(pod: &Pod) -> Option<&PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.as_deref()?;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    (ready.status == "True").then_some(ready)
}
