//! Every figure that is counted, and the page that tells them.
//!
//! ```text
//!   worker ─► its own Counts (atomics nobody else writes) ─┐
//!   reasons, limits, publishing ───────────────────────────┼─► page(), summed up when it is asked for
//!   zones: asked when the page is ─────────────────────────┘
//! ```
//!
//! Labels are of closed sets or bounded, so that no client can make the page grow: types and
//! response codes that are not listed count as `other`, networks are the [`NETWORKS_MAX`] that are
//! most limited or ask most, names the [`NAMES_MAX`] that are asked for most, zones the first
//! [`ZONES_MAX`] by name. One in [`SAMPLE`] requests is looked at for who asks for what. Names follow Prometheus' conventions; the
//! page is OpenMetrics text.

mod page;
pub mod server;
mod top;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use top::Top;

pub use page::CONTENT_TYPE;

/// Types with a label of their own, by number.
const TYPES: &[(u16, &str)] = &[
    (1, "A"),
    (28, "AAAA"),
    (33, "SRV"),
    (12, "PTR"),
    (5, "CNAME"),
    (2, "NS"),
    (6, "SOA"),
    (16, "TXT"),
    (15, "MX"),
    (43, "DS"),
    (65, "HTTPS"),
    (64, "SVCB"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
];
/// Response codes with a label of their own, by number.
const RCODES: &[(u16, &str)] = &[
    (0, "NOERROR"),
    (1, "FORMERR"),
    (2, "SERVFAIL"),
    (3, "NXDOMAIN"),
    (4, "NOTIMP"),
    (5, "REFUSED"),
    (6, "YXDOMAIN"),
    (9, "NOTAUTH"),
    (16, "BADVERS"),
    (23, "BADCOOKIE"),
];
const TRANSPORTS: [&str; 5] = ["udp", "tcp", "dot", "doh", "doq"];
/// What stands for everything that is not listed.
const OTHER: &str = "other";
/// How many networks are told of.
pub const NETWORKS_MAX: usize = 16;
/// How many names are told of.
pub const NAMES_MAX: usize = 64;
/// Of so many answered requests, one is looked at for its network and its name; a power of two.
pub const SAMPLE: u64 = 64;
/// How many times more keys each worker keeps than are told of, so that little is lost between them.
const ROOM: usize = 4;
/// How many zones are told of.
pub const ZONES_MAX: usize = 64;
/// How many different causes are kept apart; there are far fewer.
const CAUSES_MAX: usize = 128;

/// Upper bounds of the buckets of answering, in seconds.
const ANSWER_BOUNDS_S: [f64; 10] = [5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2, 1e-1];
/// Upper bounds of the buckets of asking upstreams, in seconds.
const UPSTREAM_BOUNDS_S: [f64; 10] = [5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.25, 1.0, 4.0];
/// Upper bounds of the buckets of publishing, in seconds.
const PUBLISH_BOUNDS_S: [f64; 10] = [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2, 0.25, 1.0];

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// What it came by.
    pub by: By,
    /// The number of its type, if it has a question.
    pub record_type: Option<u16>,
    /// The number of its response code.
    pub rcode: u16,
    /// How long it took us; `None` if we waited for others.
    pub took: Option<Duration>,
}

/// What a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A datagram.
    Udp,
    /// A connection.
    Tcp,
    /// DNS over TLS.
    Dot,
    /// DNS over HTTPS.
    Doh,
    /// DNS over QUIC.
    Doq,
}

/// What became of a question for upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// An upstream answered it.
    Answered,
    /// An upstream, or its failure, was remembered.
    Remembered,
    /// No upstream answered it.
    Failed,
    /// Too many others were waiting.
    Crowded,
}

const FORWARDED: [&str; 4] = ["answered", "remembered", "failed", "crowded"];

/// Why a request was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// It is a response, or less than a header.
    Unanswerable,
    /// Its network had its answers.
    RateLimited,
}

const DROP_REASONS: [&str; 2] = ["unanswerable", "rate_limited"];

