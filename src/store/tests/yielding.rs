//! A backend that lets others go on between a write's decision and its commit, as one that waits
//! for a disk does.

use std::sync::Arc;

use async_trait::async_trait;

use crate::store::{Backend, Cache, CommitError, Event, MemoryBackend, Write};

#[derive(Default)]
pub(in crate::store) struct YieldingBackend(MemoryBackend);

#[async_trait]
impl Backend for YieldingBackend {
    fn cache(&self) -> &Arc<Cache> {
        self.0.cache()
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        tokio::task::yield_now().await;
        self.0.commit(write).await
    }
}
