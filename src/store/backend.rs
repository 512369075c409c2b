//! The trait behind the store: versioned objects with one commit path.
//!
//! Reads are served from memory and never wait for a disk or a network; a write is acknowledged
//! only when it is as durable as the backend promises. Each committed write takes the next
//! revision and leaves exactly one event, so that the history has no gaps. A backend knows
//! nothing of kinds' rules: [`Store`](super::Store) has applied them before it commits.

use async_trait::async_trait;
use tokio::sync::watch;

use super::watch::Interest;
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, ObjectKey, Revision, Typed};

/// One write: what may be there now, and what shall be there next.
#[derive(Clone, Debug)]
pub struct Write {
    /// The object's key.
    pub key: ObjectKey,
    /// What must be there for the write to happen.
    pub expected: Expected,
    /// The new version; `None` removes the object.
    pub next: Option<Typed>,
    /// When it is written.
    pub at: Timestamp,
}

/// The precondition of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No object of that key.
    Absent,
    /// The version written at this revision.
    At(Revision),
}

/// Why a write did not happen. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The precondition does not hold.
    #[error("the object has changed")]
    Conflict {
        /// The version that is there now, if any.
        present: Option<Object>,
        /// What was to be there next, given back.
        refused: Option<Box<Typed>>,
    },
    /// The backend could not write.
    #[error("the store cannot write: {0}")]
    Backend(String),
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It did not exist before.
    Added,
    /// It existed before.
    Modified,
    /// It is gone; the event holds its last version, stamped with the revision of the removal.
    Deleted,
}

/// One committed write.
#[derive(Clone, Debug)]
pub struct Event {
    /// The revision of the write.
    pub revision: Revision,
    /// What happened.
    pub change: Change,
    /// The version written, or the last version of a removed object.
    pub object: Object,
    /// The version before, unless it was added.
    pub previous: Option<Object>,
    /// When it was written.
    pub at: Timestamp,
}

/// The events asked for are no longer in the history; list again and watch from there (410).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too old resource version: {asked} ({oldest})")]
pub struct Gone {
    /// The revision after which events were wanted.
    pub asked: Revision,
    /// The oldest revision after which events are still known.
    pub oldest: Revision,
}

/// Events out of the history.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// The revision up to which the history was looked through.
    pub seen: Revision,
}

/// Objects as they were at one revision.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The revision of the listing; a watch from here misses nothing.
    pub revision: Revision,
    /// The objects in the order of their keys.
    pub objects: Vec<Object>,
}

/// A keeper of versioned objects.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// The present version of an object.
    fn get(&self, key: &ObjectKey) -> Option<Object>;

    /// The present objects of a kind, in one namespace or in all.
    fn list(&self, kind: Kind, namespace: Option<&str>) -> Listing;

    /// The present objects that have an owner reference to `uid`.
    fn owned_by(&self, uid: &str) -> Vec<Object>;

    /// Up to `limit` of the events after revision `after` that are of interest, oldest first, none
    /// left out.
    fn events_after(&self, after: Revision, interest: &Interest, limit: usize) -> Result<Batch, Gone>;

    /// The revision of the last write, as a value that wakes its receivers when it changes.
    fn revision(&self) -> watch::Receiver<Revision>;

    /// Carries out a write; returns the event it left.
    async fn commit(&self, write: Write) -> Result<Event, CommitError>;
}
