//! Decides whether a pod may be bound to the node, and if not, gives kube-scheduler's reason.
//!
//! Pure. The cluster has one node, so scheduling is a list of filters in kube-scheduler's words:
//! gates, claims, cordon, node selector. Resources, affinity, taints and spreading are ignored: with
//! one node they could only keep a pod from running at all.

use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod, PodCondition};

use crate::clock::Timestamp;
use crate::objects::{pod, time};

/// The annotation that tells provisioners which node a claim's first consumer runs on.
pub(super) const ANNOTATION_SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// The `schedulerName` of the pods that are scheduled here.
const SCHEDULER: &str = "default-scheduler";

/// A claim that a pod mounts.
#[derive(Clone, Debug)]
pub(super) struct Mounted {
    /// Its name.
    pub(super) name: String,
    /// The claim; absent if there is none of that name.
    pub(super) claim: Option<PersistentVolumeClaim>,
    /// Its class binds volumes only when a pod needs them.
    pub(super) waits_for_consumer: bool,
}

/// What to do with a pod that has no node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Bind it.
    Bind,
    /// It belongs to another scheduler.
    NotOurs,
    /// Its scheduling gates must be removed first.
    Gated,
    /// It does not fit, for this reason.
    Unschedulable(String),
    /// Annotate these claims with the node, and wait until they are bound.
    SelectNode(Vec<String>),
}

/// The names of the claims a pod mounts; those of generic ephemeral volumes are `pod-volume`.
pub(super) fn claim_names(pod: &Pod) -> Vec<String> {
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default();
    let pod_name = pod.metadata.name.as_deref().unwrap_or_default();
    let name = |volume: &k8s_openapi::api::core::v1::Volume| match &volume.persistent_volume_claim {
        Some(source) => Some(source.claim_name.clone()),
        None => volume.ephemeral.as_ref().map(|_| format!("{pod_name}-{}", volume.name)),
    };
    volumes.iter().filter_map(name).collect()
}

/// Whether `pod` may be bound to `node`, given the claims it mounts.
pub(super) fn decide(pod: &Pod, node: Option<&Node>, claims: &[Mounted]) -> Decision {
    let Some(spec) = pod.spec.as_ref() else { return Decision::NotOurs };
    if spec.scheduler_name.as_deref().is_some_and(|name| !name.is_empty() && name != SCHEDULER) {
        return Decision::NotOurs;
    }
    if spec.scheduling_gates.as_ref().is_some_and(|gates| !gates.is_empty()) {
        return Decision::Gated;
    }
    let Some(node) = node else {
        return Decision::Unschedulable("no nodes available to schedule pods".to_owned());
    };
    let rejected = filter_claims(claims).or_else(|| filter_node(pod, node));
    if let Some(why) = rejected {
        return Decision::Unschedulable(format!(
            "0/1 nodes are available: {why}. preemption: 0/1 nodes are available: \
             1 Preemption is not helpful for scheduling."
        ));
    }
    let unbound =
        claims.iter().filter(|mounted| mounted.claim.as_ref().is_some_and(|claim| !is_bound(claim)));
    let waiting: Vec<String> = unbound.map(|mounted| mounted.name.clone()).collect();
    if waiting.is_empty() { Decision::Bind } else { Decision::SelectNode(waiting) }
}

/// The condition that reports the decision; its transition time is kept while its status is.
pub(super) fn condition(pod: &Pod, decision: &Decision, now: Timestamp) -> Option<PodCondition> {
    let gated = || "Scheduling is blocked due to non-empty scheduling gates".to_owned();
    let (is_true, reason, message) = match decision {
        Decision::Bind => (true, None, None),
        Decision::Gated => (false, Some("SchedulingGated"), Some(gated())),
        Decision::Unschedulable(why) => (false, Some("Unschedulable"), Some(why.clone())),
        Decision::NotOurs | Decision::SelectNode(_) => return None,
    };
    let status = if is_true { "True" } else { "False" };
    let before = pod::condition(pod, "PodScheduled").filter(|before| before.status == status);
    Some(PodCondition {
        type_: "PodScheduled".to_owned(),
        status: status.to_owned(),
        reason: reason.map(str::to_owned),
        message,
        last_probe_time: None,
        last_transition_time: before
            .and_then(|before| before.last_transition_time.clone())
            .or_else(|| Some(time(now))),
        observed_generation: pod.metadata.generation,
    })
}

fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound")
}

/// Why the claims keep the pod from being bound.
fn filter_claims(claims: &[Mounted]) -> Option<String> {
    for Mounted { name, claim, .. } in claims {
        match claim {
            None => return Some(format!("persistentvolumeclaim \"{name}\" not found")),
            Some(claim) if claim.metadata.deletion_timestamp.is_some() => {
                return Some(format!("persistentvolumeclaim \"{name}\" is being deleted"));
            }
            Some(_) => {}
        }
    }
    let is_immediate = |mounted: &&Mounted| {
        !mounted.waits_for_consumer && mounted.claim.as_ref().is_some_and(|claim| !is_bound(claim))
    };
    claims.iter().find(is_immediate).map(|_| "pod has unbound immediate PersistentVolumeClaims".to_owned())
}

/// Why the node does not take the pod.
fn filter_node(pod: &Pod, node: &Node) -> Option<String> {
    if node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true) {
        return Some("1 node(s) were unschedulable".to_owned());
    }
    let labels = node.metadata.labels.as_ref();
    let wanted = pod.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
    let differs = |(key, value): (&String, &String)| labels.and_then(|labels| labels.get(key)) != Some(value);
    let does_not_match = wanted.is_some_and(|wanted| wanted.iter().any(differs));
    does_not_match.then(|| "1 node(s) didn't match Pod's node affinity/selector".to_owned())
}

#[cfg(test)]
mod tests;
