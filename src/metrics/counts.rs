//! What one worker counts: atomics that nobody else writes.
//!
//! One in [`SAMPLE`] requests is looked at for who asks for what; networks and names are kept in
//! bounded memory, a few times as many as the page shows.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use super::histogram::Histogram;
use super::labels::{DROP_REASONS, DropReason, RCODES, Seen, TRANSPORTS, TYPES};
use super::top::Top;

/// How many networks are told of.
pub const NETWORKS_MAX: usize = 16;
/// How many names are told of.
pub const NAMES_MAX: usize = 64;
/// Of so many answered requests, one is looked at for its network and its name; a power of two.
pub const SAMPLE: u64 = 64;
/// How many times more keys each worker keeps than are told of, so that little is lost between them.
pub(super) const ROOM: usize = 4;
/// How many zones are told of.
pub const ZONES_MAX: usize = 64;

/// Upper bounds of the buckets of answering, in seconds.
pub(super) const ANSWER_BOUNDS_S: [f64; 10] =
    [5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2, 1e-1];

/// What one worker counts. Others only read it.
#[derive(Debug)]
pub struct Counts {
    /// By transport, type and response code.
    pub(super) queries: Box<[AtomicU64]>,
    pub(super) took: Histogram,
    pub(super) dropped: [AtomicU64; DROP_REASONS.len()],
    n_seen: AtomicU64,
    pub(super) networks: Mutex<Top<Network>>,
    pub(super) names: Mutex<Top<Box<str>>>,
}

/// An address and the length of its prefix.
pub(super) type Network = (IpAddr, u8);

impl Counts {
    pub(super) fn new() -> Self {
        let n = TRANSPORTS.len() * (TYPES.len() + 1) * (RCODES.len() + 1);
        Self {
            queries: (0..n).map(|_| AtomicU64::new(0)).collect(),
            took: Histogram::new(&ANSWER_BOUNDS_S),
            dropped: Default::default(),
            n_seen: AtomicU64::new(0),
            networks: Mutex::new(Top::new(NETWORKS_MAX * ROOM)),
            names: Mutex::new(Top::new(NAMES_MAX * ROOM)),
        }
    }

    /// Whether the next request is one to be looked at: its network has to be told, and its name if
    /// that has what was asked for. It is one of every [`SAMPLE`], each time at another place among
    /// them, so that of what is asked by turns not always the same is looked at.
    pub fn is_sampled(&self) -> bool {
        /// Two to the power of 64, divided by the golden ratio: its multiples are spread evenly.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let n_seen = self.n_seen.fetch_add(1, Ordering::Relaxed);
        let place = (n_seen / SAMPLE).wrapping_mul(SPREAD) >> (u64::BITS - SAMPLE.ilog2());
        n_seen % SAMPLE == place
    }

    /// A request that is looked at: the network it came from, and the name that it got records of.
    pub fn sampled(&self, network: Network, name: Option<String>) {
        lock(&self.networks).add(network, SAMPLE);
        if let Some(name) = name {
            lock(&self.names).add(name.into(), SAMPLE);
        }
    }

    /// A request was answered.
    pub fn answered(&self, seen: Seen) {
        let type_index = seen.record_type.map_or(TYPES.len(), |number| position(TYPES, number));
        let index = (seen.by as usize * (TYPES.len() + 1) + type_index) * (RCODES.len() + 1);
        self.queries[index + position(RCODES, seen.rcode)].fetch_add(1, Ordering::Relaxed);
        if let Some(took) = seen.took {
            self.took.observe(took);
        }
    }

    /// A request was not answered.
    pub fn dropped(&self, reason: DropReason) {
        self.dropped[reason as usize].fetch_add(1, Ordering::Relaxed);
    }
}

fn position(listed: &[(u16, &str)], number: u16) -> usize {
    listed.iter().position(|(other, _)| *other == number).unwrap_or(listed.len())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic happens while a figure is changed")
}
