//! What every pod of this node works with.

use std::sync::Arc;

use super::options::NodeOptions;
use super::recorder::EventQueue;
use super::runtime::Runtime;
use crate::store::Store;

/// The store, the runtime, and where events go.
pub(super) struct Context {
    pub(super) store: Store,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) options: NodeOptions,
    pub(super) events: EventQueue,
}
