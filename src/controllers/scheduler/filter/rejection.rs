//! Why a node does not take a pod: the plugin of kube-scheduler that says so, and its words.

use std::borrow::Cow;

/// The filters that can reject a node, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Plugin {
    NodeUnschedulable,
    TaintToleration,
    NodeAffinity,
    NodePorts,
    NodeResourcesFit,
    VolumeRestrictions,
    VolumeBinding,
    VolumeZone,
    PodTopologySpread,
    InterPodAffinity,
}

/// A node's rejection of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Rejection {
    /// Who rejects it.
    pub(in super::super) plugin: Plugin,
    /// Whether it may be taken if other pods leave the node (`Unschedulable` in kube-scheduler, and not
    /// `UnschedulableAndUnresolvable`).
    pub(in super::super) is_resolvable: bool,
    /// The reasons, which are counted over all nodes.
    pub(in super::super) reasons: Vec<Cow<'static, str>>,
}

impl Rejection {
    /// A rejection that no preemption can help.
    pub(in super::super) fn for_good(plugin: Plugin, reason: &'static str) -> Self {
        Self { plugin, is_resolvable: false, reasons: vec![reason.into()] }
    }

    /// A rejection because of the pods that are there.
    pub(in super::super) fn for_now(plugin: Plugin, reason: &'static str) -> Self {
        Self { plugin, is_resolvable: true, reasons: vec![reason.into()] }
    }
}
