//! The course of one run of a simulated container: every instant of its life, fixed when it starts.
//!
//! Pure. Only an order to stop changes a course. Readiness is the result of the readiness probe if
//! the container declares one, and reported as health otherwise. Flapping is always health, so that
//! it is seen at once.

use std::time::Duration;

use k8s_openapi::api::core::v1::Container;
use rand::rngs::SmallRng;

use super::annotations::Behaviour;
use crate::clock::{Timestamp, until};
use crate::node::runtime::order::Role;
use crate::node::runtime::probe::{ProbeOutcome, ProbeReply};
use crate::node::runtime::report::{ContainerState, Exit, Health};

/// The course of one run of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) runs_from: Timestamp,
    /// When it can serve.
    serves_from: Timestamp,
    is_never_ready: bool,
    has_readiness_probe: bool,
    flap: Option<Duration>,
    exit: Option<(Timestamp, i32)>,
    /// Whether the pod ends with it.
    pub(super) is_final: bool,
    is_stopping: bool,
    stop_delay: Duration,
    probe_message: String,
}

/// The exit code of a container that was killed.
const CODE_KILLED: i32 = 137;
/// The message of a failing readiness probe, unless an annotation sets one.
const PROBE_MESSAGE: &str = "simulated container is not ready";

/// What a course is drawn from.
pub(super) struct Draw<'a> {
    pub(super) behaviour: &'a Behaviour,
    pub(super) container: &'a Container,
    pub(super) role: Role,
    pub(super) attempt: u32,
    pub(super) start_delay: Duration,
    pub(super) stop_delay: Duration,
}

impl Draw<'_> {
    /// The course of a container that is started at `now`.
    pub(super) fn starting(&self, now: Timestamp, rng: &mut SmallRng) -> Course {
        let delay = self.behaviour.start_delay.map_or(self.start_delay, |span| span.draw(rng));
        let delay = if self.role == Role::Init { Duration::ZERO } else { delay };
        self.running_from(now + delay, rng)
    }

    /// The course of a container that has been running since `since`, drawn as if this process had
    /// started it.
    pub(super) fn running_since(&self, since: Timestamp, rng: &mut SmallRng) -> Course {
        // The delay is drawn and dropped so that what follows is drawn as it was the first time.
        let _ = self.behaviour.start_delay.map(|span| span.draw(rng));
        self.running_from(since, rng)
    }

    fn running_from(&self, runs_from: Timestamp, rng: &mut SmallRng) -> Course {
        let behaviour = self.behaviour;
        let readiness_delay = behaviour.readiness_delay.map_or(Duration::ZERO, |span| span.draw(rng));
        let stop_delay = behaviour.stop_delay.map_or(self.stop_delay, |span| span.draw(rng));
        let flap = behaviour.flap.map(|span| span.draw(rng));
        let (exit, is_final) = self.exit(runs_from, rng);
        Course {
            runs_from,
            serves_from: runs_from + readiness_delay,
            is_never_ready: behaviour.is_never_ready,
            has_readiness_probe: self.container.readiness_probe.is_some(),
            flap,
            exit,
            is_final,
            is_stopping: false,
            stop_delay,
            probe_message: behaviour.probe_message.clone().unwrap_or_else(|| PROBE_MESSAGE.to_owned()),
        }
    }

    /// When the container ends by itself, how, and whether the pod ends with it.
    fn exit(&self, runs_from: Timestamp, rng: &mut SmallRng) -> (Option<(Timestamp, i32)>, bool) {
        let behaviour = self.behaviour;
        if self.role == Role::Init {
            return (Some((runs_from, 0)), false);
        }
        let code = behaviour.exit_code.unwrap_or(1);
        let fails = behaviour.fail.map(|span| (runs_from + span.draw(rng), code.max(1), true));
        let succeeds = behaviour.succeed.map(|span| (runs_from + span.draw(rng), 0, true));
        let is_crashing = behaviour.crash_times.is_none_or(|times| self.attempt < times);
        let crashes = behaviour.crash_after.filter(|_| is_crashing);
        let crashes = crashes.map(|span| (runs_from + span.draw(rng), code, false));
        let first = [fails, succeeds, crashes].into_iter().flatten().min_by_key(|(at, ..)| *at);
        (first.map(|(at, code, _)| (at, code)), first.is_some_and(|(.., is_final)| is_final))
    }
}

