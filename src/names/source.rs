//! The seam between names and whatever holds the objects: a store, an informer's cache, a test.
//!
//! A source is asked for present versions and says which objects have changed. The publisher renders
//! from present versions alone, so a source may report a change late, twice, or not at all if it says
//! [`Lost`] then: everything is read again. `Stored` is the source over this process's own store.

use std::future::Future;

use crate::clock::{Clock, Timestamp};
use crate::objects::{Kind, Object, ObjectKey};

/// Where objects come from.
pub trait Source: Send + 'static {
    /// The clock by which publications are dated.
    fn clock(&self) -> &Clock;

    /// The present version of an object.
    fn get(&self, key: &ObjectKey) -> Option<Object>;

    /// The present objects of a kind, in all namespaces.
    fn list(&self, kind: Kind) -> Vec<Object>;

    /// Reports changes of objects of these kinds from now on, and no others.
    fn follow(&mut self, kinds: &[Kind]);

    /// What has changed since it was last asked; nothing if nothing has.
    fn changes(&mut self) -> Result<Vec<Change>, Lost>;

    /// The same, and waits until something has. Dropped before it is done, it has lost nothing.
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

/// Some changes can no longer be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("changes were lost; read all objects again")]
pub struct Lost;
