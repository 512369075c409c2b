//! Panics of workers, connections and requests, carried to the run of the server.
//!
//! tokio, hyper and hickory keep a panic to the task it happened in. A server that has lost a worker or
//! a request that way looks healthy while it answers ever less, so the first panic of any part ends
//! the server's run, which panics with the same payload.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;
use tokio::sync::mpsc;

/// What a part panicked with.
pub(super) type Payload = Box<dyn Any + Send>;

/// Where parts report their panics.
#[derive(Clone)]
pub(super) struct Panics(mpsc::Sender<Payload>);

impl Panics {
    /// Where to report, and where the first report arrives.
    pub(super) fn new() -> (Self, mpsc::Receiver<Payload>) {
        let (reports, reported) = mpsc::channel(1);
        (Self(reports), reported)
    }

    /// What `task` returns; `None` if it panicked, which is reported.
    pub(super) async fn watch<T>(&self, task: impl Future<Output = T>) -> Option<T> {
        self.check(AssertUnwindSafe(task).catch_unwind().await)
    }

    /// The same for what a thread runs.
    pub(super) fn watch_thread<T>(&self, run: impl FnOnce() -> T) -> Option<T> {
        self.check(catch_unwind(AssertUnwindSafe(run)))
    }

    fn check<T>(&self, ended: Result<T, Payload>) -> Option<T> {
        // A second panic finds no room, and the first ends the run already.
        ended.map_err(|payload| self.0.try_send(payload)).ok()
    }
}
