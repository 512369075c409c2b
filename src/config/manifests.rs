//! Flags that name manifests, and how they are read.

use std::path::PathBuf;

use clap::Args;

/// Manifests to be applied, mirrored or checked.
#[derive(Args, Clone, Debug)]
pub struct ManifestSettings {
    /// Manifest file or directory, followed by a server when it changes (repeatable; - is standard input).
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    pub file: Vec<PathBuf>,
    /// Read the directories below a directory too, but for hidden ones; =false reads one directory alone.
    #[arg(long, num_args = 0..=1, default_value_t = true, default_missing_value = "true", require_equals = true)]
    pub recursive: bool,
    /// Refuse objects of kinds that are not served, instead of skipping them.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub strict: bool,
}
