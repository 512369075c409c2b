//! What has been told of the files, so that it is not told again as long as it lasts.
//!
//! What has ended and comes back is told again.

use std::collections::{BTreeMap, BTreeSet};

use super::remark::Remark;
use super::report::Report;

/// What has been told.
#[derive(Default)]
pub(super) struct Told {
    /// By file.
    problems: BTreeMap<String, BTreeSet<String>>,
    remarks: BTreeSet<String>,
    skipped: BTreeSet<String>,
}

impl Told {
    /// Takes out of a report what was told before, and notes which files are mended.
    pub(super) fn reduce(&mut self, report: &mut Report) {
        let mut problems: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for problem in &report.problems {
            problems.entry(problem.file()).or_default().insert(problem.to_string());
        }
        let before = std::mem::replace(&mut self.problems, problems);
        report.problems.retain(|problem| {
            !before.get(&problem.file()).is_some_and(|told| told.contains(&problem.to_string()))
        });
        report.mended = before.into_keys().filter(|file| !self.problems.contains_key(file)).collect();
        let skipped = report.skipped.iter().map(ToString::to_string).collect();
        let before = std::mem::replace(&mut self.skipped, skipped);
        report.skipped.retain(|skipped| !before.contains(&skipped.to_string()));
    }

    /// The remarks among all present ones that were not told before.
    pub(super) fn new_remarks(&mut self, mut remarks: Vec<Remark>) -> Vec<Remark> {
        let present = remarks.iter().map(Remark::fact).collect();
        let before = std::mem::replace(&mut self.remarks, present);
        remarks.retain(|remark| !before.contains(&remark.fact()));
        remarks
    }
}
