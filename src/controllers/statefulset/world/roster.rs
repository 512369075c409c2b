//! The roster: a set's pods by ordinal, each exactly once.
//!
//! ```text
//!   spec.ordinals.start = 2, replicas = 3      pods  web-1  web-2  web-4  web-5
//!   in range  web-2  (hole)  web-4             condemned, highest first  web-5  web-1
//! ```
//!
//! Pure. Its cost depends on the number of pods, never on the number of replicas. If two pods have one
//! ordinal (`web-1` and `web-01`), the one with the shorter name counts. A pod without a valid ordinal
//! is ignored.

use k8s_openapi::api::apps::v1::StatefulSet;

use super::record::Record;
use super::spec::{Ordinals, min_ready_s};
use crate::clock::Timestamp;

/// A pod of a valid ordinal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    /// The pod.
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
    /// Whether it counts as unavailable: not available, or terminating.
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

/// A set's pods by ordinal.
#[derive(Debug, Default)]
pub(crate) struct Roster<'a> {
    /// The wanted ones, ascending, each ordinal once.
    pub(crate) replicas: Vec<Member<'a>>,
    /// The condemned ones, descending: the order in which they are deleted.
    pub(crate) condemned: Vec<Member<'a>>,
}

impl<'a> Roster<'a> {
    /// The roster of `set`, which wants `ordinals`. `records` are ordered by ordinal.
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

    /// All members.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member<'a>> {
        self.replicas.iter().chain(&self.condemned)
    }
}
