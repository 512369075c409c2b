//! `dullahan dns`: the DNS server alone, for the objects in files.
//!
//! No controller runs: what the files say is what is published.

use std::process::ExitCode;

use super::output::Output;
use super::session::Session;
use crate::app;
use crate::clock::Clock;
use crate::config::DnsOnlySettings;

/// Serves until a signal comes.
pub(super) fn run(settings: &DnsOnlySettings) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let clock = Clock::system();
        let output = Output::new(&settings.common, clock.now());
        let running = app::dns(settings, clock.clone()).await?;
        Session::new(running, output, clock, Vec::new()).run().await
    })
}
