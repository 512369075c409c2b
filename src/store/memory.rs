//! The backend that keeps everything in memory and nothing after the process ends.

use std::sync::Arc;

use async_trait::async_trait;

use super::backend::Backend;
use super::cache::Cache;
use super::event::Event;
use super::state;
use super::write::{CommitError, Write};
use crate::objects::Revision;

/// A backend without a disk: its cache is all there is.
pub struct MemoryBackend(Arc<Cache>);

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::starting_after(0)
    }
}

impl MemoryBackend {
    /// How many events a watcher may lie behind.
    pub const HISTORY_EVENTS_MAX: usize = state::EVENTS_MAX;

    /// About how much memory the events may take; the last one is always kept.
    pub const HISTORY_OCTETS_MAX: usize = state::OCTETS_MAX;

    /// A backend whose watchers may lie behind by at most `history_events_max` events.
    pub fn with_history(history_events_max: usize) -> Self {
        Self(Arc::new(Cache::new(0, history_events_max)))
    }

    /// A backend whose revisions begin after `revision`. Watches from before it are
    /// [`Gone`](super::Gone): what there was then is not known here.
    pub fn starting_after(revision: Revision) -> Self {
        Self(Arc::new(Cache::new(revision, Self::HISTORY_EVENTS_MAX)))
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    fn cache(&self) -> &Arc<Cache> {
        &self.0
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        let key = write.key.clone();
        self.0.publish_at_once(&key, |present, last| write.carried_out(present, last + 1))
    }
}
