//! A running server in the foreground: prints what happens until a signal comes, then stops.
//!
//! `serve` and `dns` share it. It ends with exit code 0 after a signal, 1 when a part fails, 70 when
//! a part panics.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::output::{Line, Output, Tone, print_error};
use super::progress::{self, Progress};
use crate::app::{Failure, Running, ZoneReport};
use crate::clock::Clock;
use crate::names::publisher::Publication;
use crate::objects::Kind;
use crate::store::{Interest, Watch};

/// A running server and what its user has been told.
pub(super) struct Session {
    running: Running,
    output: Output,
    progress: Progress,
    watch: Watch,
    clock: Clock,
    hints: Option<Vec<String>>,
}

/// The kinds whose events people want to see.
const SHOWN: [Kind; 3] = [Kind::Pod, Kind::StatefulSet, Kind::Event];

/// How long nothing must happen, once every set is complete, before a hint is no interruption.
const SETTLED: Duration = Duration::from_millis(100);

/// The exit code when a part has panicked (`EX_SOFTWARE` of sysexits.h).
const EXIT_FAULT: u8 = 70;

/// What ends a session.
enum End {
    Signal(&'static str),
    Failure(Failure),
    NobodyReads,
}

impl Session {
    /// `hints` are printed once every StatefulSet is complete and nothing happens.
    pub(super) fn new(running: Running, output: Output, clock: Clock, hints: Vec<String>) -> Self {
        let watch = running.store.watch(Interest::in_kinds(&SHOWN), running.since);
        Self { running, output, progress: Progress::default(), watch, clock, hints: Some(hints) }
    }

    /// Prints progress until the session ends.
    pub(super) async fn run(mut self) -> anyhow::Result<ExitCode> {
        let mut terminate = listen(SignalKind::terminate())?;
        let mut interrupt = listen(SignalKind::interrupt())?;
        for address in self.running.dns_addresses.clone() {
            self.output.listening(self.clock.now(), address);
        }
        for (protocol, address) in self.running.encrypted_addresses.clone() {
            self.output.listening_encrypted(self.clock.now(), protocol, address);
        }
        if let Some(file) = &self.running.authority {
            let remark = format!(
                "The certificate of encrypted DNS is signed by {}; clients must trust it",
                file.display()
            );
            self.output.remark(&remark);
        }
        if let Some(address) = self.running.metrics_address {
            self.output.measuring(self.clock.now(), address);
        }
        if let Some((address, kubeconfig)) = self.running.api.clone() {
            self.output.serving(self.clock.now(), address, &kubeconfig);
        }
        self.print(progress::report(&self.running.applied));
        let mut failure = std::pin::pin!(self.running.failure());
        let clock = self.clock.clone();
        let end = loop {
            if self.output.is_closed() {
                break End::NobodyReads;
            }
            let is_settling = self.hints.is_some() && self.progress.is_complete();
            tokio::select! {
                _ = terminate.recv() => break End::Signal("SIGTERM"),
                _ = interrupt.recv() => break End::Signal("Ctrl-C"),
                failure = &mut failure => break End::Failure(failure),
                () = clock.sleep(SETTLED), if is_settling => self.print_hints(),
                lines = next_lines(&mut self.running, &mut self.watch, &mut self.progress) => self.print(lines),
            }
        };
        self.finish(end).await
    }

    fn print(&mut self, lines: Vec<Line>) {
        let now = self.clock.now();
        for line in lines {
            self.output.line(now, &line);
        }
    }

    fn print_hints(&mut self) {
        for hint in self.hints.take().into_iter().flatten() {
            self.output.remark(&hint);
        }
    }

    async fn finish(mut self, end: End) -> anyhow::Result<ExitCode> {
        if let End::Signal(name) = end {
            self.output.remark(&format!("{name}: stopping"));
        }
        let is_clean = self.running.stop(&self.clock).await;
        if !is_clean {
            tracing::error!("a part did not stop in time and was abandoned");
        }
        match end {
            End::Failure(failure @ Failure::Panic { .. }) => {
                print_error(&anyhow::anyhow!("{failure}; this is a fault of dullahan, please report it"));
                Ok(ExitCode::from(EXIT_FAULT))
            }
            End::Failure(failure) => Err(failure.into()),
            End::Signal(_) | End::NobodyReads if is_clean => Ok(ExitCode::SUCCESS),
            End::Signal(_) | End::NobodyReads => Ok(ExitCode::FAILURE),
        }
    }
}

fn listen(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("cannot listen for signals")
}

/// Waits for something to happen and says it in lines.
async fn next_lines(running: &mut Running, watch: &mut Watch, progress: &mut Progress) -> Vec<Line> {
    // A source that has ended no longer matches its pattern and is left out; the watch never ends.
    tokio::select! {
        events = watch.next() => match events {
            Ok(events) => events.iter().filter_map(|event| progress.event(event)).collect(),
            Err(_) => {
                *watch = running.store.watch(Interest::in_kinds(&SHOWN), running.store.revision());
                vec![skipped()]
            }
        },
        Some(lines) = next_publication(&mut running.publications) => lines,
        Some(report) = running.reports.recv() => progress::report(&report),
        Ok(()) = running.zone_report.changed() => zone_lines(&running.zone_report.borrow_and_update()),
    }
}

async fn next_publication(publications: &mut broadcast::Receiver<Publication>) -> Option<Vec<Line>> {
    match publications.recv().await {
        Ok(publication) => Some(progress::publication(&publication)),
        Err(RecvError::Lagged(_)) => Some(vec![skipped()]),
        Err(RecvError::Closed) => None,
    }
}

fn zone_lines(report: &ZoneReport) -> Vec<Line> {
    let mut lines: Vec<Line> =
        report.mistakes.iter().map(|mistake| progress::problem_line(mistake)).collect();
    let loaded = if lines.is_empty() { "zone files" } else { "the other zone files" };
    if lines.is_empty() || report.has_changed {
        lines.push(Line { subject: "zones", name: loaded.into(), state: "loaded".into(), tone: Tone::Good });
    }
    lines
}

fn skipped() -> Line {
    let name = "too much happened at once; some lines were left out".to_owned();
    Line { subject: "note", name, state: String::new(), tone: Tone::Neutral }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;
    use crate::app;
    use crate::config::DnsOnlySettings;

    #[tokio::test]
    async fn a_part_that_panics_ends_the_process_with_exit_code_70() {
        let command = DnsOnlySettings::augment_args(Command::new("dns"));
        let state = tempfile::tempdir().unwrap();
        let state = state.path().to_str().unwrap();
        let arguments = ["dns", "--dns-listen", "127.0.0.1:0", "--state-dir", state, "--quiet"];
        let settings = DnsOnlySettings::from_arg_matches(&command.get_matches_from(arguments)).unwrap();
        let clock = Clock::system();
        let running = app::dns(&settings, clock.clone()).await.unwrap();
        let output = Output::new(&settings.common, clock.now());
        running.follow("publisher", async { panic!("a broken invariant") });
        let code = Session::new(running, output, clock, Vec::new()).run().await.unwrap();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(70)));
    }
}
