//! When a pod must leave a node that is tainted `NoExecute`.
//!
//! Pure. The time that a toleration allows counts from when its taint was added.

use k8s_openapi::api::core::v1::{Pod, Taint, Toleration};

use crate::clock::Timestamp;
use crate::objects::{pod, taint};

/// A taint that evicts, and since when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Evicting {
    pub(super) taint: Taint,
    pub(super) since: Timestamp,
}

/// When the pod must go because of these taints; `None` if it may stay for ever. As upstream has it,
/// the first toleration that matches a taint is the one that counts.
pub(super) fn due(pod: &Pod, taints: &[Evicting]) -> Option<Timestamp> {
    let tolerations = pod.spec.as_ref().and_then(|spec| spec.tolerations.as_deref()).unwrap_or_default();
    let instants = taints.iter().filter_map(|evicting| {
        let since = bound_at(pod).map_or(evicting.since, |bound| bound.max(evicting.since));
        match tolerations.iter().find(|toleration| taint::tolerates(toleration, &evicting.taint)) {
            None => Some(evicting.since),
            Some(Toleration { toleration_seconds: None, .. }) => None,
            Some(Toleration { toleration_seconds: Some(seconds), .. }) => {
                let seconds = u64::try_from(*seconds).unwrap_or(0);
                since.checked_add(std::time::Duration::from_secs(seconds)).ok()
            }
        }
    });
    instants.min()
}

/// When the pod came to its node.
fn bound_at(pod: &Pod) -> Option<Timestamp> {
    let scheduled = pod::condition(pod, "PodScheduled")?;
    (scheduled.status == "True").then_some(scheduled.last_transition_time.as_ref()?.0)
}
