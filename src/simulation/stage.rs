//! The stage: every part of the product over one store, and the scheduler that picks who runs next.
//!
//! ```text
//!   seats: statefulset, endpointslice, volumes, garbage, scheduler, node, dns
//!     ready? (new revision, or something due) ── the seed picks one ──► one step ──► at most a few writes
//!     none ready ──► the clock jumps to the next instant at which one is
//! ```
//!
//! One thread, no executor: over a backend in memory every step completes when it is polled, which is
//! asserted. A part that is asleep is not stepped; meanwhile the store's history may outrun it.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::broadcast;

use super::backend::Unreliable;
use super::fault::Fault;
use super::runtime::Fickle;
use crate::clock::{Clock, Timestamp};
use crate::controllers::endpointslice::EndpointSlices;
use crate::controllers::garbage::Garbage;
use crate::controllers::scheduler::Scheduler;
use crate::controllers::statefulset::StatefulSets;
use crate::controllers::volumes::Volumes;
use crate::controllers::{Controller, Worker};
use crate::dns::zone::SharedZones;
use crate::names::options::ZoneOptions;
use crate::names::publisher::{Publication, Publisher};
use crate::node::runtime::simulated::SimulatedOptions;
use crate::node::{Agent, NodeOptions};
use crate::objects::Revision;
use crate::store::{Bootstrap, Store, StoreOptions};

/// A part of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    StatefulSets,
    EndpointSlices,
    Volumes,
    Garbage,
    Scheduler,
    Node,
    Dns,
}

impl Role {
    pub(super) const ALL: [Self; 7] = [
        Self::StatefulSets,
        Self::EndpointSlices,
        Self::Volumes,
        Self::Garbage,
        Self::Scheduler,
        Self::Node,
        Self::Dns,
    ];
}

enum Part {
    Controller(Box<Worker>),
    Node(Box<Agent>),
    Dns(Box<Publisher>),
}

/// A part and when it runs next.
struct Seat {
    role: Role,
    part: Part,
    /// The revision at which it had nothing to do.
    rested_at: Option<Revision>,
    wakes_at: Option<Timestamp>,
    asleep_until: Option<Timestamp>,
    /// It has lost events without knowing; at this instant it lists everything again.
    deaf_until: Option<Timestamp>,
}

/// All parts over one store.
pub(super) struct Stage {
    pub(super) store: Store,
    pub(super) backend: Arc<Unreliable>,
    pub(super) runtime: Arc<Fickle>,
    pub(super) zones: SharedZones,
    pub(super) publications: broadcast::Receiver<Publication>,
    nodes: Vec<NodeOptions>,
    seats: Vec<Seat>,
    rng: SmallRng,
    fault: Option<Fault>,
}

/// How often a step may be polled: tokio's cooperative budget may ask for another poll.
const POLLS_MAX: usize = 1_000;
/// The history lengths of the backend, by seed; short ones make sleeping parts lose their watch.
const HISTORY_LENGTHS: [usize; 3] = [50, 500, 16_384];
/// The longest time that one step takes.
const STEP_MICROS_MAX: u64 = 2_000;

/// Completes a future that waits for nothing.
///
/// # Panics
/// If it waits for something.
pub(super) fn complete<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..POLLS_MAX {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("a step waits for something that no other step of a simulation can bring")
}

impl Stage {
    /// A stage with the bootstrap objects only.
    pub(super) fn new(seed: u64, epoch: Timestamp, nodes: Vec<NodeOptions>, fault: Option<Fault>) -> Self {
        let clock = Clock::manual(epoch);
        let mut rng = SmallRng::seed_from_u64(seed);
        let length = HISTORY_LENGTHS[rng.random_range(0..HISTORY_LENGTHS.len())];
        let backend = Arc::new(Unreliable::new(seed, length));
        let options = StoreOptions { seed: Some(seed), ..StoreOptions::default() };
        let store = Store::new(backend.clone(), clock.clone(), options);
        let bootstrap = Bootstrap { default_storage_class: true };
        complete(store.bootstrap(&bootstrap)).expect("an empty store takes the first objects");
        let simulated =
            SimulatedOptions { start_delay: Duration::from_millis(300), seed, ..SimulatedOptions::default() };
        let runtime = Arc::new(Fickle::new(clock, simulated));
        let publisher = Publisher::new(store.clone(), ZoneOptions::default(), Vec::new());
        let (zones, publications) = (publisher.zones(), publisher.publications());
        let mut stage =
            Self { store, backend, runtime, zones, publications, nodes, seats: Vec::new(), rng, fault };
        for role in Role::ALL {
            stage.seats.push(stage.seat(role));
        }
        stage.seats[Role::Dns as usize].part = Part::Dns(Box::new(publisher));
        stage
    }

    /// The present instant.
    pub(super) fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    /// Lets time pass, if `instant` is later than now.
    pub(super) fn advance_to(&mut self, instant: Timestamp) {
        self.store.clock().advance_to(instant);
        let now = self.now();
        for seat in &mut self.seats {
            seat.asleep_until = seat.asleep_until.filter(|until| *until > now);
            if seat.deaf_until.is_some_and(|until| until <= now) {
                seat.deaf_until = None;
                seat.start_over();
            }
        }
    }

