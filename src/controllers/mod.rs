//! Controllers: each watches some kinds, is told which keys an event concerns, and rereads the
//! world by key.
//!
//! A controller decides with pure functions and writes through the store; it never calls another
//! controller, and knows nothing of runtimes, HTTP or sockets. [`run`] is the one loop they share.

pub mod endpointslice;
pub mod garbage;
pub mod queue;
pub mod statefulset;
pub mod volumes;
mod worker;

use std::time::Duration;

use async_trait::async_trait;

use crate::objects::ObjectKey;
use crate::store::{Event, Interest, Store, StoreError};
pub use worker::{Worker, run};

/// When a key must be looked at again without an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Not before something changes.
    OnChange,
    /// After this time at the latest.
    After(Duration),
}

/// Why a key could not be brought to its wanted state now; it is tried again with a back-off.
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
pub trait Controller: Send + Sync + 'static {
    /// The name in logs and events, for example `statefulset-controller`.
    fn name(&self) -> &'static str;

    /// Which objects' events concern it.
    fn interest(&self) -> Interest;

    /// The keys to look at because of one event. Must be cheap.
    fn concerned(&self, store: &Store, event: &Event) -> Vec<ObjectKey>;

    /// The keys to look at when it knows nothing: at start, and when events were lost.
    fn all(&self, store: &Store) -> Vec<ObjectKey>;

    /// Brings what belongs to `key` nearer to what is wanted. The object may be gone.
    async fn reconcile(&self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError>;
}
