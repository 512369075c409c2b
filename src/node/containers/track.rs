//! One container: an enum of states, stepped by reports and by the time.
//!
//! Pure. It holds the present run and the one before, nothing older.

use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::{Action, Happening, Why};
use crate::clock::Timestamp;
use crate::node::backoff::Backoff;
use crate::node::runtime::{ContainerReport, ContainerState, Exit, Readiness, Role};

/// One container of a pod.
#[derive(Clone, Debug)]
pub(in crate::node) struct Track {
    pub(in crate::node) name: String,
    pub(in crate::node) role: Role,
    /// Whether it takes a probe to be ready. One without is ready as soon as it runs.
    is_probed: bool,
    /// The image of the present run, or of the first one.
    pub(in crate::node) image: String,
    pub(in crate::node) id: String,
    pub(in crate::node) image_id: String,
    pub(in crate::node) attempt: u32,
    pub(in crate::node) life: Life,
    /// The run before the present one.
    pub(in crate::node) last: Option<Ran>,
    pub(super) backoff: Backoff,
    pub(super) stopping: Option<Why>,
}

/// What a container does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::node) enum Life {
    /// Never started.
    Waiting,
    /// The runtime was asked to start it.
    Creating,
    /// The runtime could not create it; asked again at `until`.
    Refused { reason: String, message: String, until: Timestamp },
    /// Runs.
    Running { since: Timestamp, is_started: bool, readiness: Readiness },
    /// Ended.
    Exited(Exit),
    /// Ended, and is started again at `until`, the back-off being `wait_s`.
    BackingOff { exit: Exit, until: Timestamp, wait_s: u64 },
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::node) struct Ran {
    pub(in crate::node) id: String,
    pub(in crate::node) exit: Exit,
}

const CODE_KILLED: i32 = 137;

impl Track {
    pub(super) fn new(container: &Container, role: Role) -> Self {
        Self {
            name: container.name.clone(),
            role,
            is_probed: container.startup_probe.is_some() || container.readiness_probe.is_some(),
            image: container.image.clone().unwrap_or_default(),
            id: String::new(),
            image_id: String::new(),
            attempt: 0,
            life: Life::Waiting,
            last: None,
            backoff: Backoff::default(),
            stopping: None,
        }
    }

