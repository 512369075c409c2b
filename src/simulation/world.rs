//! The world: one run of one history, observed by the checkers.
//!
//! ```text
//!   deeds that are due ─► one step of one part ─► every event through every checker ─┐
//!     ▲                                                                             │
//!     └── the clock jumps ◄── status and DNS are checked ◄── no part has anything to do ◄┘
//! ```
//!
//! After the history comes the calm: faults stop, an operator repairs the templates and deletes the
//! pods of never-ready ones (as Kubernetes issue 67250 demands), and the wanted state must be reached
//! within `calm_max`.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Service;

use super::cast::Cast;
use super::chance::number;
use super::checks::{Violation, cause, claims, ensure, names, order, rest, writes};
use super::fault::Fault;
use super::history::Entry;
use super::stage::{Role, Stage};
use super::timeline::{Line, Timeline};
use super::view::{View, Wish};
use crate::clock::Timestamp;
use crate::node::NodeOptions;
use crate::objects::{Kind, Object};

/// Where virtual time begins: a Monday.
const EPOCH_S: i64 = 1_735_516_800;
/// More steps than this without becoming idle are an endless loop.
const STEPS_MAX: usize = 400_000;
/// The length of the calm, plus so much for each pod.
const CALM_MAX: Duration = Duration::from_secs(3600);
const CALM_PER_POD: Duration = Duration::from_secs(180);

const IDENTITY: &str = "at most one live pod per identity";
const RESTS: &str = "every part becomes idle";

/// A rule that was broken, and when.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Since the start.
    pub at: Duration,
    /// What.
    pub violation: Violation,
}

/// Statistics of a run that broke no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// A hash of everything that happened.
    pub trace: u64,
    /// How many writes there were.
    pub n_writes: u64,
    /// How many steps the parts made.
    pub n_steps: u64,
    /// When it ended, since the start.
    pub lasted: Duration,
}

/// The end of a deed that lasts for some time.
pub(super) enum Ending {
    /// The finalizer on the pod of that uid.
    Hold { set: usize, ordinal: i32 },
    /// The write faults.
    Disturbance,
    /// The wait for an earlier set of the name to be gone.
    Create { set: usize },
}

/// One run.
pub(super) struct World<'a> {
    pub(super) stage: Stage,
    pub(super) cast: &'a Cast,
    pub(super) view: View,
    /// By instant, then by number so that keys are unique.
    pub(super) endings: BTreeMap<(Timestamp, u64), Ending>,
    pub(super) n_endings: u64,
    pub(super) disturbed_until: Option<Timestamp>,
    pub(super) has_failures: bool,
    /// What the API said of objects of the cast that it refused.
    pub(super) refused: Vec<String>,
    epoch: Timestamp,
    claims: claims::Ledger,
    causes: cause::Memory,
    pub(super) writes: writes::Ledger,
    witness: names::Witness,
    timeline: Timeline<'a>,
    trace: u64,
    n_writes: u64,
    n_steps: u64,
}

/// Runs `history`; `audience` gets the timeline.
pub(super) fn run(
    seed: u64,
    (cast, nodes): (&Cast, &[NodeOptions]),
    fault: Option<Fault>,
    history: &[Entry],
    audience: &mut dyn FnMut(&Line),
) -> Result<Summary, Broken> {
    let epoch = Timestamp::from_second(EPOCH_S).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut world = World {
        stage: Stage::new(seed, epoch, nodes.to_vec(), fault),
        cast,
        view: View::default(),
        endings: BTreeMap::new(),
        n_endings: 0,
        disturbed_until: None,
        has_failures: false,
        refused: Vec::new(),
        epoch,
        claims: claims::Ledger::default(),
        causes: cause::Memory::default(),
        writes: writes::Ledger::default(),
        witness: names::Witness::default(),
        timeline: Timeline::new(epoch, audience),
        trace: seed,
        n_writes: 0,
        n_steps: 0,
    };
    let outcome = world.live(history);
    let lasted = world.since_epoch(world.stage.now());
    match outcome {
        Ok(()) => {
            Ok(Summary { trace: world.trace, n_writes: world.n_writes, n_steps: world.n_steps, lasted })
        }
        Err(violation) => Err(Broken { at: lasted, violation }),
    }
}

