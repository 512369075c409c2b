//! The last events, bounded in number and in memory.
//!
//! All watchers read this one ring: a watcher that stops reading costs nothing, and gets [`Gone`]
//! when the ring has moved on.
//!
//! An event is charged for the versions that only the history keeps: the previous one, and the last
//! one of a removed object. A version grows when its JSON is first asked for, so every push weighs
//! a few older events again, in turn.

use std::collections::VecDeque;

use crate::objects::{Object, Revision};
use crate::store::event::{Change, Event, Gone};

/// How many events are kept unless a test wants fewer.
pub(crate) const EVENTS_MAX: usize = 16_384;
/// About how much memory they may take; the last event is always kept.
pub(crate) const OCTETS_MAX: usize = 128 << 20;
/// How many events are weighed again at every push.
const WEIGHED_AGAIN: usize = 2;

/// The events after a revision, oldest first.
pub(super) struct History {
    entries: VecDeque<Entry>,
    events_max: usize,
    /// About how much memory the entries take.
    octets: usize,
    /// The entry that is weighed again next.
    next_weighed: usize,
    /// The revision of the last event that was dropped, or of the beginning.
    forgotten: Revision,
}

struct Entry {
    event: Event,
    octets: usize,
}

impl History {
    pub(super) fn new(revision: Revision, events_max: usize) -> Self {
        Self { entries: VecDeque::new(), events_max, octets: 0, next_weighed: 0, forgotten: revision }
    }

    /// The revision of the last event.
    pub(super) fn revision(&self) -> Revision {
        self.entries.back().map_or(self.forgotten, |last| last.event.revision)
    }

    /// The events after a revision.
    pub(super) fn after(&self, after: Revision) -> Result<impl Iterator<Item = &Event>, Gone> {
        if after < self.forgotten {
            return Err(Gone { asked: after, oldest: self.forgotten });
        }
        let first = self.entries.partition_point(|entry| entry.event.revision <= after);
        Ok(self.entries.range(first..).map(|entry| &entry.event))
    }

    pub(super) fn push(&mut self, event: Event) {
        debug_assert!(event.revision > self.revision(), "revisions rise");
        let octets = weight_of(&event);
        self.octets += octets;
        self.entries.push_back(Entry { event, octets });
        self.weigh_again();
        while self.entries.len() > self.events_max || (self.entries.len() > 1 && self.octets > OCTETS_MAX) {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.octets -= oldest.octets;
            self.forgotten = oldest.event.revision;
        }
    }

    fn weigh_again(&mut self) {
        for _ in 0..WEIGHED_AGAIN {
            self.next_weighed = (self.next_weighed + 1) % self.entries.len();
            let entry = &mut self.entries[self.next_weighed];
            let octets = weight_of(&entry.event);
            self.octets = self.octets - entry.octets + octets;
            entry.octets = octets;
        }
    }
}

fn weight_of(event: &Event) -> usize {
    let previous = event.previous.as_ref().map_or(0, Object::weight_octets);
    previous + if event.change == Change::Deleted { event.object.weight_octets() } else { 0 }
}
