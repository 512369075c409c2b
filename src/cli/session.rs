//! What `serve` and `dns` have in common once everything runs: print what happens until a signal
//! comes, then stop.

use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

use super::output::{Line, Output, Tone};
use super::progress::{self, Progress};
use crate::app::Running;
use crate::clock::Clock;
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

/// What ends a session.
enum End {
    Signal(&'static str),
    Failure,
    NobodyReads,
}

impl Session {
    /// `hints` are printed once everything that the files ask for is there.
    pub(super) fn new(running: Running, output: Output, clock: Clock, hints: Vec<String>) -> Self {
        let watch = running.store.watch(Interest::in_kinds(&SHOWN), running.since);
        Self { running, output, progress: Progress::default(), watch, clock, hints: Some(hints) }
    }

    /// Prints progress until the session ends.
    pub(super) async fn run(mut self) -> anyhow::Result<ExitCode> {
        let mut terminate = listen(SignalKind::terminate())?;
        let mut interrupt = listen(SignalKind::interrupt())?;
        for address in self.running.dns_addresses.clone() {
            self.output.remark(&format!("DNS on {address} (UDP and TCP)"));
        }
        self.print(progress::report(&self.running.applied));
        let failure = self.running.failure();
        let end = loop {
            if self.output.is_closed() {
                break End::NobodyReads;
            }
            self.print_hints_when_complete();
            tokio::select! {
                _ = terminate.recv() => break End::Signal("SIGTERM"),
                _ = interrupt.recv() => break End::Signal("Ctrl-C"),
                () = failure.cancelled() => break End::Failure,
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

    fn print_hints_when_complete(&mut self) {
        // A store event may lie ahead of the publication of its names; the watch is then empty
        // and the publication still to come, so the names are waited for as well.
        let is_quiet =
            self.running.publications.is_empty() && self.watch.seen() >= self.running.store.revision();
        if !is_quiet || !self.progress.is_complete() {
            return;
        }
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
            tracing::error!("something did not stop in time and was abandoned");
        }
        match end {
            End::Signal(_) | End::NobodyReads if is_clean => Ok(ExitCode::SUCCESS),
            _ => Ok(ExitCode::FAILURE),
        }
    }
}

fn listen(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("cannot listen for signals")
}

/// Waits for something to happen and says it in lines.
async fn next_lines(running: &mut Running, watch: &mut Watch, progress: &mut Progress) -> Vec<Line> {
    tokio::select! {
        events = watch.next() => match events {
            Ok(events) => events.iter().filter_map(|event| progress.event(event)).collect(),
            Err(_) => {
                *watch = running.store.watch(Interest::in_kinds(&SHOWN), running.store.revision());
                vec![skipped()]
            }
        },
        publication = running.publications.recv() => match publication {
            Ok(publication) => progress::publication(&publication),
            Err(RecvError::Lagged(_)) => vec![skipped()],
            Err(RecvError::Closed) => std::future::pending().await,
        },
        report = running.reports.recv() => match report {
            Some(report) => progress::report(&report),
            None => std::future::pending().await,
        },
        changed = running.zone_mistakes.changed() => match changed {
            Ok(()) => zone_lines(&running.zone_mistakes.borrow_and_update()),
            Err(_) => std::future::pending().await,
        },
    }
}

fn zone_lines(mistakes: &[String]) -> Vec<Line> {
    let mut lines: Vec<Line> = mistakes.iter().map(|mistake| progress::problem_line(mistake)).collect();
    if lines.is_empty() {
        lines.push(Line {
            subject: "zones",
            name: "zone files".into(),
            state: "loaded".into(),
            tone: Tone::Good,
        });
    } else {
        lines.push(progress::problem_line("the zones as they were before stay in force"));
    }
    lines
}

fn skipped() -> Line {
    let name = "too much happened at once; some lines were left out".to_owned();
    Line { subject: "note", name, state: String::new(), tone: Tone::Neutral }
}
