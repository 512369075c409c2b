//! Why a part of the files is not in the store, with the file and the line.
//!
//! A problem is about one file or one object; everything else in the files is applied.

use std::path::PathBuf;

use crate::machinery::manifest::{Mistake, Source, Title};
use crate::machinery::patch::ApplyError;
use crate::objects::{Kind, ObjectKey};
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
    /// A folder without manifests.
    #[error("{}: there is no manifest in it; files that end in .yaml, .yml or .json are read", .0.display())]
    NoManifest(PathBuf),
    /// Files without an object.
    #[error("{}: there is no object in it", .0.display())]
    NoObject(PathBuf),
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
    /// The object of that name is going away, and cannot be applied before it is gone.
    #[error("{}:{}: {key} is being deleted; it is created again once it is gone", .at.file, .at.line)]
    Terminating {
        /// Where the object is.
        at: Box<Source>,
        /// The object.
        key: ObjectKey,
    },
    /// The namespace of an object does not exist.
    #[error("{}:{}: {key}: there is no Namespace \"{}\"; add it to the files, or create it", .at.file, .at.line, .key.namespace)]
    NoNamespace {
        /// Where the object is.
        at: Box<Source>,
        /// The object.
        key: ObjectKey,
    },
    /// The store rejects an object.
    #[error("{}:{}: {error}", .at.file, .at.line)]
    Refused {
        /// Where the object is.
        at: Box<Source>,
        /// The object.
        key: ObjectKey,
        /// Why.
        error: Box<StoreError>,
    },
    /// An object that is no longer in the files cannot be deleted.
    #[error("{}: {key} is no longer in it and cannot be deleted: {error}", .at.file)]
    NotDeleted {
        /// Where the object was.
        at: Box<Source>,
        /// The object.
        key: ObjectKey,
        /// Why.
        error: Box<StoreError>,
    },
    /// An object that does not merge with what is there.
    #[error("{}:{}: {key}: {error}", .at.file, .at.line)]
    Unfit {
        /// Where the object is.
        at: Box<Source>,
        /// The object.
        key: ObjectKey,
        /// Why.
        error: Box<ApplyError>,
    },
}

impl Problem {
    pub(super) fn twice(key: &ObjectKey, first: &Source, second: &Source) -> Self {
        Self::Twice { key: key.clone(), first: Box::new(first.clone()), second: Box::new(second.clone()) }
    }

    pub(super) fn refused(at: &Source, key: &ObjectKey, error: StoreError) -> Self {
        let (at, key) = (Box::new(at.clone()), key.clone());
        match &error {
            StoreError::NotFound(missing) if missing.kind == Kind::Namespace && *missing != key => {
                Self::NoNamespace { at, key }
            }
            _ => Self::Refused { at, key, error: Box::new(error) },
        }
    }

    /// Whether it may pass without a change of the files.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Terminating { .. } | Self::NoNamespace { .. } => true,
            Self::Refused { error, .. } => !matches!(**error, StoreError::Invalid { .. }),
            _ => false,
        }
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> String {
        let text = self.to_string();
        let place = match self.line() {
            Some(line) => format!("{}:{line}: ", self.file()),
            None => format!("{}: ", self.file()),
        };
        text.strip_prefix(&place).unwrap_or(&text).to_owned()
    }

    /// The file or folder that it is about.
    pub fn file(&self) -> String {
        match self {
            Self::Unreadable { path, .. } | Self::NoManifest(path) | Self::NoObject(path) => {
                path.display().to_string()
            }
            Self::Mistake(mistake) => mistake.file.clone(),
            _ => self.place().map_or_else(String::new, |place| place.file.clone()),
        }
    }

    /// The line that it is about.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Mistake(mistake) => Some(mistake.line),
            Self::NotDeleted { .. } => None,
            _ => self.place().map(|place| place.line),
        }
    }

    /// The object that it is about.
    pub fn object(&self) -> Option<Title> {
        match self {
            Self::Unreadable { .. } | Self::NoManifest(_) | Self::NoObject(_) => None,
            Self::Mistake(mistake) => mistake.object.as_deref().cloned(),
            Self::Twice { key, .. }
            | Self::Terminating { key, .. }
            | Self::NoNamespace { key, .. }
            | Self::Refused { key, .. }
            | Self::NotDeleted { key, .. }
            | Self::Unfit { key, .. } => Some(Title::from(key)),
        }
    }

    /// The field that it is about, if it is about one.
    pub fn field(&self) -> Option<String> {
        let path = match self {
            Self::Mistake(mistake) => Some(mistake.path.clone()),
            Self::Refused { error, .. } => match &**error {
                StoreError::Invalid { errors, .. } if errors.len() == 1 => Some(errors[0].path.clone()),
                _ => None,
            },
            Self::NoNamespace { .. } => Some("metadata.namespace".to_owned()),
            _ => None,
        };
        path.filter(|path| !path.is_empty())
    }

    fn place(&self) -> Option<&Source> {
        match self {
            Self::Twice { second, .. } => Some(second),
            Self::Terminating { at, .. }
            | Self::NoNamespace { at, .. }
            | Self::Refused { at, .. }
            | Self::NotDeleted { at, .. }
            | Self::Unfit { at, .. } => Some(at),
            _ => None,
        }
    }
}
