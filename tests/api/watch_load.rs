//! Watches are right under load, and those who do not read them cost no more than their bound.
//!
//! `cargo bench --bench api` does the same with 200 watchers and 50,000 writes.

#![allow(clippy::disallowed_methods, reason = "the load is paced in real time")]

use std::path::PathBuf;

use crate::support::cluster::Cluster;
use crate::support::load::Load;

/// What the server keeps for a watcher that does not read: a chunk of events (16 KiB), what HTTP
/// (64 KiB) and TLS (64 KiB) have taken of it, and their tasks.
const WATCHER_BYTES_MAX: u64 = 256 * 1024;
/// What one write leaves behind: the history's event (the object, as JSON and typed, twice with the
/// one before it).
const EVENT_OVERHEAD_BYTES_MAX: u64 = 12 * 1024;

/// Resident memory is what the allocator has, not what it has given: it keeps up to half as much
/// again, differently in each run.
const fn with_what_the_allocator_keeps(bytes: u64) -> u64 {
    bytes + bytes / 2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_watcher_sees_every_revision_and_one_that_does_not_read_costs_little() {
    let load =
        Load { n_watchers: 50, n_stalled: 20, n_writes: 1_600, writes_per_s: 5_000, padding_octets: 4_096 };
    let cluster = Cluster::start(PathBuf::from("kubectl"));
    let figures = load.run(&cluster).await;
    let for_history = load.n_writes as u64 * (2 * load.padding_octets as u64 + EVENT_OVERHEAD_BYTES_MAX);
    let for_watchers = load.n_watchers as u64 * WATCHER_BYTES_MAX;
    // A queue for each watcher would hold all that was written for those who do not read.
    let queued = load.n_stalled as u64 * load.n_writes as u64 * load.padding_octets as u64;
    let bound = with_what_the_allocator_keeps(for_history + for_watchers);
    assert!(bound < queued, "the bound tells a queue from none: {bound} < {queued}");
    assert!(figures.growth_bytes < bound, "{figures:?}, bound {bound}");
    assert_eq!(figures.n_events_seen, (load.n_watchers - load.n_stalled) * load.n_writes);
}
