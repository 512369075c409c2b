//! The loop that all controllers share: events to keys, keys to syncs, failures to back-offs.
//!
//! [`run`] is the loop as a task. A [`Worker`] is the same loop by steps, for a caller that schedules
//! the parts itself (the simulation); it never waits. What it holds is bounded by the number of
//! objects: its queue has each key once, and lost events make it reconcile everything.
//!
//! What a reconcile of a large object costs is paid at most a tenth of the time: its key rests after
//! it, and the events of that time are one reconcile.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::controller::{Controller, Next, ReconcileError};
use super::ending::is_for_ending_namespace;
use super::queue::Queue;
use crate::clock::{Timestamp, until};
use crate::objects::ObjectKey;
use crate::store::{Event, Gone, Store, Watch};

/// Runs a controller until `stop` is cancelled. A key that fails is retried with its own back-off and
/// never delays the others.
pub async fn run(controller: Box<dyn Controller>, store: Store, stop: CancellationToken) {
    let mut worker = Worker::new(controller, store);
    while !stop.is_cancelled() {
        if worker.step().await.is_some() {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = worker.idle() => {}
        }
    }
}

/// A controller with its queue and its watch.
pub struct Worker {
    controller: Box<dyn Controller>,
    store: Store,
    watch: Watch,
    queue: Queue<ObjectKey>,
}

/// The longest sleep; after it only the queue is checked.
const SLEEP_MAX: Duration = Duration::from_secs(3600);
/// The shortest sleep: timers are no finer.
const SLEEP_MIN: Duration = Duration::from_millis(1);

/// A reconcile that takes longer than this is expensive: its key rests before the next one.
const CHEAP_MAX: Duration = Duration::from_micros(200);
/// How many times as long as its reconcile took a key rests, so that events which come one by one do
/// not each cost a pass over a large set, and the longest rest.
const REST_FACTOR: u32 = 9;
const REST_MAX: Duration = Duration::from_millis(20);

impl Worker {
    /// A worker whose queue holds every key.
    pub fn new(controller: Box<dyn Controller>, store: Store) -> Self {
        let watch = store.watch(controller.interest(), store.revision());
        let mut worker = Self { controller, store, watch, queue: Queue::default() };
        worker.add_all();
        worker
    }

    /// Queues the keys of new events and reconciles the next key that is due; returns that key, or
    /// `None` if none is due.
    pub async fn step(&mut self) -> Option<ObjectKey> {
        self.collect();
        let key = self.queue.take(self.store.clock().now())?;
        self.sync(&key).await;
        Some(key)
    }

    /// When the next key becomes due without an event; `None` if no key has a time.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    /// How many keys have failed since they last succeeded.
    pub fn n_failing(&self) -> usize {
        self.queue.n_failing()
    }

    /// Reconciles everything again, as after a lost watch.
    pub fn start_over(&mut self) {
        self.watch = self.store.watch(self.controller.interest(), self.store.revision());
        self.add_all();
    }

    /// Drops its keys and unread events, as if they had never come. Their objects are not reconciled
    /// until they change or [`Worker::start_over`] is called.
    pub fn lose_everything(&mut self) {
        self.watch = self.store.watch(self.controller.interest(), self.store.revision());
        self.queue = Queue::default();
    }

    fn add_all(&mut self) {
        for key in self.controller.all(&self.store) {
            self.queue.add(key);
        }
    }

