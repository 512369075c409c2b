//! The state of a pod on this node, with one pure step.
//!
//! ```text
//!   Waiting ──sandbox──► Active ──containers are done, or the runtime ends it──► Ended
//!      └──────deletion──────┴──────────► Terminating ──stopped, or deadline──► Confirmed
//! ```
//!
//! Pure: (object, report, now) to (status, orders, observations). A step that leads out of a stage
//! is repeated until its caller says that it was carried out. While the runtime does not answer
//! nothing is concluded: no restart, no end, and the status stays as it is.

use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, PodSpec, PodStatus};

use crate::clock::{Timestamp, until};
use crate::node::containers::{Action, Containers, Observation};
use crate::node::runtime::{Ended, PodReport, ProbeKind, ProbeReply, Role, RuntimeError, Survivor};
use crate::node::status::{View, status};
use crate::objects::{Object, Revision, pod};

/// A pod on this node.
#[derive(Debug)]
pub(super) struct PodState {
    stage: Stage,
    containers: Containers,
    addresses: Vec<IpAddr>,
    /// The node's address.
    host: IpAddr,
    ended: Option<Ended>,
    /// What was last reported.
    report: PodReport,
    /// The version of the object that has the status; `None` if none has it.
    written: Option<Revision>,
    /// Whether something has changed since a status was made.
    is_changed: bool,
}

/// How far a pod has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It has no sandbox yet.
    Waiting,
    /// Its containers run as the spec wants it.
    Active,
    /// Its containers are being stopped.
    Terminating { deadline: Timestamp },
    /// Its phase is Succeeded or Failed, and its sandbox is stopped.
    Ended,
    /// The store was told that nothing of it runs any more.
    Confirmed,
}

/// What a step decides.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// The status to write; `None` if the object has it.
    pub(super) status: Option<PodStatus>,
    /// What has been observed, to be recorded.
    pub(super) observations: Vec<Observation>,
    /// What the runtime must be told, in this order.
    pub(super) orders: Vec<Order>,
    /// The probes that are due: container, attempt, kind.
    pub(super) probes: Vec<(String, u32, ProbeKind)>,
    /// What must be done once the status is written.
    pub(super) finish: Option<Finish>,
    /// When the next step is due without a change.
    pub(super) due: Option<Timestamp>,
}

/// An order to the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Start { container: String, role: Role, attempt: u32 },
    Stop { container: String, grace: Duration },
}

/// How a stage ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// The sandbox is stopped.
    Stop,
    /// The sandbox is removed and the deletion confirmed.
    Delete,
}

/// After this time a runtime that did not answer is asked again.
const UNKNOWN_RETRY: Duration = Duration::from_secs(1);
/// The grace of pods that do not say.
const GRACE_S_DEFAULT: i64 = 30;

impl PodState {
    /// A pod that is new on this node, or ran before this process began; with the containers that
    /// the runtime must adopt. `held` are the addresses it has already.
    pub(super) fn admit(pod: &Pod, held: Vec<IpAddr>, host: IpAddr, now: Timestamp) -> (Self, Vec<Survivor>) {
        let (containers, survivors) = Containers::restored(pod, now);
        let has_address = pod.status.as_ref().is_some_and(|status| status.pod_ip.is_some());
        let is_on_host = pod.spec.as_ref().is_some_and(pod::uses_host_network);
        let state = Self {
            stage: if pod::has_ended(pod) { Stage::Ended } else { Stage::Waiting },
            containers,
            addresses: if has_address && is_on_host { vec![host] } else { held },
            host,
            ended: None,
            report: PodReport::default(),
            written: None,
            is_changed: true,
        };
        (state, survivors)
    }

