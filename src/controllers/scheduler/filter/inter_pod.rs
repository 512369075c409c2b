//! Required affinity and anti-affinity between pods, in both directions.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::snapshot::{NodeInfo, PodInfo, Selection, Snapshot, Term, by_domain};
use super::rejection::{Plugin, Rejection};
use crate::machinery::selector::Labels;

const AFFINITY: &str = "node(s) didn't match pod affinity rules";
const ANTI_AFFINITY: &str = "node(s) didn't match pod anti-affinity rules";
const OF_OTHERS: &str = "node(s) didn't satisfy existing pods anti-affinity rules";

/// Domains (a node label and its value), with the number of pods that are meant there.
type Domains = BTreeMap<(String, String), i64>;

/// The terms of a pod, with the namespaces that they mean now.
#[derive(Debug, Default)]
struct Wanted {
    affinity: Vec<(Selection, String)>,
    anti_affinity: Vec<(Selection, String)>,
    namespace_labels: Option<Labels>,
}

/// The pods that each domain has which the pod's terms mean, or whose terms mean the pod.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct InterPod {
    wanted: Arc<Wanted>,
    /// Pods that match all terms of affinity.
    affinity: Domains,
    /// Pods that match a term of anti-affinity.
    anti_affinity: Domains,
    /// Pods that have a term of anti-affinity against the pod.
    of_others: Domains,
    /// Whether the pod itself matches all its terms of affinity.
    is_own_match: bool,
}

impl InterPod {
    /// Counts the pods of each domain.
    pub(in super::super) fn of(pod: &PodInfo, snapshot: &mut Snapshot) -> Self {
        let Snapshot { nodes, tallies, affine, namespaces, .. } = snapshot;
        let namespace_labels = namespaces.get(pod.object.namespace());
        let mut of_others = Domains::new();
        for (term, counts) in affine.refusals() {
            if term.matches(&pod.object, namespace_labels) {
                for (node, count) in counts {
                    let value = nodes.get(node).and_then(|node| node.label(&term.topology_key));
                    note(&mut of_others, &term.topology_key, value, *count);
                }
            }
        }
        let resolve = |terms: &[Term]| -> Vec<(Selection, String)> {
            terms.iter().map(|term| (term.selection(namespaces), term.topology_key.clone())).collect()
        };
        let (affinity, anti_affinity) =
            (resolve(&pod.demand.terms.affinity), resolve(&pod.demand.terms.anti_affinity));
        let mut counts = Self { of_others, ..Self::default() };
        if !affinity.is_empty() {
            let selections = affinity.iter().map(|(selection, _)| selection.clone()).collect();
            let tally = tallies.of(selections, nodes);
            affinity.iter().for_each(|(_, key)| by_domain(tally, key, nodes, &mut counts.affinity));
            counts.is_own_match = affinity.iter().all(|(selection, _)| selection.has(&pod.object));
        }
        for (selection, key) in &anti_affinity {
            let tally = tallies.of(vec![selection.clone()], nodes);
            by_domain(tally, key, nodes, &mut counts.anti_affinity);
        }
        let namespace_labels = namespace_labels.cloned();
        counts.wanted = Arc::new(Wanted { affinity, anti_affinity, namespace_labels });
        counts
    }

    /// Counts a pod that comes to the node, or leaves it. `pod` is the one whose counts these are.
    pub(in super::super) fn note(&mut self, pod: &PodInfo, other: &PodInfo, node: &NodeInfo, sign: i64) {
        let wanted = self.wanted.clone();
        for term in &other.demand.terms.anti_affinity {
            if term.matches(&pod.object, wanted.namespace_labels.as_ref()) {
                note(&mut self.of_others, &term.topology_key, node.label(&term.topology_key), sign);
            }
        }
        if wanted.affinity.iter().all(|(selection, _)| selection.has(&other.object)) {
            for (_, key) in &wanted.affinity {
                note(&mut self.affinity, key, node.label(key), sign);
            }
        }
        for (selection, key) in &wanted.anti_affinity {
            if selection.has(&other.object) {
                note(&mut self.anti_affinity, key, node.label(key), sign);
            }
        }
    }

    /// Whether the terms let the pod onto the node.
    pub(in super::super) fn check(&self, node: &NodeInfo) -> Result<(), Rejection> {
        let plugin = Plugin::InterPodAffinity;
        if !self.finds_company(node) {
            return Err(Rejection::for_good(plugin, AFFINITY));
        }
        let has = |domains: &Domains, key: &str| {
            let value = node.label(key).map(str::to_owned);
            value.is_some_and(|value| domains.get(&(key.to_owned(), value)).is_some_and(|count| *count > 0))
        };
        let is_against = |(_, key): &(Selection, String)| has(&self.anti_affinity, key);
        if !self.anti_affinity.is_empty() && self.wanted.anti_affinity.iter().any(is_against) {
            return Err(Rejection::for_now(plugin, ANTI_AFFINITY));
        }
        let keys = self.of_others.keys();
        if keys.clone().any(|(key, value)| node.label(key) == Some(value) && has(&self.of_others, key)) {
            return Err(Rejection::for_now(plugin, OF_OTHERS));
        }
        Ok(())
    }

    /// Whether the domains of the node have the pods that must be there. The first pod of a group whose
    /// pods want each other's company finds none, and may go anywhere.
    fn finds_company(&self, node: &NodeInfo) -> bool {
        let mut has_all = true;
        for (_, key) in &self.wanted.affinity {
            let Some(value) = node.label(key) else { return false };
            let count = self.affinity.get(&(key.clone(), value.to_owned()));
            has_all &= count.is_some_and(|count| *count > 0);
        }
        has_all || (self.affinity.is_empty() && self.is_own_match)
    }
}

/// Counts in the domain of a key and a value, and forgets a domain without any.
fn note(domains: &mut Domains, key: &str, value: Option<&str>, count: i64) {
    let Some(value) = value else { return };
    let domain = (key.to_owned(), value.to_owned());
    let sum = domains.get(&domain).copied().unwrap_or_default() + count;
    match sum {
        0 => drop(domains.remove(&domain)),
        sum => drop(domains.insert(domain, sum)),
    }
}
