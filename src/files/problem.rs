//! Why a part of the files is not in the store, with the file and the line.
//!
//! A problem is about one file or one object; everything else in the files is applied.

use std::path::PathBuf;

use crate::machinery::manifest::{Mistake, Source};
use crate::objects::ObjectKey;
use crate::store::StoreError;

/// Why a part of the files is not in the store.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A path cannot be read.
    #[error("{}: {source}", .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file has a mistake.
    #[error("{0}")]
    Mistake(#[from] Mistake),
    /// The same object is in two places.
    #[error("{}:{}: {key} is also in {}:{}; remove one of the two", .second.file, .second.line, .first.file, .first.line)]
    Twice {
        /// The object.
        key: ObjectKey,
        /// The place that is used.
        first: Box<Source>,
        /// The place that is ignored.
        second: Box<Source>,
    },
    /// The store rejects an object.
    #[error("{}:{}: {error}", .at.file, .at.line)]
    Refused {
        /// Where the object is.
        at: Box<Source>,
        /// Why.
        error: Box<StoreError>,
    },
}

impl Problem {
    pub(super) fn twice(key: &ObjectKey, first: &Source, second: &Source) -> Self {
        Self::Twice { key: key.clone(), first: Box::new(first.clone()), second: Box::new(second.clone()) }
    }

    pub(super) fn refused(at: &Source, error: StoreError) -> Self {
        Self::Refused { at: Box::new(at.clone()), error: Box::new(error) }
    }
}
