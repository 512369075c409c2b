//! What the agent does for its nodes themselves: reports, leases, and what waits while one is down.

use k8s_openapi::api::core::v1::Pod;
use tracing::warn;

use super::{Agent, Done, RETRY};
use crate::node::pod::remove_remains;
use crate::node::{lease, registration};
use crate::objects::{Object, ObjectKey, pod};
use crate::store::StoreError;

impl Agent {
    /// A node that comes back, or whose Node object is new, reports itself.
    pub(super) fn look_at_node(&mut self, name: &str) {
        let object = self.store.get(&registration::key(name));
        let Some(host) = self.hosts.get_mut(name) else { return };
        if let Some(node) = &object {
            let told = host.note_cordon(node);
            host.context.events.add(node, told.into_iter().collect());
        }
        if host.note_node(object.as_ref()) {
            let (context, name) = (host.context.clone(), name.to_owned());
            self.start(async move {
                let version = context.runtime.version();
                Done::Reported(name, registration::register(&context.store, &context.options, &version).await)
            });
        }
    }

    pub(super) fn reported(&mut self, name: &str, outcome: Result<Object, StoreError>) {
        let now = self.now();
        let Some(host) = self.hosts.get_mut(name) else { return };
        let arrears = match outcome {
            Ok(node) => host.note_registered(&node),
            Err(error) => {
                warn!(node = name, %error, "cannot report the node; will try again");
                return self.agenda.add(registration::key(name), now + RETRY);
            }
        };
        self.agenda.add(lease::key(name), now);
        arrears.pods.into_iter().for_each(|key| self.agenda.add(key, now));
        for uid in arrears.replaced {
            let (runtime, clock) = (self.runtime.clone(), self.store.clock().clone());
            let name = name.to_owned();
            self.start(async move {
                remove_remains(&*runtime, &clock, &uid).await;
                Done::Left(name, uid)
            });
        }
    }

    /// Renews the lease of a node that is up and has one.
    pub(super) fn renew(&mut self, name: &str) {
        let Some(host) = self.hosts.get(name).filter(|host| !host.is_down()) else { return };
        let Some(every) = host.context.options.renews_lease_every else { return };
        self.agenda.add(lease::key(name), self.now() + every);
        let (store, name) = (self.store.clone(), name.to_owned());
        self.start(async move {
            let renewed = lease::renew(&store, &name, every).await;
            Done::Renewed(name, renewed)
        });
    }

    /// Whether the pod must wait until its node is up again.
    pub(super) fn is_put_off(&mut self, key: &ObjectKey, object: Option<&Object>) -> bool {
        let pod = object.and_then(|object| object.get::<Pod>());
        let Some(slot) = self.pods.get(key) else {
            let Some(host) = pod.and_then(|pod| self.hosts.of_mut(pod)).filter(|host| host.is_down()) else {
                return false;
            };
            host.put_off(key);
            return true;
        };
        let Some(host) = self.hosts.get_mut(&slot.node).filter(|host| host.is_down()) else { return false };
        let is_moved = pod.is_some_and(|pod| pod::node_name(pod).is_some_and(|node| node != slot.node));
        if slot.worker.is_none() || !is_moved {
            host.put_off(key);
            return true;
        }
        host.put_off_removal(&slot.uid);
        self.keys.remove(&slot.uid);
        self.pods.remove(key);
        false
    }

    /// Frees the addresses of a pod of which nothing is left on its node.
    pub(super) fn left(&mut self, node: &str, uid: &str) {
        let now = self.now();
        if let Some(next) = self.hosts.get_mut(node).and_then(|host| host.free(uid)) {
            self.agenda.add(next, now);
        }
    }
}
