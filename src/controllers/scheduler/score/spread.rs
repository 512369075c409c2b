//! Scores by spreading: nodes whose domains have fewer pods of the same kind are better.
//!
//! The constraints are those of the pod that it would only like to be met; a pod without any is spread
//! over hosts and zones with the pods of its services and of its set.

use std::collections::HashMap;

use super::super::filter::{Constraint, Request, constraints, has_all_keys, n_live};
use super::super::snapshot::{NodeInfo, Snapshot, present};
use super::weight::SCORE_MAX;
use crate::machinery::selector::Selector;

const HOST: &str = "kubernetes.io/hostname";
/// The labels that pods without constraints are spread over, and the skew that is not minded.
const DEFAULTS: [(&str, i64); 2] = [(HOST, 3), ("topology.kubernetes.io/zone", 5)];

/// The scores of the nodes; `None` if there is nothing to spread.
pub(super) fn scores(
    request: &Request<'_>,
    default_selector: Option<&Selector>,
    feasible: &[String],
    snapshot: &mut Snapshot,
) -> Option<Vec<i64>> {
    let own = request.spec.topology_spread_constraints.as_ref().is_some_and(|list| !list.is_empty());
    let constraints = match (own, default_selector) {
        (true, _) => constraints(request.pod, "ScheduleAnyway"),
        (false, Some(selector)) => by_default(request, selector),
        (false, None) => return None,
    };
    if constraints.is_empty() {
        return None;
    }
    let raw = raw_scores(request, &constraints, own, feasible, snapshot);
    Some(normalized(&raw))
}

fn by_default(request: &Request<'_>, selector: &Selector) -> Vec<Constraint> {
    let namespace = request.pod.object.namespace();
    let constraint = |(key, max_skew)| Constraint::by_default(key, max_skew, namespace, selector);
    DEFAULTS.into_iter().map(constraint).collect()
}

/// The weighted number of pods in the domains of each node; `None` for a node that is in none.
fn raw_scores(
    request: &Request<'_>,
    constraints: &[Constraint],
    needs_all_keys: bool,
    feasible: &[String],
    snapshot: &mut Snapshot,
) -> Vec<Option<i64>> {
    let Snapshot { nodes, tallies, .. } = snapshot;
    let is_scored = |node: &NodeInfo| !needs_all_keys || has_all_keys(node, constraints);
    let feasible: Vec<Option<&NodeInfo>> =
        feasible.iter().map(|name| nodes.get(name).filter(|node| is_scored(node))).collect();
    let mut sums = vec![0.0; feasible.len()];
    for constraint in constraints {
        let n_live = n_live(constraint, tallies, nodes);
        let is_by_host = constraint.topology_key == HOST;
        let value = |node: &NodeInfo| node.label(&constraint.topology_key).unwrap_or_default().to_owned();
        let mut domains: HashMap<String, i64> = HashMap::new();
        if !is_by_host {
            domains.extend(feasible.iter().flatten().map(|node| (value(node), 0)));
            let eligible = present(nodes).filter(|node| is_scored(node));
            for node in
                eligible.filter(|node| constraint.includes(node, &request.required, request.tolerations()))
            {
                if let Some(count) = domains.get_mut(&value(node)) {
                    *count += n_live(node.name());
                }
            }
        }
        let n_domains = if is_by_host { feasible.iter().flatten().count() } else { domains.len() };
        for (sum, node) in sums.iter_mut().zip(&feasible) {
            let Some(node) = node.filter(|node| node.label(&constraint.topology_key).is_some()) else {
                continue;
            };
            let count = if is_by_host { n_live(node.name()) } else { domains[&value(node)] };
            *sum += weighted(count, constraint.max_skew, n_domains);
        }
    }
    let round = |(sum, node): (f64, &Option<&NodeInfo>)| node.map(|_| whole(sum));
    sums.into_iter().zip(&feasible).map(round).collect()
}

/// Pods of many domains count more, so that many domains do not water them down; the skew that is not
/// minded is added everywhere.
#[expect(clippy::cast_precision_loss, reason = "counts of pods are small")]
fn weighted(count: i64, max_skew: i64, n_domains: usize) -> f64 {
    count as f64 * ((n_domains + 2) as f64).ln() + (max_skew - 1) as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a sum of counts of pods")]
fn whole(sum: f64) -> i64 {
    sum.round() as i64
}

fn normalized(raw: &[Option<i64>]) -> Vec<i64> {
    let most = raw.iter().flatten().copied().max().unwrap_or_default().max(0);
    let least = raw.iter().flatten().copied().min().unwrap_or_default();
    let score = |raw: &Option<i64>| match raw {
        None => 0,
        Some(_) if most == 0 => SCORE_MAX,
        Some(raw) => SCORE_MAX * (most + least - raw) / most,
    };
    raw.iter().map(score).collect()
}
