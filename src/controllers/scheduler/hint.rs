//! Which waiting pods a change may help: kube-scheduler's queueing hints.
//!
//! Pure. A pod that no node took is looked at again only when something has changed that one of the
//! filters that rejected it asks about. A hint may be wrong by hoping too much, never by hoping too
//! little. It looks at one node at most, so that many waiting pods cost little.

use std::collections::BTreeSet;

use super::filter::{Plugin, check_fit};
use super::snapshot::{PodInfo, Snapshot};

/// Something that has changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happening<'a> {
    /// A node came, went or became another.
    Node,
    /// A pod has left this node, or counts there in another way.
    Left {
        /// The pod.
        pod: &'a PodInfo,
        /// The node.
        node: &'a str,
        /// The lowest priority of the pods that are there.
        lowest_priority: i32,
    },
    /// A pod has come to a node, or counts there in another way.
    Came(&'a PodInfo),
    /// A volume came, went or became another.
    Volume,
    /// A storage class came or became another.
    Class,
    /// The labels of a namespace have changed.
    Namespace,
}

/// Whether a node may take the pod now, which these filters rejected before; none if it was rejected
/// without looking at nodes.
pub(super) fn may_help(
    happening: Happening<'_>,
    waiting: &PodInfo,
    rejected_by: &BTreeSet<Plugin>,
    snapshot: &Snapshot,
) -> bool {
    match happening {
        Happening::Node => true,
        Happening::Volume => {
            [Plugin::VolumeBinding, Plugin::VolumeZone].iter().any(|plugin| rejected_by.contains(plugin))
        }
        Happening::Class => !waiting.demand.claims.is_empty(),
        Happening::Namespace => rejected_by.contains(&Plugin::InterPodAffinity),
        Happening::Came(pod) => rejected_by.iter().any(|plugin| match plugin {
            Plugin::InterPodAffinity => wants_company_of(waiting, pod, snapshot),
            Plugin::PodTopologySpread => pod.object.namespace() == waiting.object.namespace(),
            _ => false,
        }),
        Happening::Left { pod, node, lowest_priority } => {
            let may_preempt = lowest_priority < waiting.demand.priority;
            rejected_by.iter().any(|plugin| match plugin {
                Plugin::NodeResourcesFit => may_preempt || has_room(waiting, node, snapshot),
                Plugin::NodePorts => !pod.demand.ports.is_empty(),
                Plugin::VolumeRestrictions => {
                    waiting.demand.claims.iter().any(|claim| pod.demand.claims.contains(claim))
                }
                Plugin::PodTopologySpread => pod.object.namespace() == waiting.object.namespace(),
                Plugin::InterPodAffinity => is_relieved_by(waiting, pod, snapshot),
                _ => false,
            })
        }
    }
}

fn has_room(waiting: &PodInfo, node: &str, snapshot: &Snapshot) -> bool {
    let node = snapshot.nodes.get(node);
    node.is_some_and(|node| check_fit(&waiting.demand.requested, node, &node.usage).is_ok())
}

fn wants_company_of(waiting: &PodInfo, pod: &PodInfo, snapshot: &Snapshot) -> bool {
    let labels = snapshot.namespaces.get(pod.object.namespace());
    waiting.demand.terms.affinity.iter().any(|term| term.matches(&pod.object, labels))
}

/// Whether the pod, which is gone, may have been in the way; or whether the waiting pod may be the first
/// of its group now.
fn is_relieved_by(waiting: &PodInfo, pod: &PodInfo, snapshot: &Snapshot) -> bool {
    let labels = snapshot.namespaces.get(pod.object.namespace());
    let own = snapshot.namespaces.get(waiting.object.namespace());
    !waiting.demand.terms.affinity.is_empty()
        || waiting.demand.terms.anti_affinity.iter().any(|term| term.matches(&pod.object, labels))
        || pod.demand.terms.anti_affinity.iter().any(|term| term.matches(&waiting.object, own))
}
