//! Scores by preferred affinity between pods, in both directions.

use std::collections::HashMap;

use super::super::filter::Request;
use super::super::snapshot::{Nodes, Snapshot, Stance, Term};
use super::weight::SCORE_MAX;

/// What a term of required affinity of a pod that is there adds for the pods that it means.
const REQUIRED_WEIGHT: i64 = 1;

/// The weights of domains, by node label and value.
#[derive(Default)]
struct Domains<'a>(HashMap<&'a str, HashMap<&'a str, i64>>);

impl<'a> Domains<'a> {
    fn add(&mut self, key: &'a str, node: &str, weight: i64, nodes: &'a Nodes) {
        if let Some(value) = nodes.get(node).and_then(|node| node.label(key)) {
            *self.0.entry(key).or_default().entry(value).or_default() += weight;
        }
    }
}

/// The scores of the nodes; `None` if no preference concerns the pod.
pub(super) fn scores(
    request: &Request<'_>,
    feasible: &[String],
    snapshot: &mut Snapshot,
) -> Option<Vec<i64>> {
    let Snapshot { nodes, tallies, affine, namespaces, .. } = snapshot;
    let nodes = &*nodes;
    let mut domains = Domains::default();
    let terms = &request.pod.demand.terms;
    let own = terms.preferred_affinity.iter().map(|(term, weight)| (term, *weight));
    let own: Vec<(&Term, i64)> =
        own.chain(terms.preferred_anti_affinity.iter().map(|(term, weight)| (term, -*weight))).collect();
    for (term, weight) in own {
        let tally = tallies.of(vec![term.selection(namespaces)], nodes);
        for (node, count) in tally.iter().filter(|(_, count)| count.all != 0) {
            domains.add(&term.topology_key, node, weight * count.all, nodes);
        }
    }
    let labels = namespaces.get(request.pod.object.namespace());
    for (stance, term, counts) in affine.terms() {
        let weight = match stance {
            Stance::Refuses => continue,
            Stance::Requires => REQUIRED_WEIGHT,
            Stance::Prefers(weight) => weight,
        };
        if term.matches(&request.pod.object, labels) {
            for (node, count) in counts {
                domains.add(&term.topology_key, node, weight * count, nodes);
            }
        }
    }
    if domains.0.is_empty() {
        return None;
    }
    let score = |name: &String| {
        let node = nodes.get(name);
        let value = |(key, values): (&&str, &HashMap<&str, i64>)| {
            values.get(node.and_then(|node| node.label(key))?).copied()
        };
        domains.0.iter().filter_map(value).sum()
    };
    Some(normalized(&feasible.iter().map(score).collect::<Vec<i64>>()))
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share of 100")]
fn normalized(raw: &[i64]) -> Vec<i64> {
    let most = raw.iter().max().copied().unwrap_or_default();
    let least = raw.iter().min().copied().unwrap_or_default();
    let score = |raw: &i64| match most - least {
        0 => 0,
        span => (SCORE_MAX as f64 * ((raw - least) as f64 / span as f64)) as i64,
    };
    raw.iter().map(score).collect()
}
