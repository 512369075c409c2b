//! Histories: user actions and injected faults, each at its instant.
//!
//! A history is a list that follows from the seed and can be shortened: every entry is complete in
//! itself, so dropping one leaves the others unchanged.

use std::fmt;
use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::backend::Trouble;
use super::chance::{chance, number};
use super::runtime::Mishap;
use super::stage::Role;
use crate::store::Propagation;

/// One user action or injected fault.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deed {
    /// The set is created, as soon as an earlier one of its name is gone.
    Create,
    /// `spec.replicas` is set.
    Scale(i32),
    /// The template is given a version; a broken one is never ready.
    Template { version: u64, is_broken: bool },
    /// The partition of the rolling update is set.
    Partition(i32),
    /// The first ordinal is set.
    Start(i32),
    /// The pod of the ordinal is deleted.
    DeletePod(i32),
    /// The set is deleted.
    DeleteSet(Propagation),
    /// The runtime misbehaves for the pod of the ordinal.
    Mishap { ordinal: i32, mishap: Mishap, lasting: Duration },
    /// A foreign finalizer holds the pod of the ordinal.
    Hold { ordinal: i32, lasting: Duration },
    /// A part is stalled.
    Sleep { role: Role, lasting: Duration },
    /// A part is told that its watch is gone, or gets its events again.
    Repeat(Role),
    /// A part misses events without being told, until it lists everything again.
    Lose { role: Role, lasting: Duration },
    /// A part's process is restarted.
    Restart(Role),
    /// Writes fail or meet conflicts.
    Disturb { trouble: Trouble, lasting: Duration },
}

/// A deed, its time, and the set of the cast that it is done to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Since the start.
    pub(super) at: Duration,
    /// The index of the set; unused by deeds that concern a part or all writes.
    pub(super) set: usize,
    pub(super) deed: Deed,
}

/// What a history is drawn from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw<'a> {
    pub(super) seed: u64,
    pub(super) length: Duration,
    /// The initial replicas of each set of the cast.
    pub(super) replicas: &'a [i32],
    /// Whether more pods than those find a node.
    pub(super) has_room: bool,
}

/// The mean time between two deeds of a short history; longer in long ones.
const GAP_S: f64 = 25.0;
/// At most so many deeds are drawn for a day.
const DEEDS_PER_DAY: f64 = 300.0;
/// How many histories in a thousand have the recipes of [`Draw::recipes`].
const RECIPES_PERMILLE: u64 = 300;

impl Draw<'_> {
    /// The history, ordered by time; every set is created at the start.
    pub(super) fn history(&self) -> Vec<Entry> {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let create = |set| Entry { at: Duration::ZERO, set, deed: Deed::Create };
        let mut history: Vec<Entry> = (0..self.replicas.len()).map(create).collect();
        let days = self.length.as_secs_f64() / 86_400.0;
        let gap_s = GAP_S.max(self.length.as_secs_f64() / (40.0 + DEEDS_PER_DAY * days));
        let mut at = Duration::ZERO;
        loop {
            at += self.gap(&mut rng, gap_s);
            if at >= self.length {
                break;
            }
            let set = rng.random_range(0..self.replicas.len());
            let deed = self.deed(&mut rng, set);
            if matches!(deed, Deed::DeleteSet(_)) {
                let again = at + Duration::from_millis(rng.random_range(1..120_000));
                history.push(Entry { at: again, set, deed: Deed::Create });
            }
            history.push(Entry { at, set, deed });
        }
        history.extend(self.recipes());
        history.sort_by_key(|entry| entry.at);
        history
    }

    /// What a user does that random deeds seldom do in this order: a pod is deleted right before the
    /// template changes. Drawn apart from the other deeds, which therefore stay as they are.
    fn recipes(&self) -> Vec<Entry> {
        let mut recipes = Vec::new();
        if !chance(&(self.seed, "recipes"), RECIPES_PERMILLE) {
            return recipes;
        }
        let mut rng = StdRng::seed_from_u64(number(&(self.seed, "recipe")));
        for version in 5..7 {
            let set = rng.random_range(0..self.replicas.len());
            let ordinal = rng.random_range(0..self.replicas[set].max(1));
            let at = self.length.mul_f64(rng.random_range(0.1..0.9));
            recipes.push(Entry { at, set, deed: Deed::DeletePod(ordinal) });
            let soon = at + Duration::from_millis(rng.random_range(0..3000));
            recipes.push(Entry { at: soon, set, deed: Deed::Template { version, is_broken: false } });
        }
        recipes
    }

    /// Deeds come in bursts, so that some hit what the one before has started.
    fn gap(&self, rng: &mut StdRng, mean_s: f64) -> Duration {
        match rng.random_range(0..3) {
            0 => Duration::from_millis(rng.random_range(0..50)),
            1 => Duration::from_secs_f64(rng.random_range(0.0..mean_s)),
            _ => Duration::from_secs_f64(mean_s * rng.random_range(0.5..3.0)),
        }
    }

    fn deed(&self, rng: &mut StdRng, set: usize) -> Deed {
        let replicas = self.replicas[set];
        let replicas_max = if self.has_room { replicas.saturating_add(replicas / 4 + 2) } else { replicas };
        let ordinal = rng.random_range(0..=replicas_max + 2);
        match rng.random_range(0..100) {
            0..18 => Deed::Scale(rng.random_range(0..=replicas_max)),
            18..32 => {
                Deed::Template { version: rng.random_range(0..5), is_broken: rng.random_range(0..5) == 0 }
            }
            32..37 => Deed::Partition(rng.random_range(0..=replicas_max)),
            // Pods of the new ordinals are there before those of the old ones go.
            37..39 if self.has_room => Deed::Start(rng.random_range(0..4)),
            37..49 => Deed::DeletePod(ordinal),
            49..55 => Deed::DeleteSet(propagation(rng)),
            55..78 => Deed::Mishap { ordinal, mishap: mishap(rng), lasting: lasting(rng) },
            78..81 => Deed::Hold { ordinal, lasting: lasting(rng) },
            81..85 => Deed::Sleep { role: role(rng), lasting: lasting(rng) },
            85..88 => Deed::Repeat(role(rng)),
            88..91 => Deed::Lose { role: role(rng), lasting: lasting(rng) },
            91..94 => Deed::Restart(role(rng)),
            _ => Deed::Disturb { trouble: trouble(rng), lasting: lasting(rng) },
        }
    }
}

