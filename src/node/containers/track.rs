//! One container: an enum of states, stepped by reports, probe results and time.
//!
//! Pure. It keeps the present run and the one before, nothing older.

use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::observation::{Action, Observation, StopReason};
use super::probes::Probes;
use crate::clock::Timestamp;
use crate::node::backoff::Backoff;
use crate::node::runtime::{
    ContainerReport, ContainerState, Exit, Health, ProbeKind, ProbeOutcome, ProbeReply, Role, RuntimeError,
};
use crate::objects::pod;

/// One container of a pod.
#[derive(Clone, Debug)]
pub(in crate::node) struct Track {
    pub(in crate::node) name: String,
    pub(in crate::node) role: Role,
    /// The image of the present run, or of the first one.
    pub(in crate::node) image: String,
    pub(in crate::node) id: String,
    pub(in crate::node) image_id: String,
    pub(in crate::node) attempt: u32,
    pub(in crate::node) state: State,
    /// The run before the present one.
    pub(in crate::node) last: Option<Past>,
    pub(super) backoff: Backoff,
    /// How often the runtime could not create it since it last ran.
    refusals: Backoff,
    pub(super) stopping: Option<StopReason>,
    pub(super) probes: Probes,
    /// The probe because of which it must be restarted.
    failed_probe: Option<ProbeKind>,
}

/// The states of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::node) enum State {
    /// Never started.
    Waiting,
    /// The runtime was asked to start it.
    Creating,
    /// The runtime could not create it; tried again at `until`.
    Refused { reason: String, message: String, until: Timestamp },
    /// Runs.
    Running { since: Timestamp, health: Health },
    /// Ended.
    Exited(Exit),
    /// Ended, and is started again at `until`, the back-off being `wait_s`.
    BackingOff { exit: Exit, until: Timestamp, wait_s: u64 },
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::node) struct Past {
    pub(in crate::node) id: String,
    pub(in crate::node) exit: Exit,
}

const CODE_KILLED: i32 = 137;

impl Track {
    pub(super) fn new(container: &Container, role: Role) -> Self {
        Self {
            name: container.name.clone(),
            role,
            image: container.image.clone().unwrap_or_default(),
            id: String::new(),
            image_id: String::new(),
            attempt: 0,
            state: State::Waiting,
            last: None,
            backoff: Backoff::default(),
            refusals: Backoff::default(),
            stopping: None,
            probes: Probes::of(container),
            failed_probe: None,
        }
    }

