//! Events of the store: what happened to an object, and which events a watch wants.
//!
//! Every committed write leaves exactly one [`Event`]. Revisions rise from event to event; they
//! need not be without gaps.

use crate::clock::Timestamp;
use crate::objects::{Kind, Object, Revision};

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
    /// The oldest revision after which all events are still known.
    pub oldest: Revision,
}

/// Which events a watch wants.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    /// The kinds; empty means all.
    pub kinds: Vec<Kind>,
    /// One namespace, or all.
    pub namespace: Option<String>,
}

impl Interest {
    /// All objects of these kinds.
    pub fn in_kinds(kinds: &[Kind]) -> Self {
        Self { kinds: kinds.to_vec(), namespace: None }
    }

    /// Whether the event is one of them.
    pub fn wants(&self, event: &Event) -> bool {
        let key = event.object.key();
        (self.kinds.is_empty() || self.kinds.contains(&key.kind))
            && self.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace)
    }
}