impl Course {
    /// What the container does at `now`.
    pub(super) fn state(&self, now: Timestamp) -> ContainerState {
        if let Some((finished_at, code)) = self.exit.filter(|(at, _)| *at <= now) {
            let started_at = self.runs_from.min(finished_at);
            return ContainerState::Exited(Exit {
                started_at,
                finished_at,
                code,
                reason: None,
                message: None,
            });
        }
        if now < self.runs_from {
            return ContainerState::Creating;
        }
        ContainerState::Running { since: self.runs_from, health: self.health(now) }
    }

    /// When [`Course::state`] next differs.
    pub(super) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let exit = self.exit.map(|(at, _)| at);
        let serves_from = (!self.has_readiness_probe).then_some(self.serves_from);
        let fixed = [Some(self.runs_from), serves_from, exit];
        let instants = fixed.into_iter().flatten().chain(self.next_flap(now));
        let has_ended = exit.is_some_and(|at| at <= now);
        let before_end = |at: &Timestamp| *at > now && !has_ended && exit.is_none_or(|exit| *at <= exit);
        instants.filter(before_end).min()
    }

    /// Ends the run after the stop delay, or killed after `grace`, unless it ends before.
    pub(super) fn stop(&mut self, now: Timestamp, grace: Duration) {
        let (delay, code) =
            if self.stop_delay <= grace { (self.stop_delay, 0) } else { (grace, CODE_KILLED) };
        let end = (now + delay, code);
        let is_earlier = self.exit.is_none_or(|(at, _)| end.0 < at);
        if is_earlier {
            self.is_final &= self.is_stopping;
            self.exit = Some(end);
        }
        self.is_stopping = true;
    }

    /// The container was ready before now, whatever was drawn.
    pub(super) fn was_ready(&mut self, now: Timestamp) {
        self.serves_from = self.serves_from.min(now);
    }

    /// What a probe at `now` finds.
    pub(super) fn probed(&self, is_readiness: bool, now: Timestamp) -> ProbeReply {
        let failure = || ProbeOutcome::Failure(self.probe_message.clone());
        let (outcome, holds_until) = match is_readiness {
            true if self.is_never_ready => (failure(), Timestamp::MAX),
            true if now < self.serves_from => (failure(), self.serves_from),
            _ => (ProbeOutcome::Success, Timestamp::MAX),
        };
        ProbeReply { outcome, holds_until: Some(holds_until) }
    }

    fn health(&self, now: Timestamp) -> Health {
        let is_down = now >= self.serves_from
            && !self.is_never_ready
            && !self.flaps(now, self.serves_from).is_multiple_of(2);
        match self.has_readiness_probe {
            _ if is_down => Health::Unhealthy(self.probe_message.clone()),
            true => Health::Healthy,
            false if now < self.serves_from => Health::Starting,
            false if self.is_never_ready => Health::Unhealthy(self.probe_message.clone()),
            false => Health::Healthy,
        }
    }

    /// How many whole periods of flapping have passed since `from`.
    fn flaps(&self, now: Timestamp, from: Timestamp) -> u128 {
        self.flap.map_or(0, |period| until(from, now).as_nanos() / period.as_nanos())
    }

    fn next_flap(&self, now: Timestamp) -> Option<Timestamp> {
        let period = self.flap.filter(|_| !self.is_never_ready && self.serves_from <= now)?;
        let passed = until(self.serves_from, now).as_nanos() % period.as_nanos();
        Some(now + (period - Duration::from_nanos(u64::try_from(passed).ok()?)))
    }
}
