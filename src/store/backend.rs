//! The trait behind the store: one commit path, and the cache that readers and watchers see.
//!
//! ```text
//!   commit ──► Write::carried_out ──► the backend's disk or server ──► Cache::publish ──► acknowledged
//!                                                                          └──► get, list, watch
//! ```
//!
//! Reads are served from memory and never wait for a disk or a network. A commit may take as long
//! as the backend needs, and a single writer may commit a group of writes at once. A write is
//! published when it is as durable as the backend promises, and then acknowledged. A writer that
//! decides about a write while an earlier one of the group is not published yet compares it with
//! that version, and answers a conflict after publishing, so that a retry reads the new version.
//!
//! A backend knows nothing of the rules of kinds: [`Store`](super::Store) has applied them before it
//! commits.

use std::sync::Arc;

use async_trait::async_trait;

use super::cache::Cache;
use super::event::Event;
use super::write::{CommitError, Write};
use crate::objects::{Object, ObjectKey};

/// A backend of the store.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// What has been published.
    fn cache(&self) -> &Arc<Cache>;

    /// The present version of an object.
    fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.cache().get(key)
    }

    /// Carries out a write; returns the event it left.
    async fn commit(&self, write: Write) -> Result<Event, CommitError>;
}
