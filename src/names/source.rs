//! Where the publisher gets objects from: a store, an informer's cache, a test.
//!
//! A source returns present versions and reports which objects have changed. The publisher renders from
//! present versions alone, so a change may be reported late or twice; a source that cannot report all
//! changes returns [`Lost`], and everything is read again. `Stored` is the source for this process's
//! own store.

use std::future::Future;

use crate::clock::{Clock, Timestamp};
use crate::objects::{Kind, Object, ObjectKey};

/// A place that objects are read from and followed in.
pub trait Source: Send + 'static {
    /// The clock by which publications are dated.
    fn clock(&self) -> &Clock;

    /// The present version of an object.
    fn get(&self, key: &ObjectKey) -> Option<Object>;

    /// The present objects of a kind, in all namespaces.
    fn list(&self, kind: Kind) -> Vec<Object>;

    /// Reports changes of objects of these kinds from now on, and no others.
    fn follow(&mut self, kinds: &[Kind]);

    /// The changes since the last call, perhaps none.
    fn changes(&mut self) -> Result<Vec<Change>, Lost>;

    /// Waits for changes. Cancel safe: a future that is dropped has lost no change.
    fn next_changes(&mut self) -> impl Future<Output = Result<Vec<Change>, Lost>> + Send;
}

/// An object that was written or removed.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which object.
    pub key: ObjectKey,
    /// When.
    pub at: Timestamp,
}

/// Some changes can no longer be reported; read all objects again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("changes were lost; read all objects again")]
pub struct Lost;
