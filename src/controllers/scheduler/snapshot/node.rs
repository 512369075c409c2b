//! A node with the pods that count against it, and what they take of it.

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::api::core::v1::{Node, Taint};

use super::pod::PodInfo;
use super::ports::Ports;
use super::resources::Resources;
use crate::machinery::selector::Labels;
use crate::objects::quantity::Amount;
use crate::objects::{Object, ObjectKey};

/// A node and its pods. Pods may be bound to a node that is not there.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct NodeInfo {
    /// The Node object.
    pub(in super::super) object: Option<Object>,
    /// What its pods may request together; nothing if the node does not say.
    pub(in super::super) allocatable: Resources,
    /// How many pods it takes.
    pub(in super::super) pods_max: i128,
    /// What its pods take.
    pub(in super::super) usage: Usage,
    /// The pods that are bound to it and have not ended, and those that soon will be bound.
    pub(in super::super) pods: HashMap<ObjectKey, PodInfo>,
}

/// What pods take of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Usage {
    pub(in super::super) requested: Resources,
    /// As scores count it.
    pub(in super::super) scored: Resources,
    pub(in super::super) n_pods: i128,
    pub(in super::super) ports: Ports,
}

impl Usage {
    /// Counts a pod.
    pub(in super::super) fn add(&mut self, pod: &PodInfo) {
        self.requested.add(&pod.demand.requested, 1);
        self.scored.add(&pod.demand.scored, 1);
        self.n_pods += 1;
        self.ports.add(&pod.demand.ports);
    }

    /// Counts a pod no longer.
    pub(in super::super) fn remove(&mut self, pod: &PodInfo) {
        self.requested.add(&pod.demand.requested, -1);
        self.scored.add(&pod.demand.scored, -1);
        self.n_pods -= 1;
        self.ports.remove(&pod.demand.ports);
    }
}

impl NodeInfo {
    /// Takes in the Node object, or that there is none.
    pub(in super::super) fn set(&mut self, object: Option<Object>) {
        let allocatable =
            object.as_ref().and_then(|object| object.get::<Node>()?.status.as_ref()?.allocatable.as_ref());
        self.allocatable = Resources::of(allocatable);
        let pods = allocatable.and_then(|list| Amount::parse(&list.get("pods")?.0).ok());
        self.pods_max = pods.map_or(0, Amount::ceil).into();
        self.object = object;
    }

    /// The name of the node, empty if there is none.
    pub(in super::super) fn name(&self) -> &str {
        self.object.as_ref().map_or("", Object::name)
    }

    /// The labels of the node.
    pub(in super::super) fn labels(&self) -> Option<&Labels> {
        self.object.as_ref()?.meta().labels.as_ref()
    }

    /// The value of a label.
    pub(in super::super) fn label(&self, key: &str) -> Option<&str> {
        self.labels()?.get(key).map(String::as_str)
    }

    /// The taints of the node.
    pub(in super::super) fn taints(&self) -> &[Taint] {
        let spec = self.object.as_ref().and_then(|object| object.get::<Node>()?.spec.as_ref());
        spec.and_then(|spec| spec.taints.as_deref()).unwrap_or_default()
    }

    /// Whether it is cordoned.
    pub(in super::super) fn is_unschedulable(&self) -> bool {
        let spec = self.object.as_ref().and_then(|object| object.get::<Node>()?.spec.as_ref());
        spec.is_some_and(|spec| spec.unschedulable == Some(true))
    }

    /// Counts a pod, in the place of an earlier version of it.
    pub(in super::super) fn add(&mut self, pod: PodInfo) {
        self.remove(pod.object.key());
        self.usage.add(&pod);
        self.pods.insert(pod.object.key().clone(), pod);
    }

    /// Counts a pod no longer.
    pub(in super::super) fn remove(&mut self, key: &ObjectKey) -> Option<PodInfo> {
        let pod = self.pods.remove(key)?;
        self.usage.remove(&pod);
        Some(pod)
    }
}

/// Nodes by their names, in their order.
pub(in super::super) type Nodes = BTreeMap<String, NodeInfo>;

/// The nodes that there are.
pub(in super::super) fn present(nodes: &Nodes) -> impl Iterator<Item = &NodeInfo> {
    nodes.values().filter(|node| node.object.is_some())
}
