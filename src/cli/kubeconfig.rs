//! `dullahan kubeconfig`: prints the kubeconfig that a server has written.
//!
//! It is read from the file; a server that is not running has left its last one there.

use std::process::ExitCode;

use anyhow::Context;

use super::output::say;
use crate::config::{KubeconfigSettings, kubeconfig_default};

/// Prints the file.
pub(super) fn run(settings: &KubeconfigSettings) -> anyhow::Result<ExitCode> {
    let path = settings
        .kubeconfig_out
        .clone()
        .or_else(kubeconfig_default)
        .context("neither XDG_STATE_HOME nor HOME is set; name the file with --kubeconfig-out")?;
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; is a server running?", path.display()))?;
    say(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
