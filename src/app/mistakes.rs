//! Files with mistakes: nothing is started from them.
//!
//! The commands print each mistake on a line of its own, with its file and line.

use crate::files::problem::Problem;
use crate::files::report::Report;

/// Why nothing was started: the files have mistakes.
#[derive(Debug, thiserror::Error)]
#[error("{}; nothing was started", count(.0.len()))]
pub struct BrokenFiles(pub Vec<String>);

fn count(n: usize) -> String {
    if n == 1 { "1 mistake in the files".to_owned() } else { format!("{n} mistakes in the files") }
}

/// Fails if reading the files has found mistakes.
pub(super) fn refuse_broken(report: &Report) -> Result<(), BrokenFiles> {
    if report.problems.is_empty() {
        return Ok(());
    }
    Err(BrokenFiles(report.problems.iter().map(Problem::to_string).collect()))
}
