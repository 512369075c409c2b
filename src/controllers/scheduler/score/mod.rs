//! Which of several nodes is the best for a pod: the scores of kube-scheduler's default profile with
//! their weights, each from 0 to 100.
//!
//! Pure. Among equally good nodes the choice follows from the pod's uid and the nodes' names: pods are
//! spread as by chance, and a run that is repeated with the same seed chooses the same. ImageLocality
//! is left out, since no node of this server has images.

mod inter_pod;
mod resources;
mod spread;
mod weight;

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use super::filter::{Request, n_unwelcoming, preference};
use super::snapshot::{NodeInfo, Snapshot};
use crate::machinery::selector::Selector;
use weight::scaled;

/// The best of the nodes that take the pod; `None` if there is none. `default_selector` selects the
/// pods that one without constraints is spread with.
pub(super) fn best(
    request: &Request<'_>,
    default_selector: Option<&Selector>,
    feasible: &[String],
    snapshot: &mut Snapshot,
) -> Option<String> {
    if let [only] = feasible {
        return Some(only.clone());
    }
    let scores = scores(request, default_selector, feasible, snapshot);
    let rank = |name: &&String, score: i64| (score, draw(request.pod.object.uid(), name));
    let ranked = feasible.iter().zip(scores).max_by_key(|(name, score)| rank(name, *score));
    ranked.map(|(name, _)| name.clone())
}

/// The scores of the nodes, in their order.
pub(super) fn scores(
    request: &Request<'_>,
    default_selector: Option<&Selector>,
    feasible: &[String],
    snapshot: &mut Snapshot,
) -> Vec<i64> {
    let mut totals = vec![0; feasible.len()];
    let mut add = |scores: Vec<i64>, weight: i64| {
        totals.iter_mut().zip(scores).for_each(|(total, score)| *total += weight * score);
    };
    if let Some(scores) = spread::scores(request, default_selector, feasible, snapshot) {
        add(scores, weight::SPREAD);
    }
    if let Some(scores) = inter_pod::scores(request, feasible, snapshot) {
        add(scores, weight::INTER_POD);
    }
    let nodes: Vec<&NodeInfo> = feasible.iter().filter_map(|name| snapshot.nodes.get(name)).collect();
    let each = |score: &dyn Fn(&NodeInfo) -> i64| nodes.iter().map(|node| score(node)).collect::<Vec<i64>>();
    let taints = each(&|node| n_unwelcoming(node.taints(), request.tolerations()));
    add(scaled(&taints, true), weight::TAINTS);
    if let Some(preference) = preference(request.spec) {
        add(scaled(&each(&preference), false), weight::NODE_AFFINITY);
    }
    add(each(&|node| resources::least_allocated(request, node)), weight::LEAST_ALLOCATED);
    add(each(&|node| resources::balance(request, node).unwrap_or_default()), weight::BALANCE);
    totals
}

/// The lot that a node draws for a pod.
fn draw(uid: &str, node: &str) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write(uid.as_bytes());
    hasher.write_u8(0);
    hasher.write(node.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests;
