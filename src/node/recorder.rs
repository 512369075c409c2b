//! Events are recorded beside the pods they are about, so that no pod waits for a write of one.
//!
//! The events of one pod are written in order, those of different pods concurrently. The queue is
//! bounded; what does not fit is dropped, as client-go's broadcaster drops it. The agent's task
//! drives the recorder, which keeps a run under a virtual clock repeatable.

use std::collections::{HashMap, VecDeque};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tracing::debug;

use crate::objects::Object;
use crate::store::{Severity, Store};

/// The component that a node's events come from.
pub(super) const COMPONENT: &str = "kubelet";
/// How many records may wait to be taken up.
const QUEUE_MAX: usize = 4096;
/// Of how many pods events are written at once.
const PODS_MAX: usize = 64;
/// How many records of one pod may wait for the one before.
const POD_QUEUE_MAX: usize = 64;

/// Something worth recording about a pod, or about a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PodEvent {
    pub(super) severity: Severity,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// What a kubelet tells of a change in the status of its node.
pub(super) fn status_is_now(node: &str, reason: &'static str) -> PodEvent {
    let message = format!("Node {node} status is now: {reason}");
    PodEvent { severity: Severity::Normal, reason, message }
}

/// What a kubelet tells when it starts.
pub(super) fn starting() -> PodEvent {
    PodEvent { severity: Severity::Normal, reason: "Starting", message: "Starting kubelet.".to_owned() }
}

struct Record {
    about: Object,
    events: Vec<PodEvent>,
}

/// Where pods put their events.
#[derive(Clone)]
pub(super) struct EventQueue(mpsc::Sender<Record>);

impl EventQueue {
    /// Queues events about a pod; never waits.
    pub(super) fn add(&self, about: &Object, events: Vec<PodEvent>) {
        if events.is_empty() {
            return;
        }
        if let Err(error) = self.0.try_send(Record { about: about.clone(), events }) {
            debug!(pod = %about.key(), %error, "events are dropped");
        }
    }
}

/// Writes the events.
pub(super) struct Recorder {
    store: Store,
    queue: mpsc::Receiver<Record>,
    /// The pods of which events are being written, and what waits for that.
    waiting: HashMap<String, VecDeque<Record>>,
    running: FuturesUnordered<BoxFuture<'static, String>>,
}

impl Recorder {
    /// A recorder and its queue.
    pub(super) fn new(store: Store) -> (EventQueue, Self) {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let recorder = Self { store, queue, waiting: HashMap::new(), running: FuturesUnordered::new() };
        (EventQueue(sender), recorder)
    }

    /// Goes on as far as that is possible without waiting.
    pub(super) fn catch_up(&mut self) {
        while let Some(Some(uid)) = self.running.next().now_or_never() {
            self.written(&uid);
        }
        while self.running.len() < PODS_MAX
            && let Ok(record) = self.queue.try_recv()
        {
            self.admit(record);
        }
    }

    /// Waits until there is something to go on with, and does. Cancel safe.
    pub(super) async fn progress(&mut self) {
        tokio::select! {
            Some(uid) = self.running.next(), if !self.running.is_empty() => self.written(&uid),
            Some(record) = self.queue.recv(), if self.running.len() < PODS_MAX => self.admit(record),
            else => std::future::pending().await,
        }
    }

    /// Writes everything that is queued.
    pub(super) async fn finish(&mut self) {
        self.catch_up();
        while !self.running.is_empty() {
            self.progress().await;
            self.catch_up();
        }
    }

    fn admit(&mut self, record: Record) {
        match self.waiting.get_mut(record.about.uid()) {
            None => self.start(record),
            Some(queue) if queue.len() < POD_QUEUE_MAX => queue.push_back(record),
            Some(_) => debug!(pod = %record.about.key(), "events are dropped"),
        }
    }

    fn start(&mut self, record: Record) {
        let uid = record.about.uid().to_owned();
        let mut writing = write(self.store.clone(), record).boxed();
        if (&mut writing).now_or_never().is_none() {
            self.waiting.entry(uid).or_default();
            self.running.push(writing);
        } else if self.waiting.contains_key(&uid) {
            self.written(&uid);
        }
    }

    fn written(&mut self, uid: &str) {
        match self.waiting.get_mut(uid).and_then(VecDeque::pop_front) {
            Some(next) => self.start(next),
            None => drop(self.waiting.remove(uid)),
        }
    }
}

async fn write(store: Store, record: Record) -> String {
    for event in record.events {
        store.record(COMPONENT, &record.about, event.severity, event.reason, &event.message).await;
    }
    record.about.uid().to_owned()
}
