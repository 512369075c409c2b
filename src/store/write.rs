//! A write: the precondition, the next version, and the event that results.
//!
//! [`Write::carried_out`] is pure; every backend decides with it, so that preconditions mean the
//! same in all of them.

use std::error::Error;

use super::event::{Change, Event};
use crate::clock::Timestamp;
use crate::objects::{Object, ObjectKey, Revision, Typed};

/// A write of one object.
#[derive(Clone, Debug)]
pub struct Write {
    /// The object's key.
    pub key: ObjectKey,
    /// The precondition.
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

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The precondition does not hold. Nothing was changed.
    #[error("the object has changed")]
    Conflict {
        /// The version that is there now, if any.
        present: Option<Object>,
        /// The version that was not written, given back.
        refused: Option<Box<Typed>>,
    },
    /// The backend could not write, or cannot say whether it did.
    #[error("the store cannot write: {0}")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}

impl Write {
    /// The event that this write leaves at `revision` if `present` is there.
    pub fn carried_out(self, present: Option<Object>, revision: Revision) -> Result<Event, CommitError> {
        let found = present.as_ref().map_or(Expected::Absent, |object| Expected::At(object.revision()));
        if found != self.expected {
            return Err(CommitError::Conflict { present, refused: self.next.map(Box::new) });
        }
        let (change, object) = match (self.next, &present) {
            (None, None) => return Err(CommitError::Conflict { present: None, refused: None }),
            (None, Some(present)) => (Change::Deleted, present.restamped(revision)),
            (Some(next), None) => (Change::Added, Object::keyed(self.key, next, revision)),
            // The versions of an object share its key.
            (Some(next), Some(present)) => {
                (Change::Modified, Object::keyed(present.key().clone(), next, revision))
            }
        };
        Ok(Event { revision, change, object, previous: present, at: self.at })
    }
}
