//! Every figure there is, and who adds to it.
//!
//! What all workers count is summed up when the page is asked for; causes, limited networks and
//! times of publishing are counted here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::counts::{Counts, NETWORKS_MAX, Network, ROOM, lock};
use super::histogram::Histogram;
use super::labels::{FORWARDED, Forwarded, NOTIFY_EVENTS, NotifyEvent};
use super::top::Top;

/// Upper bounds of the buckets of asking upstreams, in seconds.
const UPSTREAM_BOUNDS_S: [f64; 10] = [5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.25, 1.0, 4.0];
/// Upper bounds of the buckets of publishing, in seconds.
const PUBLISH_BOUNDS_S: [f64; 10] = [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2, 0.25, 1.0];
/// How many different causes are kept apart; there are far fewer.
const CAUSES_MAX: usize = 128;

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
    pub(super) workers: Mutex<Vec<Arc<Counts>>>,
    pub(super) causes: Mutex<BTreeMap<&'static str, u64>>,
    pub(super) limited: Mutex<Top<Network>>,
    pub(super) published: Histogram,
    pub(super) notified: [AtomicU64; NOTIFY_EVENTS.len()],
    pub(super) forwarded: [AtomicU64; FORWARDED.len()],
    pub(super) upstream: Histogram,
    pub(super) zones: Mutex<Option<ZoneSource>>,
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
}
