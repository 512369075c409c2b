//! How many pods of a selection each node has.
//!
//! A selection is counted when it is first asked for, over all pods; from then on pods that come and
//! go change the count. So the pods of one set, which all ask for the same selection, cost one count
//! together. At most [`TALLIES_MAX`] are kept, those that were asked for last.

use std::collections::{BTreeMap, HashMap};

use super::node::{Nodes, present};
use super::pod::PodInfo;
use super::term::Selection;

/// How many counts are kept.
const TALLIES_MAX: usize = 256;

/// The pods of a selection on one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Count {
    /// All that have not ended.
    pub(in super::super) all: i64,
    /// Those that nobody has asked to delete.
    pub(in super::super) live: i64,
}

/// Counts by node.
pub(in super::super) type Tally = HashMap<String, Count>;

/// The counts that are kept. A pod counts if every selection of a key has it.
#[derive(Debug, Default)]
pub(in super::super) struct Tallies {
    tallies: HashMap<Vec<Selection>, (Tally, u64)>,
    n_asked: u64,
}

impl Tallies {
    /// The pods that all these selections have.
    pub(in super::super) fn of(&mut self, selections: Vec<Selection>, nodes: &Nodes) -> &Tally {
        self.n_asked += 1;
        if !self.tallies.contains_key(&selections) && self.tallies.len() >= TALLIES_MAX {
            self.drop_oldest();
        }
        let n_asked = self.n_asked;
        let (tally, asked) =
            self.tallies.entry(selections).or_insert_with_key(|selections| (count(selections, nodes), 0));
        *asked = n_asked;
        tally
    }

    /// Counts a pod that is bound to a node, `sign` times.
    pub(in super::super) fn note(&mut self, pod: &PodInfo, node: &str, sign: i64) {
        for (selections, (tally, _)) in &mut self.tallies {
            if selections.iter().all(|selection| selection.has(&pod.object)) {
                add(tally.entry(node.to_owned()).or_default(), pod, sign);
            }
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.tallies.values().map(|(_, asked)| *asked).min() {
            self.tallies.retain(|_, (_, asked)| *asked != oldest);
        }
    }
}

fn add(count: &mut Count, pod: &PodInfo, sign: i64) {
    count.all += sign;
    if !pod.object.is_terminating() {
        count.live += sign;
    }
}

fn count(selections: &[Selection], nodes: &Nodes) -> Tally {
    let mut tally = Tally::new();
    for node in present(nodes) {
        let mut found = Count::default();
        let is_selected = |pod: &&PodInfo| selections.iter().all(|selection| selection.has(&pod.object));
        node.pods.values().filter(is_selected).for_each(|pod| add(&mut found, pod, 1));
        if found != Count::default() {
            tally.insert(node.name().to_owned(), found);
        }
    }
    tally
}

/// The counts of the topology domains that a node label makes of the nodes.
pub(in super::super) fn by_domain(
    tally: &Tally,
    key: &str,
    nodes: &Nodes,
    into: &mut BTreeMap<(String, String), i64>,
) {
    for (name, count) in tally.iter().filter(|(_, count)| count.all != 0) {
        if let Some(value) = nodes.get(name).and_then(|node| node.label(key)) {
            *into.entry((key.to_owned(), value.to_owned())).or_default() += count.all;
        }
    }
}
