//! The controller: which events concern which nodes, and one reconcile of a node.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod, Taint};

use super::eviction::{Evicting, due};
use super::health::{Pulse, is_ready, lost, pulse};
use super::index::{PodsByNode, node_of};
use super::taints::wanted;
use super::{act, collection};
use crate::clock::{Timestamp, until};
use crate::controllers::controller::{Controller, Next, ReconcileError};
use crate::controllers::informer::Informer;
use crate::objects::taint::NO_EXECUTE;
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{Change, Event, Interest, Store, StoreError};

/// How long a node may be silent (`--node-monitor-grace-period`).
pub const GRACE: Duration = Duration::from_secs(50);
/// How long the object of a node must be gone before its pods are orphans (`quarantineTime` of the pod
/// garbage collector): it may have been deleted to be created again.
const QUARANTINE: Duration = Duration::from_secs(40);
/// The namespace of the leases of nodes.
const LEASES: &str = "kube-node-lease";

/// Follows the nodes of the cluster.
pub struct NodeLifecycle {
    grace: Duration,
    pods: Informer<PodsByNode>,
    /// The uids of the nodes that were seen, by name.
    known: HashMap<String, String>,
    /// The nodes whose pods need a look: silent, tainted `NoExecute`, or gone.
    troubled: HashMap<String, Trouble>,
}

/// What is remembered of a node whose pods need a look.
#[derive(Default)]
struct Trouble {
    /// When taints were first seen that do not say when they were added.
    seen: HashMap<(String, Option<String>), Timestamp>,
    /// Pods that must go later.
    condemned: BTreeSet<ObjectKey>,
    /// When its object was first missed.
    missed_at: Option<Timestamp>,
}

impl NodeLifecycle {
    /// A controller for which a node is lost after so long a silence.
    pub fn new(grace: Duration) -> Self {
        Self { grace, pods: Informer::default(), known: HashMap::new(), troubled: HashMap::new() }
    }
}

#[async_trait]
impl Controller for NodeLifecycle {
    fn name(&self) -> &'static str {
        act::COMPONENT
    }

    /// Leases are read, not watched: they change all the time, and silence is no event.
    fn interest(&self) -> Interest {
        Interest::in_kinds(&[Kind::Node, Kind::Pod])
    }

    fn concerned(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        let object = &event.object;
        if object.kind() == Kind::Node {
            return vec![object.key().clone()];
        }
        let Some(node) = node_of(object) else { return Vec::new() };
        let key = ObjectKey::new(Kind::Node, "", node);
        let is_new_there =
            event.change != Change::Deleted && event.previous.as_ref().and_then(node_of) != Some(node);
        let is_wanted = self.troubled.contains_key(node) || (is_new_there && store.get(&key).is_none());
        Vec::from_iter(is_wanted.then_some(key))
    }

    fn all(&mut self, store: &Store) -> Vec<ObjectKey> {
        let mut names: BTreeSet<String> = self.pods.current(store).nodes().map(str::to_owned).collect();
        names.extend(store.list(Kind::Node, None).objects.iter().map(|node| node.name().to_owned()));
        names.iter().map(|name| ObjectKey::new(Kind::Node, "", name)).collect()
    }

    async fn reconcile(&mut self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError> {
        let now = store.clock().now();
        let due = match store.get(key) {
            Some(object) => {
                let before = self.known.insert(key.name.clone(), object.uid().to_owned());
                if before.as_deref() != Some(object.uid()) {
                    act::welcome(store, &object).await;
                }
                self.follow(store, &object, now).await?
            }
            None => {
                self.known.remove(&key.name);
                self.miss(store, &key.name, now).await?
            }
        };
        Ok(due.map_or(Next::OnChange, |due| Next::After(until(now, due))))
    }
}

