//! The trait behind the store: one commit path, and the cache that readers and watchers see.
//!
//! ```text
//!   commit ──► Write::carried_out ──► the backend's disk or server ──► Cache::publish ──► acknowledged
//!                                                                          └──► get, list, watch
//! ```
//!
//! Reads are served from memory and never wait for a disk or a network. A commit may take as long
//! as the backend needs, and may be one of a group that a single writer carries out together; it is
//! published before it is acknowledged, and not before it is as durable as the backend promises. A
//! writer that decides about several writes before the first is published keeps the versions that
//! are under way, for they are what the next write of the same object is compared with.
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
