//! Topology spread constraints: how many pods of a selection each domain has, and how much more one
//! may have than the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{PodSpec, Toleration, TopologySpreadConstraint};

use super::super::snapshot::{NodeInfo, Nodes, PodInfo, Selection, Tallies, parse, present};
use super::node_affinity::RequiredNode;
use super::rejection::{Plugin, Rejection};
use super::taints::is_kept_away;
use crate::machinery::selector::Selector;

const MISMATCH: &str = "node(s) didn't match pod topology spread constraints";
const MISSING_LABEL: &str = "node(s) didn't match pod topology spread constraints (missing required label)";

/// What a constraint says.
#[derive(Debug)]
pub(in super::super) struct Constraint {
    pub(in super::super) max_skew: i64,
    pub(in super::super) topology_key: String,
    pub(in super::super) selection: Selection,
    min_domains: usize,
    honors_affinity: bool,
    honors_taints: bool,
}

impl Constraint {
    /// The constraint of a pod.
    fn of(constraint: &TopologySpreadConstraint, pod: &PodInfo) -> Self {
        let labels = pod.object.meta().labels.as_ref();
        let mut selector = parse(constraint.label_selector.as_ref());
        for key in constraint.match_label_keys.iter().flatten() {
            if let Some(value) = labels.and_then(|labels| labels.get(key)) {
                selector = selector.map(|selector| selector.and_label(key, value));
            }
        }
        let is_honored = |policy: &Option<String>, default: bool| {
            policy.as_deref().map_or(default, |policy| policy == "Honor")
        };
        Self {
            max_skew: constraint.max_skew.into(),
            topology_key: constraint.topology_key.clone(),
            selection: Selection::within(pod.object.namespace(), selector),
            min_domains: usize::try_from(constraint.min_domains.unwrap_or(1)).unwrap_or(1),
            honors_affinity: is_honored(&constraint.node_affinity_policy, true),
            honors_taints: is_honored(&constraint.node_taints_policy, false),
        }
    }

    /// A constraint that pods without one have in scores.
    pub(in super::super) fn by_default(key: &str, max_skew: i64, namespace: &str, of: &Selector) -> Self {
        Self {
            max_skew,
            topology_key: key.to_owned(),
            selection: Selection::within(namespace, Some(of.clone())),
            min_domains: 1,
            honors_affinity: true,
            honors_taints: false,
        }
    }

    /// Whether the pods of the node count.
    pub(in super::super) fn includes(
        &self,
        node: &NodeInfo,
        required: &RequiredNode,
        tolerations: &[Toleration],
    ) -> bool {
        (!self.honors_affinity || required.has(node))
            && (!self.honors_taints || !is_kept_away(node.taints(), tolerations))
    }
}

/// The constraints of a pod that demand this when they cannot be met.
pub(in super::super) fn constraints(pod: &PodInfo, when_unsatisfiable: &str) -> Vec<Constraint> {
    let spec = pod.spec().and_then(|spec| spec.topology_spread_constraints.as_deref());
    let demanded = spec.unwrap_or_default().iter();
    let demanded = demanded.filter(|constraint| constraint.when_unsatisfiable == when_unsatisfiable);
    demanded.map(|constraint| Constraint::of(constraint, pod)).collect()
}

/// Whether the node has a domain for each constraint.
pub(in super::super) fn has_all_keys(node: &NodeInfo, constraints: &[Constraint]) -> bool {
    constraints.iter().all(|constraint| node.label(&constraint.topology_key).is_some())
}

/// How many pods of the selection count on each node. Asking for pods of any labels counts none, as in
/// kube-scheduler.
pub(in super::super) fn n_live(
    constraint: &Constraint,
    tallies: &mut Tallies,
    nodes: &Nodes,
) -> impl Fn(&str) -> i64 + use<> {
    let tally = match constraint.selection.is_of_all_labels() {
        true => Default::default(),
        false => tallies.of(vec![constraint.selection.clone()], nodes).clone(),
    };
    move |node| tally.get(node).map_or(0, |count| count.live)
}

/// The hard constraints of a pod, with the pods that each domain has.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Spread {
    constraints: Arc<Vec<Constraint>>,
    domains: Vec<BTreeMap<String, i64>>,
    own: Vec<i64>,
}

impl Spread {
    /// Counts the pods of each domain.
    pub(in super::super) fn of(
        pod: &PodInfo,
        spec: &PodSpec,
        required: &RequiredNode,
        tallies: &mut Tallies,
        nodes: &Nodes,
    ) -> Self {
        let constraints = constraints(pod, "DoNotSchedule");
        let tolerations = spec.tolerations.as_deref().unwrap_or_default();
        let mut domains = Vec::new();
        for constraint in &constraints {
            let n_live = n_live(constraint, tallies, nodes);
            let mut counts = BTreeMap::new();
            let eligible = present(nodes).filter(|node| has_all_keys(node, &constraints));
            for node in eligible.filter(|node| constraint.includes(node, required, tolerations)) {
                if let Some(value) = node.label(&constraint.topology_key) {
                    *counts.entry(value.to_owned()).or_default() += n_live(node.name());
                }
            }
            domains.push(counts);
        }
        let own = constraints.iter().map(|one| i64::from(one.selection.has(&pod.object))).collect();
        Self { constraints: Arc::new(constraints), domains, own }
    }

    /// Counts a pod that comes to the node, or leaves it.
    pub(in super::super) fn note(
        &mut self,
        other: &PodInfo,
        node: &NodeInfo,
        sign: i64,
        includes: impl Fn(&Constraint) -> bool,
    ) {
        if !has_all_keys(node, &self.constraints) {
            return;
        }
        for (constraint, counts) in self.constraints.iter().zip(&mut self.domains) {
            if constraint.selection.has(&other.object)
                && includes(constraint)
                && let Some(value) = node.label(&constraint.topology_key)
            {
                *counts.entry(value.to_owned()).or_default() += sign;
            }
        }
    }

    /// Whether the constraints let the pod onto the node.
    pub(in super::super) fn check(&self, node: &NodeInfo) -> Result<(), Rejection> {
        let plugin = Plugin::PodTopologySpread;
        for ((constraint, counts), own) in self.constraints.iter().zip(&self.domains).zip(&self.own) {
            let Some(value) = node.label(&constraint.topology_key) else {
                return Err(Rejection::for_good(plugin, MISSING_LABEL));
            };
            let least = match counts.len() < constraint.min_domains {
                true => 0,
                false => counts.values().min().copied().unwrap_or_default(),
            };
            let present = counts.get(value).copied().unwrap_or_default();
            if present + own - least > constraint.max_skew {
                return Err(Rejection::for_now(plugin, MISMATCH));
            }
        }
        Ok(())
    }
}
