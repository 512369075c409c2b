//! `dullahan check`: prints every mistake in manifests, and warnings of what is likely not meant.
//!
//! Nothing is started. Exit code 0 if there is no mistake, else 1; warnings do not count.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::output::say;
use crate::files::check::check;

/// Flags of `dullahan check`.
#[derive(Args, Debug)]
pub(super) struct CheckSettings {
    /// Manifest file or directory (repeatable; - is standard input).
    #[arg(short = 'f', long = "file", value_name = "PATH", required = true)]
    file: Vec<PathBuf>,
}

/// Prints every mistake of every document, and warnings; fails if there is a mistake.
pub(super) fn run(settings: &CheckSettings) -> anyhow::Result<ExitCode> {
    let checked = check(&settings.file);
    for problem in &checked.problems {
        say(problem)?;
    }
    for remark in &checked.remarks {
        say(remark)?;
    }
    let n_problems = checked.problems.len();
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (objects, files) = (counted(checked.n_objects, "object"), counted(checked.n_files, "file"));
    let warnings = match checked.remarks.len() {
        0 => String::new(),
        n_remarks => format!(", {}", counted(n_remarks, "warning")),
    };
    say(format_args!("{objects} in {files}, {}{warnings}", counted(n_problems, "mistake")))?;
    Ok(if n_problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
