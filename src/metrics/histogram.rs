//! How often something took how long, counted without waiting.
//!
//! A bucket holds what is within its bound and above the one before; the page sums them up, as
//! OpenMetrics wants it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often something took how long.
#[derive(Debug)]
pub(super) struct Histogram {
    pub(super) bounds_s: &'static [f64],
    /// One more than bounds: the last is for what is longer than all.
    pub(super) buckets: Box<[AtomicU64]>,
    pub(super) sum_ns: AtomicU64,
}

impl Histogram {
    pub(super) fn new(bounds_s: &'static [f64]) -> Self {
        let buckets = (0..=bounds_s.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds_s, buckets, sum_ns: AtomicU64::new(0) }
    }

    pub(super) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let index = self.bounds_s.iter().position(|bound| seconds <= *bound).unwrap_or(self.bounds_s.len());
        self.buckets[index].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sum_ns.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}
