//! Which pods are removed although no kubelet confirms that they have stopped.
//!
//! Pure. As the pod garbage collector does it: those of a node whose object is gone, and the
//! terminating ones of a node that somebody declared out of service.

use k8s_openapi::api::core::v1::{Node, Pod};

use super::health::is_ready;
use super::taints::OUT_OF_SERVICE;
use crate::objects::pod;

/// Why a pod is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its node's object is gone, and stayed so.
    Orphaned,
    /// It is terminating on a node that is out of service.
    OutOfService,
}

impl Cause {
    /// The message of the condition `DisruptionTarget`; a pod that was terminating gets none.
    pub(super) fn message(self) -> Option<&'static str> {
        match self {
            Self::Orphaned => Some("PodGC: node no longer exists"),
            Self::OutOfService => None,
        }
    }
}

/// Why `pod` is removed, if it is; `node` is absent if its object is gone for good.
pub(super) fn cause(pod: &Pod, node: Option<&Node>) -> Option<Cause> {
    let Some(node) = node else { return Some(Cause::Orphaned) };
    (pod::is_terminating(pod) && is_out_of_service(node)).then_some(Cause::OutOfService)
}

/// Whether the node is silent and declared out of service. A node that is ready is believed more than
/// the taint: its kubelet confirms.
fn is_out_of_service(node: &Node) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    !is_ready(node) && taints.iter().any(|taint| taint.key == OUT_OF_SERVICE)
}
