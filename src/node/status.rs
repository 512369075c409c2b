//! A pod's status as a kubelet writes it.
//!
//! Pure: (pod, what is known of it, now) to the whole status. What belongs to others is kept:
//! conditions of other writers, among them the scheduler's and the readiness gates', and the
//! quality of service class. A condition keeps its transition time while its status is the same.

mod conditions;

use k8s_openapi::api::core::v1::{
    ContainerState as State, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, HostIP, Pod, PodIP, PodStatus,
};
use std::net::IpAddr;

use super::containers::{Containers, Life, Ran, Track};
use super::runtime::{Ended, Exit, Readiness, Role};
use crate::clock::Timestamp;
use crate::objects::{quality, time};

/// What is known of a pod besides its spec.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// Its containers.
    pub(super) containers: &'a Containers,
    /// Its addresses; none while there is no sandbox.
    pub(super) addresses: &'a [IpAddr],
    /// The node's address.
    pub(super) host: IpAddr,
    /// The pod is over, says the runtime.
    pub(super) ended: Option<&'a Ended>,
    /// Nothing will be started any more.
    pub(super) is_over: bool,
}

/// The status of `pod`.
pub(super) fn status(pod: &Pod, view: &View<'_>, now: Timestamp) -> PodStatus {
    let old = pod.status.clone().unwrap_or_default();
    let phase = view.containers.phase(view.ended, view.is_over);
    let ended = view.ended.filter(|_| phase.is_terminal());
    let ips = |address: &IpAddr| PodIP { ip: address.to_string() };
    let tracks = || view.containers.tracks().iter();
    let status_of = |track: &Track| container_status(pod, view, track);
    let inits: Vec<_> = tracks().filter(|track| track.role != Role::Main).map(status_of).collect();
    let mut mains: Vec<_> = tracks().filter(|track| track.role == Role::Main).map(status_of).collect();
    // The kubelet sorts the statuses of ordinary containers by name, those of init containers not.
    mains.sort_by(|a, b| a.name.cmp(&b.name));
    let addresses = if view.addresses.is_empty() && phase.is_terminal() {
        old.pod_ips.clone()
    } else {
        non_empty(view.addresses.iter().map(ips).collect())
    };
    PodStatus {
        phase: Some(phase.name().to_owned()),
        conditions: Some(conditions::conditions(pod, view, phase, now)),
        pod_ip: addresses.as_ref().and_then(|all| all.first()).map(|first| first.ip.clone()),
        pod_ips: addresses,
        host_ip: Some(view.host.to_string()),
        host_ips: Some(vec![HostIP { ip: view.host.to_string() }]),
        start_time: old.start_time.clone().or_else(|| Some(time(now))),
        init_container_statuses: non_empty(inits),
        container_statuses: non_empty(mains),
        qos_class: old
            .qos_class
            .clone()
            .or_else(|| pod.spec.as_ref().map(|spec| quality::of(spec).to_owned())),
        reason: ended.and_then(|ended| ended.reason.clone()),
        message: ended.and_then(|ended| ended.message.clone()),
        observed_generation: pod.metadata.generation,
        ..old
    }
}

fn non_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// Whether a container counts as ready; an init container that has done its work does.
fn is_ready(track: &Track) -> bool {
    match (&track.life, track.role) {
        (Life::Running { is_started, readiness, .. }, Role::Main | Role::Sidecar) => {
            *is_started && *readiness == Readiness::Ready
        }
        (Life::Exited(exit), Role::Init) => exit.code == 0,
        _ => false,
    }
}

fn container_status(pod: &Pod, view: &View<'_>, track: &Track) -> ContainerStatus {
    let is_started = matches!(track.life, Life::Running { is_started: true, .. });
    let state = match &track.life {
        Life::BackingOff { .. } => waiting("CrashLoopBackOff", Some(backoff_message(pod, track))),
        Life::Refused { reason, message, .. } => waiting(reason, Some(message.clone())),
        Life::Running { since, .. } => running(*since),
        Life::Exited(exit) => terminated(exit, &track.id),
        // Between two runs the kubelet goes on showing the end of the first.
        Life::Creating if track.last.is_some() => {
            track.last.as_ref().map(|ran| terminated(&ran.exit, &ran.id)).unwrap_or_default()
        }
        Life::Waiting | Life::Creating => waiting(reason_to_wait(view), None),
    };
    let id = match &track.life {
        Life::Waiting | Life::Creating => track.last.as_ref().map(|ran| ran.id.clone()),
        _ => Some(track.id.clone()).filter(|id| !id.is_empty()),
    };
    let image_id = if id.is_some() { track.image_id.clone() } else { String::new() };
    ContainerStatus {
        name: track.name.clone(),
        image: track.image.clone(),
        image_id,
        container_id: id,
        ready: is_ready(track),
        started: Some(is_started),
        restart_count: i32::try_from(track.restart_count()).unwrap_or(i32::MAX),
        last_state: Some(last_state(track)),
        state: Some(state),
        ..Default::default()
    }
}

fn reason_to_wait(view: &View<'_>) -> &'static str {
    let has_inits = view.containers.tracks().iter().any(|track| track.role != Role::Main);
    if has_inits { "PodInitializing" } else { "ContainerCreating" }
}

fn last_state(track: &Track) -> State {
    match (&track.life, &track.last) {
        (Life::BackingOff { exit, .. }, _) => terminated(exit, &track.id),
        (Life::Creating, _) | (_, None) => State::default(),
        (_, Some(Ran { id, exit })) => terminated(exit, id),
    }
}

fn backoff_message(pod: &Pod, track: &Track) -> String {
    let wait_s = if let Life::BackingOff { wait_s, .. } = track.life { wait_s } else { 0 };
    let wait = match (wait_s / 60, wait_s % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    };
    let meta = &pod.metadata;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let name = format!("{}_{}({})", text(&meta.name), text(&meta.namespace), text(&meta.uid));
    format!("back-off {wait} restarting failed container={} pod={name}", track.name)
}

fn waiting(reason: &str, message: Option<String>) -> State {
    State {
        waiting: Some(ContainerStateWaiting { reason: Some(reason.to_owned()), message }),
        ..Default::default()
    }
}

fn running(since: Timestamp) -> State {
    State { running: Some(ContainerStateRunning { started_at: Some(time(since)) }), ..Default::default() }
}

fn terminated(exit: &Exit, id: &str) -> State {
    let usual = if exit.code == 0 { "Completed" } else { "Error" };
    let ended = ContainerStateTerminated {
        container_id: Some(id.to_owned()).filter(|id| !id.is_empty()),
        exit_code: exit.code,
        finished_at: Some(time(exit.finished_at)),
        message: exit.message.clone(),
        reason: Some(exit.reason.clone().unwrap_or_else(|| usual.to_owned())),
        signal: None,
        started_at: Some(time(exit.started_at)),
    };
    State { terminated: Some(ended), ..Default::default() }
}

#[cfg(test)]
mod tests;