impl NodeLifecycle {
    /// Brings a node's conditions, taints and pods nearer to what follows from its pulse; returns when
    /// to look again.
    async fn follow(
        &mut self,
        store: &Store,
        object: &Object,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(node) = object.get::<Node>() else { return Ok(None) };
        let lease = store.find::<Lease>(LEASES, object.name());
        let lease = lease.as_ref().and_then(|lease| lease.get::<Lease>());
        let pulse = pulse(node, lease, self.grace, now);
        if pulse == Pulse::Lost
            && let Some(conditions) = lost(node, now)
        {
            act::mark_lost(store, object, conditions, is_ready(node)).await?;
        }
        let Some(object) = store.get(object.key()) else { return Ok(None) };
        if object.get::<Node>().is_some_and(|node| wanted(node, now).is_some()) {
            act::set_taints(store, &object, |node| wanted(node, now)).await?;
        }
        let Some(object) = store.get(object.key()) else { return Ok(None) };
        let evicted = self.attend_to_pods(store, &object, pulse == Pulse::Lost, now).await?;
        let lost_at = match pulse {
            Pulse::Until(lost_at) => Some(lost_at),
            Pulse::Lost => None,
        };
        Ok([lost_at, evicted].into_iter().flatten().min())
    }

    /// Sees to the pods of a node that is lost or evicts; returns when the next pod must go.
    async fn attend_to_pods(
        &mut self,
        store: &Store,
        object: &Object,
        is_lost: bool,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(node) = object.get::<Node>() else { return Ok(None) };
        let taints: Vec<&Taint> = node
            .spec
            .iter()
            .flat_map(|spec| spec.taints.iter().flatten())
            .filter(|taint| taint.effect == NO_EXECUTE)
            .collect();
        if !is_lost && is_ready(node) && taints.is_empty() && !self.troubled.contains_key(object.name()) {
            return Ok(None);
        }
        let trouble = self.troubled.entry(object.name().to_owned()).or_default();
        trouble.missed_at = None;
        let taints = trouble.evicting(&taints, now);
        let before = std::mem::take(&mut trouble.condemned);
        let mut next: Option<Timestamp> = None;
        for key in self.pods.current(store).on(object.name()) {
            let Some(object) = store.get(&key) else { continue };
            let Some(pod) = object.get::<Pod>() else { continue };
            if is_lost {
                act::mark_not_ready(store, &object).await?;
            }
            if let Some(cause) = collection::cause(pod, Some(node)) {
                act::remove(store, &object, cause).await?;
            } else if let Some(due) = trouble.judge(store, &object, pod, (&taints, &before), now).await? {
                next = Some(next.map_or(due, |next| next.min(due)));
            }
        }
        if !is_lost && is_ready(node) && taints.is_empty() {
            self.troubled.remove(object.name());
        }
        Ok(next)
    }

    /// Removes the pods of a node whose object stays away; returns when to look again.
    async fn miss(
        &mut self,
        store: &Store,
        node: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let pods = self.pods.current(store).on(node);
        if pods.is_empty() {
            self.troubled.remove(node);
            return Ok(None);
        }
        let trouble = self.troubled.entry(node.to_owned()).or_default();
        let orphaned_at = *trouble.missed_at.get_or_insert(now) + QUARANTINE;
        if now < orphaned_at {
            return Ok(Some(orphaned_at));
        }
        for object in pods.iter().filter_map(|key| store.get(key)) {
            let Some(cause) = object.get::<Pod>().and_then(|pod| collection::cause(pod, None)) else {
                continue;
            };
            act::remove(store, &object, cause).await?;
        }
        Ok(None)
    }
}

impl Trouble {
    /// The taints with the instants they count from.
    fn evicting(&mut self, taints: &[&Taint], now: Timestamp) -> Vec<Evicting> {
        let name = |taint: &Taint| (taint.key.clone(), taint.value.clone());
        self.seen.retain(|seen, _| taints.iter().any(|taint| name(taint) == *seen));
        let since = |taint: &&Taint| {
            let seen = *self.seen.entry(name(taint)).or_insert(now);
            Evicting {
                taint: (*taint).clone(),
                since: taint.time_added.as_ref().map_or(seen, |added| added.0),
            }
        };
        taints.iter().map(since).collect()
    }

    /// Evicts the pod if it must go; returns when it must if that is later. `before` are those that had
    /// to go later when it was last asked.
    async fn judge(
        &mut self,
        store: &Store,
        object: &Object,
        pod: &Pod,
        (taints, before): (&[Evicting], &BTreeSet<ObjectKey>),
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        if object.is_terminating() {
            return Ok(None);
        }
        match due(pod, taints) {
            Some(due) if due <= now => act::evict(store, object).await.map(|()| None),
            Some(due) => {
                self.condemned.insert(object.key().clone());
                Ok(Some(due))
            }
            None => {
                if before.contains(object.key()) {
                    act::spare(store, object).await;
                }
                Ok(None)
            }
        }
    }
}
