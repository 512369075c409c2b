//! The filters of kube-scheduler's default profile: whether a node takes a pod, and if not, why.
//!
//! Pure. A [`Request`] is what one pod asks for in one attempt; [`Counts`] are the pods of the cluster
//! that its constraints mean, computed once per attempt. Filters look at one node at a time. A dry run
//! changes the counts and the usage of a node instead of the cluster.

mod fit;
mod inter_pod;
mod node_affinity;
mod rejection;
mod spread;
mod taints;
mod volumes;

use k8s_openapi::api::core::v1::{PodSpec, Toleration};

use super::snapshot::{NodeInfo, PodInfo, Snapshot, Usage};
use inter_pod::InterPod;
use node_affinity::RequiredNode;
use spread::Spread;

pub(super) use fit::check as check_fit;
pub(super) use node_affinity::preference;
pub(super) use rejection::{Plugin, Rejection};
pub(super) use spread::{Constraint, constraints, has_all_keys, n_live};
pub(super) use taints::n_unwelcoming;
pub(super) use volumes::{ANNOTATION_SELECTED_NODE, Mounted, check_claims};

const UNSCHEDULABLE: &str = "node(s) were unschedulable";
const TAINTED: &str = "node(s) had untolerated taint(s)";
const NOT_SELECTED: &str = "node(s) didn't match Pod's node affinity/selector";
const PORTS_TAKEN: &str = "node(s) didn't have free ports for the requested pod ports";

/// What a pod asks for.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// The pod.
    pub(super) pod: &'a PodInfo,
    /// Its spec.
    pub(super) spec: &'a PodSpec,
    /// What it requires of its node's labels.
    pub(super) required: RequiredNode,
    /// The claims that it mounts.
    pub(super) claims: &'a [Mounted],
}

/// The pods that the constraints of a request mean.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    spread: Spread,
    inter_pod: InterPod,
    /// The claims for one pod that another one uses.
    n_in_use: i64,
}

impl<'a> Request<'a> {
    /// What the pod asks for; `None` if it has no spec.
    pub(super) fn new(pod: &'a PodInfo, claims: &'a [Mounted]) -> Option<Self> {
        let spec = pod.spec()?;
        Some(Self { pod, spec, required: RequiredNode::of(spec), claims })
    }

    /// Its tolerations.
    pub(super) fn tolerations(&self) -> &'a [Toleration] {
        self.spec.tolerations.as_deref().unwrap_or_default()
    }
}

impl Counts {
    /// Counts what the request means.
    pub(super) fn of(request: &Request<'_>, snapshot: &mut Snapshot) -> Self {
        let for_one = request.claims.iter().filter(|mounted| mounted.is_for_one_pod());
        let n_in_use = for_one.filter(|mounted| snapshot.n_users(&mounted.key) > 0).count();
        let Snapshot { nodes, tallies, .. } = &mut *snapshot;
        let spread = Spread::of(request.pod, request.spec, &request.required, tallies, nodes);
        let inter_pod = InterPod::of(request.pod, snapshot);
        Self { spread, inter_pod, n_in_use: i64::try_from(n_in_use).unwrap_or(i64::MAX) }
    }

    /// Counts a pod that comes to the node (`1`), or leaves it (`-1`).
    pub(super) fn note(&mut self, request: &Request<'_>, other: &PodInfo, node: &NodeInfo, sign: i64) {
        let includes =
            |constraint: &Constraint| constraint.includes(node, &request.required, request.tolerations());
        self.spread.note(other, node, sign, includes);
        self.inter_pod.note(request.pod, other, node, sign);
        let shares =
            |mounted: &&Mounted| mounted.is_for_one_pod() && other.demand.claims.contains(&mounted.key);
        self.n_in_use += sign * i64::from(request.claims.iter().any(|mounted| shares(&mounted)));
    }
}

/// Whether the node, used as `usage` says, takes the pod. The first filter that rejects it is the reason.
pub(super) fn check(
    request: &Request<'_>,
    counts: &Counts,
    node: &NodeInfo,
    usage: &Usage,
) -> Result<(), Rejection> {
    let tolerations = request.tolerations();
    if node.is_unschedulable() && !taints::tolerates_cordon(tolerations) {
        return Err(Rejection::for_good(Plugin::NodeUnschedulable, UNSCHEDULABLE));
    }
    if taints::is_kept_away(node.taints(), tolerations) {
        return Err(Rejection::for_good(Plugin::TaintToleration, TAINTED));
    }
    if !request.required.has(node) {
        return Err(Rejection::for_good(Plugin::NodeAffinity, NOT_SELECTED));
    }
    if usage.ports.collide_with(&request.pod.demand.ports) {
        return Err(Rejection::for_now(Plugin::NodePorts, PORTS_TAKEN));
    }
    fit::check(&request.pod.demand.requested, node, usage)?;
    volumes::check_use(counts.n_in_use)?;
    volumes::check(request.claims, node)?;
    counts.spread.check(node)?;
    counts.inter_pod.check(node)
}

/// As [`check`], with the pods counted that are nominated to the node and at least as important. The
/// pod must fit with and without them: they may go elsewhere after all.
pub(super) fn check_with_nominated(
    request: &Request<'_>,
    counts: &Counts,
    node: &NodeInfo,
    usage: &Usage,
    snapshot: &Snapshot,
) -> Result<(), Rejection> {
    let own = request.pod;
    let goes_first = |other: &&PodInfo| {
        other.object.key() != own.object.key() && other.demand.priority >= own.demand.priority
    };
    let mut nominated = snapshot.waiting.nominated_to(node.name()).filter(goes_first).peekable();
    if nominated.peek().is_some() {
        let (mut counts, mut usage) = (counts.clone(), usage.clone());
        for other in nominated.filter(|other| !node.pods.contains_key(other.object.key())) {
            usage.add(other);
            counts.note(request, other, node, 1);
        }
        check(request, &counts, node, &usage)?;
    }
    check(request, counts, node, usage)
}

#[cfg(test)]
mod tests;
