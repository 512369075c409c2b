//! Reports panics of workers, connections and requests to the server.
//!
//! tokio, hyper and hickory confine a panic to its task. A server that loses workers or requests that way
//! looks healthy but answers less and less, so the first panic of any part ends `DnsServer::run`, which
//! panics with the same payload.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;
use tokio::sync::mpsc;

/// The payload of a panic.
pub(super) type Payload = Box<dyn Any + Send>;

/// The sending side of panic reports.
#[derive(Clone)]
pub(super) struct Panics(mpsc::Sender<Payload>);

impl Panics {
    /// Both sides.
    pub(super) fn new() -> (Self, mpsc::Receiver<Payload>) {
        let (reports, reported) = mpsc::channel(1);
        (Self(reports), reported)
    }

    /// Runs `task`; if it panics, reports that and returns `None`.
    pub(super) async fn watch<T>(&self, task: impl Future<Output = T>) -> Option<T> {
        self.check(AssertUnwindSafe(task).catch_unwind().await)
    }

    /// As [`Panics::watch`], for a thread.
    pub(super) fn watch_thread<T>(&self, run: impl FnOnce() -> T) -> Option<T> {
        self.check(catch_unwind(AssertUnwindSafe(run)))
    }

    fn check<T>(&self, ended: Result<T, Payload>) -> Option<T> {
        // Only the first panic is needed: it ends the server.
        ended.map_err(|payload| self.0.try_send(payload)).ok()
    }
}
