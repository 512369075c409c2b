//! The roster: a set's pods by ordinal, each looked at once.
//!
//! ```text
//!   spec.ordinals.start = 2, replicas = 3      pods  web-1  web-2  web-4  web-5
//!   in range  web-2  (hole)  web-4             condemned, highest first  web-5  web-1
//! ```
//!
//! Pure. Its cost follows the number of pods, never the number of replicas. Of two pods with one
//! ordinal (`web-1` and `web-01`) the one with the shorter name counts. A pod whose ordinal cannot
//! be read is of no place and is left alone.

use k8s_openapi::api::apps::v1::StatefulSet;

use super::record::Record;
use crate::clock::Timestamp;

/// The ordinals a set wants: from `start`, `replicas` of them, leaving out those that are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ordinals<'a> {
    /// Where they begin.
    pub(super) start: i32,
    /// How many.
    pub(super) replicas: i32,
    /// Those that are left out, ascending, each once (Kubernetes issue 83224).
    pub(super) reserved: &'a [i32],
}

impl<'a> Ordinals<'a> {
    /// The ordinals of `spec`; one replica if it says nothing.
    pub(super) fn of(set: &StatefulSet, reserved: &'a [i32]) -> Self {
        let ordinals = set.spec.ordinals.as_ref();
        Self {
            start: ordinals.and_then(|ordinals| ordinals.start).unwrap_or_default().max(0),
            replicas: set.spec.replicas.unwrap_or(1).max(0),
            reserved,
        }
    }

    /// How many wanted ordinals there would be below this one if there were replicas enough; `None`
    /// if it is never wanted. The partition of a rollout counts in these.
    pub(super) fn index(self, ordinal: i32) -> Option<i64> {
        let n_below = |ordinal: i32| self.reserved.partition_point(|reserved| *reserved < ordinal);
        if ordinal < self.start || self.reserved.binary_search(&ordinal).is_ok() {
            return None;
        }
        let n_left_out = i64::try_from(n_below(ordinal) - n_below(self.start)).unwrap_or_default();
        Some(i64::from(ordinal) - i64::from(self.start) - n_left_out)
    }

    /// Whether the set wants this ordinal.
    pub(super) fn contains(self, ordinal: i32) -> bool {
        self.index(ordinal).is_some_and(|index| index < i64::from(self.replicas))
    }

    /// All of them, ascending; none above what a name may hold.
    pub(super) fn iter(self) -> impl Iterator<Item = i32> + 'a {
        let is_free = move |ordinal: &i32| self.reserved.binary_search(ordinal).is_err();
        let n_wanted = usize::try_from(self.replicas).unwrap_or_default();
        (self.start..=i32::MAX).filter(is_free).take(n_wanted)
    }
}

/// A pod in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    /// What was seen of it.
    record: &'a Record,
    pub(super) ordinal: i32,
    pub(super) is_available: bool,
}

impl std::ops::Deref for Member<'_> {
    type Target = Record;

    fn deref(&self) -> &Record {
        self.record
    }
}

impl<'a> Member<'a> {
    /// Whether it does not count as serving: not available, or on its way out.
    pub(super) fn is_unavailable(&self) -> bool {
        !self.is_available || self.is_terminating
    }

    /// The pod's name.
    pub(super) fn name(&self) -> &'a str {
        self.record.object.name()
    }

    /// The pod's uid.
    pub(super) fn uid(&self) -> &'a str {
        self.record.object.uid()
    }
}

/// A set's pods in their places.
#[derive(Debug, Default)]
pub(super) struct Roster<'a> {
    /// Those whose ordinals the set wants, ascending, each ordinal once.
    pub(super) replicas: Vec<Member<'a>>,
    /// Those it no longer wants, descending: the order in which they go.
    pub(super) condemned: Vec<Member<'a>>,
}

impl<'a> Roster<'a> {
    /// Puts the pods of `set`, which wants `ordinals`, in their places. `records` are in their order.
    pub(super) fn of(
        set: &StatefulSet,
        ordinals: Ordinals<'_>,
        records: &'a [Record],
        now: Timestamp,
    ) -> Self {
        let min_ready_s = min_ready_s(set);
        let mut roster = Self { replicas: Vec::with_capacity(records.len()), condemned: Vec::new() };
        for record in records.iter().filter(|record| record.is_ours) {
            let Some(ordinal) = record.ordinal else { continue };
            let member = Member { record, ordinal, is_available: record.is_available(min_ready_s, now) };
            let is_again = roster.replicas.last().is_some_and(|last| last.ordinal == ordinal);
            match ordinals.contains(ordinal) {
                true if is_again => {}
                true => roster.replicas.push(member),
                false => roster.condemned.push(member),
            }
        }
        roster.condemned.reverse();
        roster
    }

    /// Everybody, for counting.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member<'a>> {
        self.replicas.iter().chain(&self.condemned)
    }
}

/// `spec.minReadySeconds`.
pub(super) fn min_ready_s(set: &StatefulSet) -> i32 {
    set.spec.min_ready_seconds.unwrap_or_default().max(0)
}
