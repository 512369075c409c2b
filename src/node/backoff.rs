//! Restart back-off of one container, with the kubelet's numbers.
//!
//! The first restart is immediate. The next ones wait after the end of the run before: 10 s, doubled
//! each time, at most 5 min. A container that ran for more than 10 min since its last restart starts
//! over (client-go, `util/flowcontrol`; kubelet, `doBackOff`).

use std::time::Duration;

use crate::clock::Timestamp;

/// The wait after the second end.
const WAIT_MIN: Duration = Duration::from_secs(10);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// A run this long resets the back-off.
const RESET_AFTER: Duration = Duration::from_secs(600);

/// When a container was last restarted, and the wait that followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff(Option<Restarted>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Restarted {
    at: Timestamp,
    wait: Duration,
}

impl Backoff {
    /// The wait that a run which ended at `ended` needs before the next one; zero means now.
    pub(super) fn wait(&self, ended: Timestamp) -> Duration {
        self.in_force(ended).map_or(Duration::ZERO, |restarted| restarted.wait)
    }

    /// A run that ended at `ended` is followed by another at `now`.
    pub(super) fn restarted(&mut self, ended: Timestamp, now: Timestamp) {
        let wait = self.in_force(ended).map_or(WAIT_MIN, |last| (last.wait * 2).min(WAIT_MAX));
        self.0 = Some(Restarted { at: now, wait });
    }

    fn in_force(&self, ended: Timestamp) -> Option<&Restarted> {
        self.0.as_ref().filter(|last| ended <= last.at + RESET_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_10_s_to_5_min_and_a_long_run_resets_it() {
        let mut backoff = Backoff::default();
        let mut now = Timestamp::UNIX_EPOCH;
        let mut waits_s = Vec::new();
        for run_s in [1, 1, 1, 1, 1, 1, 1, 1, 601, 1] {
            let ended = now + Duration::from_secs(run_s);
            let wait = backoff.wait(ended);
            waits_s.push(wait.as_secs());
            now = ended + wait;
            backoff.restarted(ended, now);
        }
        assert_eq!(waits_s, [0, 10, 20, 40, 80, 160, 300, 300, 0, 10]);
    }
}