fn propagation(rng: &mut StdRng) -> Propagation {
    [Propagation::Background, Propagation::Foreground, Propagation::Orphan][rng.random_range(0..3)]
}

fn mishap(rng: &mut StdRng) -> Mishap {
    Mishap::ALL[rng.random_range(0..Mishap::ALL.len())]
}

fn role(rng: &mut StdRng) -> Role {
    Role::ALL[rng.random_range(0..Role::ALL.len())]
}

fn lasting(rng: &mut StdRng) -> Duration {
    Duration::from_secs(rng.random_range(1..=180))
}

fn trouble(rng: &mut StdRng) -> Trouble {
    Trouble { outrun_permille: rng.random_range(0..300), failed_permille: rng.random_range(0..200) }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::Scale(replicas) => write!(f, "scale to {replicas}"),
            Self::Template { version, is_broken: false } => write!(f, "template {version}"),
            Self::Template { version, is_broken: true } => write!(f, "template {version}, never ready"),
            Self::Partition(partition) => write!(f, "partition {partition}"),
            Self::Start(start) => write!(f, "ordinals from {start}"),
            Self::DeletePod(ordinal) => write!(f, "delete pod {ordinal}"),
            Self::DeleteSet(propagation) => write!(f, "delete the set, {propagation:?}"),
            Self::Mishap { ordinal, mishap, lasting } => {
                write!(f, "pod {ordinal}: {mishap:?} for {}s", lasting.as_secs())
            }
            Self::Hold { ordinal, lasting } => {
                write!(f, "pod {ordinal}: held by a finalizer for {}s", lasting.as_secs())
            }
            Self::Sleep { role, lasting } => write!(f, "{role:?} sleeps for {}s", lasting.as_secs()),
            Self::Repeat(role) => write!(f, "{role:?} sees everything again"),
            Self::Lose { role, lasting } => {
                write!(f, "{role:?} loses its events and notices after {}s", lasting.as_secs())
            }
            Self::Restart(role) => write!(f, "{role:?} restarts"),
            Self::Disturb { trouble, lasting } => write!(
                f,
                "of a thousand writes {} are outrun and {} fail, for {}s",
                trouble.outrun_permille,
                trouble.failed_permille,
                lasting.as_secs()
            ),
        }
    }
}

impl Deed {
    /// Whether it is done to a single set.
    pub(super) fn concerns_a_set(&self) -> bool {
        !matches!(
            self,
            Self::Sleep { .. }
                | Self::Repeat(_)
                | Self::Lose { .. }
                | Self::Restart(_)
                | Self::Disturb { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::mem::discriminant;

    use super::*;

    fn history(seed: u64) -> Vec<Entry> {
        Draw { seed, length: Duration::from_secs(3600), replicas: &[3, 1], has_room: true }.history()
    }

    #[test]
    fn a_history_follows_from_its_seed_and_is_ordered() {
        assert_eq!(history(1), history(1));
        assert_ne!(history(1), history(2));
        assert!(history(1).is_sorted_by_key(|entry| entry.at));
    }

    #[test]
    fn without_room_no_set_grows_beyond_what_it_asked_for() {
        let tight =
            |seed| Draw { seed, length: Duration::from_secs(3600), replicas: &[3, 1], has_room: false };
        for entry in (0..50).flat_map(|seed| tight(seed).history()) {
            match entry.deed {
                Deed::Scale(replicas) => assert!(replicas <= [3, 1][entry.set], "{replicas}"),
                deed => assert!(!matches!(deed, Deed::Start(_))),
            }
        }
    }

    #[test]
    fn every_sort_of_deed_every_mishap_and_every_part_is_drawn() {
        let all: Vec<Deed> = (0..50).flat_map(history).map(|entry| entry.deed).collect();
        let mut sorts = Vec::new();
        for deed in &all {
            if !sorts.contains(&discriminant(deed)) {
                sorts.push(discriminant(deed));
            }
        }
        assert_eq!(sorts.len(), 14);
        let texts: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
        let words = Mishap::ALL.iter().map(|mishap| format!("{mishap:?}"));
        let words = words.chain(Role::ALL.iter().map(|role| format!("{role:?} restarts")));
        for word in words.chain(["Background", "Foreground", "Orphan"].map(str::to_owned)) {
            assert!(texts.iter().any(|text| text.contains(&word)), "{word} is never drawn");
        }
    }
}
