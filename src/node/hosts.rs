//! The nodes that one agent serves: the context and the addresses of each, and whether it is down.
//!
//! One agent serves all nodes of a cluster, since they share its task and its runtime; a watch and a
//! task each would cost every node a look at every pod.
//!
//! A node is taken down by an annotation of its Node object, as if it had lost its network: nothing is
//! begun, confirmed or reported for its pods, and its lease runs out. When the annotation is removed
//! it reports itself ready first and then goes on with its pods where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod};
use tracing::warn;

use super::addresses::Addresses;
use super::context::Context;
use super::pod::{AddressGrant, PodWorker};
use super::recorder::{PodEvent, status_is_now};
use crate::objects::{Object, ObjectKey, pod};

/// One node.
pub(super) struct Host {
    pub(super) context: Arc<Context>,
    addresses: Addresses,
    without_address: BTreeSet<ObjectKey>,
    /// The uid of its Node object when it last reported itself.
    registered: Option<String>,
    is_down: bool,
    /// Whether it was cordoned when that was last told.
    is_cordoned: Option<bool>,
    /// What came up about its pods while it was down.
    put_off: BTreeSet<ObjectKey>,
    /// Pods that it still runs and whose place another node's pod has taken.
    replaced: BTreeSet<String>,
}

/// What a node that is up again has to see to.
pub(super) struct Arrears {
    /// Pods that want a turn.
    pub(super) pods: BTreeSet<ObjectKey>,
    /// Pods of which it removes what is left, by uid.
    pub(super) replaced: BTreeSet<String>,
}

/// The annotation of a Node object that takes the node down while it is "true".
const DOWN: &str = "simulated.dullahan.dev/down";

/// Whether a Node object says that its node is down.
pub(super) fn is_taken_down(node: &Object) -> bool {
    let annotations = node.meta().annotations.as_ref();
    annotations.and_then(|annotations| annotations.get(DOWN)).is_some_and(|value| value == "true")
}

/// All of them, by name.
pub(super) struct Hosts(BTreeMap<String, Host>);

impl Hosts {
    pub(super) fn new(contexts: impl Iterator<Item = Context>) -> Self {
        let host = |context: Context| (context.options.name.clone(), Host::new(context));
        Self(contexts.map(host).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Host> {
        self.0.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Host> {
        self.0.get_mut(name)
    }

    /// The names, in order.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// The node of a pod, if it is one of these.
    pub(super) fn of_mut(&mut self, pod: &Pod) -> Option<&mut Host> {
        self.get_mut(pod::node_name(pod)?)
    }
}

impl Host {
    fn new(context: Context) -> Self {
        let addresses = Addresses::new(&context.options.pod_networks);
        Self {
            context: Arc::new(context),
            addresses,
            without_address: BTreeSet::new(),
            registered: None,
            is_down: false,
            is_cordoned: None,
            put_off: BTreeSet::new(),
            replaced: BTreeSet::new(),
        }
    }

    /// Takes in its Node object, if there is one; true if the node must report itself.
    pub(super) fn note_node(&mut self, node: Option<&Object>) -> bool {
        let Some(node) = node else { return false };
        if is_taken_down(node) {
            self.is_down = true;
            return false;
        }
        self.is_down || self.registered.as_deref() != Some(node.uid())
    }

    /// What is to be told of its Node object: that it was cordoned, or is no longer. A node that is down
    /// tells it when it is back.
    pub(super) fn note_cordon(&mut self, node: &Object) -> Option<PodEvent> {
        if is_taken_down(node) {
            return None;
        }
        let spec = node.get::<Node>().and_then(|node| node.spec.as_ref());
        let is_cordoned = spec.and_then(|spec| spec.unschedulable) == Some(true);
        let before = self.is_cordoned.replace(is_cordoned)?;
        let reason = if is_cordoned { "NodeNotSchedulable" } else { "NodeSchedulable" };
        (before != is_cordoned).then(|| status_is_now(&self.context.options.name, reason))
    }

    /// Takes in that the node has reported itself with this Node object.
    pub(super) fn note_registered(&mut self, node: &Object) -> Arrears {
        self.registered = Some(node.uid().to_owned());
        self.is_down = is_taken_down(node);
        if self.is_down {
            return Arrears { pods: BTreeSet::new(), replaced: BTreeSet::new() };
        }
        Arrears { pods: std::mem::take(&mut self.put_off), replaced: std::mem::take(&mut self.replaced) }
    }

    pub(super) fn is_down(&self) -> bool {
        self.is_down
    }

    /// Looks at a pod once the node is up again.
    pub(super) fn put_off(&mut self, key: &ObjectKey) {
        self.put_off.insert(key.clone());
    }

    /// Removes what is left of a pod once the node is up again.
    pub(super) fn put_off_removal(&mut self, uid: &str) {
        self.replaced.insert(uid.to_owned());
    }

    /// Takes the addresses that a pod has before any is given.
    pub(super) fn reserve(&mut self, object: &Object, pod: &Pod) {
        let is_on_host = pod.spec.as_ref().is_some_and(pod::uses_host_network);
        let ips = pod.status.as_ref().and_then(|status| status.pod_ips.as_deref()).unwrap_or_default();
        let addresses: Vec<IpAddr> = ips.iter().filter_map(|ip| ip.ip.parse().ok()).collect();
        if is_on_host || addresses.is_empty() {
            return;
        }
        if !self.addresses.reserve(object.uid(), &addresses) {
            warn!(pod = %object.key(), ?addresses, "the pod's address is another pod's; it gets a new one");
        }
    }

    /// The addresses of a pod; empty if it has none.
    pub(super) fn held(&self, uid: &str) -> Vec<IpAddr> {
        self.addresses.held(uid)
    }

    /// The addresses that a pod needs now.
    pub(super) fn grant(&mut self, worker: &PodWorker, object: &Object) -> AddressGrant {
        if !worker.wants_address() || object.is_terminating() {
            return AddressGrant::NotWanted;
        }
        let spec = object.get::<Pod>().and_then(|pod| pod.spec.as_ref());
        if spec.is_some_and(pod::uses_host_network) {
            return AddressGrant::Given(vec![self.context.options.address]);
        }
        let given = self.addresses.take(object.uid());
        given.map_or_else(|| AddressGrant::Exhausted(self.addresses.full_networks()), AddressGrant::Given)
    }

    /// Remembers whether a pod waits for an address.
    pub(super) fn note_waiting(&mut self, key: &ObjectKey, is_waiting: bool) {
        if is_waiting {
            self.without_address.insert(key.clone());
        } else {
            self.without_address.remove(key);
        }
    }

    /// Frees the addresses of a pod that is gone; returns a pod that waits for one.
    pub(super) fn free(&mut self, uid: &str) -> Option<ObjectKey> {
        self.addresses.free(uid);
        self.without_address.pop_first()
    }
}
