//! Pods that no node takes: what is said of them, when, and what would help.
//!
//! Pure. A pod whose claims are being provisioned is unschedulable for some milliseconds, which is
//! no news; one is told of that is still unscheduled after [`PATIENCE`]. The words are the scheduler's; what
//! would help are this program's flags, which an API's events must not know.

use std::collections::HashMap;
use std::time::Duration;

use super::output::Line;
use crate::clock::Timestamp;
use crate::objects::ObjectKey;

/// The reason of the events that tell of them.
pub(super) const REASON: &str = "FailedScheduling";
/// How long a pod may be unscheduled without a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the scheduler says of a node, and which flag makes nodes of which it does not say that.
const FLAGS: [(&str, &str); 7] = [
    ("Too many pods", "--simulated-node-pods gives each node room for more pods"),
    ("Insufficient cpu", "--simulated-node-cpu gives each node more cores"),
    ("Insufficient memory", "--simulated-node-memory gives each node more memory"),
    ("node(s) didn't match pod anti-affinity rules", MORE_NODES),
    ("node(s) didn't satisfy existing pods anti-affinity rules", MORE_NODES),
    ("node(s) didn't match pod topology spread constraints (missing required label)", ZONES),
    ("node(s) didn't match pod topology spread constraints", MORE_NODES),
];
const MORE_NODES: &str = "--simulated-nodes makes more nodes";
const ZONES: &str = "--simulated-zones puts the nodes into zones";

/// What would help a pod of which the scheduler says this; empty if no flag would.
pub(super) fn advice(message: &str) -> String {
    // What comes after the reasons of the nodes is about preemption.
    let reasons = message.split_once(" nodes are available: ").map_or("", |(_, rest)| rest);
    let reasons = reasons.split_once(". ").map_or(reasons, |(reasons, _)| reasons).trim_end_matches('.');
    let mut advice: Vec<&str> = Vec::new();
    for reason in reasons.split(", ") {
        let found = FLAGS.iter().find(|(words, _)| reason.ends_with(words));
        advice.extend(found.map(|(_, advice)| *advice).filter(|new| !advice.contains(new)));
    }
    advice.join("; ")
}

/// The pods that the scheduler could not place, by key.
#[derive(Default)]
pub(super) struct Unschedulable(HashMap<ObjectKey, Waiting>);

struct Waiting {
    since: Timestamp,
    /// What is to be said next.
    line: Option<Line>,
}

impl Unschedulable {
    /// Takes in what is said of a pod that has no node.
    pub(super) fn note(&mut self, pod: ObjectKey, line: Line, at: Timestamp) {
        self.0.entry(pod).or_insert(Waiting { since: at, line: None }).line = Some(line);
    }

    /// Takes in that a pod has a node, or is gone.
    pub(super) fn forget(&mut self, pod: &ObjectKey) {
        self.0.remove(pod);
    }

    /// When there is something to be said.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let unsaid = self.0.values().filter(|waiting| waiting.line.is_some());
        unsaid.map(|waiting| waiting.since + PATIENCE).min()
    }

    /// What is to be said now, in the order in which the pods began to wait.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Line> {
        let due = self.0.iter_mut().filter(|(_, waiting)| waiting.since + PATIENCE <= now);
        let mut due: Vec<_> =
            due.filter_map(|(key, waiting)| Some((waiting.since, key, waiting.line.take()?))).collect();
        due.sort_by_key(|(since, key, _)| (*since, *key));
        due.into_iter().map(|(_, _, line)| line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Tone;
    use crate::objects::Kind;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn pod(name: &str) -> ObjectKey {
        ObjectKey::new(Kind::Pod, "default", name)
    }

    fn line(words: &str) -> Line {
        Line::new("warning", "Pod", words, Tone::Bad)
    }

    #[test]
    fn a_pod_is_told_of_once_it_has_waited_and_then_at_once() {
        let mut pods = Unschedulable::default();
        pods.note(pod("b"), line("b"), at(0));
        pods.note(pod("a"), line("a"), at(0));
        pods.note(pod("short"), line("claims"), at(100));
        pods.forget(&pod("short"));
        assert_eq!((pods.next_due(), pods.due(at(999))), (Some(at(1000)), vec![]));
        assert_eq!(pods.due(at(1000)), [line("a"), line("b")]);
        assert_eq!((pods.next_due(), pods.due(at(9000))), (None, vec![]), "it is said once");
        pods.note(pod("a"), line("other reason"), at(9000));
        assert_eq!(pods.next_due(), Some(at(1000)));
        assert_eq!(pods.due(at(9000)), [line("other reason")]);
        pods.forget(&pod("a"));
        pods.note(pod("a"), line("again"), at(9500));
        assert_eq!(pods.next_due(), Some(at(10_500)), "a new wait");
    }

    #[test]
    fn the_flag_that_would_help_is_named() {
        let rest = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
        let more_pods = "--simulated-node-pods gives each node room for more pods";
        let more_cores = "--simulated-node-cpu gives each node more cores";
        for (reasons, expected) in [
            ("1 Too many pods", more_pods.to_owned()),
            ("1 Insufficient cpu, 1 Too many pods", format!("{more_cores}; {more_pods}")),
            ("1 Insufficient memory", "--simulated-node-memory gives each node more memory".to_owned()),
            ("1 node(s) didn't match pod anti-affinity rules", MORE_NODES.to_owned()),
            (
                "1 node(s) didn't match pod anti-affinity rules, 2 node(s) didn't match pod topology spread constraints",
                MORE_NODES.to_owned(),
            ),
            (
                "1 node(s) didn't match pod topology spread constraints (missing required label)",
                ZONES.to_owned(),
            ),
            ("1 node(s) were unschedulable", String::new()),
            ("pod has unbound immediate PersistentVolumeClaims", String::new()),
        ] {
            assert_eq!(advice(&format!("0/1 nodes are available: {reasons}. {rest}")), expected, "{reasons}");
        }
        assert_eq!(advice("no nodes available to schedule pods"), "");
        let ended = "pod default/web-9 is Pending for 5s: 0/1 nodes are available: 1 Too many pods.";
        assert_eq!(advice(ended), more_pods);
    }
}
