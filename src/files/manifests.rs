//! Which files and folders hold the manifests, and how they are read.

use std::path::PathBuf;

/// Files and folders, and how they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifests {
    /// Files, folders, or `-` for standard input.
    pub paths: Vec<PathBuf>,
    /// Whether the folders below a folder are read, too.
    pub is_recursive: bool,
    /// Whether an object of a kind that is not served is a mistake, instead of being skipped.
    pub is_strict: bool,
}

impl From<Vec<PathBuf>> for Manifests {
    /// With the folders below, and not strict.
    fn from(paths: Vec<PathBuf>) -> Self {
        Self { paths, is_recursive: true, is_strict: false }
    }
}
