//! What each container of a pod does, and what must happen next.
//!
//! Pure: reports go in, happenings and actions come out; the agent carries the actions out and
//! records the happenings. Init containers run one after the other before the others; sidecars have
//! started before the next one starts and stop last; the restart policy and the back-off are the
//! kubelet's. A container that the runtime has lost counts as killed.

mod restored;
mod track;

use k8s_openapi::api::core::v1::{Pod, PodSpec};

pub(super) use track::{Life, Ran, Track};

use super::runtime::{Ended, Report, Role};
use crate::clock::Timestamp;

/// The containers of one pod: init containers in order, then the others.
#[derive(Clone, Debug)]
pub(super) struct Containers {
    tracks: Vec<Track>,
    policy: RestartPolicy,
}

/// When a container is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RestartPolicy {
    Always,
    OnFailure,
    Never,
}

/// Something people want to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// The container began to run.
    Started { container: String, image: String },
    /// Its readiness probe began to fail.
    Unhealthy { message: String },
    /// It has ended too often and waits.
    BackingOff { container: String },
    /// It could not be created.
    Refused { message: String },
}

/// Something the agent must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Start a container.
    Start { container: String, role: Role, attempt: u32 },
    /// Stop a container.
    Stop { container: String, why: Why },
}

/// Why a container is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The pod goes.
    PodEnds,
    /// Its image is another one now.
    DefinitionChanged,
}

/// The phase that follows from the containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
}

impl Phase {
    /// As `status.phase` has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }

    /// Whether the pod is over for good.
    pub(super) fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

impl Containers {
    /// The containers of a pod of which none was started.
    pub(super) fn new(pod: &Pod) -> Self {
        let spec = pod.spec.as_ref();
        let inits = spec.and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
        let role = |policy: Option<&str>| if policy == Some("Always") { Role::Sidecar } else { Role::Init };
        let inits =
            inits.iter().map(|container| Track::new(container, role(container.restart_policy.as_deref())));
        let mains = spec.map_or(&[][..], |spec| &spec.containers);
        let mains = mains.iter().map(|container| Track::new(container, Role::Main));
        let policy = match spec.and_then(|spec| spec.restart_policy.as_deref()) {
            Some("Never") => RestartPolicy::Never,
            Some("OnFailure") => RestartPolicy::OnFailure,
            _ => RestartPolicy::Always,
        };
        Self { tracks: inits.chain(mains).collect(), policy }
    }

    /// All containers, init containers first, in the order of the spec.
    pub(super) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Whether the init containers have done their work.
    pub(super) fn are_initialized(&self) -> bool {
        self.tracks.iter().all(Track::lets_next_start)
    }

    /// Takes a report in. A container with a probe that was not seen running is first seen running
    /// and not ready, even if the report is ahead of that; then the second value is true, and the
    /// same report must be taken in once more. One without a probe is ready when it runs, as a
    /// kubelet shows it.
    pub(super) fn observe(&mut self, report: &Report, now: Timestamp) -> (Vec<Happening>, bool) {
        let mut happenings = Vec::new();
        let mut is_behind = false;
        for track in &mut self.tracks {
            let found = report.containers.get(&track.name).filter(|found| found.attempt == track.attempt);
            is_behind |= track.observe(found, now, &mut happenings);
        }
        (happenings, is_behind)
    }

    /// What must happen now for the pod to run as `spec` wants it.
    pub(super) fn advance(&mut self, spec: &PodSpec, now: Timestamp) -> (Vec<Action>, Vec<Happening>) {
        let mut actions = Vec::new();
        let mut happenings = Vec::new();
        let mut may_start = true;
        for index in 0..self.tracks.len() {
            let is_wanted_again = self.is_wanted_again(index);
            let track = &mut self.tracks[index];
            actions.extend(track.replace(spec));
            if may_start || track.has_run() {
                actions.extend(track.advance(is_wanted_again, now, &mut happenings));
            }
            may_start &= track.lets_next_start();
        }
        (actions, happenings)
    }

    /// What must happen now for the pod to end: main containers stop first, then sidecars.
    pub(super) fn tear_down(&mut self) -> Vec<Action> {
        let has_live_main = self.tracks.iter().any(|track| track.role == Role::Main && track.is_live());
        let goes_first = |track: &&mut Track| !has_live_main || track.role != Role::Sidecar;
        self.tracks.iter_mut().filter(goes_first).filter_map(|track| track.stop(Why::PodEnds)).collect()
    }

    /// Lets [`Containers::tear_down`] stop once more what is being stopped.
    pub(super) fn stop_again(&mut self) {
        self.tracks.iter_mut().for_each(|track| track.stopping = None);
    }

    /// Whether any container runs or is about to.
    pub(super) fn are_live(&self) -> bool {
        self.tracks.iter().any(Track::is_live)
    }

    /// Gives up on what still runs: it was killed.
    pub(super) fn kill(&mut self, now: Timestamp) {
        self.tracks.iter_mut().filter(|track| track.is_live()).for_each(|track| track.lose(now));
    }

    /// When [`Containers::advance`] has something to do without a new report.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.tracks.iter().filter_map(Track::next_due).min()
    }

    /// Whether the pod is over but for stopping what still runs.
    pub(super) fn are_done(&self, ended: Option<&Ended>) -> bool {
        self.outcome(ended, false).is_terminal()
    }

    /// The phase as the kubelet derives it (`getPhase`); `is_over` when nothing will be started
    /// any more. A pod is not over while anything of it runs: its name may be given to another one
    /// as soon as its phase is terminal.
    pub(super) fn phase(&self, ended: Option<&Ended>, is_over: bool) -> Phase {
        match self.outcome(ended, is_over) {
            outcome if outcome.is_terminal() && self.are_live() => Phase::Running,
            outcome => outcome,
        }
    }

    fn outcome(&self, ended: Option<&Ended>, is_over: bool) -> Phase {
        if let Some(ended) = ended {
            return if ended.is_success { Phase::Succeeded } else { Phase::Failed };
        }
        let has_failed_init = self.tracks.iter().any(|track| track.role == Role::Init && track.has_failed());
        if has_failed_init && (is_over || self.policy == RestartPolicy::Never) {
            return Phase::Failed;
        }
        let mains = || self.tracks.iter().filter(|track| track.role == Role::Main);
        if is_over {
            return if mains().all(Track::has_succeeded) { Phase::Succeeded } else { Phase::Failed };
        }
        if mains().any(|track| !track.has_run()) {
            return Phase::Pending;
        }
        if mains().any(Track::is_live) {
            return Phase::Running;
        }
        match self.policy {
            RestartPolicy::Always => Phase::Running,
            _ if mains().all(Track::has_succeeded) => Phase::Succeeded,
            RestartPolicy::OnFailure => Phase::Running,
            RestartPolicy::Never => Phase::Failed,
        }
    }

    fn is_wanted_again(&self, index: usize) -> bool {
        let track = &self.tracks[index];
        match (track.role, self.policy) {
            (Role::Sidecar, _) | (Role::Main, RestartPolicy::Always) => true,
            (Role::Init, RestartPolicy::Always | RestartPolicy::OnFailure) => track.has_failed(),
            (Role::Main, RestartPolicy::OnFailure) => track.has_failed(),
            (Role::Init | Role::Main, RestartPolicy::Never) => false,
        }
    }
}

#[cfg(test)]
mod tests;
