//! The conditions of a pod that a kubelet keeps.
//!
//! Pure. Conditions of other writers pass through as they are, after the kubelet's own.

use k8s_openapi::api::core::v1::{Pod, PodCondition};

use super::view::View;
use crate::clock::Timestamp;
use crate::node::containers::{Phase, Track};
use crate::node::runtime::Role;
use crate::objects::{pod, time};

/// The status of a condition, and why it is not true.
struct Finding {
    is_true: bool,
    reason: Option<&'static str>,
    message: Option<String>,
}

/// All conditions of the pod: the kubelet's, then those of others as they are.
pub(super) fn conditions(pod: &Pod, view: &View<'_>, phase: Phase, now: Timestamp) -> Vec<PodCondition> {
    let containers_ready = containers_ready(view, phase);
    let found = [
        ("PodReadyToStartContainers", sandbox(view, phase)),
        ("Initialized", initialized(view, phase)),
        ("Ready", ready(pod, &containers_ready)),
        ("ContainersReady", containers_ready),
        ("PodScheduled", Finding::holds()),
    ];
    let old = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let is_ours = |condition: &PodCondition| found.iter().any(|(type_, _)| *type_ == condition.type_);
    let others: Vec<PodCondition> = old.iter().filter(|condition| !is_ours(condition)).cloned().collect();
    let ours = found.iter().map(|(type_, finding)| {
        let before = old.iter().find(|condition| condition.type_ == *type_);
        condition(pod, type_, finding, before, now)
    });
    ours.chain(others).collect()
}

/// A condition that keeps its transition time if its status is what it was.
fn condition(
    pod: &Pod,
    type_: &str,
    finding: &Finding,
    before: Option<&PodCondition>,
    now: Timestamp,
) -> PodCondition {
    let status = if finding.is_true { "True" } else { "False" };
    let unchanged = before.filter(|before| before.status == status);
    let since = unchanged.and_then(|before| before.last_transition_time.clone());
    PodCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: finding.reason.map(str::to_owned),
        message: finding.message.clone(),
        last_probe_time: None,
        last_transition_time: since.or_else(|| Some(time(now))),
        observed_generation: pod.metadata.generation,
    }
}

impl Finding {
    fn holds() -> Self {
        Self { is_true: true, reason: None, message: None }
    }

    fn fails(reason: &'static str, message: Option<String>) -> Self {
        Self { is_true: false, reason: Some(reason), message }
    }
}

fn sandbox(view: &View<'_>, phase: Phase) -> Finding {
    let is_true = !view.addresses.is_empty() && !phase.is_terminal();
    Finding { is_true, reason: None, message: None }
}

fn initialized(view: &View<'_>, phase: Phase) -> Finding {
    if phase == Phase::Succeeded {
        return Finding { is_true: true, reason: Some("PodCompleted"), message: None };
    }
    if phase == Phase::Running || view.containers.are_initialized() {
        return Finding::holds();
    }
    let incomplete = view.containers.tracks().iter().filter(|track| !track.lets_next_start());
    let message = format!("containers with incomplete status: [{}]", names(incomplete));
    Finding::fails("ContainersNotInitialized", Some(message))
}

fn containers_ready(view: &View<'_>, phase: Phase) -> Finding {
    match phase {
        Phase::Succeeded => return Finding::fails("PodCompleted", None),
        Phase::Failed => return Finding::fails("PodFailed", None),
        Phase::Pending | Phase::Running => {}
    }
    let counts = |track: &&Track| track.role != Role::Init;
    let mut unready =
        view.containers.tracks().iter().filter(counts).filter(|track| !track.is_ready()).peekable();
    if unready.peek().is_none() {
        return Finding::holds();
    }
    let message = format!("containers with unready status: [{}]", names(unready));
    Finding::fails("ContainersNotReady", Some(message))
}

/// Ready is ContainersReady and every readiness gate.
fn ready(pod: &Pod, containers_ready: &Finding) -> Finding {
    if !containers_ready.is_true {
        let message = containers_ready.message.clone();
        return Finding { is_true: false, reason: containers_ready.reason, message };
    }
    let gates = pod.spec.as_ref().and_then(|spec| spec.readiness_gates.as_deref()).unwrap_or_default();
    let closed: Vec<String> =
        gates.iter().filter_map(|gate| closed_gate(pod, &gate.condition_type)).collect();
    if closed.is_empty() {
        return Finding::holds();
    }
    Finding::fails("ReadinessGatesNotReady", Some(closed.join(", ")))
}

fn closed_gate(pod: &Pod, type_: &str) -> Option<String> {
    match pod::condition(pod, type_) {
        None => Some(format!("corresponding condition of pod readiness gate \"{type_}\" does not exist.")),
        Some(condition) if condition.status == "True" => None,
        Some(condition) => {
            let status = &condition.status;
            Some(format!("the status of pod readiness gate \"{type_}\" is not \"True\", but {status}"))
        }
    }
}

fn names<'a>(tracks: impl Iterator<Item = &'a Track>) -> String {
    tracks.map(|track| track.name.as_str()).collect::<Vec<_>>().join(" ")
}