/// What becomes of telling secondaries of new versions (NOTIFY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyEvent {
    /// A message was sent, perhaps not for the first time.
    Sent,
    /// A secondary has answered, whatever it said.
    Answered,
    /// A secondary has not answered and is silent from now on.
    GivenUp,
}

const NOTIFY_EVENTS: [&str; 3] = ["sent", "answered", "given_up"];

/// What one worker counts. Others only read it.
#[derive(Debug)]
pub struct Counts {
    /// By transport, type and response code.
    queries: Box<[AtomicU64]>,
    took: Histogram,
    dropped: [AtomicU64; DROP_REASONS.len()],
    n_seen: AtomicU64,
    networks: Mutex<Top<Network>>,
    names: Mutex<Top<Box<str>>>,
}

/// An address and the length of its prefix.
type Network = (IpAddr, u8);

impl Counts {
    fn new() -> Self {
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

/// How often something took how long.
#[derive(Debug)]
struct Histogram {
    bounds_s: &'static [f64],
    /// One more than bounds: the last is for what is longer than all.
    buckets: Box<[AtomicU64]>,
    sum_ns: AtomicU64,
}

impl Histogram {
    fn new(bounds_s: &'static [f64]) -> Self {
        let buckets = (0..=bounds_s.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds_s, buckets, sum_ns: AtomicU64::new(0) }
    }

    fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let index = self.bounds_s.iter().position(|bound| seconds <= *bound).unwrap_or(self.bounds_s.len());
        self.buckets[index].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sum_ns.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

/// A zone as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneFigures {
    /// Its apex.
    pub zone: String,
    /// Its serial.
    pub serial: u32,
    /// How many names exist in it.
    pub n_names: usize,
}

/// Asked for the zones when the page is.
type ZoneSource = Box<dyn Fn() -> Vec<ZoneFigures> + Send + Sync>;

/// Every figure there is.
pub struct Metrics {
    workers: Mutex<Vec<Arc<Counts>>>,
    causes: Mutex<BTreeMap<&'static str, u64>>,
    limited: Mutex<Top<Network>>,
    published: Histogram,
    notified: [AtomicU64; NOTIFY_EVENTS.len()],
    forwarded: [AtomicU64; FORWARDED.len()],
    upstream: Histogram,
    zones: Mutex<Option<ZoneSource>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            workers: Mutex::default(),
            causes: Mutex::default(),
            limited: Mutex::new(Top::new(NETWORKS_MAX * ROOM)),
            published: Histogram::new(&PUBLISH_BOUNDS_S),
            notified: Default::default(),
            forwarded: Default::default(),
            upstream: Histogram::new(&UPSTREAM_BOUNDS_S),
            zones: Mutex::default(),
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Counts for one more worker.
    pub fn counts(&self) -> Arc<Counts> {
        let counts = Arc::new(Counts::new());
        lock(&self.workers).push(counts.clone());
        counts
    }

    /// A client was told why a name is absent.
    pub fn explained(&self, cause: &'static str) {
        let mut causes = lock(&self.causes);
        if causes.len() < CAUSES_MAX || causes.contains_key(cause) {
            *causes.entry(cause).or_default() += 1;
        }
    }

    /// An answer to a network was limited.
    pub fn limited(&self, network: Network) {
        lock(&self.limited).add(network, 1);
    }

    /// A change was published so long after it was committed.
    pub fn published(&self, after: Duration) {
        self.published.observe(after);
    }

    /// A secondary was told of a new version, or it was tried.
    pub fn notified(&self, event: NotifyEvent) {
        self.notified[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A question was for upstreams.
    pub fn forwarded(&self, what: Forwarded) {
        self.forwarded[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Upstreams answered, or did not, after so long.
    pub fn upstream(&self, after: Duration) {
        self.upstream.observe(after);
    }

    /// Where the zones are to be asked for.
    pub fn set_zones(&self, source: impl Fn() -> Vec<ZoneFigures> + Send + Sync + 'static) {
        *lock(&self.zones) = Some(Box::new(source));
    }

    /// Everything, as OpenMetrics text.
    pub fn page(self: &Arc<Self>) -> String {
        page::page(self)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic happens while a figure is changed")
}

#[cfg(test)]
mod tests;
