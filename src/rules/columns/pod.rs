//! Rows of pods: READY, STATUS and RESTARTS as `kubectl get pods` shows them.
//!
//! The rule is that of Kubernetes' `printPod` (`pkg/printers/internalversion`): the status is the
//! reason of the first container in trouble, init containers first; a deletion overrides it.

use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodStatus,
};
use serde_json::{Value, json};

use super::age::{ago, since};
use super::cell::{NONE, or};
use super::column::{AGE, Column, NAME, text, wide};
use crate::clock::Timestamp;
use crate::objects::pod::{
    condition, has_condition, has_ended, is_ready, is_sidecar, is_terminating, node_name, phase,
};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    text("Ready", "The number of ready containers and of all containers."),
    text("Status", "What the pod is doing, or what keeps it from running."),
    text("Restarts", "How often containers were restarted, and when last."),
    AGE,
    wide("IP", "The address of the pod."),
    wide("Node", "The node of the pod."),
    wide("Nominated Node", "The node on which preemption makes room for the pod."),
    wide("Readiness Gates", "The number of readiness gates that are met and of all gates."),
];

pub(super) fn cells(pod: &Pod, now: Timestamp) -> Vec<Value> {
    let computed = PodCells::of(pod);
    let status = pod.status.as_ref();
    let address = status.and_then(|status| status.pod_ips.iter().flatten().next());
    vec![
        pod.metadata.name.clone().into(),
        format!("{}/{}", computed.n_ready, computed.n_total).into(),
        computed.status.clone().into(),
        computed.restarts(now).into(),
        since(pod.metadata.creation_timestamp.as_ref(), now).into(),
        or(address.map(|address| address.ip.as_str()), NONE).into(),
        or(node_name(pod), NONE).into(),
        or(status.and_then(|status| status.nominated_node_name.as_deref()), NONE).into(),
        readiness_gates(pod).into(),
    ]
}

/// The condition in the row of a pod that has ended, by which clients may hide it.
pub(super) fn completion(pod: &Pod) -> Option<Value> {
    let phase = phase(pod);
    let message = match phase {
        "Succeeded" => "The pod has completed successfully.",
        "Failed" => "The pod failed.",
        _ => return None,
    };
    Some(json!({"type": "Completed", "status": "True", "reason": phase, "message": message}))
}

/// The computed cells of a pod's row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodCells {
    /// Containers that are ready, sidecars included.
    pub n_ready: usize,
    /// All containers, sidecars included.
    pub n_total: usize,
    /// The STATUS column.
    pub status: String,
    /// Restarts of all containers that count.
    pub n_restarts: i32,
    /// When a container that counts ended last before it was restarted.
    pub last_restart: Option<Timestamp>,
}

impl PodCells {
    /// The cells of `pod`.
    pub fn of(pod: &Pod) -> Self {
        let empty = PodStatus::default();
        let status = pod.status.as_ref().unwrap_or(&empty);
        let mut cells = Self { n_total: count_containers(pod), status: reason(pod), ..Self::default() };
        if condition(pod, "PodScheduled").and_then(|found| found.reason.as_deref()) == Some("SchedulingGated")
        {
            cells.status = "SchedulingGated".into();
        }
        let is_initializing = cells.add_init_containers(pod, status);
        if !is_initializing || has_condition(pod, "Initialized") {
            cells.add_containers(pod, status);
        }
        if is_terminating(pod) {
            cells.mark_terminating(pod, status);
        }
        cells
    }

    /// The RESTARTS column: how many, and how long ago the last one was.
    pub fn restarts(&self, now: Timestamp) -> String {
        match self.last_restart {
            Some(last) if self.n_restarts > 0 => {
                format!("{} ({} ago)", self.n_restarts, ago(Some(last), now))
            }
            _ => self.n_restarts.to_string(),
        }
    }

