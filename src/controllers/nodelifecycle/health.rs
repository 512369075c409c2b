//! Whether a node lives, and the conditions of one that does not.
//!
//! Pure. A node's signs of life are its lease and the heartbeat of its `Ready` condition.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, NodeCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::clock::Timestamp;
use crate::objects::time;

/// The conditions that a kubelet reports; `NetworkUnavailable` is another's.
const CONDITIONS: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
/// How long a node that never reported itself may take (`--node-startup-grace-period`).
const STARTUP_GRACE: Duration = Duration::from_secs(60);

/// Whether anything was heard of a node lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulse {
    /// It lives, and is lost at this instant if it stays silent.
    Until(Timestamp),
    /// It has been silent for too long.
    Lost,
}

/// The pulse of a node that may be silent for `grace`.
pub(super) fn pulse(node: &Node, lease: Option<&Lease>, grace: Duration, now: Timestamp) -> Pulse {
    let ready = condition(node, "Ready");
    let grace = if ready.is_some() { grace } else { STARTUP_GRACE };
    let heartbeat = ready.and_then(|ready| ready.last_heartbeat_time.as_ref());
    let renewed = lease.and_then(|lease| lease.spec.as_ref()?.renew_time.as_ref());
    let signs = [
        node.metadata.creation_timestamp.as_ref().map(|created| created.0),
        heartbeat.map(|heartbeat| heartbeat.0),
        renewed.map(|renewed| renewed.0),
    ];
    let lost_at = signs.into_iter().flatten().max().map(|last| last + grace);
    match lost_at {
        Some(lost_at) if lost_at > now => Pulse::Until(lost_at),
        _ => Pulse::Lost,
    }
}

/// The condition of this type.
pub(super) fn condition<'a>(node: &'a Node, type_: &str) -> Option<&'a NodeCondition> {
    let conditions = node.status.as_ref()?.conditions.as_deref()?;
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether the node reports that it is ready.
pub(super) fn is_ready(node: &Node) -> bool {
    condition(node, "Ready").is_some_and(|ready| ready.status == "True")
}

/// The conditions of a lost node, `None` if they say so already.
pub(super) fn lost(node: &Node, now: Timestamp) -> Option<Vec<NodeCondition>> {
    let present = node.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
    let mut next = present.clone();
    for type_ in CONDITIONS {
        match next.iter_mut().find(|condition| condition.type_ == type_) {
            Some(condition) if condition.status == "Unknown" => {}
            Some(condition) => {
                let heartbeat = condition.last_heartbeat_time.take();
                *condition = unknown(type_, heartbeat, "NodeStatusUnknown", STOPPED, now);
            }
            None => {
                let created = node.metadata.creation_timestamp.clone();
                next.push(unknown(type_, created, "NodeStatusNeverUpdated", NEVER_BEGAN, now));
            }
        }
    }
    (next != present).then_some(next)
}

const STOPPED: &str = "Kubelet stopped posting node status.";
const NEVER_BEGAN: &str = "Kubelet never posted node status.";

fn unknown(
    type_: &str,
    heartbeat: Option<Time>,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> NodeCondition {
    NodeCondition {
        type_: type_.to_owned(),
        status: "Unknown".to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_heartbeat_time: heartbeat,
        last_transition_time: Some(time(now)),
    }
}
