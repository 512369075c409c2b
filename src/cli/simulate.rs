//! `dullahan simulate`: histories of users and misfortunes against the whole product, by the
//! seed, in virtual time; every rule is checked at every step.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::output::say;
use super::progress;
use super::signals::HangUps;
use crate::app;
use crate::config::{ManifestSettings, NodeSettings, is_capable};
use crate::files::once;
use crate::node::NodeOptions;
use crate::simulation::{Cast, Simulation, Summary};

/// Flags of `dullahan simulate`.
#[derive(Args, Debug)]
pub(super) struct SimulateSettings {
    /// Number of seeds to run.
    #[arg(long, value_name = "N", default_value_t = 20)]
    seeds: u64,
    /// The first seed; the others follow it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    first_seed: u64,
    /// Hours of virtual time for each seed.
    #[arg(long, value_name = "HOURS", default_value_t = 1.0, value_parser = hours)]
    hours: f64,
    /// Without manifests, sets are generated from the seed.
    #[command(flatten)]
    manifests: ManifestSettings,
    #[command(flatten)]
    nodes: NodeSettings,
    /// Print every action, every state of a pod, every name published or withdrawn.
    #[arg(long)]
    timeline: bool,
}

/// A year; what is longer is surely a mistake.
const HOURS_MAX: f64 = 8760.0;
/// The width of the progress bar.
const BAR_WIDTH: u64 = 30;

/// Runs every seed; fails at the first that breaks a rule.
pub(super) fn run(settings: &SimulateSettings) -> anyhow::Result<ExitCode> {
    // The handler stays when the runtime that it was set in is gone: a terminal that closes ends nothing.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _hang_ups = runtime.block_on(async { HangUps::catch() })?;
    let cast = cast(&settings.manifests)?;
    let nodes = nodes(&settings.nodes)?;
    let length = Duration::try_from_secs_f64(settings.hours * 3600.0)?;
    let simulation =
        |seed| Simulation { cast: cast.clone(), nodes: nodes.clone(), ..Simulation::new(seed, length) };
    if cast.is_some() && !settles(settings, &simulation(settings.first_seed))? {
        return Ok(ExitCode::FAILURE);
    }
    let mut progress = Progress::new(settings);
    for seed in settings.first_seed..settings.first_seed.saturating_add(settings.seeds) {
        progress.begin(seed)?;
        let outcome = simulation(seed).run(&mut |line| {
            if settings.timeline {
                // Nobody has to read to the end.
                let _ = writeln!(std::io::stdout(), "{line}");
            }
        });
        match outcome {
            Ok(summary) => progress.end(seed, &summary),
            Err(failure) => {
                progress.clear();
                if settings.timeline {
                    say("the timeline of the shortest history:")?;
                    failure.timeline.iter().try_for_each(say)?;
                }
                let files = settings.manifests.file.iter().map(|file| format!(" -f {}", file.display()));
                let nodes = settings.nodes.flags().into_iter().map(|flag| format!(" {flag}"));
                eprintln!("{failure}{}", files.chain(nodes).collect::<String>());
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    progress.clear();
    say(progress.total())?;
    Ok(ExitCode::SUCCESS)
}

/// Whether the sets reach their wanted state when nothing goes wrong; if not, says why, once.
fn settles(settings: &SimulateSettings, first: &Simulation) -> anyhow::Result<bool> {
    let mut lines = Vec::new();
    let Err(unsettled) = first.rehearse(&mut |line| lines.push(line.clone())) else { return Ok(true) };
    if settings.timeline {
        lines.iter().try_for_each(say)?;
    }
    eprintln!("{unsettled}");
    Ok(false)
}

fn hours(text: &str) -> Result<f64, String> {
    let hours: f64 = text.parse().map_err(|_| format!("\"{text}\" is not a number of hours"))?;
    let is_sensible = (0.0..=HOURS_MAX).contains(&hours);
    if is_sensible { Ok(hours) } else { Err(format!("must be from 0 to {HOURS_MAX} hours")) }
}

/// The nodes that are asked for; `None` if no flag says anything of them.
fn nodes(settings: &NodeSettings) -> anyhow::Result<Option<Vec<NodeOptions>>> {
    let is_asked = !settings.flags().is_empty();
    is_asked.then(|| app::simulated_nodes(settings)).transpose()
}

/// The sets of the manifests; `None` if none were given.
fn cast(settings: &ManifestSettings) -> anyhow::Result<Option<Cast>> {
    if settings.file.is_empty() {
        return Ok(None);
    }
    let content = once::read(&app::manifests(settings));
    if !content.problems.is_empty() {
        bail!(app::BrokenFiles(content.problems.iter().map(ToString::to_string).collect()));
    }
    for line in progress::skipped(&content.skipped) {
        eprintln!("warning: {}", line.name);
    }
    match Cast::of(content.objects) {
        Some(cast) => Ok(Some(cast)),
        None => bail!("the manifests have no StatefulSet; name a file that has one"),
    }
}

/// A bar on a terminal; elsewhere a line for each tenth of the seeds.
struct Progress {
    first: u64,
    n_seeds: u64,
    is_terminal: bool,
    is_silent: bool,
    n_done: u64,
    n_writes: u64,
    simulated: Duration,
}

impl Progress {
    fn new(settings: &SimulateSettings) -> Self {
        Self {
            first: settings.first_seed,
            n_seeds: settings.seeds,
            is_terminal: is_capable(&std::io::stderr()),
            is_silent: settings.timeline,
            n_done: 0,
            n_writes: 0,
            simulated: Duration::ZERO,
        }
    }

    fn begin(&self, seed: u64) -> anyhow::Result<()> {
        if self.is_silent {
            say(format_args!("seed {seed}"))?;
        } else if self.is_terminal {
            let filled = BAR_WIDTH * self.n_done / self.n_seeds.max(1);
            let bar: String = (0..BAR_WIDTH).map(|n| if n < filled { '█' } else { '░' }).collect();
            eprint!("\r\x1b[K{bar} {}/{}  seed {seed}", self.n_done, self.n_seeds);
            let _ = std::io::stderr().flush();
        }
        Ok(())
    }

    fn end(&mut self, seed: u64, summary: &Summary) {
        self.n_done += 1;
        self.n_writes += summary.n_writes;
        self.simulated += summary.lasted;
        let is_tenth = (seed - self.first + 1).is_multiple_of((self.n_seeds / 10).max(1));
        if !self.is_terminal && !self.is_silent && is_tenth {
            eprintln!("{} of {} seeds, {} writes", self.n_done, self.n_seeds, self.n_writes);
        }
    }

    fn clear(&self) {
        if self.is_terminal && !self.is_silent {
            eprint!("\r\x1b[K");
        }
    }

    fn total(&self) -> String {
        let hours = self.simulated.as_secs_f64() / 3600.0;
        let (n, writes) = (self.n_done, self.n_writes);
        format!("{n} seeds, {hours:.1} simulated hours, {writes} writes: no rule was broken")
    }
}
