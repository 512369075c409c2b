//! The nodes that a pod selects: `nodeSelector` and required node affinity, and by score those that it
//! prefers.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{NodeAffinity, PodSpec};

use super::super::snapshot::NodeInfo;
use crate::machinery::selector::{NodeTerm, Selector};

/// What a pod requires of its node's labels and name.
#[derive(Debug, Default)]
pub(in super::super) struct RequiredNode {
    labels: Selector,
    /// One of them must match; `None` if there is no affinity.
    terms: Option<Vec<NodeTerm>>,
}

fn affinity(spec: &PodSpec) -> Option<&NodeAffinity> {
    spec.affinity.as_ref()?.node_affinity.as_ref()
}

impl RequiredNode {
    /// What the spec requires.
    pub(in super::super) fn of(spec: &PodSpec) -> Self {
        let required = affinity(spec)
            .and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
        Self {
            labels: spec.node_selector.as_ref().map(Selector::from_labels).unwrap_or_default(),
            terms: required
                .map(|required| required.node_selector_terms.iter().filter_map(NodeTerm::parse).collect()),
        }
    }

    /// Whether the node is one of those.
    pub(in super::super) fn has(&self, node: &NodeInfo) -> bool {
        let is_met =
            |terms: &Vec<NodeTerm>| terms.iter().any(|term| term.matches(node.name(), node.labels()));
        self.labels.matches(node.labels()) && self.terms.as_ref().is_none_or(is_met)
    }

    /// The names that come into question at all; `None` if a term does not restrict them.
    pub(in super::super) fn names(&self) -> Option<BTreeSet<&str>> {
        let mut names = BTreeSet::new();
        for term in self.terms.as_ref().filter(|terms| !terms.is_empty())? {
            let wanted = term.names();
            let first = wanted.first()?;
            if wanted.iter().all(|name| name == first) {
                names.insert(*first);
            }
        }
        Some(names)
    }
}

/// The weights of the preferred terms that select the node, together; `None` if the pod prefers none.
pub(in super::super) fn preference(spec: &PodSpec) -> Option<impl Fn(&NodeInfo) -> i64> {
    let preferred = affinity(spec)?.preferred_during_scheduling_ignored_during_execution.as_ref()?;
    let weighted = preferred.iter().filter(|term| term.weight != 0);
    let terms: Vec<(NodeTerm, i64)> = weighted
        .filter_map(|term| Some((NodeTerm::parse(&term.preference)?, i64::from(term.weight))))
        .collect();
    Some(move |node: &NodeInfo| {
        let matching = terms.iter().filter(|(term, _)| term.matches(node.name(), node.labels()));
        matching.map(|(_, weight)| weight).sum()
    })
}
