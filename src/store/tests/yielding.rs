//! A backend that lets others go on between a write's decision and its commit, as one that waits
//! for a disk does.

use async_trait::async_trait;
use tokio::sync::watch;

use crate::objects::{Kind, Object, ObjectKey, Revision};
use crate::store::{Backend, Batch, CommitError, Event, Gone, Interest, Listing, MemoryBackend, Write};

#[derive(Default)]
pub(in crate::store) struct YieldingBackend(MemoryBackend);

#[async_trait]
impl Backend for YieldingBackend {
    fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.0.get(key)
    }

    fn list(&self, kind: Kind, namespace: Option<&str>) -> Listing {
        self.0.list(kind, namespace)
    }

    fn owned_by(&self, uid: &str) -> Vec<Object> {
        self.0.owned_by(uid)
    }

    fn events_after(&self, after: Revision, interest: &Interest, limit: usize) -> Result<Batch, Gone> {
        self.0.events_after(after, interest, limit)
    }

    fn revision(&self) -> watch::Receiver<Revision> {
        self.0.revision()
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        tokio::task::yield_now().await;
        self.0.commit(write).await
    }
}
