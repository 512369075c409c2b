//! All containers of one pod: their order, their restarts, and the phase that follows.
//!
//! Pure.

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};

use super::observation::{Action, Observation, StopReason};
use super::phase::{Phase, RestartPolicy};
use super::track::Track;
use crate::clock::Timestamp;
use crate::node::runtime::{Ended, PodReport, ProbeKind, ProbeReply, Role, RuntimeError};
use crate::objects::pod;

/// The containers of one pod: init containers in order, then the others.
#[derive(Clone, Debug)]
pub(in crate::node) struct Containers {
    pub(super) tracks: Vec<Track>,
    policy: RestartPolicy,
}

impl Containers {
    /// The containers of a pod of which none was started.
    pub(in crate::node) fn new(pod: &Pod) -> Self {
        let spec = pod.spec.as_ref();
        let inits = spec.and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
        let role =
            |container: &Container| if pod::is_sidecar(container) { Role::Sidecar } else { Role::Init };
        let inits = inits.iter().map(|container| Track::new(container, role(container)));
        let mains = spec.map_or(&[][..], |spec| &spec.containers);
        let mains = mains.iter().map(|container| Track::new(container, Role::Main));
        let policy = RestartPolicy::of(spec.and_then(|spec| spec.restart_policy.as_deref()));
        Self { tracks: inits.chain(mains).collect(), policy }
    }

    /// All containers, init containers first, in the order of the spec.
    pub(in crate::node) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Whether all init containers have succeeded and all sidecars have started.
    pub(in crate::node) fn are_initialized(&self) -> bool {
        self.tracks.iter().all(Track::lets_next_start)
    }

    /// Takes a report in.
    pub(in crate::node) fn observe(&mut self, report: &PodReport, now: Timestamp) -> Vec<Observation> {
        let mut observations = Vec::new();
        for track in &mut self.tracks {
            let found = report.containers.get(&track.name).filter(|found| found.attempt == track.attempt);
            track.observe(found, now, &mut observations);
        }
        observations
    }

    /// Takes the probes that are due; each must be answered with [`Containers::probed`].
    pub(in crate::node) fn take_due_probes(&mut self, now: Timestamp) -> Vec<(String, u32, ProbeKind)> {
        let mut due = Vec::new();
        for track in self.tracks.iter_mut().filter(|track| track.is_probed_at(now)) {
            let (name, attempt) = (&track.name, track.attempt);
            due.extend(track.probes.take_due(now).map(|kind| (name.clone(), attempt, kind)));
        }
        due
    }

    /// Takes in the answer to a probe of one run, `None` if there was none.
    pub(in crate::node) fn probed(
        &mut self,
        (container, attempt, kind): (&str, u32, ProbeKind),
        reply: Option<&ProbeReply>,
        now: Timestamp,
    ) -> Option<Observation> {
        self.track_mut(container).filter(|track| track.attempt == attempt)?.probed(kind, reply, now)
    }

    /// Takes in that a container could not be started.
    pub(in crate::node) fn refused(
        &mut self,
        container: &str,
        error: &RuntimeError,
        now: Timestamp,
    ) -> Option<Observation> {
        self.track_mut(container)?.refuse(error, now)
    }

    /// Lets the containers that were refused start at once.
    pub(in crate::node) fn retry(&mut self, now: Timestamp) {
        self.tracks.iter_mut().for_each(|track| track.retry(now));
    }

    /// Takes in that a container could not be asked to stop: it is asked again.
    pub(in crate::node) fn not_stopped(&mut self, container: &str) {
        self.track_mut(container).into_iter().for_each(|track| track.stopping = None);
    }

    fn track_mut(&mut self, container: &str) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.name == container)
    }

    /// What must be done now for the pod to run as `spec` wants it.
    pub(in crate::node) fn advance(
        &mut self,
        spec: &PodSpec,
        now: Timestamp,
    ) -> (Vec<Action>, Vec<Observation>) {
        let mut actions = Vec::new();
        let mut observations = Vec::new();
        let mut may_start = true;
        for index in 0..self.tracks.len() {
            let is_wanted_again = self.is_wanted_again(index);
            let track = &mut self.tracks[index];
            actions.extend(track.replace(spec));
            if may_start || track.has_run() {
                actions.extend(track.advance(is_wanted_again, now, &mut observations));
            }
            may_start &= track.lets_next_start();
        }
        (actions, observations)
    }

    /// What must be done now for the pod to end: main containers stop first, then sidecars.
    pub(in crate::node) fn tear_down(&mut self) -> Vec<Action> {
        let has_live_main = self.tracks.iter().any(|track| track.role == Role::Main && track.is_live());
        let goes_first = |track: &&mut Track| !has_live_main || track.role != Role::Sidecar;
        self.tracks
            .iter_mut()
            .filter(goes_first)
            .filter_map(|track| track.stop(StopReason::PodEnds))
            .collect()
    }

    /// Lets [`Containers::tear_down`] stop once more what is being stopped.
    pub(in crate::node) fn stop_again(&mut self) {
        self.tracks.iter_mut().for_each(|track| track.stopping = None);
    }

    /// Whether any container runs or is about to.
    pub(in crate::node) fn are_live(&self) -> bool {
        self.tracks.iter().any(Track::is_live)
    }

    /// Gives up on what still runs: it was killed.
    pub(in crate::node) fn kill(&mut self, now: Timestamp) {
        self.tracks.iter_mut().filter(|track| track.is_live()).for_each(|track| track.lose(now));
    }

    /// When [`Containers::advance`] has something to do without a new report.
    pub(in crate::node) fn next_due(&self) -> Option<Timestamp> {
        self.tracks.iter().filter_map(Track::next_due).min()
    }

    /// Whether the pod is over but for stopping what still runs.
    pub(in crate::node) fn are_done(&self, ended: Option<&Ended>) -> bool {
        self.outcome(ended, false).is_terminal()
    }

    /// The phase as the kubelet derives it (`getPhase`); `is_over` when nothing will be started
    /// any more. A pod is not over while anything of it runs: its name may be given to another one
    /// as soon as its phase is terminal.
    pub(in crate::node) fn phase(&self, ended: Option<&Ended>, is_over: bool) -> Phase {
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
