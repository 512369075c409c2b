//! The status of one container: its state, the run before, and why it waits.

use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus,
    Pod,
};

use super::view::View;
use crate::clock::Timestamp;
use crate::node::containers::{Past, State, Track};
use crate::node::runtime::{Exit, Role};
use crate::objects::time;

/// The status of one container.
pub(super) fn container_status(pod: &Pod, view: &View<'_>, track: &Track) -> ContainerStatus {
    let state = match &track.state {
        State::BackingOff { .. } => waiting("CrashLoopBackOff", Some(backoff_message(pod, track))),
        State::Refused { reason, message, .. } => waiting(reason, Some(message.clone())),
        State::Running { since, .. } => running(*since),
        State::Exited(exit) => terminated(exit, &track.id),
        // Between two runs the kubelet goes on showing the end of the first.
        State::Creating if track.last.is_some() => {
            track.last.as_ref().map(|ran| terminated(&ran.exit, &ran.id)).unwrap_or_default()
        }
        State::Waiting | State::Creating => waiting(reason_to_wait(view), None),
    };
    let id = match &track.state {
        State::Waiting | State::Creating => track.last.as_ref().map(|ran| ran.id.clone()),
        _ => Some(track.id.clone()).filter(|id| !id.is_empty()),
    };
    let image_id = if id.is_some() { track.image_id.clone() } else { String::new() };
    ContainerStatus {
        name: track.name.clone(),
        image: track.image.clone(),
        image_id,
        container_id: id,
        ready: track.is_ready(),
        started: Some(track.is_started()),
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

fn last_state(track: &Track) -> ContainerState {
    match (&track.state, &track.last) {
        (State::BackingOff { exit, .. }, _) => terminated(exit, &track.id),
        (State::Creating, _) | (_, None) => ContainerState::default(),
        (_, Some(Past { id, exit })) => terminated(exit, id),
    }
}

fn backoff_message(pod: &Pod, track: &Track) -> String {
    let wait_s = if let State::BackingOff { wait_s, .. } = track.state { wait_s } else { 0 };
    let wait = match (wait_s / 60, wait_s % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    };
    let meta = &pod.metadata;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let name = format!("{}_{}({})", text(&meta.name), text(&meta.namespace), text(&meta.uid));
    format!("back-off {wait} restarting failed container={} pod={name}", track.name)
}

fn waiting(reason: &str, message: Option<String>) -> ContainerState {
    ContainerState {
        waiting: Some(ContainerStateWaiting { reason: Some(reason.to_owned()), message }),
        ..Default::default()
    }
}

fn running(since: Timestamp) -> ContainerState {
    ContainerState {
        running: Some(ContainerStateRunning { started_at: Some(time(since)) }),
        ..Default::default()
    }
}

fn terminated(exit: &Exit, id: &str) -> ContainerState {
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
    ContainerState { terminated: Some(ended), ..Default::default() }
}
