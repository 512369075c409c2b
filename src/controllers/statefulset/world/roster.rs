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
use super::spec::{Ordinals, min_ready_s};
use crate::clock::Timestamp;

/// A pod in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    /// What was seen of it.
    record: &'a Record,
    pub(crate) ordinal: i32,
    pub(crate) is_available: bool,
}

impl std::ops::Deref for Member<'_> {
    type Target = Record;

    fn deref(&self) -> &Record {
        self.record
    }
}

impl<'a> Member<'a> {
    /// Whether it does not count as serving: not available, or on its way out.
    pub(crate) fn is_unavailable(&self) -> bool {
        !self.is_available || self.is_terminating
    }

    /// The pod's name.
    pub(crate) fn name(&self) -> &'a str {
        self.record.object.name()
    }

    /// The pod's uid.
    pub(crate) fn uid(&self) -> &'a str {
        self.record.object.uid()
    }
}

/// A set's pods in their places.
#[derive(Debug, Default)]
pub(crate) struct Roster<'a> {
    /// Those whose ordinals the set wants, ascending, each ordinal once.
    pub(crate) replicas: Vec<Member<'a>>,
    /// Those it no longer wants, descending: the order in which they go.
    pub(crate) condemned: Vec<Member<'a>>,
}

impl<'a> Roster<'a> {
    /// Puts the pods of `set`, which wants `ordinals`, in their places. `records` are in their order.
    pub(crate) fn of(
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
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member<'a>> {
        self.replicas.iter().chain(&self.condemned)
    }
}
