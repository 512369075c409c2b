//! Which pods must go so that a more important one gets a node (Kubernetes document "Pod Priority and
//! Preemption").
//!
//! Pure. For each node that could take the pod without some of its pods, all that are less important
//! are taken off, and those that the pod can live with are put back, the most important first; what
//! remains are the victims. Of the nodes the one is taken whose victims matter least. Disruption
//! budgets are not considered.

use std::cmp::Reverse;

use super::filter::{Counts, Rejection, Request, check_with_nominated};
use super::message::Reasons;
use super::snapshot::{NodeInfo, PodInfo, Snapshot};
use crate::clock::Timestamp;
use crate::objects::pod;

/// The reason of the condition of a victim.
pub(super) const VICTIM_REASON: &str = "PreemptionByScheduler";
/// The condition that a victim reports.
pub(super) const VICTIM_CONDITION: &str = "DisruptionTarget";

const UNHELPFUL: &str = "Preemption is not helpful for scheduling";
const NO_VICTIMS: &str = "No preemption victims found for incoming pod";
const NEVER: &str = "not eligible due to preemptionPolicy=Never.";
const UNDER_WAY: &str = "not eligible due to a terminating pod on the nominated node.";

/// A node, and the pods that must leave it, the most important first.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The node's name.
    pub(super) node: String,
    /// The pods.
    pub(super) victims: Vec<PodInfo>,
}

/// The outcome of an attempt to make room.
#[derive(Clone, Debug)]
pub(super) enum Preemption {
    /// These pods must go.
    Of(Candidate),
    /// The pod may not preempt others, or others are leaving for it already.
    NotNow(&'static str),
    /// No pod could leave so that the pod fits.
    Futile(Reasons),
}

impl Preemption {
    /// What the message about the pod says of it.
    pub(super) fn text(&self, n_nodes: usize) -> String {
        let text = match self {
            Self::Of(Candidate { node, victims }) => {
                let n_victims = victims.len();
                format!("found a potential placement for pod on node {node}, preempting {n_victims} victims")
            }
            Self::NotNow(why) => (*why).to_owned(),
            Self::Futile(reasons) => reasons.text(n_nodes),
        };
        format!("preemption: {text}")
    }
}

/// Looks for pods that could leave. `rejected` are the nodes with their reasons; nodes that are not
/// among them were not looked at, and preemption does not help there.
pub(super) fn preempt(
    request: &Request<'_>,
    counts: &Counts,
    rejected: &[(String, Rejection)],
    n_nodes: usize,
    snapshot: &Snapshot,
) -> Preemption {
    if let Some(why) = is_not_eligible(request, rejected, snapshot) {
        return Preemption::NotNow(why);
    }
    let mut reasons = Reasons::default();
    let mut candidates = Vec::new();
    let resolvable = rejected.iter().filter(|(_, rejection)| rejection.is_resolvable);
    let mut n_looked_at = 0;
    for node in resolvable.filter_map(|(name, _)| snapshot.nodes.get(name)) {
        n_looked_at += 1;
        match victims_on(request, counts, node, snapshot) {
            Ok(victims) => candidates.push(Candidate { node: node.name().to_owned(), victims }),
            Err(Some(rejection)) => rejection.reasons.into_iter().for_each(|reason| reasons.add(reason, 1)),
            Err(None) => reasons.add(NO_VICTIMS.into(), 1),
        }
    }
    reasons.add(UNHELPFUL.into(), n_nodes - n_looked_at);
    match candidates.into_iter().min_by_key(damage) {
        Some(candidate) => Preemption::Of(candidate),
        None => Preemption::Futile(reasons),
    }
}

fn is_not_eligible(
    request: &Request<'_>,
    rejected: &[(String, Rejection)],
    snapshot: &Snapshot,
) -> Option<&'static str> {
    if request.spec.preemption_policy.as_deref() == Some("Never") {
        return Some(NEVER);
    }
    let nominated = request.pod.nominated_node()?;
    let is_hopeless = rejected.iter().any(|(name, rejection)| name == nominated && !rejection.is_resolvable);
    let mut pods = snapshot.nodes.get(nominated).into_iter().flat_map(|node| node.pods.values());
    let is_leaving = |pod: &PodInfo| is_less_important(pod, request) && is_victim(pod);
    (!is_hopeless && pods.any(is_leaving)).then_some(UNDER_WAY)
}

fn is_less_important(pod: &PodInfo, request: &Request<'_>) -> bool {
    pod.demand.priority < request.pod.demand.priority
}

/// Whether the pod is terminating because of a preemption.
fn is_victim(pod: &PodInfo) -> bool {
    let condition = pod::condition(pod.pod(), VICTIM_CONDITION);
    pod.object.is_terminating()
        && condition.is_some_and(|condition| {
            condition.status == "True" && condition.reason.as_deref() == Some(VICTIM_REASON)
        })
}

/// The pods that must leave the node, the most important first; the reason why that does not help, none
/// if no pod is less important.
fn victims_on(
    request: &Request<'_>,
    counts: &Counts,
    node: &NodeInfo,
    snapshot: &Snapshot,
) -> Result<Vec<PodInfo>, Option<Rejection>> {
    let (mut counts, mut usage) = (counts.clone(), node.usage.clone());
    let mut leaving: Vec<&PodInfo> =
        node.pods.values().filter(|pod| is_less_important(pod, request)).collect();
    if leaving.is_empty() {
        return Err(None);
    }
    leaving.sort_by_key(importance);
    for pod in &leaving {
        usage.remove(pod);
        counts.note(request, pod, node, -1);
    }
    check_with_nominated(request, &counts, node, &usage, snapshot)?;
    let mut victims = Vec::new();
    for pod in leaving {
        usage.add(pod);
        counts.note(request, pod, node, 1);
        if check_with_nominated(request, &counts, node, &usage, snapshot).is_err() {
            usage.remove(pod);
            counts.note(request, pod, node, -1);
            victims.push(pod.clone());
        }
    }
    if victims.is_empty() { Err(None) } else { Ok(victims) }
}

/// The most important pod first: the highest priority, then the one that has run for longest.
fn importance<'a>(pod: &&'a PodInfo) -> (Reverse<i32>, Timestamp, &'a str, &'a str) {
    let key = pod.object.key();
    (Reverse(pod.demand.priority), started(pod), &key.namespace, &key.name)
}

fn started(pod: &PodInfo) -> Timestamp {
    let started = pod.pod().status.as_ref().and_then(|status| status.start_time.as_ref());
    started.map_or(Timestamp::MAX, |time| time.0)
}

/// How much is lost if the victims go: the lowest is the best.
fn damage(candidate: &Candidate) -> (i32, i64, usize, Reverse<Timestamp>, String) {
    let priorities = candidate.victims.iter().map(|pod| pod.demand.priority);
    let highest = priorities.clone().max().unwrap_or_default();
    // Shifted, so that more victims of a negative priority are not better than fewer.
    let sum = priorities.map(|priority| i64::from(priority) - i64::from(i32::MIN)).sum();
    let most_important = candidate.victims.iter().filter(|pod| pod.demand.priority == highest);
    let earliest = most_important.map(started).min().unwrap_or(Timestamp::MAX);
    (highest, sum, candidate.victims.len(), Reverse(earliest), candidate.node.clone())
}

#[cfg(test)]
mod tests;