    /// Whether it has no sandbox yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.stage == Stage::Waiting
    }

    /// Whether its containers may run, so that the runtime must be asked about them.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Active | Stage::Terminating { .. })
    }

    /// The addresses of its sandbox.
    pub(super) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// It has its sandbox, with these addresses.
    pub(super) fn enter(&mut self, addresses: Vec<IpAddr>) {
        self.addresses = addresses;
        self.stage = Stage::Active;
        self.is_changed = true;
    }

    /// The status is that of this version of the object.
    pub(super) fn is_written(&mut self, revision: Revision) {
        self.written = Some(revision);
    }

    /// The status could not be written, or was made from an old version.
    pub(super) fn is_not_written(&mut self) {
        self.written = None;
    }

    /// What [`Step::finish`] asked for was done.
    pub(super) fn finished(&mut self, finish: Finish) {
        self.stage = match finish {
            Finish::Stop => Stage::Ended,
            Finish::Delete => Stage::Confirmed,
        };
    }

    /// Takes in the answer to a probe; see [`Containers::probed`].
    pub(super) fn probed(
        &mut self,
        probe: (&str, u32, ProbeKind),
        reply: Option<&ProbeReply>,
        now: Timestamp,
    ) -> Option<Observation> {
        self.is_changed = true;
        self.containers.probed(probe, reply, now)
    }

    /// Takes in that a container could not be started.
    pub(super) fn refused(
        &mut self,
        container: &str,
        error: &RuntimeError,
        now: Timestamp,
    ) -> Option<Observation> {
        self.is_changed = true;
        self.containers.refused(container, error, now)
    }

    /// Lets the containers that were refused start at once.
    pub(super) fn retry(&mut self, now: Timestamp) {
        self.containers.retry(now);
    }

    /// Takes in that a container could not be asked to stop.
    pub(super) fn not_stopped(&mut self, container: &str) {
        self.containers.not_stopped(container);
    }

    /// Begins to terminate, or to terminate sooner.
    pub(super) fn note_deletion(&mut self, object: &Object, now: Timestamp) {
        if !object.is_terminating() {
            return;
        }
        let grace_s = object.meta().deletion_grace_period_seconds.unwrap_or_default();
        let latest = now + Duration::from_secs(u64::try_from(grace_s).unwrap_or_default());
        match self.stage {
            Stage::Waiting | Stage::Active => self.stage = Stage::Terminating { deadline: latest },
            // The same grace counted from now is later; only a shorter one is earlier.
            Stage::Terminating { deadline } if latest < deadline => {
                self.stage = Stage::Terminating { deadline: latest };
                self.containers.stop_again();
            }
            _ => {}
        }
    }

    /// Decides what must be done now; `report` is `None` if the runtime did not answer, or was not
    /// asked because nothing is live.
    pub(super) fn step(&mut self, object: &Object, report: Option<PodReport>, now: Timestamp) -> Step {
        let Some(pod) = object.get::<Pod>() else { return Step::default() };
        match (self.stage, report) {
            (Stage::Waiting, _) => Step { status: self.status(object, false, now), ..Step::default() },
            (Stage::Ended, _) if object.is_terminating() => {
                Step { finish: Some(Finish::Delete), ..Step::default() }
            }
            (Stage::Ended | Stage::Confirmed, _) => Step::default(),
            (_, None) => Step { due: Some(now + UNKNOWN_RETRY), ..Step::default() },
            (Stage::Active, Some(report)) => self.run(object, pod, report, now),
            (Stage::Terminating { deadline }, Some(report)) => self.terminate(object, deadline, report, now),
        }
    }

    fn run(&mut self, object: &Object, pod: &Pod, report: PodReport, now: Timestamp) -> Step {
        let Some(spec) = pod.spec.as_ref() else { return Step::default() };
        let is_new_version = self.written != Some(object.revision());
        let mut observations = self.observe(report, now);
        let is_done = self.containers.are_done(self.ended.as_ref());
        let status = self.status(object, false, now);
        if is_done && !self.containers.are_live() {
            return Step { status, observations, finish: Some(Finish::Stop), ..Step::default() };
        }
        let (actions, more) = if is_done {
            (self.containers.tear_down(), Vec::new())
        } else {
            self.containers.advance(spec, now)
        };
        let has_acted = !actions.is_empty() || !more.is_empty();
        observations.extend(more);
        // Of a version that was not seen before, images may have been taken over without an action.
        self.is_changed |= has_acted || is_new_version;
        let orders = orders(actions, grace(spec), &mut observations);
        let probes = self.containers.take_due_probes(now);
        let later = [self.report.next_change, self.containers.next_due()].into_iter().flatten().min();
        let due = if has_acted { Some(now) } else { later };
        Step { status, observations, orders, probes, due, finish: None }
    }

    fn terminate(&mut self, object: &Object, deadline: Timestamp, report: PodReport, now: Timestamp) -> Step {
        let mut observations = self.observe(report, now);
        if now >= deadline {
            self.containers.kill(now);
        }
        if !self.containers.are_live() {
            self.is_changed = true;
            let status = self.status(object, true, now);
            return Step { status, observations, finish: Some(Finish::Delete), ..Step::default() };
        }
        let status = self.status(object, false, now);
        let actions = self.containers.tear_down();
        self.is_changed = true;
        let later = self.report.next_change.map_or(deadline, |change| change.min(deadline));
        let due = if actions.is_empty() { later } else { now };
        let orders = orders(actions, until(now, deadline), &mut observations);
        Step { status, observations, orders, due: Some(due), ..Step::default() }
    }

    /// Takes a report in.
    fn observe(&mut self, report: PodReport, now: Timestamp) -> Vec<Observation> {
        let observations = self.containers.observe(&report, now);
        self.is_changed |= !observations.is_empty() || report != self.report;
        if self.ended.is_none() {
            self.ended.clone_from(&report.ended);
        }
        self.report = report;
        observations
    }

    /// The status, unless the object has it.
    fn status(&mut self, object: &Object, is_over: bool, now: Timestamp) -> Option<PodStatus> {
        if self.written == Some(object.revision()) && !self.is_changed {
            return None;
        }
        self.is_changed = false;
        let view = View {
            containers: &self.containers,
            addresses: &self.addresses,
            host: self.host,
            ended: self.ended.as_ref(),
            is_over,
        };
        object.get::<Pod>().map(|pod| status(pod, &view, now))
    }
}

/// The orders that carry actions out; stops are observed too.
fn orders(actions: Vec<Action>, grace: Duration, observations: &mut Vec<Observation>) -> Vec<Order> {
    let order = |action| match action {
        Action::Start { container, role, attempt } => Order::Start { container, role, attempt },
        Action::Stop { container, reason } => {
            observations.push(Observation::Stopping { container: container.clone(), reason });
            Order::Stop { container, grace }
        }
    };
    actions.into_iter().map(order).collect()
}

fn grace(spec: &PodSpec) -> Duration {
    let grace_s = spec.termination_grace_period_seconds.unwrap_or(GRACE_S_DEFAULT);
    Duration::from_secs(u64::try_from(grace_s).unwrap_or_default())
}

#[cfg(test)]
mod tests;
