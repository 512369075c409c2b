//! The condition `PodScheduled`: what a pod says of its scheduling.

use k8s_openapi::api::core::v1::{Pod, PodCondition};

use crate::clock::Timestamp;
use crate::objects::{pod, time};

const NAME: &str = "PodScheduled";
const GATED: &str = "Scheduling is blocked due to non-empty scheduling gates";

/// How far a pod's scheduling is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    /// It has a node.
    Bound,
    /// Its scheduling gates must be removed first.
    Gated,
    /// No node takes it, for this reason.
    Unschedulable(&'a str),
}

/// The condition that reports the standing; its transition time is kept while its status is.
pub(super) fn condition(pod: &Pod, standing: Standing<'_>, now: Timestamp) -> PodCondition {
    let (status, reason, message) = match standing {
        Standing::Bound => ("True", None, None),
        Standing::Gated => ("False", Some("SchedulingGated"), Some(GATED)),
        Standing::Unschedulable(why) => ("False", Some("Unschedulable"), Some(why)),
    };
    let before = pod::condition(pod, NAME).filter(|before| before.status == status);
    PodCondition {
        type_: NAME.to_owned(),
        status: status.to_owned(),
        reason: reason.map(str::to_owned),
        message: message.map(str::to_owned),
        last_probe_time: None,
        last_transition_time: before
            .and_then(|before| before.last_transition_time.clone())
            .or_else(|| Some(time(now))),
        observed_generation: pod.metadata.generation,
    }
}

/// Whether the pod says already that no node takes it for this reason.
pub(super) fn is_known(pod: &Pod, why: &str) -> bool {
    pod::condition(pod, NAME).is_some_and(|before| before.message.as_deref() == Some(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_its_transition_time_while_its_status_is_the_same() {
        let at = |s| Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(s);
        let mut pod = Pod::default();
        let first = condition(&pod, Standing::Unschedulable("a"), at(1));
        assert_eq!((first.status.as_str(), first.reason.as_deref()), ("False", Some("Unschedulable")));
        pod.status.get_or_insert_default().conditions = Some(vec![first]);
        assert!(is_known(&pod, "a") && !is_known(&pod, "b"));
        let second = condition(&pod, Standing::Unschedulable("b"), at(2));
        assert_eq!((second.last_transition_time, second.message), (Some(time(at(1))), Some("b".into())));
        let third = condition(&pod, Standing::Bound, at(3));
        assert_eq!((third.last_transition_time, third.status.as_str()), (Some(time(at(3))), "True"));
    }
}