    fn count_restarts(&mut self, container: &ContainerStatus) {
        self.n_restarts += container.restart_count;
        let end = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        self.last_restart =
            self.last_restart.max(end.and_then(|end| end.finished_at.as_ref()).map(|time| time.0));
    }

    /// Returns whether the pod is still initializing.
    fn add_init_containers(&mut self, pod: &Pod, status: &PodStatus) -> bool {
        let specs = init_containers(pod);
        for (i, container) in status.init_container_statuses.iter().flatten().enumerate() {
            self.count_restarts(container);
            let state = container.state.clone().unwrap_or_default();
            if state.terminated.as_ref().is_some_and(|end| end.exit_code == 0) {
                continue;
            }
            if names_sidecar(specs, &container.name) && container.started == Some(true) {
                self.n_ready += usize::from(container.ready);
                continue;
            }
            self.status = format!("Init:{}", init_word(&state, i, specs.len()));
            return true;
        }
        false
    }

    /// Once the pod is initialized, only restarts of sidecars count among those of init containers.
    fn add_containers(&mut self, pod: &Pod, status: &PodStatus) {
        (self.n_restarts, self.last_restart) = (0, None);
        let init = status.init_container_statuses.iter().flatten();
        for sidecar in init.filter(|one| names_sidecar(init_containers(pod), &one.name)) {
            self.count_restarts(sidecar);
        }
        let mut has_running = false;
        for container in status.container_statuses.iter().flatten().rev() {
            self.count_restarts(container);
            match container_word(container) {
                Some(word) => self.status = word,
                None if container.ready && is_running(container) => {
                    has_running = true;
                    self.n_ready += 1;
                }
                None => {}
            }
        }
        if self.status == "Completed" && has_running {
            self.status = if is_ready(pod) { "Running" } else { "NotReady" }.into();
        }
    }

    fn mark_terminating(&mut self, pod: &Pod, status: &PodStatus) {
        if status.reason.as_deref() == Some("NodeLost") {
            self.status = "Unknown".into();
        } else if !has_ended(pod) {
            self.status = "Terminating".into();
        }
    }
}

fn count_containers(pod: &Pod) -> usize {
    let Some(spec) = &pod.spec else { return 0 };
    spec.containers.len() + spec.init_containers.iter().flatten().filter(|one| is_sidecar(one)).count()
}

/// The reason of the phase, or the phase without one.
fn reason(pod: &Pod) -> String {
    or(pod.status.as_ref().and_then(|status| status.reason.as_deref()), phase(pod)).to_owned()
}

fn init_containers(pod: &Pod) -> &[Container] {
    pod.spec.as_ref().and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default()
}

fn names_sidecar(specs: &[Container], name: &str) -> bool {
    specs.iter().any(|spec| spec.name == name && is_sidecar(spec))
}

fn readiness_gates(pod: &Pod) -> String {
    let gates = pod.spec.as_ref().and_then(|spec| spec.readiness_gates.as_deref()).unwrap_or_default();
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let n_met = gates.iter().filter(|gate| has_condition(pod, &gate.condition_type)).count();
    format!("{n_met}/{}", gates.len())
}

fn is_running(container: &ContainerStatus) -> bool {
    container.state.as_ref().is_some_and(|state| state.running.is_some())
}

fn init_word(state: &ContainerState, index: usize, n_init: usize) -> String {
    if let Some(end) = &state.terminated {
        return end_word(end);
    }
    let waiting = state.waiting.as_ref().and_then(|waiting| waiting.reason.as_deref());
    match waiting {
        Some(reason) if !reason.is_empty() && reason != "PodInitializing" => reason.to_owned(),
        _ => format!("{index}/{n_init}"),
    }
}

fn container_word(container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref()?;
    let waiting = state.waiting.as_ref().and_then(|waiting| waiting.reason.clone());
    if let Some(reason) = waiting.filter(|reason| !reason.is_empty()) {
        return Some(reason);
    }
    state.terminated.as_ref().map(end_word)
}

