//! `dullahan dns`: the DNS server alone, for the objects in files.
//!
//! No controller runs: what the files say is what is published.

use std::process::ExitCode;

use super::arguments::Given;
use super::hints;
use super::output::Output;
use super::session::Session;
use super::signals::HangUps;
use crate::app;
use crate::clock::Clock;
use crate::config::DnsOnlySettings;

/// Serves until a signal comes.
pub(super) fn run(settings: &DnsOnlySettings, given: Given) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let hang_ups = HangUps::catch()?;
        let clock = Clock::system();
        let output = Output::new(&settings.common, clock.now());
        let running = app::dns(settings, clock.clone()).await?;
        let hints = hints::of_zones(&running.zones.load(), running.dns_addresses.first());
        Session::new(running, output, clock, hints, given).run(hang_ups).await
    });
    // What still reads a slow disk must not hold up the end.
    runtime.shutdown_background();
    ended
}
