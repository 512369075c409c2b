//! A running server in the foreground: prints what happens until a signal comes, then stops.
//!
//! ```text
//!   SIGHUP ───────────► settings, keys, certificates, zones and manifests are read again
//!   SIGTERM, SIGINT ──► nothing new is accepted, what is in progress is finished, exit code 0
//!     again ──────────► ended at once, exit code 128 and the signal's number, as shells have it
//! ```
//!
//! `serve` and `dns` share it. Otherwise it ends with exit code 1 when a part fails, 70 when a part panics. A
//! configuration that is broken by the time of a SIGHUP changes nothing, and what is wrong is told.

use std::process::ExitCode;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::arguments::Given;
use super::command::Command;
use super::output::{Line, Output, Tone, print_error};
use super::progress::{self, Progress};
use super::signals::{Ending, Endings, HangUps};
use crate::app::{Failure, Renewal, Running, ZoneReport, is_live};
use crate::clock::Clock;
use crate::config::DnsSettings;
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
    /// What the server was started with.
    started: Given,
    /// What was last read without a mistake.
    given: Given,
}

/// The kinds whose events people want to see.
const SHOWN: [Kind; 3] = [Kind::Pod, Kind::StatefulSet, Kind::Event];

/// How long nothing must happen, once every set is complete, before a hint is no interruption.
const SETTLED: Duration = Duration::from_millis(100);

/// The exit code when a part has panicked (`EX_SOFTWARE` of sysexits.h).
const EXIT_FAULT: u8 = 70;
/// What a shell adds to the number of the signal that has ended a process.
const EXIT_SIGNAL: u8 = 128;
const SIGHUP: &str = "SIGHUP";

/// What ends a session.
enum End {
    Signal(Ending),
    Failure(Failure),
    NobodyReads,
}

impl Session {
    /// `hints` are printed once every StatefulSet is complete and nothing happens.
    pub(super) fn new(
        running: Running,
        output: Output,
        clock: Clock,
        hints: Vec<String>,
        given: Given,
    ) -> Self {
        let watch = running.store.watch(Interest::in_kinds(&SHOWN), running.since);
        let (progress, hints) = (Progress::default(), Some(hints));
        Self { running, output, progress, watch, clock, hints, started: given.clone(), given }
    }

    /// Prints progress until the session ends.
    pub(super) async fn run(mut self, mut hang_ups: HangUps) -> anyhow::Result<ExitCode> {
        let mut endings = Endings::catch()?;
        self.print_places();
        self.print(progress::report(&self.running.applied));
        let mut failure = std::pin::pin!(self.running.failure());
        let clock = self.clock.clone();
        let end = loop {
            if self.output.is_closed() {
                break End::NobodyReads;
            }
            let due = self.progress.next_due();
            let is_settling = self.hints.is_some() && self.progress.is_complete();
            tokio::select! {
                ending = endings.next() => break End::Signal(ending),
                () = hang_ups.next() => self.read_again(),
                failure = &mut failure => break End::Failure(failure),
                () = clock.sleep(SETTLED), if is_settling => self.print_hints(),
                () = clock.sleep_until(due.unwrap_or_default()), if due.is_some() => {
                    let lines = self.progress.due(clock.now());
                    self.print(lines);
                }
                lines = next_lines(&mut self.running, &mut self.watch, &mut self.progress) => self.print(lines),
            }
        };
        self.finish(end, endings).await
    }

