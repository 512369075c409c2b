//! The scheduler as a controller: which events concern which pods, and one reconcile.
//!
//! A key stands for work to do, not for the pod that is worked on: each reconcile looks at the most
//! important pod that is due, whosever key it was called for. A pod whose write has failed is looked at
//! under its own key only, after its back-off, so that it is in nobody's way.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Node, Pod};
use tracing::debug;

use super::active::Active;
use super::attempt::{Outcome, attempt};
use super::bind::{COMPONENT, bind, hold, refuse, select_node};
use super::claims::{default_selector, mounted};
use super::filter::Plugin;
use super::hint::{Happening, may_help};
use super::snapshot::{PodInfo, Snapshot, counts, is_waiting};
use crate::controllers::controller::{Controller, Next, ReconcileError};
use crate::controllers::informer::Informer;
use crate::objects::{Kind, Object, ObjectKey, pod as words};
use crate::store::{Change, Event, Interest, Store, StoreError};

/// The `schedulerName` of the pods that are scheduled here.
const SCHEDULER: &str = "default-scheduler";

/// Binds pods to nodes.
#[derive(Default)]
pub struct Scheduler {
    snapshot: Informer<Snapshot>,
    /// Pods to look at; each has its key in the queue.
    active: Active,
    /// Pods that no node took, with the filters that rejected them.
    refused: HashMap<ObjectKey, BTreeSet<Plugin>>,
    /// Pods whose last write has failed.
    failing: HashSet<ObjectKey>,
    /// The nodes of pods that wait for their claims only.
    chosen: HashMap<ObjectKey, String>,
}

impl Scheduler {
    /// A scheduler for all nodes of the cluster.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes waiting pods active; returns the keys of those that are.
    fn wake(&mut self, store: &Store, keys: Vec<ObjectKey>) -> Vec<ObjectKey> {
        let snapshot = self.snapshot.current(store);
        let mut woken = Vec::new();
        for key in keys {
            if let Some(pod) = snapshot.waiting.get(&key) {
                self.active.add(pod);
                woken.push(key);
            }
        }
        woken
    }

    /// The refused pods that a change may help.
    fn helped_by(&mut self, store: &Store, happening: Happening<'_>) -> Vec<ObjectKey> {
        let snapshot = self.snapshot.current(store);
        let is_helped = |(key, plugins): &(&ObjectKey, &BTreeSet<Plugin>)| {
            snapshot.waiting.get(key).is_some_and(|pod| may_help(happening, pod, plugins, snapshot))
        };
        let mut helped: Vec<ObjectKey> =
            self.refused.iter().filter(is_helped).map(|(key, _)| key.clone()).collect();
        helped.sort();
        helped
    }

    fn concerned_by_pod(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        let (object, previous) = (&event.object, event.previous.as_ref());
        if event.change != Change::Deleted && is_waiting(object) {
            let is_news = previous.is_none_or(|previous| !is_same_wish(previous, object));
            return if is_news { vec![object.key().clone()] } else { Vec::new() };
        }
        self.refused.remove(object.key());
        self.failing.remove(object.key());
        let chosen = self.chosen.remove(object.key());
        if self.refused.is_empty() {
            return Vec::new();
        }
        let now = Some(object).filter(|object| event.change != Change::Deleted && counts(object));
        let before = previous.filter(|previous| counts(previous));
        let is_same = now.zip(before).is_some_and(|(now, before)| {
            now.is_terminating() == before.is_terminating() && now.meta().labels == before.meta().labels
        });
        if is_same {
            return Vec::new();
        }
        let mut helped = match before.or(previous).and_then(|previous| PodInfo::new(previous, None)) {
            Some(pod) => self.helped_by_leaving(store, &pod, chosen),
            None => Vec::new(),
        };
        if let Some(pod) = now.and_then(|now| PodInfo::new(now, None)) {
            helped.extend(self.helped_by(store, Happening::Came(&pod)));
        }
        helped
    }

    /// The refused pods that may be helped because a pod is gone from its node, or from the one that was
    /// chosen for it or that it was nominated to.
    fn helped_by_leaving(&mut self, store: &Store, pod: &PodInfo, chosen: Option<String>) -> Vec<ObjectKey> {
        let node = words::node_name(pod.pod()).or(chosen.as_deref()).or(pod.nominated_node());
        let Some(node) = node.map(str::to_owned) else { return Vec::new() };
        let snapshot = self.snapshot.current(store);
        let there = snapshot.nodes.get(&node).into_iter().flat_map(|node| node.pods.values());
        let lowest_priority = there.map(|pod| pod.demand.priority).min().unwrap_or(i32::MAX);
        self.helped_by(store, Happening::Left { pod, node: &node, lowest_priority })
    }

