//! The node lifecycle controller: what follows from a node that is silent, tainted or gone.
//!
//! ```text
//!   node, lease, now ──► health: conditions and taints of the node
//!   taints, tolerations, now ──► eviction: pods that are deleted, and when
//!   node absent or out of service ──► collection: pods that are removed without their kubelet
//! ```
//!
//! The kube-controller-manager has three controllers for this (node lifecycle, taint eviction, pod
//! garbage collection); the rules, reasons and messages are theirs, read from their sources. Two
//! differences. Nothing is polled: a healthy node costs one look when its lease would have run out.
//! And evictions are not slowed or stopped when many nodes are silent at once, since a node that is
//! taken down here is down, and the cluster's only node may be it.
//!
//! A pod that is evicted from a silent node stays Terminating: nobody confirms that it has stopped, so
//! its identity is not given to another pod (spec of StatefulSets, "lost nodes"). It goes when the node
//! comes back, when the node is tainted `node.kubernetes.io/out-of-service`, when the Node object is
//! deleted, or when a user deletes the pod by force.

mod act;
mod collection;
mod controller;
mod eviction;
mod health;
mod index;
mod taints;

pub use controller::{GRACE, NodeLifecycle};

#[cfg(test)]
mod tests;
