//! A watch: a cursor into the history that all watchers share.
//!
//! It continues exactly after the revision it was opened at. It holds no events of its own, so
//! what it costs does not depend on how slowly it is read; one that falls behind the bounded
//! history gets [`Gone`] and must list again.

use std::sync::Arc;

use tokio::sync::watch;

use super::backend::{Backend, Event, Gone};
use crate::objects::{Kind, Revision};

/// Which events a watch wants.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    /// The kinds; empty means all.
    pub kinds: Vec<Kind>,
    /// One namespace, or all.
    pub namespace: Option<String>,
}

impl Interest {
    /// All objects of these kinds.
    pub fn in_kinds(kinds: &[Kind]) -> Self {
        Self { kinds: kinds.to_vec(), namespace: None }
    }

    /// Whether the event is one of them.
    pub fn wants(&self, event: &Event) -> bool {
        let key = event.object.key();
        (self.kinds.is_empty() || self.kinds.contains(&key.kind))
            && self.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace)
    }
}

/// A position in the history.
pub struct Watch {
    backend: Arc<dyn Backend>,
    interest: Interest,
    seen: Revision,
    revision: watch::Receiver<Revision>,
}

impl Watch {
    /// How many events are delivered in one go.
    const BATCH_EVENTS_MAX: usize = 1024;

    pub(super) fn new(backend: Arc<dyn Backend>, interest: Interest, from: Revision) -> Self {
        let revision = backend.revision();
        Self { backend, interest, seen: from, revision }
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
        let batch = self.backend.events_after(self.seen, &self.interest, Self::BATCH_EVENTS_MAX)?;
        self.seen = batch.seen;
        Ok(batch.events)
    }

    /// Hands over all events that are there already, in order; never waits. `None` if the history
    /// does not reach back so far any more: whoever follows it must list again.
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
                // The backend lives as long as this watch holds it, so its sender does too.
                std::future::pending::<()>().await;
            }
        }
    }
}
