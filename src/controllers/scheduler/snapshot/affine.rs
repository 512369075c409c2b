//! The terms of pods that are bound, which concern every pod that is scheduled after them: their
//! affinity and anti-affinity are symmetric.
//!
//! Equal terms are held once, with the number of pods per node that have them, so that a pod looks at
//! each kind of term once and not at each pod.

use std::collections::{BTreeMap, HashMap};

use super::pod::PodInfo;
use super::term::Term;

/// What a term says of the pods that it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Stance {
    /// They must not come into its domain.
    Refuses,
    /// They had to be in its domain.
    Requires,
    /// They had better be in its domain, by this weight; or not, if it is negative.
    Prefers(i64),
}

/// The terms of bound pods, and how many pods of each node have them.
#[derive(Debug, Default)]
pub(in super::super) struct Affine(BTreeMap<(Stance, Term), HashMap<String, i64>>);

impl Affine {
    /// Counts the terms of a pod that is bound to a node, `sign` times.
    pub(in super::super) fn note(&mut self, pod: &PodInfo, node: &str, sign: i64) {
        for (stance, term) in stances(pod) {
            let key = (stance, term.clone());
            let counts = self.0.entry(key.clone()).or_default();
            let count = counts.entry(node.to_owned()).or_default();
            *count += sign;
            if *count == 0 {
                counts.remove(node);
            }
            if counts.is_empty() {
                self.0.remove(&key);
            }
        }
    }

    /// The terms, and how many pods of each node have them.
    pub(in super::super) fn terms(&self) -> impl Iterator<Item = (Stance, &Term, &HashMap<String, i64>)> {
        self.0.iter().map(|((stance, term), counts)| (*stance, term, counts))
    }

    /// The terms that must be kept away from, and how many pods of each node have them.
    pub(in super::super) fn refusals(&self) -> impl Iterator<Item = (&Term, &HashMap<String, i64>)> {
        let refuses = self.terms().take_while(|(stance, ..)| *stance == Stance::Refuses);
        refuses.map(|(_, term, counts)| (term, counts))
    }
}

fn stances(pod: &PodInfo) -> impl Iterator<Item = (Stance, &Term)> {
    let terms = &pod.demand.terms;
    let refuses = terms.anti_affinity.iter().map(|term| (Stance::Refuses, term));
    let requires = terms.affinity.iter().map(|term| (Stance::Requires, term));
    let likes = terms.preferred_affinity.iter().map(|(term, weight)| (Stance::Prefers(*weight), term));
    let dislikes = terms.preferred_anti_affinity.iter();
    let dislikes = dislikes.map(|(term, weight)| (Stance::Prefers(-*weight), term));
    refuses.chain(requires).chain(likes).chain(dislikes)
}
