//! The parts that run, each followed to its end.
//!
//! ```text
//!   spawn(name, part) ──► a task ──► ended after stop: as asked
//!                            ├─────► ended with an error: Failure::Error   ┐ everything else is
//!                            └─────► panicked:            Failure::Panic   ┘ stopped, with the reason
//! ```
//!
//! A part that is gone while the others go on would freeze what it was for: names that no longer
//! change, pods that nobody probes. So the first part that fails ends everything, and what it failed
//! of is kept for the exit code and the last line. A part that returns without an error before it is
//! asked to has nothing left to do, as the follower of no files has.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;

/// How long parts may take to end before they are abandoned.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Why a part ended although nobody asked it to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A broken invariant: a fault of the program.
    #[error("{part} panicked: {reason}")]
    Panic {
        /// The part's name.
        part: &'static str,
        /// The panic's message.
        reason: String,
    },
    /// What it needs is gone, for example a socket.
    #[error("{part} ended: {reason}")]
    Error {
        /// The part's name.
        part: &'static str,
        /// The error and its sources.
        reason: String,
    },
}

/// Everything that has been started. Clones follow the same parts.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    tracker: TaskTracker,
    stop: CancellationToken,
    failure: watch::Sender<Option<Failure>>,
}

impl Default for Parts {
    fn default() -> Self {
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        Self { tracker, stop, failure: watch::Sender::new(None) }
    }
}

impl Parts {
    /// What each part waits for to end.
    pub(super) fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Runs a part that has no errors of its own.
    pub(super) fn spawn(&self, name: &'static str, part: impl Future<Output = ()> + Send + 'static) {
        self.spawn_fallible(name, part.map(anyhow::Ok));
    }

    /// Runs a part that may fail.
    pub(super) fn spawn_fallible<E: Into<anyhow::Error> + Send>(
        &self,
        part: &'static str,
        running: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let parts = self.clone();
        tracing::info!(part, "started");
        self.tracker.spawn(async move {
            let failure = match AssertUnwindSafe(running).catch_unwind().await {
                Ok(Ok(())) => return tracing::info!(part, "ended"),
                Ok(Err(error)) => Failure::Error { part, reason: format!("{:#}", error.into()) },
                Err(panic) => Failure::Panic { part, reason: message(&*panic) },
            };
            parts.fail(failure);
        });
    }

    /// The first failure is the cause; what fails after it fails because everything stops.
    fn fail(&self, failure: Failure) {
        let is_first = self.failure.send_if_modified(|kept| {
            let is_first = kept.is_none();
            kept.get_or_insert_with(|| failure.clone());
            is_first
        });
        if is_first {
            tracing::error!("{failure}; stopping");
        }
        self.stop.cancel();
    }

    /// Waits for the first failure, as long as it takes.
    pub(super) async fn failure(&self) -> Failure {
        let mut failure = self.failure.subscribe();
        let first = failure.wait_for(Option::is_some).await;
        let first = first.expect("the sender is a field of this value").clone();
        first.expect("it was waited for")
    }

    /// Ends everything. Returns false if something did not end in time.
    pub(super) async fn end(self, clock: &Clock) -> bool {
        self.stop.cancel();
        self.tracker.close();
        tokio::select! {
            () = self.tracker.wait() => true,
            () = clock.sleep(STOP_GRACE) => false,
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_part_that_fails_stops_the_others_and_is_the_reason() {
        let parts = Parts::default();
        let stop = parts.stop_token();
        parts.spawn("publisher", async move {
            stop.cancelled().await;
            panic!("broken by the stop");
        });
        parts.spawn("files", async {});
        parts.spawn("agent", async { panic!("no pod {}", 7) });
        let expected = Failure::Panic { part: "agent", reason: "no pod 7".into() };
        assert_eq!(parts.failure().await, expected);
        assert_eq!(expected.to_string(), "agent panicked: no pod 7");
        assert!(parts.clone().end(&Clock::system()).await);
        assert_eq!(parts.failure().await, expected, "a later failure does not replace it");
    }

    #[tokio::test]
    async fn an_error_is_told_with_its_sources() {
        let parts = Parts::default();
        let error = anyhow::anyhow!("address in use").context("cannot listen");
        parts.spawn_fallible("API server", async { Err(error) });
        let failure = parts.failure().await;
        assert_eq!(failure.to_string(), "API server ended: cannot listen: address in use");
    }
}