impl World<'_> {
    fn live(&mut self, history: &[Entry]) -> Result<(), Violation> {
        self.set_up();
        self.accept()?;
        self.observe(None)?;
        for entry in history {
            self.live_until(self.epoch + entry.at)?;
            let name = self.name(entry);
            self.timeline.deed(self.stage.now(), &name, &entry.deed);
            self.play(entry);
            self.accept()?;
            self.observe(None)?;
        }
        self.calm()
    }

    /// Every object of the cast must be one that the API accepts.
    fn accept(&mut self) -> Result<(), Violation> {
        ensure(self.refused.is_empty(), rest::CONVERGES, || self.refused.join("\n  "))
    }

    fn live_until(&mut self, instant: Timestamp) -> Result<(), Violation> {
        while self.stage.now() < instant {
            self.end_what_is_due()?;
            self.work_until(Some(instant))?;
            if !self.has_due_ending() {
                self.pass_time(instant)?;
            }
        }
        Ok(())
    }

    fn name(&self, entry: &Entry) -> String {
        if !entry.deed.concerns_a_set() {
            return String::new();
        }
        let meta = &self.cast.sets[entry.set].metadata;
        format!(
            "{}/{}",
            meta.namespace.as_deref().unwrap_or_default(),
            meta.name.as_deref().unwrap_or_default()
        )
    }

    fn since_epoch(&self, instant: Timestamp) -> Duration {
        crate::clock::until(self.epoch, instant)
    }

    /// Steps until no part has anything to do, `next` is reached, or a deed ends.
    fn work_until(&mut self, next: Option<Timestamp>) -> Result<(), Violation> {
        for _ in 0..STEPS_MAX {
            let Some(role) = self.stage.step() else { return self.check_rest() };
            self.n_steps += 1;
            self.observe(Some(role))?;
            self.stage.pass_a_moment();
            // The time that has passed may have woken the publisher and others.
            self.observe(Some(role))?;
            if next.is_some_and(|at| at <= self.stage.now()) || self.has_due_ending() {
                return Ok(());
            }
        }
        ensure(false, RESTS, || format!("{STEPS_MAX} steps were not enough"))
    }

    /// Jumps to the next instant at which anything happens, but not beyond `limit`.
    fn pass_time(&mut self, limit: Timestamp) -> Result<(), Violation> {
        let ending = self.endings.keys().next().map(|(at, _)| *at);
        let next = [self.stage.next_due(), ending].into_iter().flatten().min();
        self.stage.advance_to(next.map_or(limit, |next| next.min(limit)));
        self.observe(Some(Role::Dns))
    }

    fn has_due_ending(&self) -> bool {
        self.endings.keys().next().is_some_and(|(at, _)| *at <= self.stage.now())
    }

    fn end_what_is_due(&mut self) -> Result<(), Violation> {
        while self.has_due_ending() {
            if let Some((_, ending)) = self.endings.pop_first() {
                self.end(ending);
                self.observe(None)?;
            }
        }
        Ok(())
    }

    /// Checks and applies the events since the last call.
    fn observe(&mut self, role: Option<Role>) -> Result<(), Violation> {
        let now = self.stage.now();
        for event in self.stage.backend.take_events() {
            self.n_writes += 1;
            self.trace = number(&(self.trace, event.revision, event.object.key(), event.change as u8));
            self.trace = number(&(self.trace, event.object.uid(), event.object.meta().generation));
            let moment =
                order::Moment { view: &self.view, event: &event, role, now, has_failures: self.has_failures };
            order::check(&moment)?;
            self.claims.check(&self.view, &event, role)?;
            self.writes.check(&self.view, &event, role, now)?;
            self.view.take(&event);
            self.claims.take(&self.view, &event);
            self.causes.take(&event);
            self.timeline.event(now, &event);
        }
        let doubles = self.stage.runtime.take_doubles();
        ensure(doubles.is_empty(), IDENTITY, || doubles.join("; "))?;
        self.observe_publications(now)
    }

    fn observe_publications(&mut self, now: Timestamp) -> Result<(), Violation> {
        while let Ok(publication) = self.stage.publications.try_recv() {
            self.trace = number(&(self.trace, publication.serial, publication.added.len()));
            self.timeline.publication(now, &publication);
            self.witness.note_serial(&publication)?;
            // Of several publications in one step only the last one can still be seen.
            if self.stage.publications.is_empty() {
                let [services, slices] = [Kind::Service, Kind::EndpointSlice]
                    .map(|kind| self.stage.store.list(kind, None).objects);
                let services: Vec<&Service> = services.iter().filter_map(Object::get).collect();
                self.witness.published(&self.stage.zones.load_full(), &services, &slices)?;
            }
        }
        Ok(())
    }

    /// No part has anything to do: checks what need only be true then.
    fn check_rest(&mut self) -> Result<(), Violation> {
        let now = self.stage.now();
        if self.stage.is_sound(Role::StatefulSets) {
            rest::status(&self.view, now)?;
        }
        if self.stage.is_sound(Role::EndpointSlices) && self.stage.is_sound(Role::Dns) {
            let services: Vec<&Service> = self.view.list(Kind::Service).filter_map(Object::get).collect();
            let pods: Vec<&Object> = self.view.list(Kind::Pod).collect();
            self.witness.settled(&self.stage.zones.load_full(), &services, &pods, now)?;
        }
        Ok(())
    }

    fn calm(&mut self) -> Result<(), Violation> {
        self.timeline.remark(self.stage.now(), "calm: faults stop, templates are repaired");
        let endings = std::mem::take(&mut self.endings);
        endings.into_values().for_each(|ending| self.end(ending));
        self.stage.calm();
        self.stage.runtime.calm();
        self.mend();
        self.observe(None)?;
        let limit = self.stage.now() + self.calm_max();
        loop {
            self.end_what_is_due()?;
            self.work_until(None)?;
            if self.has_due_ending() {
                continue;
            }
            let now = self.stage.now();
            let mut unfinished = rest::unfinished(&self.view, now);
            if unfinished.is_empty() {
                unfinished.extend(self.unsound().map(rest::Unfinished::new));
            }
            if unfinished.is_empty() {
                return Ok(());
            }
            let is_late = now >= limit;
            ensure(!is_late, rest::CONVERGES, || self.causes.of_all(&unfinished, now))?;
            if self.delete_broken_pods() {
                self.observe(None)?;
                continue;
            }
            self.pass_time(limit)?;
        }
    }

    fn unsound(&self) -> Option<String> {
        let role = Role::ALL.into_iter().find(|role| !self.stage.is_sound(*role))?;
        (!self.endings.is_empty()).then(String::new).or_else(|| Some(format!("{role:?} still fails")))
    }

    fn calm_max(&self) -> Duration {
        let replicas = |set: &Object| set.get::<StatefulSet>().map_or(0, |set| Wish::of(set).replicas);
        let n_wanted: i32 = self.view.list(Kind::StatefulSet).map(replicas).sum();
        let n_pods = self.view.list(Kind::Pod).count() + usize::try_from(n_wanted).unwrap_or_default();
        CALM_MAX + CALM_PER_POD * u32::try_from(n_pods).unwrap_or(u32::MAX)
    }

    /// Schedules an ending.
    pub(super) fn ends(&mut self, at: Timestamp, ending: Ending) {
        self.n_endings += 1;
        self.endings.insert((at, self.n_endings), ending);
    }
}