    /// Says where everything is.
    fn print_places(&mut self) {
        for address in self.running.dns_addresses.clone() {
            self.output.listening(self.clock.now(), address);
        }
        for (protocol, address) in self.running.encrypted_addresses.clone() {
            self.output.listening_encrypted(self.clock.now(), protocol, address);
        }
        if let Some(file) = &self.running.authority {
            self.output.trusting(self.clock.now(), file);
        }
        if let Some(address) = self.running.metrics_address {
            self.output.measuring(self.clock.now(), address);
        }
        if let Some((address, kubeconfig)) = self.running.api.clone() {
            self.output.serving(self.clock.now(), address, &kubeconfig);
        }
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

    /// Reads everything again and says what has changed, what is live, and what needs a restart.
    fn read_again(&mut self) {
        let read = self.given.again().and_then(|(given, changed)| Ok((given.command()?, given, changed)));
        let (cli, given, changed) = match read {
            Ok(read) => read,
            Err(error) => return self.print(vec![renewed("settings", error.to_string(), true)]),
        };
        let Some(settings) = dns_of(&cli.command) else { return };
        let live = changed.iter().filter(|name| is_live(name));
        let mut lines: Vec<Line> =
            live.map(|name| renewed(&format!("setting {name}"), "changed".to_owned(), false)).collect();
        let waiting = given.differences(&self.started);
        for name in waiting.iter().filter(|name| !is_live(name)) {
            let line = renewed(&format!("setting {name}"), "changed; needs a restart".to_owned(), false);
            lines.push(line.with("needsRestart", true));
        }
        if lines.is_empty() {
            lines.push(renewed("settings", "no change".to_owned(), false));
        }
        let renewals = self.running.reload(settings, &self.clock);
        if !renewals.iter().any(|renewal| renewal.is_refused) {
            self.given = given;
        }
        let told = |Renewal { what, outcome, is_refused }: Renewal| renewed(&what, outcome, is_refused);
        lines.extend(renewals.into_iter().map(told));
        self.print(lines);
    }

    async fn finish(mut self, end: End, mut endings: Endings) -> anyhow::Result<ExitCode> {
        if let End::Signal(Ending { name, .. }) = end {
            self.output.ending(self.clock.now(), name, "stopping");
        }
        let is_clean = tokio::select! {
            is_clean = self.running.stop(&self.clock) => is_clean,
            Ending { name, number } = endings.next() => {
                self.output.ending(self.clock.now(), name, "ended at once");
                return Ok(ExitCode::from(EXIT_SIGNAL + number));
            }
        };
        if !is_clean {
            tracing::error!("a part did not stop in time and was abandoned");
        }
        match end {
            End::Failure(failure @ Failure::Panic { .. }) => {
                let fault = anyhow::anyhow!("{failure}; this is a fault of dullahan, please report it");
                print_error(&fault, self.output.is_json());
                Ok(ExitCode::from(EXIT_FAULT))
            }
            End::Failure(failure) => Err(failure.into()),
            End::Signal(_) | End::NobodyReads if is_clean => Ok(ExitCode::SUCCESS),
            End::Signal(_) | End::NobodyReads => Ok(ExitCode::FAILURE),
        }
    }
}

/// The settings of DNS, if the command is a server.
fn dns_of(command: &Command) -> Option<&DnsSettings> {
    match command {
        Command::Serve(settings) => Some(&settings.dns),
        Command::Dns(settings) => Some(&settings.dns),
        _ => None,
    }
}

/// A line for what a SIGHUP has brought.
fn renewed(what: &str, outcome: String, is_refused: bool) -> Line {
    if is_refused {
        let problem = format!("{SIGHUP}: {what}: {outcome}; what was before stays in force");
        return progress::problem_line(&problem);
    }
    Line::new("reload", what, outcome, Tone::Neutral).with("signal", SIGHUP)
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
        lines.push(Line::new("zones", loaded, "loaded", Tone::Good));
    }
    lines
}

fn skipped() -> Line {
    Line::new("note", "too much happened at once; some lines were left out", "", Tone::Neutral)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::app;
    use crate::cli::arguments;

    #[tokio::test]
    async fn a_part_that_panics_ends_the_process_with_exit_code_70() {
        let state = tempfile::tempdir().unwrap();
        let state = state.path().to_str().unwrap();
        let line = ["dullahan", "dns", "--dns-listen", "127.0.0.1:0", "--state-dir", state, "--quiet"];
        let given = arguments::parse(line.into_iter().map(OsString::from).collect()).ok().unwrap();
        let Command::Dns(settings) = given.command().ok().unwrap().command else { panic!("it is dns") };
        let clock = Clock::system();
        let running = app::dns(&settings, clock.clone()).await.unwrap();
        let output = Output::new(&settings.common, clock.now());
        running.follow("publisher", async { panic!("a broken invariant") });
        let session = Session::new(running, output, clock, Vec::new(), given);
        let code = session.run(HangUps::catch().unwrap()).await.unwrap();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(70)));
    }
}
