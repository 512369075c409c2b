//! The only source of now and of sleep: the system's clock, or a virtual one.
//!
//! Everything else asks a [`Clock`]; nothing else reads the time or sleeps (a test of the house
//! greps for it). A virtual clock follows tokio's paused time, or stands still until it is told to go
//! on, so that a whole run on one thread is repeatable and a day passes in milliseconds.

#![expect(clippy::disallowed_methods, reason = "the one place that reads the time")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub use jiff::Timestamp;

/// Where now and sleep come from. Cheap to clone; clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Virtual { epoch: Timestamp, origin: tokio::time::Instant },
    Manual(Arc<watch::Sender<Timestamp>>),
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

    /// A clock that shows `epoch` until [`Clock::advance_to`] is called. It needs no runtime.
    pub fn manual(epoch: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(watch::Sender::new(epoch))))
    }

    /// Sets a manual clock forward, and wakes who sleeps until then; it is never set back. Other
    /// clocks go by themselves.
    pub fn advance_to(&self, instant: Timestamp) {
        if let Source::Manual(now) = &self.0 {
            now.send_if_modified(|now| {
                let is_later = *now < instant;
                *now = (*now).max(instant);
                is_later
            });
        }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            Source::Virtual { epoch, origin } => *epoch + origin.elapsed(),
            Source::Manual(now) => *now.borrow(),
        }
    }

    /// The present instant for what keeps time by `std`'s: it only ever goes forward.
    pub fn instant(&self) -> Instant {
        match &self.0 {
            Source::System | Source::Manual(_) => Instant::now(),
            Source::Virtual { .. } => tokio::time::Instant::now().into_std(),
        }
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::Manual(_) => self.sleep_until(self.now() + duration).await,
            Source::System | Source::Virtual { .. } => tokio::time::sleep(duration).await,
        }
    }

    /// Waits until `instant`; returns at once when it has passed.
    pub async fn sleep_until(&self, instant: Timestamp) {
        match &self.0 {
            Source::Manual(now) => {
                // The sender is held by this very clock, so it does not go away.
                let _ = now.subscribe().wait_for(|now| *now >= instant).await;
            }
            Source::System | Source::Virtual { .. } => {
                tokio::time::sleep(until(self.now(), instant)).await;
            }
        }
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

    #[tokio::test]
    async fn a_manual_clock_moves_forward_only_and_wakes_its_sleepers() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let later = Timestamp::UNIX_EPOCH + Duration::from_secs(60);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_secs(60)).await;
                clock.now()
            }
        });
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance_to(later);
        clock.advance_to(Timestamp::UNIX_EPOCH);
        assert_eq!((clock.now(), sleeper.await.unwrap()), (later, later));
    }

    #[test]
    fn a_passed_instant_is_zero_away() {
        let now = Timestamp::UNIX_EPOCH + Duration::from_secs(5);
        assert_eq!(until(now, Timestamp::UNIX_EPOCH), Duration::ZERO);
        assert_eq!(until(Timestamp::UNIX_EPOCH, now), Duration::from_secs(5));
    }
}