fn end_word(end: &ContainerStateTerminated) -> String {
    match (end.reason.as_deref().filter(|reason| !reason.is_empty()), end.signal) {
        (Some(reason), _) => reason.to_owned(),
        (None, Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        (None, _) => format!("ExitCode:{}", end.exit_code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(status: serde_json::Value, expected: &str) {
        let pod = json!({
            "metadata": {"name": "p"},
            "spec": {
                "initContainers": [{"name": "i"}, {"name": "side", "restartPolicy": "Always"}],
                "containers": [{"name": "a"}, {"name": "b"}],
            },
            "status": status,
        });
        let cells = PodCells::of(&serde_json::from_value(pod).unwrap());
        let row = format!("{}/{} {} {}", cells.n_ready, cells.n_total, cells.status, cells.n_restarts);
        assert_eq!(row, expected, "{status}");
    }

    #[test]
    fn the_status_word_is_that_of_kubectl() {
        let creating = json!({"waiting": {"reason": "ContainerCreating"}});
        let crashed = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let running = json!({"running": {}});
        let container = |name: &str, ready: bool, restarts: i32, state: &serde_json::Value| json!({"name": name, "ready": ready, "restartCount": restarts, "image": "", "imageID": "", "state": state});
        check(json!({"phase": "Pending"}), "0/3 Pending 0");
        check(
            json!({"phase": "Pending", "containerStatuses": [container("a", false, 0, &creating)]}),
            "0/3 ContainerCreating 0",
        );
        check(
            json!({"phase": "Running", "containerStatuses": [container("a", true, 0, &running), container("b", false, 2, &crashed)]}),
            "1/3 CrashLoopBackOff 2",
        );
        check(
            json!({"phase": "Pending", "initContainerStatuses": [container("i", false, 1, &running)]}),
            "0/3 Init:0/2 1",
        );
        check(json!({"phase": "Failed", "reason": "Evicted"}), "0/3 Evicted 0");
    }

    #[test]
    fn restarts_of_init_containers_are_forgotten_once_they_are_over_and_those_of_sidecars_are_not() {
        let ended = |second: i64| {
            let at = Timestamp::from_second(second).unwrap().to_string();
            json!({"terminated": {"exitCode": 1, "finishedAt": at}})
        };
        let container = |name: &str, restarts: i32, second: i64, state: Value| {
            json!({"name": name, "ready": true, "restartCount": restarts, "image": "", "imageID": "",
                "lastState": ended(second), "state": state})
        };
        let check = |init: Value, sidecar: Value, expected: &str| {
            let main = container("a", 1, 40, json!({"running": {}}));
            let pod = json!({
                "metadata": {"name": "p"},
                "spec": {
                    "initContainers": [{"name": "i"}, {"name": "side", "restartPolicy": "Always"}],
                    "containers": [{"name": "a"}],
                },
                "status": {"phase": "Running", "initContainerStatuses": [init, sidecar],
                    "containerStatuses": [main]},
            });
            let cells = PodCells::of(&serde_json::from_value(pod).unwrap());
            assert_eq!(cells.restarts(Timestamp::from_second(100).unwrap()), expected);
        };
        let mut sidecar = container("side", 2, 30, json!({"running": {}}));
        sidecar["started"] = true.into();
        let done = container("i", 5, 90, json!({"terminated": {"exitCode": 0}}));
        check(done, sidecar.clone(), "3 (60s ago)");
        check(container("i", 5, 90, json!({"running": {}})), sidecar, "5 (10s ago)");
    }

    #[test]
    fn a_deleted_pod_is_terminating_unless_it_has_ended() {
        for (phase, expected) in [("Running", "Terminating"), ("Failed", "Failed")] {
            let mut pod = Pod::default();
            pod.metadata.deletion_timestamp = Some(crate::objects::time(crate::clock::Timestamp::UNIX_EPOCH));
            pod.status = Some(PodStatus { phase: Some(phase.into()), ..Default::default() });
            assert_eq!(PodCells::of(&pod).status, expected);
        }
    }
}
