//! One simulation: run a drawn history, and shrink it if it breaks a rule.
//!
//! A run follows from its seed alone, so a shorter history can be run again as often as shrinking
//! needs it. A failure says how to replay it. Manifests that never settle are no failure of any rule;
//! a rehearsal without a fault finds them.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::cast::Cast;
use super::checks::rest::CONVERGES;
use super::fault::Fault;
use super::history::{Deed, Draw, Entry};
use super::nodes;
use super::shrink;
use super::timeline::Line;
use super::world::{self, Broken, Summary};
use crate::node::NodeOptions;
use crate::rules::columns::human_duration;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Decides everything that happens.
    pub seed: u64,
    /// The length of the history; the calm after it is not counted.
    pub length: Duration,
    /// The sets under test; drawn from the seed if absent.
    pub cast: Option<Cast>,
    /// The nodes. If absent, one for a given cast, one or several drawn from the seed otherwise. On given
    /// nodes no set is scaled beyond what it asks for first: there may be no room.
    pub nodes: Option<Vec<NodeOptions>>,
    /// A planted fault, for tests of the checkers.
    #[doc(hidden)]
    pub fault: Option<Fault>,
}

/// A rule that was broken, with the shortest history that breaks it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The length of the full history.
    pub length: Duration,
    /// The rule that the shortest history breaks.
    pub broken: Broken,
    /// The deeds of the shortest history, one line each.
    pub history: Vec<String>,
    /// The end of the timeline of the shortest history.
    pub timeline: Vec<Line>,
}

/// Sets that do not reach their wanted state although nothing goes wrong: their manifests are to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// How long was waited.
    pub after: Duration,
    /// What keeps them from it, one a line.
    pub causes: String,
}

/// How many lines of the shortest history's timeline are kept.
const LINES_MAX: usize = 1_000;

impl Simulation {
    /// A simulation with a cast drawn from `seed`.
    pub fn new(seed: u64, length: Duration) -> Self {
        Self { seed, length, cast: None, nodes: None, fault: None }
    }

    /// Runs it; `audience` gets the timeline.
    pub fn run(&self, audience: &mut dyn FnMut(&Line)) -> Result<Summary, Box<Failure>> {
        let cast = self.cast.clone().unwrap_or_else(|| Cast::drawn(self.seed));
        let (history, nodes) = (self.history(&cast), self.nodes());
        let run = |history: &[Entry], audience: &mut dyn FnMut(&Line)| {
            world::run(self.seed, (&cast, &nodes), self.fault, history, audience)
        };
        run(&history, audience).map_err(|broken| {
            let rule = broken.violation.rule;
            let again = |shorter: &[Entry]| {
                run(shorter, &mut |_| {}).err().filter(|other| other.violation.rule == rule)
            };
            let (history, broken) = shrink::shortest(history, broken, again);
            let mut timeline = VecDeque::new();
            let _ = run(&history, &mut |line| {
                timeline.push_back(line.clone());
                if timeline.len() > LINES_MAX {
                    timeline.pop_front();
                }
            });
            let history = history.iter().map(|entry| self.describe(&cast, entry)).collect();
            let timeline = timeline.into();
            Box::new(Failure { seed: self.seed, length: self.length, broken, history, timeline })
        })
    }

    /// Creates the sets and lets nothing go wrong. Histories only make sense for sets that settle then.
    pub fn rehearse(&self, audience: &mut dyn FnMut(&Line)) -> Result<(), Unsettled> {
        let cast = self.cast.clone().unwrap_or_else(|| Cast::drawn(self.seed));
        let create = |set| Entry { at: Duration::ZERO, set, deed: Deed::Create };
        let history: Vec<Entry> = (0..cast.sets.len()).map(create).collect();
        match world::run(self.seed, (&cast, &self.nodes()), self.fault, &history, audience) {
            Err(Broken { at, violation }) if violation.rule == CONVERGES => {
                Err(Unsettled { after: at, causes: violation.message })
            }
            // Another rule is broken: the seeds find it too, and the shortest way to it.
            _ => Ok(()),
        }
    }

    fn history(&self, cast: &Cast) -> Vec<Entry> {
        let replicas: Vec<i32> = cast.sets.iter().map(|set| set.spec.replicas.unwrap_or(1)).collect();
        let has_room = self.nodes.is_none();
        Draw { seed: self.seed, length: self.length, replicas: &replicas, has_room }.history()
    }

    fn nodes(&self) -> Vec<NodeOptions> {
        match (&self.nodes, &self.cast) {
            (Some(nodes), _) => nodes.clone(),
            (None, Some(_)) => nodes::one(),
            (None, None) => nodes::drawn(self.seed),
        }
    }

    fn describe(&self, cast: &Cast, entry: &Entry) -> String {
        let name = match entry.deed.concerns_a_set() {
            true => cast.sets[entry.set].metadata.name.clone().unwrap_or_default(),
            false => String::new(),
        };
        Line { at: entry.at, subject: "deed", name, state: entry.deed.to_string() }.to_string()
    }
}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waited = human_duration(i64::try_from(self.after.as_secs()).unwrap_or(i64::MAX));
        writeln!(f, "the manifests do not settle although nothing goes wrong, in {waited} of virtual time:")?;
        write!(f, "  {}", self.causes)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broken { at, violation } = &self.broken;
        writeln!(f, "seed {} breaks a rule after {:.3}s: {}", self.seed, at.as_secs_f64(), violation.rule)?;
        writeln!(f, "  {}", violation.message)?;
        writeln!(f, "the shortest history that breaks it:")?;
        for line in &self.history {
            writeln!(f, "  {line}")?;
        }
        let hours = self.length.as_secs_f64() / 3600.0;
        write!(f, "replay: dullahan simulate --seeds 1 --first-seed {} --hours {hours} --timeline", self.seed)
    }
}
