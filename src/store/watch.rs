//! A watch: a cursor into the history that all watchers share.
//!
//! It continues exactly after the revision it was opened at. It holds no events of its own, so
//! a slow reader costs nothing; one that falls behind the bounded
//! history gets [`Gone`] and must list again.

use std::sync::Arc;

use tokio::sync::watch;

use super::cache::Cache;
use super::event::{Event, Gone, Interest};
use crate::objects::Revision;

/// A position in the history.
pub struct Watch {
    cache: Arc<Cache>,
    interest: Interest,
    seen: Revision,
    revision: watch::Receiver<Revision>,
}

impl Watch {
    /// How many events are delivered in one go.
    const BATCH_EVENTS_MAX: usize = 1024;

    /// A watch that delivers every event after revision `from`.
    pub fn new(cache: Arc<Cache>, interest: Interest, from: Revision) -> Self {
        let revision = cache.revision();
        Self { cache, interest, seen: from, revision }
    }

    /// The revision up to which everything has been delivered.
    pub fn seen(&self) -> Revision {
        self.seen
    }

    /// The events that are there already, possibly none; never waits.
    pub fn ready(&mut self) -> Result<Vec<Event>, Gone> {
        if *self.revision.borrow_and_update() == self.seen {
            return Ok(Vec::new());
        }
        let batch = self.cache.events_after(self.seen, &self.interest, Self::BATCH_EVENTS_MAX)?;
        self.seen = batch.seen;
        Ok(batch.events)
    }

    /// Hands over all events that are there already, in order; never waits. `None` if the history
    /// no longer reaches back that far: list again.
    pub fn drained(mut self, mut take: impl FnMut(&Event)) -> Option<Self> {
        loop {
            let events = self.ready().ok()?;
            if events.is_empty() {
                return Some(self);
            }
            events.iter().for_each(&mut take);
        }
    }

    /// The next events, at least one; waits for them. Cancel safe.
    pub async fn next(&mut self) -> Result<Vec<Event>, Gone> {
        loop {
            let events = self.ready()?;
            if !events.is_empty() {
                return Ok(events);
            }
            if self.revision.changed().await.is_err() {
                // The cache lives as long as this watch holds it, so its sender does too.
                std::future::pending::<()>().await;
            }
        }
    }
}
