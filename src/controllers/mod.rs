//! Controllers: each watches some kinds, is told which keys an event concerns, and rereads the
//! world by key.
//!
//! A controller decides with pure functions and writes through the store; it never calls another
//! controller, and knows nothing of runtimes, HTTP or sockets. [`run`] is the one loop they share.

pub mod endpointslice;
pub mod garbage;
pub mod queue;
pub mod statefulset;
pub mod volumes;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::clock::until;
use crate::objects::ObjectKey;
use crate::store::{Event, Gone, Interest, Store, StoreError, Watch};
use queue::Queue;

/// When a key must be looked at again without an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Not before something changes.
    OnChange,
    /// After this time at the latest.
    After(Duration),
}

/// Why a key could not be brought to its wanted state now; it is tried again with a back-off.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// A write failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else is in the way.
    #[error("{0}")]
    Blocked(String),
}

/// A level-triggered controller.
#[async_trait]
pub trait Controller: Send + Sync + 'static {
    /// The name in logs and events, for example `statefulset-controller`.
    fn name(&self) -> &'static str;

    /// Which objects' events concern it.
    fn interest(&self) -> Interest;

    /// The keys to look at because of one event. Must be cheap.
    fn concerned(&self, store: &Store, event: &Event) -> Vec<ObjectKey>;

    /// The keys to look at when it knows nothing: at start, and when events were lost.
    fn all(&self, store: &Store) -> Vec<ObjectKey>;

    /// Brings what belongs to `key` nearer to what is wanted. The object may be gone.
    async fn reconcile(&self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError>;
}

/// Runs a controller until `stop` is cancelled. A key that fails is tried again with a back-off
/// of its own; it never holds up the others.
pub async fn run(controller: Arc<dyn Controller>, store: Store, stop: CancellationToken) {
    let mut worker = Worker::new(controller, store);
    while !stop.is_cancelled() {
        worker.collect();
        let now = worker.store.clock().now();
        match worker.queue.take(now) {
            Some(key) => worker.sync(key).await,
            None => {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = worker.idle() => {}
                }
            }
        }
    }
}

struct Worker {
    controller: Arc<dyn Controller>,
    store: Store,
    watch: Watch,
    queue: Queue<ObjectKey>,
}

impl Worker {
    fn new(controller: Arc<dyn Controller>, store: Store) -> Self {
        let watch = store.watch(controller.interest(), store.revision());
        let mut worker = Self { controller, store, watch, queue: Queue::default() };
        worker.add_all();
        worker
    }

    fn add_all(&mut self) {
        for key in self.controller.all(&self.store) {
            self.queue.add(key);
        }
    }

    /// Turns the events that are there into keys, without waiting.
    fn collect(&mut self) {
        loop {
            match self.watch.ready() {
                Ok(events) if events.is_empty() => return,
                Ok(events) => self.add_concerned(&events),
                Err(gone) => self.start_over(gone),
            }
        }
    }

    fn add_concerned(&mut self, events: &[Event]) {
        for event in events {
            for key in self.controller.concerned(&self.store, event) {
                self.queue.add(key);
            }
        }
    }

    fn start_over(&mut self, gone: Gone) {
        debug!(controller = self.controller.name(), %gone, "events were lost; looking at everything");
        self.watch = self.store.watch(self.controller.interest(), self.store.revision());
        self.add_all();
    }

    async fn sync(&mut self, key: ObjectKey) {
        let outcome = self.controller.reconcile(&self.store, &key).await;
        let now = self.store.clock().now();
        match outcome {
            Ok(next) => {
                self.queue.done(&key);
                if let Next::After(wait) = next {
                    self.queue.add_at(key, now + wait);
                }
            }
            Err(ReconcileError::Store(error)) if error.is_conflict() => {
                debug!(controller = self.controller.name(), %key, %error, "will try again");
                self.queue.failed(&key, now);
            }
            Err(error) => {
                warn!(controller = self.controller.name(), %key, %error, "will try again");
                self.queue.failed(&key, now);
            }
        }
    }

    /// Waits for an event or for the time of the next key.
    async fn idle(&mut self) {
        let clock = self.store.clock().clone();
        let wait = self.queue.next_due().map(|instant| until(clock.now(), instant));
        let wait = wait.map_or(Duration::from_secs(3600), |wait| wait.max(Duration::from_millis(1)));
        tokio::select! {
            events = self.watch.next() => match events {
                Ok(events) => self.add_concerned(&events),
                Err(gone) => self.start_over(gone),
            },
            () = clock.sleep(wait) => {}
        }
    }
}