    /// Turns new events into keys, without waiting.
    fn collect(&mut self) {
        loop {
            match self.watch.ready() {
                Ok(events) if events.is_empty() => return,
                Ok(events) => self.add_concerned(&events),
                Err(gone) => self.log_and_start_over(gone),
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

    fn log_and_start_over(&mut self, gone: Gone) {
        debug!(controller = self.controller.name(), %gone, "watch is gone; reconciling everything");
        self.start_over();
    }

    async fn sync(&mut self, key: &ObjectKey) {
        let before = self.store.clock().now();
        let outcome = self.controller.reconcile(&self.store, key).await;
        let now = self.store.clock().now();
        match outcome {
            Ok(next) => {
                let took = until(before, now);
                debug!(controller = self.controller.name(), %key, ?took, "reconciled");
                if took > CHEAP_MAX {
                    self.queue.rest(key, now + (took * REST_FACTOR).min(REST_MAX));
                }
                self.queue.done(key);
                if let Next::After(wait) = next {
                    self.queue.add_at(key.clone(), now + wait);
                }
            }
            Err(ReconcileError::Store(error))
                if error.is_conflict() || is_for_ending_namespace(&self.store, &key.namespace, &error) =>
            {
                debug!(controller = self.controller.name(), %key, %error, "reconcile failed; retrying");
                self.queue.failed(key, now);
            }
            Err(error) => {
                warn!(controller = self.controller.name(), %key, %error, "reconcile failed; retrying");
                self.queue.failed(key, now);
            }
        }
    }

    /// Waits for an event or until the next key is due.
    async fn idle(&mut self) {
        let clock = self.store.clock().clone();
        let wait = self.queue.next_due().map(|instant| until(clock.now(), instant));
        let wait = wait.map_or(SLEEP_MAX, |wait| wait.max(SLEEP_MIN));
        tokio::select! {
            events = self.watch.next() => match events {
                Ok(events) => self.add_concerned(&events),
                Err(gone) => self.log_and_start_over(gone),
            },
            () = clock.sleep(wait) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use k8s_openapi::api::core::v1::Namespace;

    use super::*;
    use crate::objects::Kind;
    use crate::store::{Interest, StoreOptions};

    /// Takes some time for each reconcile, and counts them.
    struct Slow {
        takes: Duration,
        n_reconciles: Arc<AtomicU32>,
    }

    #[async_trait]
    impl Controller for Slow {
        fn name(&self) -> &'static str {
            "slow-controller"
        }

        fn interest(&self) -> Interest {
            Interest::in_kinds(&[Kind::Namespace])
        }

        fn concerned(&mut self, _: &Store, event: &Event) -> Vec<ObjectKey> {
            vec![event.object.key().clone()]
        }

        fn all(&mut self, _: &Store) -> Vec<ObjectKey> {
            Vec::new()
        }

        async fn reconcile(&mut self, store: &Store, _: &ObjectKey) -> Result<Next, ReconcileError> {
            store.clock().sleep(self.takes).await;
            self.n_reconciles.fetch_add(1, Ordering::Relaxed);
            Ok(Next::OnChange)
        }
    }

    /// How many reconciles a hundred changes cost that come every millisecond.
    async fn n_reconciles(takes: Duration) -> u32 {
        let clock = crate::clock::Clock::starting_at(Timestamp::UNIX_EPOCH);
        let store = Store::in_memory(clock, StoreOptions { seed: Some(1), ..Default::default() });
        let n_reconciles = Arc::new(AtomicU32::new(0));
        let controller = Slow { takes, n_reconciles: n_reconciles.clone() };
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(Box::new(controller), store.clone(), stop.clone()));
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some("n".into());
        let key = store.create(namespace).await.unwrap().key().clone();
        for n in 0..100 {
            store.clock().sleep(Duration::from_millis(1)).await;
            let labels = Some([("n".to_owned(), n.to_string())].into());
            store
                .modify::<Namespace>(&key, |namespace| namespace.metadata.labels.clone_from(&labels))
                .await
                .unwrap();
        }
        store.clock().sleep(Duration::from_secs(1)).await;
        let before = n_reconciles.load(Ordering::Relaxed);
        stop.cancel();
        task.await.unwrap();
        before
    }

    #[tokio::test(start_paused = true)]
    async fn an_expensive_key_rests_and_a_cheap_one_does_not() {
        let cheap = n_reconciles(Duration::ZERO).await;
        assert!(cheap >= 100, "{cheap}");
        let expensive = n_reconciles(Duration::from_millis(1)).await;
        assert!((8..=13).contains(&expensive), "a tenth of the time, and the last change too: {expensive}");
    }
}
