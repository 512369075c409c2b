//! The nodes that one agent serves: the context, the addresses and the lost pods of each.
//!
//! One agent serves all nodes of a cluster, since they share its task and its runtime; a watch and a
//! task each would cost every node a look at every pod.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Pod, PodSpec};
use tracing::warn;

use super::addresses::Addresses;
use super::context::Context;
use super::pod::AddressGrant;
use crate::objects::{Object, ObjectKey, pod};

/// One node.
pub(super) struct Host {
    pub(super) context: Arc<Context>,
    addresses: Addresses,
    without_address: BTreeSet<ObjectKey>,
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
        Self { context: Arc::new(context), addresses, without_address: BTreeSet::new() }
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

    /// Addresses for a pod that wants some.
    pub(super) fn grant(&mut self, uid: &str, spec: Option<&PodSpec>) -> AddressGrant {
        if spec.is_some_and(pod::uses_host_network) {
            return AddressGrant::Given(vec![self.context.options.address]);
        }
        let given = self.addresses.take(uid);
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
    pub(super) fn free(&mut self, key: &ObjectKey, uid: &str) -> Option<ObjectKey> {
        self.without_address.remove(key);
        self.addresses.free(uid);
        self.without_address.pop_first()
    }
}
