//! The agent: watches the pods of its nodes and gives each a turn when it is due.
//!
//! One task owns all pods and drives their turns, probes and events concurrently: what one pod waits
//! for (a runtime, a write) holds no other up. A turn that needs not wait is done at once, so that
//! under a virtual clock, over a store in memory, the order depends on nothing but the clock. Of a
//! pod at most one turn is under way. When events were lost the agent looks at every pod again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::agenda::Agenda;
use super::context::Context;
use super::hosts::{Host, Hosts};
use super::options::NodeOptions;
use super::pod::{PodWorker, Probing, Turn, probe, remove_remains};
use super::recorder::{Recorder, starting};
use super::runtime::{ProbeReply, Runtime};
use super::slot::Slot;
use super::waiting::Waiting;
use super::{lease, registration};
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{Event, Gone, Interest, Store, StoreError, Watch};

/// The agent of one or several nodes.
pub struct Agent {
    store: Store,
    runtime: Arc<dyn Runtime>,
    hosts: Hosts,
    agenda: Agenda<ObjectKey>,
    pods: HashMap<ObjectKey, Slot>,
    /// The keys of pods by uid, as runtimes name them.
    keys: HashMap<String, ObjectKey>,
    waiting: Waiting,
    /// What is under way and could not be done at once.
    running: FuturesUnordered<BoxFuture<'static, Done>>,
    recorder: Recorder,
    is_registered: bool,
    /// Absent until the node is registered and its pods are adopted.
    watch: Option<Watch>,
}

/// Something that was under way and is done.
enum Done {
    Turned(ObjectKey, Box<PodWorker>, Turn),
    Probed(ObjectKey, Probing, Option<ProbeReply>),
    Removed(ObjectKey, String),
    Found(Vec<String>),
    Cleaned,
    /// A node has reported itself, or could not.
    Reported(String, Result<Object, StoreError>),
    /// A node has renewed its lease, or could not.
    Renewed(String, Result<(), StoreError>),
    /// What was left of a replaced pod on a node is removed.
    Left(String, String),
}

/// After this time what failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The longest sleep; then the agent only looks at its agenda again.
const SLEEP_MAX: Duration = Duration::from_secs(3600);
/// Pods, and what pods may wait for.
const KINDS: [Kind; 5] = [Kind::Node, Kind::Pod, Kind::Secret, Kind::ConfigMap, Kind::PersistentVolumeClaim];

impl Agent {
    /// An agent that has not begun.
    pub fn new(store: Store, runtime: Arc<dyn Runtime>, nodes: Vec<NodeOptions>) -> Self {
        let (events, recorder) = Recorder::new(store.clone());
        let context = |options| Context {
            store: store.clone(),
            runtime: runtime.clone(),
            options,
            events: events.clone(),
        };
        Self {
            hosts: Hosts::new(nodes.into_iter().map(context)),
            store,
            runtime,
            agenda: Agenda::default(),
            pods: HashMap::new(),
            keys: HashMap::new(),
            waiting: Waiting::default(),
            running: FuturesUnordered::new(),
            recorder,
            is_registered: false,
            watch: None,
        }
    }

    /// Registers the nodes. The agent does so when it begins; a scheduler may want it before.
    pub async fn register(&mut self) -> Result<(), StoreError> {
        if !self.is_registered {
            let version = self.runtime.version();
            for name in self.hosts.names() {
                let Some(host) = self.hosts.get_mut(&name) else { continue };
                let node = registration::register(&self.store, &host.context.options, &version).await?;
                host.note_registered(&node);
                host.note_cordon(&node);
                host.context.events.add(&node, vec![starting()]);
                self.agenda.add(lease::key(&name), self.store.clock().now());
            }
            self.is_registered = true;
        }
        Ok(())
    }

