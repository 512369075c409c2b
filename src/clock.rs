//! The only source of now and of sleep: the system's clock, or a virtual one.
//!
//! Everything else asks a [`Clock`]; nothing else reads the time or sleeps (a test of the house
//! greps for it). The virtual clock follows tokio's paused time, so that a whole run on a
//! single-threaded runtime is repeatable and a day passes in milliseconds.

#![expect(clippy::disallowed_methods, reason = "the one place that reads the time")]

use std::time::Duration;

pub use jiff::Timestamp;

/// Where now and sleep come from. Cheap to clone; clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Virtual { epoch: Timestamp, origin: tokio::time::Instant },
}

impl Clock {
    /// The machine's wall clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `epoch` now and then follows tokio's time, which a test or a simulation
    /// pauses. Must be called within a tokio runtime whose time is enabled.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self(Source::Virtual { epoch, origin: tokio::time::Instant::now() })
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            Source::Virtual { epoch, origin } => *epoch + origin.elapsed(),
        }
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Waits until `instant`; returns at once when it has passed.
    pub async fn sleep_until(&self, instant: Timestamp) {
        self.sleep(until(self.now(), instant)).await;
    }
}

/// The time from `now` to `instant`, zero when it has passed.
pub fn until(now: Timestamp, instant: Timestamp) -> Duration {
    Duration::try_from(instant.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_virtual_clock_moves_only_with_tokio_time() {
        let epoch = Timestamp::UNIX_EPOCH;
        let clock = Clock::starting_at(epoch);
        assert_eq!(clock.now(), epoch);
        clock.sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now(), epoch + Duration::from_secs(3600));
    }

    #[test]
    fn a_passed_instant_is_zero_away() {
        let now = Timestamp::UNIX_EPOCH + Duration::from_secs(5);
        assert_eq!(until(now, Timestamp::UNIX_EPOCH), Duration::ZERO);
        assert_eq!(until(Timestamp::UNIX_EPOCH, now), Duration::from_secs(5));
    }
}
