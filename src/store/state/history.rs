//! The last events, bounded in number and in memory.
//!
//! All watchers read this one ring, so one that stops reading costs nothing and finds itself
//! [`Gone`] when the ring has moved past it.

use std::collections::VecDeque;

use crate::objects::Revision;
use crate::store::event::{Event, Gone};

/// How many events are kept unless a test wants fewer.
pub(crate) const EVENTS_MAX: usize = 16_384;
/// About how much memory their objects may take; the last event is always kept.
pub(crate) const OCTETS_MAX: usize = 128 << 20;

/// The events after a revision, oldest first.
pub(super) struct History {
    events: VecDeque<Event>,
    events_max: usize,
    /// About how much memory the objects take.
    octets: usize,
    /// The revision of the last event that was dropped, or of the beginning.
    forgotten: Revision,
}

impl History {
    pub(super) fn new(revision: Revision, events_max: usize) -> Self {
        Self { events: VecDeque::new(), events_max, octets: 0, forgotten: revision }
    }

    /// The revision of the last event.
    pub(super) fn revision(&self) -> Revision {
        self.events.back().map_or(self.forgotten, |last| last.revision)
    }

    /// The events after a revision.
    pub(super) fn after(&self, after: Revision) -> Result<impl Iterator<Item = &Event>, Gone> {
        if after < self.forgotten {
            return Err(Gone { asked: after, oldest: self.forgotten });
        }
        let first = self.events.partition_point(|event| event.revision <= after);
        Ok(self.events.range(first..))
    }

    pub(super) fn push(&mut self, event: Event) {
        debug_assert!(event.revision > self.revision(), "revisions rise");
        self.octets += event.object.typed().weight_octets();
        self.events.push_back(event);
        while self.events.len() > self.events_max || (self.events.len() > 1 && self.octets > OCTETS_MAX) {
            let Some(oldest) = self.events.pop_front() else { return };
            self.octets -= oldest.object.typed().weight_octets();
            self.forgotten = oldest.revision;
        }
    }
}
