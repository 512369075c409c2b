//! What one reading of the files has changed and found.
//!
//! Problems, remarks and skipped objects are told once, and not again as long as they last.

use super::problem::Problem;
use super::remark::Remark;
use crate::machinery::manifest::{Skipped, Source};
use crate::objects::ObjectKey;

/// What became of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did not exist.
    Created,
    /// It existed and is now different.
    Configured,
    /// It is no longer in any file.
    Deleted,
}

/// An object that is different now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The object.
    pub key: ObjectKey,
    /// What became of it.
    pub outcome: Outcome,
    /// Where it is in the files, or was.
    pub source: Source,
}

/// Fields that others had written and that a file has taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The object.
    pub key: ObjectKey,
    /// Where it is in the files.
    pub source: Source,
    /// Who had written the fields.
    pub manager: String,
    /// The fields (`.spec.replicas`).
    pub fields: Vec<String>,
}

impl std::fmt::Display for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key, source, manager, fields } = self;
        let (fields, file) = (fields.join(", "), &source.file);
        write!(f, "{key}: {fields} as {file} says; {manager} had changed it")
    }
}

/// What one reading of the files has changed and found.
#[derive(Debug, Default)]
pub struct Report {
    /// Objects that are different now.
    pub changes: Vec<Change>,
    /// Fields of them that were others'.
    pub taken: Vec<Taken>,
    /// What is not in the store, and why.
    pub problems: Vec<Problem>,
    /// Warnings about objects that are in the store.
    pub remarks: Vec<Remark>,
    /// Objects of kinds that are not served.
    pub skipped: Vec<Skipped>,
    /// Files that had problems and have none any more.
    pub mended: Vec<String>,
    /// Whether somebody asked for the reading: it is then told even if nothing has changed.
    pub is_asked: bool,
    /// How many files were read.
    pub n_files: usize,
    /// How many objects are in the files, each once, without those that are skipped.
    pub n_objects: usize,
}

impl Report {
    /// Whether there is anything to tell.
    pub(super) fn has_news(&self) -> bool {
        self.is_asked
            || !(self.changes.is_empty()
                && self.taken.is_empty()
                && self.problems.is_empty()
                && self.remarks.is_empty()
                && self.skipped.is_empty()
                && self.mended.is_empty())
    }
}