    /// Works until `stop` is cancelled. Pods are left as they are.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if self.work().await {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.idle() => {}
            }
        }
        self.recorder.finish().await;
    }

    /// Does everything that is due now, as often as it is due again; returns when the next thing is due
    /// if nothing changes before. A simulation may drive a node with this, or with [`Agent::work`].
    pub async fn step(&mut self) -> Option<Timestamp> {
        while self.work().await {}
        self.next_due()
    }

    /// When the next pod is due if nothing changes before; `None` if none waits for a time.
    pub fn next_due(&self) -> Option<Timestamp> {
        match self.watch {
            Some(_) => self.agenda.next(),
            None => Some(self.now() + RETRY),
        }
    }

    /// Looks at every pod again, as it does when events were lost.
    pub fn start_over(&mut self) {
        if self.watch.is_some() {
            self.look_at_everything();
        }
    }

    /// Takes in that the runtime names a pod as changed.
    pub fn note_changed(&mut self, pod_uid: &str) {
        if let Some(key) = self.keys.get(pod_uid) {
            self.agenda.add(key.clone(), self.now());
        }
    }

    /// Gives the next pod that is due its turn, as far as that is possible without waiting; false if
    /// none is due.
    pub async fn work(&mut self) -> bool {
        if self.watch.is_none() && !self.begin().await {
            return false;
        }
        self.collect();
        while let Some(Some(done)) = self.running.next().now_or_never() {
            self.take_in(done);
        }
        let next = self.agenda.take(self.now());
        match &next {
            Some(key) if key.kind == Kind::Node => self.look_at_node(&key.name),
            Some(key) if key.kind == Kind::Lease => self.renew(&key.name),
            Some(key) => self.attend(key),
            None => {}
        }
        self.recorder.catch_up();
        next.is_some()
    }

    fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    /// Registers the nodes, looks at every pod, and asks the runtime what is left from before.
    async fn begin(&mut self) -> bool {
        if let Err(error) = self.register().await {
            warn!(%error, "cannot register the nodes; will try again");
            return false;
        }
        self.reserve_addresses();
        self.look_at_everything();
        let (runtime, clock) = (self.runtime.clone(), self.store.clock().clone());
        self.start(async move {
            loop {
                match runtime.sandboxes().await {
                    Ok(uids) => return Done::Found(uids),
                    Err(error) => warn!(%error, "cannot list the runtime's pods; will try again"),
                }
                clock.sleep(RETRY).await;
            }
        });
        true
    }

    /// Addresses that pods of these nodes have are taken before any is given.
    fn reserve_addresses(&mut self) {
        for object in self.store.list(Kind::Pod, None).objects {
            let Some(pod) = object.get::<Pod>() else { continue };
            if let Some(host) = self.hosts.of_mut(pod) {
                host.reserve(&object, pod);
            }
        }
    }

    fn look_at_everything(&mut self) {
        let store = &self.store;
        let listing = store.list(Kind::Pod, None);
        self.watch = Some(store.watch(Interest::in_kinds(&KINDS), listing.revision));
        let now = self.now();
        for name in self.hosts.names() {
            self.agenda.add(registration::key(&name), now);
        }
        let present = listing.objects.iter().map(|object| object.key().clone());
        let known = self.pods.keys().cloned();
        present.chain(known).for_each(|key| self.agenda.add(key, now));
    }

    /// Takes the events in that are there, without waiting.
    fn collect(&mut self) {
        while let Some(watch) = &mut self.watch {
            match watch.ready() {
                Ok(events) if events.is_empty() => return,
                Ok(events) => self.note(&events),
                Err(gone) => self.tell_and_start_over(gone),
            }
        }
    }

    fn tell_and_start_over(&mut self, gone: Gone) {
        debug!(%gone, "events were lost; looking at every pod");
        self.look_at_everything();
    }

    fn note(&mut self, events: &[Event]) {
        let now = self.now();
        for key in events.iter().map(|event| event.object.key()) {
            match key.kind {
                Kind::Node | Kind::Pod => self.agenda.add(key.clone(), now),
                _ => self.waiting.pods(key).for_each(|pod| self.agenda.add(pod.clone(), now)),
            }
        }
    }

    /// Gives a pod its turn, unless it has one.
    fn attend(&mut self, key: &ObjectKey) {
        let object = self.store.get(key);
        if self.is_put_off(key, object.as_ref()) {
            return;
        }
        let Some(slot) = self.pods.get_mut(key) else {
            let Some(object) = object else { return };
            let Some(worker) = object.get::<Pod>().and_then(|pod| self.admit(&object, pod)) else { return };
            return self.turn(key, Box::new(worker), object);
        };
        let Some(worker) = slot.worker.take() else {
            slot.is_due_again = true;
            return;
        };
        match object.filter(|object| object.uid() == slot.uid) {
            Some(object) => self.turn(key, worker, object),
            None => self.remove(key),
        }
    }

    /// A worker for a pod, if it is one of these nodes'.
    fn admit(&mut self, object: &Object, pod: &Pod) -> Option<PodWorker> {
        let (key, uid) = (object.key().clone(), object.uid().to_owned());
        let host = self.hosts.of_mut(pod)?;
        let node = host.context.options.name.clone();
        self.keys.insert(uid.clone(), key.clone());
        let worker = PodWorker::admit(&host.context, object, pod, host.held(&uid));
        self.pods.insert(key, Slot::new(uid, node));
        Some(worker)
    }

    /// The node on which the pod of this key is at work.
    fn host_of(&mut self, key: &ObjectKey) -> Option<&mut Host> {
        self.hosts.get_mut(&self.pods.get(key)?.node)
    }

    fn turn(&mut self, key: &ObjectKey, mut worker: Box<PodWorker>, object: Object) {
        let Some(host) = self.host_of(key) else { return };
        let grant = host.grant(&worker, &object);
        let (context, key) = (host.context.clone(), key.clone());
        self.start(async move {
            let turn = worker.turn(&context, &object, grant).await;
            Done::Turned(key, worker, turn)
        });
    }

    /// Removes what is left of a pod whose object is gone.
    fn remove(&mut self, key: &ObjectKey) {
        let Some(slot) = self.pods.get(key) else { return };
        let (runtime, clock) = (self.runtime.clone(), self.store.clock().clone());
        let (key, uid) = (key.clone(), slot.uid.clone());
        self.start(async move {
            remove_remains(&*runtime, &clock, &uid).await;
            Done::Removed(key, uid)
        });
    }

    /// Does it at once, or goes on with it whenever it can go on.
    fn start(&mut self, work: impl Future<Output = Done> + Send + 'static) {
        let mut work = work.boxed();
        match (&mut work).now_or_never() {
            Some(done) => self.take_in(done),
            None => self.running.push(work),
        }
    }

    fn take_in(&mut self, done: Done) {
        match done {
            Done::Turned(key, worker, turn) => self.turned(key, worker, turn),
            Done::Probed(key, probing, reply) => self.probed(key, probing, reply),
            Done::Removed(key, uid) => self.removed(key, &uid),
            Done::Found(uids) => self.remove_orphans(uids),
            Done::Cleaned => {}
            Done::Reported(name, outcome) => self.reported(&name, outcome),
            Done::Renewed(node, Err(error)) => debug!(node, %error, "cannot renew the lease"),
            Done::Renewed(_, Ok(())) => {}
            Done::Left(name, uid) => self.left(&name, &uid),
        }
    }

    fn turned(&mut self, key: ObjectKey, worker: Box<PodWorker>, turn: Turn) {
        let now = self.now();
        let Some(slot) = self.pods.get_mut(&key) else { return };
        let Some(host) = self.hosts.get_mut(&slot.node) else { return };
        host.note_waiting(&key, worker.wants_address());
        slot.worker = Some(worker);
        slot.take_answers(&host.context);
        let is_due_again = std::mem::take(&mut slot.is_due_again);
        for probing in turn.probes {
            self.probe(key.clone(), probing);
        }
        self.waiting.set(&key, turn.awaited.keys());
        // What was awaited may have come while the turn was under way.
        let present = |key: &ObjectKey| self.store.get(key).map(|object| object.revision());
        if is_due_again || turn.awaited.has_changed(present) {
            self.agenda.add(key.clone(), now);
        }
        if let Some(error) = turn.error {
            if error.is_conflict() || error.is_not_found() {
                debug!(%key, %error, "will look at the pod again");
            } else {
                warn!(%key, %error, "will look at the pod again");
            }
            self.agenda.add(key.clone(), now + RETRY);
        }
        if let Some(due) = turn.due {
            self.agenda.add(key, due);
        }
    }

    fn probe(&mut self, key: ObjectKey, probing: Probing) {
        let Some(host) = self.host_of(&key) else { return };
        let context = host.context.clone();
        self.start(async move {
            let reply = probe(&context, &probing).await;
            if let Err(error) = &reply {
                debug!(%key, container = probing.container, %error, "cannot probe the container");
            }
            Done::Probed(key, probing, reply.ok())
        });
    }

    fn probed(&mut self, key: ObjectKey, probing: Probing, reply: Option<ProbeReply>) {
        let now = self.now();
        let Some(slot) = self.pods.get_mut(&key).filter(|slot| slot.uid == probing.object.uid()) else {
            return;
        };
        slot.answers.push((probing, reply));
        if let Some(host) = self.hosts.get(&slot.node) {
            slot.take_answers(&host.context);
        }
        self.agenda.add(key, now);
    }

    fn removed(&mut self, key: ObjectKey, uid: &str) {
        let node = self.pods.remove(&key).map(|slot| slot.node).unwrap_or_default();
        self.keys.remove(uid);
        self.waiting.set(&key, std::iter::empty());
        if let Some(host) = self.hosts.get_mut(&node) {
            host.note_waiting(&key, false);
        }
        self.left(&node, uid);
        let now = self.now();
        // Another pod of that name may have come meanwhile.
        self.agenda.add(key, now);
    }

    /// Removes what the runtime has of pods that are gone.
    fn remove_orphans(&mut self, uids: Vec<String>) {
        let pods = self.store.list(Kind::Pod, None).objects;
        let present: BTreeSet<&str> = pods.iter().map(Object::uid).collect();
        for uid in uids {
            if present.contains(uid.as_str()) || self.keys.contains_key(&uid) {
                continue;
            }
            let (runtime, clock) = (self.runtime.clone(), self.store.clock().clone());
            self.start(async move {
                remove_remains(&*runtime, &clock, &uid).await;
                Done::Cleaned
            });
        }
    }

    /// Waits for an event, a change in the runtime, the next pod's time, or something under way.
    async fn idle(&mut self) {
        let clock = self.store.clock().clone();
        let Some(watch) = &mut self.watch else { return clock.sleep(RETRY).await };
        let latest = clock.now() + SLEEP_MAX;
        let wake = self.agenda.next().map_or(latest, |next| next.min(latest));
        tokio::select! {
            events = watch.next() => match events {
                Ok(events) => self.note(&events),
                Err(gone) => self.tell_and_start_over(gone),
            },
            uid = self.runtime.changed() => self.note_changed(&uid),
            Some(done) = self.running.next(), if !self.running.is_empty() => self.take_in(done),
            () = self.recorder.progress() => {}
            () = clock.sleep_until(wake) => {}
        }
    }
}

mod nodes;

#[cfg(test)]
mod tests;
