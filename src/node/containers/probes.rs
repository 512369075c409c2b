//! When the probes of one container are due, and what follows from their results.
//!
//! Pure. The rules are the kubelet's (`pkg/kubelet/prober/worker.go`, `prober_manager.go`): ticks are
//! counted from the container's start, readiness and liveness wait for the startup probe, readiness
//! of which nothing is known is asked for at once, between ticks too, and a result changes only at
//! its threshold. A tick is left out if the runtime says that it would change nothing, so that a
//! simulated pod at rest costs nothing.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Probe};

use crate::clock::{Timestamp, until};
use crate::node::runtime::{ProbeKind, ProbeOutcome, ProbeReply};

/// The probes of one container; none for most.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes(Vec<Probing>);

#[derive(Clone, Debug)]
struct Probing {
    kind: ProbeKind,
    initial_delay: Duration,
    period: Duration,
    n_successes_min: u32,
    n_failures_max: u32,
    is_successful: bool,
    n_successes: u32,
    n_failures: u32,
    /// `None` while it is carried out, and when nothing more is to be found out.
    due: Option<Timestamp>,
}

const PERIOD_DEFAULT_S: i32 = 10;
const FAILURES_DEFAULT: i32 = 3;

impl Probes {
    /// The probes that a container declares.
    pub(super) fn of(container: &Container) -> Self {
        let declared = [
            (ProbeKind::Startup, &container.startup_probe),
            (ProbeKind::Readiness, &container.readiness_probe),
            (ProbeKind::Liveness, &container.liveness_probe),
        ];
        let probing = |(kind, probe): (ProbeKind, &Option<Probe>)| Some(Probing::of(kind, probe.as_ref()?));
        Self(declared.into_iter().filter_map(probing).collect())
    }

    /// The container runs since then: nothing is known of it. That it is heard of a little later must
    /// not cost the first tick.
    pub(super) fn begin(&mut self, since: Timestamp) {
        self.resume(since, since, false, false);
    }

    /// The container runs, and its status says what was known of it.
    pub(super) fn resume(&mut self, since: Timestamp, now: Timestamp, is_started: bool, is_ready: bool) {
        for probing in &mut self.0 {
            (probing.n_successes, probing.n_failures, probing.due) = (0, 0, None);
            probing.is_successful = match probing.kind {
                ProbeKind::Startup => is_started,
                ProbeKind::Readiness => is_ready,
                ProbeKind::Liveness => true,
            };
        }
        self.schedule(since, now);
    }

    /// Whether the startup probe, if any, has succeeded.
    pub(super) fn is_started(&self) -> bool {
        self.is_successful(ProbeKind::Startup)
    }

    /// Whether the readiness probe, if any, succeeds.
    pub(super) fn is_ready(&self) -> bool {
        self.is_successful(ProbeKind::Readiness)
    }

    fn is_successful(&self, kind: ProbeKind) -> bool {
        self.0.iter().all(|probing| probing.kind != kind || probing.is_successful)
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.0.iter().filter_map(|probing| probing.due).min()
    }

    /// Takes those that are due. Each must be answered with [`Probes::answered`].
    pub(super) fn take_due(&mut self, now: Timestamp) -> impl Iterator<Item = ProbeKind> {
        let is_due = move |probing: &&mut Probing| probing.due.is_some_and(|due| due <= now);
        self.0.iter_mut().filter(is_due).map(|probing| {
            probing.due = None;
            probing.kind
        })
    }

    /// Takes in the answer to a probe, `None` if there was none; true if the container must be
    /// restarted.
    pub(super) fn answered(
        &mut self,
        kind: ProbeKind,
        reply: Option<&ProbeReply>,
        since: Timestamp,
        now: Timestamp,
    ) -> bool {
        let Some(probing) = self.0.iter_mut().find(|probing| probing.kind == kind) else { return false };
        let is_failed = probing.count(reply);
        probing.due = probing.next(reply, since, now);
        if kind == ProbeKind::Startup && probing.is_successful {
            probing.due = None;
            self.schedule(since, now);
        }
        is_failed && kind != ProbeKind::Readiness
    }

    /// Schedules what may be probed now: the startup probe, or after it the others.
    fn schedule(&mut self, since: Timestamp, now: Timestamp) {
        let is_started = self.is_started();
        for probing in self.0.iter_mut().filter(|probing| probing.due.is_none()) {
            if is_started != (probing.kind == ProbeKind::Startup) {
                probing.due = Some(probing.first_due(since, now));
            }
        }
    }
}

impl Probing {
    fn of(kind: ProbeKind, probe: &Probe) -> Self {
        let seconds = |value: i32| Duration::from_secs(u64::try_from(value).unwrap_or_default());
        let positive = |value: Option<i32>, default| value.filter(|value| *value > 0).unwrap_or(default);
        let count = |value: i32| u32::try_from(value).unwrap_or(1);
        Self {
            kind,
            initial_delay: seconds(probe.initial_delay_seconds.unwrap_or_default()),
            period: seconds(positive(probe.period_seconds, PERIOD_DEFAULT_S)),
            n_successes_min: count(positive(probe.success_threshold, 1)),
            n_failures_max: count(positive(probe.failure_threshold, FAILURES_DEFAULT)),
            is_successful: false,
            n_successes: 0,
            n_failures: 0,
            due: None,
        }
    }

    /// Counts a result; true if the probe has now failed as often as it may.
    fn count(&mut self, reply: Option<&ProbeReply>) -> bool {
        match reply.map(|reply| &reply.outcome) {
            // A kubelet throws the result of a probe away that it could not carry out.
            None | Some(ProbeOutcome::Errored(_)) => false,
            Some(ProbeOutcome::Success) => {
                (self.n_successes, self.n_failures) = (self.n_successes.saturating_add(1), 0);
                self.is_successful |= self.n_successes >= self.n_successes_min;
                false
            }
            Some(ProbeOutcome::Failure(_)) => {
                (self.n_successes, self.n_failures) = (0, self.n_failures.saturating_add(1));
                let is_failed = self.n_failures >= self.n_failures_max;
                self.is_successful &= !is_failed;
                is_failed
            }
        }
    }

    /// The next tick at which the result could be another one; `None` if it never will.
    fn next(&self, reply: Option<&ProbeReply>, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let after_this = self.tick(since, now + Duration::from_nanos(1));
        let Some(reply) = reply else { return Some(after_this) };
        let is_settled = match reply.outcome {
            ProbeOutcome::Success => self.is_successful,
            ProbeOutcome::Errored(_) => true,
            // A startup probe that goes on failing restarts its container at the threshold.
            ProbeOutcome::Failure(_) => !self.is_successful && self.kind == ProbeKind::Readiness,
        };
        match reply.holds_until.filter(|_| is_settled) {
            None => Some(after_this),
            Some(instant) if instant == Timestamp::MAX => None,
            Some(instant) => Some(self.tick(since, instant).max(after_this)),
        }
    }

    /// When it is due once it may be probed.
    fn first_due(&self, since: Timestamp, now: Timestamp) -> Timestamp {
        let is_asked_at_once = self.kind == ProbeKind::Readiness && !self.is_successful;
        if is_asked_at_once { now.max(since + self.initial_delay) } else { self.tick(since, now) }
    }

    /// The first tick at or after `wanted`; ticks are counted from the container's start.
    fn tick(&self, since: Timestamp, wanted: Timestamp) -> Timestamp {
        let first = since + self.initial_delay;
        let n_missed = until(first, wanted).as_nanos().div_ceil(self.period.as_nanos());
        first + self.period.saturating_mul(u32::try_from(n_missed).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests;
