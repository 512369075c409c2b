//! The course of one run of a simulated container: every instant of its life, fixed when it starts.
//!
//! Pure. What the container does at an instant is read off its course; asking to stop is the only
//! thing that changes one.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Probe};
use rand::rngs::SmallRng;

use super::annotations::Behaviour;
use crate::clock::{Timestamp, until};
use crate::node::runtime::{ContainerState, Exit, Readiness, Role};

/// All that happens to one run of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) runs_from: Timestamp,
    started_from: Timestamp,
    /// The first probe, if there is one to fail.
    probed_from: Timestamp,
    ready_from: Option<Timestamp>,
    flap: Option<Duration>,
    exit: Option<(Timestamp, i32)>,
    /// The end is the end of the pod.
    pub(super) is_final: bool,
    is_stopping: bool,
    stop_delay: Duration,
    probe_message: String,
}

/// The exit code of a container that was killed.
const CODE_KILLED: i32 = 137;
/// What a failing readiness probe says unless an annotation words it.
const PROBE_MESSAGE: &str = "simulated container is not ready";
const PROBE_PERIOD_DEFAULT: Duration = Duration::from_secs(10);

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
    /// The course of a container whose start is asked for at `now`.
    pub(super) fn starting(&self, now: Timestamp, rng: &mut SmallRng) -> Course {
        let delay = self.behaviour.start_delay.map_or(self.start_delay, |span| span.draw(rng));
        let delay = if self.role == Role::Init { Duration::ZERO } else { delay };
        self.running_from(now + delay, rng)
    }

    /// The course of a container that runs since `since`, drawn as if it had been started by this
    /// process.
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
        let startup = self.container.startup_probe.as_ref();
        let started_from = startup.map_or(runs_from, |probe| first_success(probe, runs_from, runs_from));
        let wanted = (runs_from + readiness_delay).max(started_from);
        let readiness = self.container.readiness_probe.as_ref();
        let ready_from = readiness.map_or(wanted, |probe| first_success(probe, runs_from, wanted));
        let probed_from = readiness.map_or(wanted, |probe| first_tick(probe, runs_from, started_from));
        let (exit, is_final) = self.exit(runs_from, rng);
        Course {
            runs_from,
            started_from,
            probed_from,
            ready_from: (!behaviour.is_never_ready).then_some(ready_from),
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
        let is_started = now >= self.started_from;
        ContainerState::Running { since: self.runs_from, is_started, readiness: self.readiness(now) }
    }

    /// When [`Course::state`] next differs.
    pub(super) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let exit = self.exit.map(|(at, _)| at);
        let fixed =
            [Some(self.runs_from), Some(self.started_from), Some(self.probed_from), self.ready_from, exit];
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

    /// Says that the container is ready since it runs, whatever was drawn.
    pub(super) fn was_ready(&mut self, now: Timestamp) {
        self.started_from = self.started_from.min(now);
        self.ready_from = self.ready_from.map(|at| at.min(now));
    }

    fn readiness(&self, now: Timestamp) -> Readiness {
        let is_ready =
            self.ready_from.is_some_and(|from| now >= from && self.flaps(now, from).is_multiple_of(2));
        match is_ready {
            true => Readiness::Ready,
            false if now < self.probed_from => Readiness::Unknown,
            false => Readiness::Unready(self.probe_message.clone()),
        }
    }

    /// How many whole periods have passed since `from`.
    fn flaps(&self, now: Timestamp, from: Timestamp) -> u128 {
        self.flap.map_or(0, |period| until(from, now).as_nanos() / period.as_nanos())
    }

    fn next_flap(&self, now: Timestamp) -> Option<Timestamp> {
        let (period, from) = (self.flap?, self.ready_from.filter(|from| *from <= now)?);
        let passed = until(from, now).as_nanos() % period.as_nanos();
        Some(now + (period - Duration::from_nanos(u64::try_from(passed).ok()?)))
    }
}

/// The probe's first tick at or after `wanted`; ticks are counted from the container's start.
fn first_tick(probe: &Probe, runs_from: Timestamp, wanted: Timestamp) -> Timestamp {
    let first = runs_from + seconds(probe.initial_delay_seconds).unwrap_or_default();
    let period = seconds(probe.period_seconds).filter(|period| !period.is_zero());
    let period = period.unwrap_or(PROBE_PERIOD_DEFAULT);
    let n_missed = until(first, wanted).as_nanos().div_ceil(period.as_nanos());
    first + period.saturating_mul(u32::try_from(n_missed).unwrap_or(u32::MAX))
}

/// The tick at which as many successes were seen as the probe wants.
fn first_success(probe: &Probe, runs_from: Timestamp, wanted: Timestamp) -> Timestamp {
    let n_more = u32::try_from(probe.success_threshold.unwrap_or(1).max(1) - 1).unwrap_or_default();
    let period = seconds(probe.period_seconds).filter(|period| !period.is_zero());
    first_tick(probe, runs_from, wanted) + period.unwrap_or(PROBE_PERIOD_DEFAULT) * n_more
}

fn seconds(value: Option<i32>) -> Option<Duration> {
    value.and_then(|value| u64::try_from(value).ok()).map(Duration::from_secs)
}
