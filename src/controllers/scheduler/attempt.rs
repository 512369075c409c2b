//! One attempt to find a node for a pod.
//!
//! ```text
//!   claims ──► filters, node by node ──► scores ──► node
//!                    └─ none takes it ──► preemption ──► message, victims
//! ```
//!
//! Pure: it reads the snapshot, and changes nothing of it but counts that are kept for the next pod.

use std::collections::BTreeSet;

use super::filter::{Counts, Mounted, Plugin, Rejection, Request, check_claims, check_with_nominated};
use super::message::{NO_NODES, Reasons, rejected_everywhere};
use super::preemption::{Candidate, Preemption, preempt};
use super::score;
use super::snapshot::{PodInfo, Snapshot, present};
use crate::machinery::selector::Selector;

const UNHELPFUL: &str = "Preemption is not helpful for scheduling";
const ELSEWHERE: &str = "node(s) didn't satisfy plugin(s) [NodeAffinity]";
const CONTRADICTION: &str = "pod affinity terms conflict";

/// What an attempt found.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// This node takes the pod, and is the best of those that do.
    Fits(String),
    /// No node takes it.
    Refused(Refusal),
}

/// Why no node takes the pod.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusal {
    /// In kube-scheduler's words.
    pub(super) message: String,
    /// The filters that rejected it; none if it was rejected without looking at nodes.
    pub(super) plugins: BTreeSet<Plugin>,
    /// The pods that must go, and from which node.
    pub(super) preemption: Option<Candidate>,
    /// Whether an earlier nomination is void.
    pub(super) voids_nomination: bool,
}

/// Looks for a node for the pod. `default_selector` is asked for if several nodes take it.
pub(super) fn attempt(
    pod: &PodInfo,
    claims: &[Mounted],
    snapshot: &mut Snapshot,
    default_selector: impl FnOnce(&Snapshot) -> Option<Selector>,
) -> Outcome {
    let n_nodes = present(&snapshot.nodes).count();
    let Some(request) = Request::new(pod, claims).filter(|_| n_nodes > 0) else {
        let message = NO_NODES.to_owned();
        return Outcome::Refused(Refusal { message, voids_nomination: true, ..Refusal::default() });
    };
    let names: Option<BTreeSet<String>> =
        request.required.names().map(|names| names.into_iter().map(str::to_owned).collect());
    let contradicts = names.as_ref().is_some_and(BTreeSet::is_empty).then(|| CONTRADICTION.to_owned());
    if let Some(why) = contradicts.or_else(|| check_claims(claims)) {
        return Outcome::Refused(refused_everywhere(n_nodes, &why));
    }
    let counts = Counts::of(&request, snapshot);
    let mut rejected = Vec::new();
    let mut feasible = Vec::new();
    if let Some(nominated) = nominated(&request, &counts, snapshot) {
        return Outcome::Fits(nominated);
    }
    let eligible = present(&snapshot.nodes)
        .filter(|node| names.as_ref().is_none_or(|names| names.contains(node.name())));
    for node in eligible {
        match check_with_nominated(&request, &counts, node, &node.usage, snapshot) {
            Ok(()) => feasible.push(node.name().to_owned()),
            Err(rejection) => rejected.push((node.name().to_owned(), rejection)),
        }
    }
    if feasible.is_empty() {
        return Outcome::Refused(refused(&request, &counts, &rejected, n_nodes, snapshot));
    }
    let selector = if feasible.len() > 1 { default_selector(snapshot) } else { None };
    let best = score::best(&request, selector.as_ref(), &feasible, snapshot);
    Outcome::Fits(best.unwrap_or_default())
}

/// The node that others were made to leave for the pod, if it takes the pod now.
fn nominated(request: &Request<'_>, counts: &Counts, snapshot: &Snapshot) -> Option<String> {
    let node = snapshot.nodes.get(request.pod.nominated_node()?).filter(|node| node.object.is_some())?;
    let fits = check_with_nominated(request, counts, node, &node.usage, snapshot).is_ok();
    fits.then(|| node.name().to_owned())
}

fn refused_everywhere(n_nodes: usize, why: &str) -> Refusal {
    let mut unhelpful = Reasons::default();
    unhelpful.add(UNHELPFUL.into(), n_nodes);
    let preemption = Preemption::Futile(unhelpful).text(n_nodes);
    Refusal {
        message: format!("{} {preemption}", rejected_everywhere(n_nodes, why)),
        voids_nomination: true,
        ..Refusal::default()
    }
}

fn refused(
    request: &Request<'_>,
    counts: &Counts,
    rejected: &[(String, Rejection)],
    n_nodes: usize,
    snapshot: &Snapshot,
) -> Refusal {
    let mut reasons = Reasons::default();
    let mut plugins = BTreeSet::new();
    for (_, rejection) in rejected {
        plugins.insert(rejection.plugin);
        rejection.reasons.iter().for_each(|reason| reasons.add(reason.clone(), 1));
    }
    if rejected.len() < n_nodes {
        plugins.insert(Plugin::NodeAffinity);
        reasons.add(ELSEWHERE.into(), n_nodes - rejected.len());
    }
    let preemption = preempt(request, counts, rejected, n_nodes, snapshot);
    let message = format!("{} {}", reasons.text(n_nodes), preemption.text(n_nodes));
    let voids_nomination = matches!(preemption, Preemption::Futile(_));
    let preemption = match preemption {
        Preemption::Of(candidate) => Some(candidate),
        Preemption::NotNow(_) | Preemption::Futile(_) => None,
    };
    Refusal { message, plugins, preemption, voids_nomination }
}

#[cfg(test)]
mod tests;