    /// Whether it runs or is about to.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.life, Life::Creating | Life::Running { .. })
    }

    /// Whether any run of it has begun.
    pub(super) fn has_run(&self) -> bool {
        self.exit().is_some() || self.last.is_some() || matches!(self.life, Life::Running { .. })
    }

    /// How the last run ended, unless one is under way.
    pub(in crate::node) fn exit(&self) -> Option<&Exit> {
        match &self.life {
            Life::Exited(exit) | Life::BackingOff { exit, .. } => Some(exit),
            _ => None,
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
            Role::Sidecar => {
                matches!(self.life, Life::Running { is_started: true, .. }) || self.last.is_some()
            }
            Role::Main => true,
        }
    }

    /// The restart count as statuses show it: a run counts when it has begun.
    pub(in crate::node) fn restart_count(&self) -> u32 {
        match (&self.life, &self.last) {
            (Life::Creating | Life::Refused { .. }, Some(_)) => self.attempt.saturating_sub(1),
            _ => self.attempt,
        }
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        match &self.life {
            Life::BackingOff { until, .. } | Life::Refused { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// Takes a report of the present run in; true if it must be taken in once more.
    pub(super) fn observe(
        &mut self,
        found: Option<&ContainerReport>,
        now: Timestamp,
        happenings: &mut Vec<Happening>,
    ) -> bool {
        let Some(found) = found else {
            if matches!(self.life, Life::Running { .. }) {
                self.lose(now);
            }
            return false;
        };
        if !self.is_live() {
            return false;
        }
        self.id.clone_from(&found.id);
        self.image_id.clone_from(&found.image_id);
        let is_new = matches!(self.life, Life::Creating);
        if is_new && !matches!(found.state, ContainerState::Creating | ContainerState::Refused { .. }) {
            happenings.push(Happening::Started { container: self.name.clone(), image: self.image.clone() });
        }
        match &found.state {
            ContainerState::Creating => false,
            ContainerState::Refused { reason, message } => {
                self.refuse(reason, message, now);
                happenings.push(Happening::Refused { message: message.clone() });
                false
            }
            ContainerState::Exited(exit) => {
                self.life = Life::Exited(exit.clone());
                false
            }
            ContainerState::Running { since, is_started, readiness } => {
                self.observe_running(*since, *is_started, readiness, happenings)
            }
        }
    }

    fn observe_running(
        &mut self,
        since: Timestamp,
        is_started: bool,
        readiness: &Readiness,
        happenings: &mut Vec<Happening>,
    ) -> bool {
        if self.is_probed && matches!(self.life, Life::Creating) {
            self.life = Life::Running { since, is_started, readiness: Readiness::Unknown };
            return *readiness != Readiness::Unknown;
        }
        let was_unready = matches!(&self.life, Life::Running { readiness: Readiness::Unready(_), .. });
        if let (Readiness::Unready(message), false) = (readiness, was_unready) {
            happenings.push(Happening::Unhealthy { message: message.clone() });
        }
        self.life = Life::Running { since, is_started, readiness: readiness.clone() };
        false
    }

    /// Stops it if its image is another one now.
    pub(super) fn replace(&mut self, spec: &PodSpec) -> Option<Action> {
        let all = spec.init_containers.iter().flatten().chain(&spec.containers);
        let container = all.into_iter().find(|container| container.name == self.name)?;
        let image = container.image.as_deref().unwrap_or_default();
        if image == self.image {
            return None;
        }
        match self.life {
            Life::Running { .. } => self.stop(Why::DefinitionChanged),
            Life::Creating => None,
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
        happenings: &mut Vec<Happening>,
    ) -> Option<Action> {
        match &self.life {
            Life::Waiting => Some(self.start(now)),
            Life::Refused { until, .. } if *until <= now => Some(self.start(now)),
            Life::BackingOff { until, .. } if *until <= now => Some(self.start(now)),
            Life::Exited(_) if self.stopping == Some(Why::DefinitionChanged) => Some(self.start(now)),
            Life::Exited(exit) if is_wanted_again => {
                let wait = self.backoff.wait(exit.finished_at);
                let until = exit.finished_at + wait;
                if until <= now {
                    return Some(self.start(now));
                }
                self.life = Life::BackingOff { exit: exit.clone(), until, wait_s: wait.as_secs() };
                happenings.push(Happening::BackingOff { container: self.name.clone() });
                None
            }
            _ => None,
        }
    }

    fn start(&mut self, now: Timestamp) -> Action {
        if let Some(exit) = self.exit().cloned() {
            if self.stopping.is_none() {
                self.backoff.restarted(exit.finished_at, now);
            }
            self.last = Some(Ran { id: self.id.clone(), exit });
            self.attempt += 1;
        }
        self.life = Life::Creating;
        self.stopping = None;
        Action::Start { container: self.name.clone(), role: self.role, attempt: self.attempt }
    }

    /// Asks for its end, once.
    pub(super) fn stop(&mut self, why: Why) -> Option<Action> {
        if !self.is_live() || self.stopping == Some(why) {
            return None;
        }
        self.stopping = Some(why);
        Some(Action::Stop { container: self.name.clone(), why })
    }

    /// The container cannot be found any more.
    pub(super) fn lose(&mut self, now: Timestamp) {
        let started_at = if let Life::Running { since, .. } = self.life { since } else { now };
        self.life = Life::Exited(Exit {
            started_at,
            finished_at: now,
            code: CODE_KILLED,
            reason: Some("ContainerStatusUnknown".to_owned()),
            message: Some("The container could not be located when the pod was terminated".to_owned()),
        });
    }

    fn refuse(&mut self, reason: &str, message: &str, now: Timestamp) {
        let mut backoff = self.backoff.clone();
        backoff.restarted(now, now);
        let until = now + backoff.wait(now);
        self.backoff = backoff;
        self.life = Life::Refused { reason: reason.to_owned(), message: message.to_owned(), until };
    }
}
