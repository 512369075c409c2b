//! Why a pod cannot be scheduled, in kube-scheduler's words: the reasons of all nodes, counted.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// There is no node at all.
pub(super) const NO_NODES: &str = "no nodes available to schedule pods";
/// The longest message of an event, in octets (the API server's limit for notes).
const NOTE_LENGTH_MAX: usize = 1024;
const NOTE_END: &str = " ...";

/// The reasons why nodes do not take a pod, each with the number of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reasons(BTreeMap<Cow<'static, str>, usize>);

impl Reasons {
    /// Counts a reason for some nodes.
    pub(super) fn add(&mut self, reason: Cow<'static, str>, n_nodes: usize) {
        if n_nodes > 0 {
            *self.0.entry(reason).or_default() += n_nodes;
        }
    }

    /// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`; the counts are
    /// sorted as texts.
    pub(super) fn text(&self, n_nodes: usize) -> String {
        let mut counted: Vec<String> =
            self.0.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        counted.sort();
        match counted.is_empty() {
            true => format!("0/{n_nodes} nodes are available:"),
            false => format!("0/{n_nodes} nodes are available: {}.", counted.join(", ")),
        }
    }
}

/// The message when a pod is rejected before any node is looked at.
pub(super) fn rejected_everywhere(n_nodes: usize, why: &str) -> String {
    format!("0/{n_nodes} nodes are available: {why}.")
}

/// A message as an event takes it.
pub(super) fn note(message: &str) -> Cow<'_, str> {
    if message.len() <= NOTE_LENGTH_MAX {
        return message.into();
    }
    let mut end = NOTE_LENGTH_MAX - NOTE_END.len();
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{NOTE_END}", &message[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_and_sorted_as_texts() {
        let mut reasons = Reasons::default();
        for (reason, count) in [("Too many pods", 2), ("Insufficient memory", 10), ("Insufficient cpu", 1)] {
            reasons.add(reason.into(), count);
        }
        reasons.add("Insufficient cpu".into(), 1);
        reasons.add("absent".into(), 0);
        let expected =
            "0/14 nodes are available: 10 Insufficient memory, 2 Insufficient cpu, 2 Too many pods.";
        assert_eq!(reasons.text(14), expected);
        assert_eq!(Reasons::default().text(1), "0/1 nodes are available:");
    }

    #[test]
    fn a_note_has_at_most_1024_octets() {
        assert_eq!(note("short"), "short");
        let long = note(&"ä".repeat(600)).into_owned();
        assert_eq!((long.len(), long.ends_with("ä ...")), (1024, true));
    }
}
