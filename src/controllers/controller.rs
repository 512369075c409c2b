//! What a controller is: which events it wants, which keys an event concerns, and one reconcile.
//!
//! A controller is level-triggered. Events only name keys; a reconcile rereads the world by its key
//! and may be repeated at any time. One task owns a controller, so its state needs no locks.

use std::time::Duration;

use async_trait::async_trait;

use crate::objects::ObjectKey;
use crate::store::{Event, Interest, Store, StoreError};

/// When a key must be reconciled again without an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Not before something changes.
    OnChange,
    /// After this time at the latest.
    After(Duration),
}

/// Why a key could not be brought to its wanted state now; it is retried with a back-off.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// A write failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else is in the way.
    #[error("{0}")]
    Blocked(String),
}

/// A level-triggered controller.
#[async_trait]
pub trait Controller: Send + 'static {
    /// The name in logs and events, for example `statefulset-controller`.
    fn name(&self) -> &'static str;

    /// Which objects' events concern it.
    fn interest(&self) -> Interest;

    /// The keys to reconcile because of one event. Must be cheap.
    fn concerned(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey>;

    /// The keys to reconcile when it knows nothing: at start, and when events were lost.
    fn all(&mut self, store: &Store) -> Vec<ObjectKey>;

    /// Brings what belongs to `key` nearer to its wanted state. The object may be gone.
    async fn reconcile(&mut self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError>;
}
