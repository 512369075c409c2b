//! `dullahan check`: prints every mistake in manifests, and warnings of what is likely not meant.
//!
//! Nothing is started. Exit code 0 if there is no mistake, else 1; with `--strict`, warnings and kinds
//! that are not served are mistakes too. With `-o json` it prints one document:
//!
//! ```text
//! {"findings": [{"severity": "error" | "warning" | "skipped", "file": "web.yaml", "line": 3,
//!                "object": {"kind": "StatefulSet", "namespace": "default", "name": "web"},
//!                "path": "spec.serviceName", "message": "..."}],
//!  "counts": {"files": 1, "objects": 2, "errors": 0, "warnings": 1, "skipped": 0},
//!  "passed": true}
//! ```
//!
//! `line`, `object` and its fields, and `path` are null where there is none; `message` is the line that people get,
//! without the place.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::output::say;
use crate::app;
use crate::clock::Clock;
use crate::config::ManifestSettings;
use crate::files::check::check;
use crate::files::problem::Problem;
use crate::files::remark::Remark;
use crate::files::report::Report;
use crate::machinery::manifest::{Skipped, Title};
use crate::store::Bootstrap;

/// Flags of `dullahan check`.
#[derive(Args, Debug)]
#[command(mut_arg("file", |file| file.required(true)))]
#[command(mut_arg("strict", |strict| strict.help("Fail for warnings and for kinds that are not served, too")))]
pub(super) struct CheckSettings {
    #[command(flatten)]
    manifests: ManifestSettings,
    /// How findings are printed.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    output: Format,
    /// Check for a server without the default StorageClass "standard".
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    no_default_storage_class: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each, for people.
    Text,
    /// One JSON document.
    Json,
}

/// Prints everything that is found; fails if there is a mistake.
pub(super) fn run(settings: &CheckSettings) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bootstrap = Bootstrap { default_storage_class: !settings.no_default_storage_class };
    // Skipped objects are counted apart, whether they fail the check or not.
    let manifests = app::manifests(&ManifestSettings { strict: false, ..settings.manifests.clone() });
    let report = runtime.block_on(check(manifests, &bootstrap, Clock::system()))?;
    let n_tolerated = report.remarks.len() + report.skipped.len();
    let is_passed = report.problems.is_empty() && (n_tolerated == 0 || !settings.manifests.strict);
    match settings.output {
        Format::Text => print(&report)?,
        Format::Json => say(document(&report, is_passed))?,
    }
    Ok(if is_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report) -> anyhow::Result<()> {
    report.problems.iter().try_for_each(say)?;
    report.remarks.iter().try_for_each(say)?;
    for skipped in &report.skipped {
        let (file, line) = (&skipped.source.file, skipped.source.line);
        say(format_args!("{file}:{line}: warning: {}", skipped.message()))?;
    }
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (objects, files) = (counted(report.n_objects, "object"), counted(report.n_files, "file"));
    let mistakes = counted(report.problems.len(), "mistake");
    let warnings = match report.remarks.len() {
        0 => String::new(),
        n => format!(", {}", counted(n, "warning")),
    };
    let skipped = match report.skipped.len() {
        0 => String::new(),
        n => format!(", {n} skipped"),
    };
    say(format_args!("{objects} in {files}, {mistakes}{warnings}{skipped}"))
}

fn document(report: &Report, is_passed: bool) -> Value {
    let errors = report.problems.iter().map(error);
    let warnings = report.remarks.iter().map(warning);
    let findings: Vec<Value> = errors.chain(warnings).chain(report.skipped.iter().map(skipped)).collect();
    json!({
        "findings": findings,
        "counts": {
            "files": report.n_files,
            "objects": report.n_objects,
            "errors": report.problems.len(),
            "warnings": report.remarks.len(),
            "skipped": report.skipped.len(),
        },
        "passed": is_passed,
    })
}

fn object(title: &Title) -> Value {
    json!({"kind": title.kind, "namespace": title.namespace, "name": title.name})
}

fn error(problem: &Problem) -> Value {
    json!({
        "severity": "error",
        "file": problem.file(),
        "line": problem.line(),
        "object": problem.object().as_ref().map(object),
        "path": problem.field(),
        "message": problem.message(),
    })
}

fn warning(remark: &Remark) -> Value {
    json!({
        "severity": "warning",
        "file": remark.source.file,
        "line": remark.source.line,
        "object": object(&Title::from(&remark.key)),
        "path": remark.warning.path,
        "message": remark.message(),
    })
}

fn skipped(skipped: &Skipped) -> Value {
    json!({
        "severity": "skipped",
        "file": skipped.source.file,
        "line": skipped.source.line,
        "object": object(&skipped.object),
        "path": "kind",
        "message": skipped.message(),
    })
}