    /// One step of one part that has something to do; `None` if none has.
    pub(super) fn step(&mut self) -> Option<Role> {
        let (now, revision) = (self.now(), self.store.revision());
        let ready: Vec<usize> =
            (0..self.seats.len()).filter(|n| self.seats[*n].is_ready(now, revision)).collect();
        if ready.is_empty() {
            return None;
        }
        let n = ready[self.rng.random_range(0..ready.len())];
        let has_worked = self.seats[n].step();
        let revision = self.store.revision();
        let seat = &mut self.seats[n];
        seat.rested_at = (!has_worked).then_some(revision);
        seat.wakes_at = seat.next_due(now);
        Some(seat.role)
    }

    /// Lets the time pass that a step takes.
    pub(super) fn pass_a_moment(&mut self) {
        let moment = Duration::from_micros(self.rng.random_range(0..STEP_MICROS_MAX));
        self.advance_to(self.now() + moment);
    }

    /// The next instant at which a part has something to do without a change.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let instants = self.seats.iter().filter_map(|seat| {
            let due = seat.asleep_until.or(seat.wakes_at);
            [due, seat.deaf_until].into_iter().flatten().min()
        });
        instants.min()
    }

    /// Whether a part sees all events and none of its keys is failing.
    pub(super) fn is_sound(&self, role: Role) -> bool {
        let seat = &self.seats[role as usize];
        let has_failed = matches!(&seat.part, Part::Controller(worker) if worker.n_failing() > 0);
        !has_failed && seat.asleep_until.is_none() && seat.deaf_until.is_none()
    }

    /// Stalls a part until `until`.
    pub(super) fn put_to_sleep(&mut self, role: Role, until: Timestamp) {
        self.seats[role as usize].asleep_until = Some(until);
    }

    /// A part lists everything again.
    pub(super) fn repeat(&mut self, role: Role) {
        self.seats[role as usize].start_over();
    }

    /// A part loses the events that it has not seen yet, and notices at `until`.
    pub(super) fn lose(&mut self, role: Role, until: Timestamp) {
        let seat = &mut self.seats[role as usize];
        if let Part::Controller(worker) = &mut seat.part {
            worker.lose_everything();
            seat.deaf_until = Some(until);
        } else {
            seat.start_over();
        }
    }

    /// Restarts a part's process. The publisher's snapshot lives with its server, so the publisher
    /// only lists everything again.
    pub(super) fn restart(&mut self, role: Role) {
        if role == Role::Dns {
            return self.repeat(role);
        }
        self.seats[role as usize] = self.seat(role);
    }

    /// The runtime reported a changed pod.
    pub(super) fn note_changed(&mut self, pod_uid: &str) {
        let seat = &mut self.seats[Role::Node as usize];
        if let Part::Node(agent) = &mut seat.part {
            agent.note_changed(pod_uid);
            seat.rested_at = None;
        }
    }

    /// Wakes all parts; those that lost events list everything again.
    pub(super) fn calm(&mut self) {
        for seat in &mut self.seats {
            seat.asleep_until = None;
            if seat.deaf_until.take().is_some() {
                seat.start_over();
            }
        }
    }

    fn seat(&self, role: Role) -> Seat {
        let worker = |controller: Box<dyn Controller>| {
            Part::Controller(Box::new(Worker::new(controller, self.store.clone())))
        };
        let part = match role {
            Role::StatefulSets => worker(Box::new(match self.fault {
                Some(fault) => fault.controller(),
                None => StatefulSets::new(),
            })),
            Role::EndpointSlices => worker(Box::new(EndpointSlices::new())),
            Role::Volumes => worker(Box::new(Volumes::new())),
            Role::Garbage => worker(Box::new(Garbage::new())),
            Role::Scheduler => worker(Box::new(Scheduler::new())),
            Role::Node => Part::Node(Box::new(self.agent())),
            Role::Dns => {
                let publisher = Publisher::new(self.store.clone(), ZoneOptions::default(), Vec::new());
                Part::Dns(Box::new(publisher))
            }
        };
        Seat { role, part, rested_at: None, wakes_at: None, asleep_until: None, deaf_until: None }
    }

    fn agent(&self) -> Agent {
        Agent::new(self.store.clone(), self.runtime.clone(), self.nodes.clone())
    }
}

impl Seat {
    fn is_ready(&self, now: Timestamp, revision: Revision) -> bool {
        let has_cause =
            self.rested_at != Some(revision) || self.wakes_at.is_some_and(|instant| instant <= now);
        self.asleep_until.is_none() && has_cause
    }

    /// Whether there was anything to do.
    fn step(&mut self) -> bool {
        match &mut self.part {
            Part::Controller(worker) => complete(worker.step()).is_some(),
            Part::Node(agent) => complete(agent.work()),
            Part::Dns(publisher) => {
                publisher.catch_up();
                false
            }
        }
    }

    fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.part {
            Part::Controller(worker) => worker.next_due(),
            // What is due and was not done waits for a change.
            Part::Node(agent) => agent.next_due().map(|due| due.max(now)),
            Part::Dns(_) => None,
        }
    }

    fn start_over(&mut self) {
        self.rested_at = None;
        match &mut self.part {
            Part::Controller(worker) => worker.start_over(),
            Part::Node(agent) => agent.start_over(),
            Part::Dns(publisher) => publisher.start_over(),
        }
    }
}
