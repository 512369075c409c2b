//! What a pod is, in the words of Kubernetes' documents: the predicates that every part shares.
//!
//! Each looks at one pod and nothing else, [`disrupt`] writes to it; time is given. A terminating pod may still be ready and
//! available, so who asks about availability asks about termination too.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod, PodCondition, PodSpec};

use super::object::time;
use crate::clock::Timestamp;

/// The pod's phase; empty if it has none yet.
pub fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// The condition of this type, if the pod reports it.
pub fn condition<'a>(pod: &'a Pod, name: &str) -> Option<&'a PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.as_deref()?;
    conditions.iter().find(|condition| condition.type_ == name)
}

/// Whether the condition of this type is true.
pub fn has_condition(pod: &Pod, name: &str) -> bool {
    condition(pod, name).is_some_and(|condition| condition.status == "True")
}

/// The `Ready` condition, if it is true.
pub fn ready_condition(pod: &Pod) -> Option<&PodCondition> {
    condition(pod, "Ready").filter(|ready| ready.status == "True")
}

/// Whether the `Ready` condition is true, whatever the phase (`IsPodReady` of `pkg/api/v1/pod`).
pub fn is_ready(pod: &Pod) -> bool {
    ready_condition(pod).is_some()
}

/// Whether the pod runs and is ready: what a StatefulSet waits for.
pub fn is_running_and_ready(pod: &Pod) -> bool {
    phase(pod) == "Running" && is_ready(pod)
}

/// Whether the pod has ended, well or badly (`IsPodTerminal`): nothing of it runs again.
pub fn has_ended(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Whether deletion has been asked for.
pub fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether the pod has been ready for `min_ready_s` seconds at `now` (`IsPodAvailable`).
pub fn is_available(pod: &Pod, min_ready_s: i32, now: Timestamp) -> bool {
    is_ready(pod)
        && (min_ready_s == 0 || available_at(pod, min_ready_s).is_some_and(|instant| instant <= now))
}

/// When a pod that stays ready becomes available; `None` if it is not ready, or does not say since
/// when.
pub fn available_at(pod: &Pod, min_ready_s: i32) -> Option<Timestamp> {
    after(ready_condition(pod)?.last_transition_time.as_ref()?.0, min_ready_s)
}

/// `since`, `min_ready_s` seconds later.
pub fn after(since: Timestamp, min_ready_s: i32) -> Option<Timestamp> {
    let min_ready = Duration::from_secs(u64::try_from(min_ready_s).unwrap_or_default());
    since.checked_add(min_ready).ok()
}

/// The node that the pod is bound to.
pub fn node_name(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref().filter(|node| !node.is_empty())
}

/// How important the pod is to the scheduler. Without a number it is that of the two classes which
/// every cluster has, else zero (Kubernetes document "Pod Priority and Preemption").
pub fn priority(spec: &PodSpec) -> i32 {
    spec.priority.unwrap_or(match spec.priority_class_name.as_deref() {
        Some("system-node-critical") => 2_000_001_000,
        Some("system-cluster-critical") => 2_000_000_000,
        _ => 0,
    })
}

/// Whether the pod has its node's addresses instead of its own.
pub fn uses_host_network(spec: &PodSpec) -> bool {
    spec.host_network == Some(true)
}

/// What is known of the container of this name.
pub fn container_status<'a>(pod: &'a Pod, name: &str) -> Option<&'a ContainerStatus> {
    let status = pod.status.as_ref()?;
    let lists =
        [&status.init_container_statuses, &status.container_statuses, &status.ephemeral_container_statuses];
    lists.into_iter().flatten().flatten().find(|known| known.name == name)
}

/// Every container of the pod: its init containers, then those that run together.
pub fn containers(spec: &PodSpec) -> impl Iterator<Item = &Container> {
    spec.init_containers.iter().flatten().chain(&spec.containers)
}

/// The container of this name.
pub fn find_container<'a>(pod: &'a Pod, name: &str) -> Option<&'a Container> {
    containers(pod.spec.as_ref()?).find(|container| container.name == name)
}

/// Whether an init container keeps running beside the others (Kubernetes document "Sidecar
/// Containers").
pub fn is_sidecar(init_container: &Container) -> bool {
    init_container.restart_policy.as_deref() == Some("Always")
}

/// The names of the claims that a pod's volumes name; those of generic ephemeral volumes are not among them.
pub fn claims(pod: &Pod) -> impl Iterator<Item = &str> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str()))
}

/// Sets the condition `DisruptionTarget` (Kubernetes document "Disruptions").
pub fn disrupt(pod: &mut Pod, reason: &str, message: &str, now: Timestamp) {
    let since = condition(pod, "DisruptionTarget")
        .filter(|before| before.status == "True")
        .and_then(|before| before.last_transition_time.clone());
    let target = PodCondition {
        type_: "DisruptionTarget".to_owned(),
        status: "True".to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_transition_time: since.or_else(|| Some(time(now))),
        observed_generation: pod.metadata.generation,
        ..Default::default()
    };
    let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
    match conditions.iter_mut().find(|present| present.type_ == target.type_) {
        Some(present) => *present = target,
        None => conditions.push(target),
    }
}