    /// Whether it runs or is about to.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.state, State::Creating | State::Running { .. })
    }

    /// Whether any run of it has begun.
    pub(super) fn has_run(&self) -> bool {
        self.exit().is_some() || self.last.is_some() || matches!(self.state, State::Running { .. })
    }

    /// How the last run ended, unless one is under way.
    pub(in crate::node) fn exit(&self) -> Option<&Exit> {
        match &self.state {
            State::Exited(exit) | State::BackingOff { exit, .. } => Some(exit),
            _ => None,
        }
    }

    /// Whether it runs and its startup probe, if any, has succeeded.
    pub(in crate::node) fn is_started(&self) -> bool {
        matches!(self.state, State::Running { .. }) && self.probes.is_started()
    }

    /// Whether it counts as ready; an init container that has succeeded does.
    pub(in crate::node) fn is_ready(&self) -> bool {
        match (&self.state, self.role) {
            (State::Running { health, .. }, Role::Main | Role::Sidecar) => {
                *health == Health::Healthy && self.probes.is_started() && self.probes.is_ready()
            }
            (State::Exited(exit), Role::Init) => exit.code == 0,
            _ => false,
        }
    }

    pub(super) fn has_succeeded(&self) -> bool {
        self.exit().is_some_and(|exit| exit.code == 0)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.exit().is_some_and(|exit| exit.code != 0)
    }

    /// Whether the containers after it may start.
    pub(in crate::node) fn lets_next_start(&self) -> bool {
        match self.role {
            Role::Init => self.has_succeeded(),
            Role::Sidecar => self.is_started() || self.last.is_some(),
            Role::Main => true,
        }
    }

    /// The restart count as statuses show it: a run counts when it has begun.
    pub(in crate::node) fn restart_count(&self) -> u32 {
        match (&self.state, &self.last) {
            (State::Creating | State::Refused { .. }, Some(_)) => self.attempt.saturating_sub(1),
            _ => self.attempt,
        }
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        match &self.state {
            State::BackingOff { until, .. } | State::Refused { until, .. } => Some(*until),
            State::Running { .. } if self.stopping.is_none() => self.probes.next_due(),
            _ => None,
        }
    }

    /// Whether a probe of it is due.
    pub(super) fn is_probed_at(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Running { .. }) && self.next_due().is_some_and(|due| due <= now)
    }

    /// Takes in what is reported of the present run; absent means gone.
    pub(super) fn observe(
        &mut self,
        found: Option<&ContainerReport>,
        now: Timestamp,
        observations: &mut Vec<Observation>,
    ) {
        let Some(found) = found else {
            if matches!(self.state, State::Running { .. }) {
                self.lose(now);
            }
            return;
        };
        if !self.is_live() {
            return;
        }
        self.id.clone_from(&found.id);
        self.image_id.clone_from(&found.image_id);
        if matches!(self.state, State::Creating) && found.state != ContainerState::Creating {
            let (container, image) = (self.name.clone(), self.image.clone());
            observations.push(Observation::Started { container, image });
        }
        match &found.state {
            ContainerState::Creating => {}
            ContainerState::Exited(exit) => self.state = State::Exited(exit.clone()),
            ContainerState::Running { since, health } => self.run(*since, health, observations),
        }
    }

    fn run(&mut self, since: Timestamp, health: &Health, observations: &mut Vec<Observation>) {
        if matches!(self.state, State::Creating) {
            self.probes.begin(since);
            self.refusals = Backoff::default();
        }
        let was_unhealthy = matches!(&self.state, State::Running { health: Health::Unhealthy(_), .. });
        if let (Health::Unhealthy(message), false) = (health, was_unhealthy) {
            let (kind, message) = (ProbeKind::Readiness, message.clone());
            observations.push(Observation::Unhealthy { kind, message });
        }
        self.state = State::Running { since, health: health.clone() };
    }

    /// Takes in the answer to a probe of its present run.
    pub(super) fn probed(
        &mut self,
        kind: ProbeKind,
        reply: Option<&ProbeReply>,
        now: Timestamp,
    ) -> Option<Observation> {
        let State::Running { since, .. } = self.state else { return None };
        if self.probes.answered(kind, reply, since, now) {
            self.failed_probe = Some(kind);
        }
        match &reply?.outcome {
            ProbeOutcome::Success => None,
            ProbeOutcome::Failure(message) => Some(Observation::Unhealthy { kind, message: message.clone() }),
            ProbeOutcome::Errored(message) => {
                Some(Observation::ProbeErrored { kind, message: message.clone() })
            }
        }
    }

    /// Stops it if its image is another one now.
    pub(super) fn replace(&mut self, spec: &PodSpec) -> Option<Action> {
        let container = pod::containers(spec).find(|container| container.name == self.name)?;
        let image = container.image.as_deref().unwrap_or_default();
        if image == self.image {
            return None;
        }
        match self.state {
            State::Running { .. } => self.stop(StopReason::DefinitionChanged),
            State::Creating => None,
            _ => {
                self.image = image.to_owned();
                None
            }
        }
    }

    /// Starts it if it is its time.
    pub(super) fn advance(
        &mut self,
        is_wanted_again: bool,
        now: Timestamp,
        observations: &mut Vec<Observation>,
    ) -> Option<Action> {
        if let (Some(kind), State::Running { .. }) = (self.failed_probe.take(), &self.state) {
            return self.stop(StopReason::ProbeFailed(kind));
        }
        match &self.state {
            State::Waiting => Some(self.start(now)),
            State::Refused { until, .. } if *until <= now => Some(self.start(now)),
            State::BackingOff { until, .. } if *until <= now => Some(self.start(now)),
            State::Exited(_) if self.stopping == Some(StopReason::DefinitionChanged) => Some(self.start(now)),
            State::Exited(exit) if is_wanted_again => {
                let wait = self.backoff.wait(exit.finished_at);
                let until = exit.finished_at + wait;
                if until <= now {
                    return Some(self.start(now));
                }
                self.state = State::BackingOff { exit: exit.clone(), until, wait_s: wait.as_secs() };
                observations.push(Observation::BackingOff { container: self.name.clone() });
                None
            }
            _ => None,
        }
    }

    fn start(&mut self, now: Timestamp) -> Action {
        if let Some(exit) = self.exit().cloned() {
            if self.stopping != Some(StopReason::DefinitionChanged) {
                self.backoff.restarted(exit.finished_at, now);
            }
            self.last = Some(Past { id: self.id.clone(), exit });
            self.attempt += 1;
        }
        self.state = State::Creating;
        self.stopping = None;
        self.failed_probe = None;
        Action::Start { container: self.name.clone(), role: self.role, attempt: self.attempt }
    }

    /// Asks for its end, once.
    pub(super) fn stop(&mut self, reason: StopReason) -> Option<Action> {
        if !self.is_live() || self.stopping == Some(reason) {
            return None;
        }
        self.stopping = Some(reason);
        Some(Action::Stop { container: self.name.clone(), reason })
    }

    /// The container cannot be found any more.
    pub(super) fn lose(&mut self, now: Timestamp) {
        let started_at = if let State::Running { since, .. } = self.state { since } else { now };
        self.state = State::Exited(Exit {
            started_at,
            finished_at: now,
            code: CODE_KILLED,
            reason: Some("ContainerStatusUnknown".to_owned()),
            message: Some("The container could not be located when the pod was terminated".to_owned()),
        });
    }

    /// Something has changed because of which it may be started by now, if it was refused.
    pub(super) fn retry(&mut self, now: Timestamp) {
        if let State::Refused { until, .. } = &mut self.state {
            *until = now;
            self.refusals = Backoff::default();
        }
    }

    /// The runtime could not start it; it is tried again with a back-off. A kubelet tries every 10 s,
    /// and its recorder lets 25 events through, then one in 5 min; this comes to the same.
    pub(super) fn refuse(&mut self, error: &RuntimeError, now: Timestamp) -> Option<Observation> {
        if !matches!(self.state, State::Creating) {
            return None;
        }
        self.refusals.restarted(now, now);
        let until = now + self.refusals.wait(now);
        let (reason, message) = match error {
            RuntimeError::Refused { reason, message } => (reason.clone(), message.clone()),
            other => ("CreateContainerError".to_owned(), other.to_string()),
        };
        self.state = State::Refused { reason: reason.clone(), message: message.clone(), until };
        Some(Observation::Refused { reason, message })
    }
}