    /// Looks for a node for a pod, if it still waits for one.
    async fn schedule(&mut self, store: &Store, key: &ObjectKey) -> Result<(), StoreError> {
        let snapshot = self.snapshot.current(store);
        snapshot.forget(key);
        let Some(pod) = snapshot.waiting.get(key).cloned() else {
            self.refused.remove(key);
            return Ok(());
        };
        match standing(&pod) {
            Stand::NotOurs => return Ok(()),
            Stand::Gated => return hold(store, &pod.object).await,
            Stand::Ready => {}
        }
        let claims = mounted(store, &pod, snapshot);
        let outcome = attempt(&pod, &claims, snapshot, |snapshot| default_selector(store, &pod, snapshot));
        match outcome {
            Outcome::Fits(node) => {
                self.refused.remove(key);
                if !claims.iter().any(|mounted| mounted.is_unbound()) {
                    return bind(store, &pod.object, &node).await;
                }
                select_node(store, &claims, &node).await?;
                self.snapshot.current(store).assume(key, &node);
                self.chosen.insert(key.clone(), node);
                Ok(())
            }
            Outcome::Refused(refusal) => {
                self.refused.insert(key.clone(), refusal.plugins.clone());
                let node = refusal.preemption.as_ref().map(|candidate| candidate.node.as_str());
                let nominated = node.into_iter().flat_map(|node| snapshot.waiting.nominated_to(node));
                let less = nominated.filter(|other| other.demand.priority < pod.demand.priority);
                let less: Vec<Object> = less.map(|other| other.object.clone()).collect();
                refuse(store, &pod.object, &refusal, &less).await
            }
        }
    }
}

/// What the scheduler has to do with a waiting pod.
enum Stand {
    /// It belongs to another scheduler.
    NotOurs,
    /// Its gates hold it.
    Gated,
    /// A node is to be found.
    Ready,
}

fn standing(pod: &PodInfo) -> Stand {
    let Some(spec) = pod.spec() else { return Stand::NotOurs };
    if spec.scheduler_name.as_deref().is_some_and(|name| !name.is_empty() && name != SCHEDULER) {
        return Stand::NotOurs;
    }
    match &spec.scheduling_gates {
        Some(gates) if !gates.is_empty() => Stand::Gated,
        _ => Stand::Ready,
    }
}

/// Whether two versions of a waiting pod ask for the same; a pod that has lost its nomination asks anew.
fn is_same_wish(before: &Object, now: &Object) -> bool {
    let (Some(old), Some(new)) = (before.get::<Pod>(), now.get::<Pod>()) else { return false };
    let is_nominated = |pod: &Pod| pod.status.as_ref().is_some_and(|one| one.nominated_node_name.is_some());
    before.uid() == now.uid()
        && before.meta().labels == now.meta().labels
        && old.spec == new.spec
        && (is_nominated(new) || !is_nominated(old))
}

/// Whether a node takes pods as before: only its heartbeats, conditions and the like have changed.
fn is_same_node(event: &Event) -> bool {
    let parts = |object: &Object| {
        let node = object.get::<Node>()?;
        let allocatable = node.status.as_ref().and_then(|status| status.allocatable.clone());
        Some((node.spec.clone(), node.metadata.labels.clone(), allocatable))
    };
    event.change == Change::Modified && event.previous.as_ref().and_then(parts) == parts(&event.object)
}

#[async_trait]
impl Controller for Scheduler {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn interest(&self) -> Interest {
        Interest::in_kinds(&[
            Kind::Pod,
            Kind::PersistentVolumeClaim,
            Kind::PersistentVolume,
            Kind::StorageClass,
            Kind::Node,
            Kind::Namespace,
        ])
    }

    fn concerned(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        let keys = match event.object.kind() {
            Kind::Pod => self.concerned_by_pod(store, event),
            Kind::PersistentVolumeClaim => self.snapshot.current(store).waiting.mounting(event.object.key()),
            _ if self.refused.is_empty() => Vec::new(),
            Kind::Node if is_same_node(event) => Vec::new(),
            Kind::Node => self.helped_by(store, Happening::Node),
            Kind::PersistentVolume => self.helped_by(store, Happening::Volume),
            Kind::StorageClass => self.helped_by(store, Happening::Class),
            Kind::Namespace => self.helped_by(store, Happening::Namespace),
            _ => Vec::new(),
        };
        if keys.is_empty() { keys } else { self.wake(store, keys) }
    }

    fn all(&mut self, store: &Store) -> Vec<ObjectKey> {
        self.active = Active::default();
        self.failing.clear();
        self.refused.clear();
        self.chosen.clear();
        let keys = self.snapshot.current(store).waiting.all();
        self.wake(store, keys)
    }

    async fn reconcile(&mut self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError> {
        let is_failing = self.failing.contains(key);
        let next = if is_failing { Some(key) } else { self.active.first() };
        let Some(next) = next.cloned() else { return Ok(Next::OnChange) };
        self.active.remove(&next);
        match self.schedule(store, &next).await {
            Ok(()) => drop(self.failing.remove(&next)),
            Err(error) if next == *key => {
                self.failing.insert(next);
                return Err(error.into());
            }
            Err(error) => {
                debug!(key = %next, %error, "could not schedule a pod; its own turn comes");
                self.failing.insert(next);
            }
        }
        let is_due = self.active.contains(key);
        Ok(if is_due { Next::After(Duration::ZERO) } else { Next::OnChange })
    }
}

#[cfg(test)]
mod tests;
