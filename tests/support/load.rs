//! Many watchers while much is written: every one of them sees every revision once and in order, and
//! those that do not read cost the server no more than their bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::https::{Connection, Https};

/// How much is written and watched.
pub(crate) struct Load {
    pub(crate) n_watchers: usize,
    /// How many of them stop reading at the beginning.
    pub(crate) n_stalled: usize,
    pub(crate) n_writes: usize,
    /// At most so many writes in a second.
    pub(crate) writes_per_s: usize,
    /// What an object holds beside its number.
    pub(crate) padding_octets: usize,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) took: Duration,
    /// How much more memory the server holds than before, at most.
    pub(crate) growth_bytes: u64,
    pub(crate) n_events_seen: usize,
    /// How many of those who did not read were told that they have missed something, or were cut.
    pub(crate) n_told_or_cut: usize,
}

/// How many write at once, each its own object.
const WRITERS: usize = 16;
/// How far the slowest reader may be behind before the writers wait for it: half of the history.
const LAG_MAX: usize = 8_192;
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

impl Load {
    /// Writes and watches; panics if a watcher sees anything else than what was written.
    pub(crate) async fn run(&self, cluster: &Cluster) -> Figures {
        let https = Https::new(&cluster.address, &cluster.kubeconfig);
        for writer in 0..WRITERS {
            let body = format!("{{\"metadata\":{{\"name\":\"w{writer}\"}}}}");
            let answer = https.request("POST", CONFIG_MAPS, &[], body.as_bytes()).await;
            assert_eq!(answer.code, 201, "{answer:?}");
        }
        let list = https.request("GET", CONFIG_MAPS, &[], b"").await.json();
        let from = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
        let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion={from}");
        let mut stalled = Vec::new();
        for _ in 0..self.n_stalled {
            stalled.push(open(&https, &path).await);
        }
        let progress = Arc::new(Progress::new(self.n_watchers - self.n_stalled));
        let mut watchers = JoinSet::new();
        for reader in 0..self.n_watchers - self.n_stalled {
            let connection = open(&https, &path).await;
            watchers.spawn(read(connection, self.n_writes, progress.clone(), reader));
        }
        let before = memory_bytes(cluster);
        let begun = Instant::now();
        let written = self.write(&https, &progress).await;
        let mut n_events_seen = 0;
        while let Some(seen) = watchers.join_next().await {
            let seen = seen.unwrap();
            assert!(
                seen == written,
                "a watcher has seen {} of {} revisions in order",
                seen.len(),
                written.len()
            );
            n_events_seen += seen.len();
        }
        let took = begun.elapsed();
        let growth_bytes = memory_bytes(cluster).saturating_sub(before);
        let mut n_told_or_cut = 0;
        for connection in stalled {
            n_told_or_cut += usize::from(!drain(connection, &written).await);
        }
        Figures { took, growth_bytes, n_events_seen, n_told_or_cut }
    }

    /// The revisions of all writes, in their order.
    async fn write(&self, https: &Https, progress: &Arc<Progress>) -> Vec<u64> {
        let mut writers = JoinSet::new();
        let n_each = self.n_writes / WRITERS;
        assert_eq!(n_each * WRITERS, self.n_writes, "the writers share the writes");
        for writer in 0..WRITERS {
            let mut connection = https.connect().await;
            let padding = "x".repeat(self.padding_octets);
            let progress = progress.clone();
            let mut pace =
                tokio::time::interval(Duration::from_secs(1) * WRITERS as u32 / self.writes_per_s as u32);
            writers.spawn(async move {
                let mut revisions = Vec::with_capacity(n_each);
                for number in 0..n_each {
                    pace.tick().await;
                    progress.wait((number * WRITERS).saturating_sub(LAG_MAX)).await;
                    let body = format!("{{\"data\":{{\"number\":\"{number}\",\"padding\":\"{padding}\"}}}}");
                    let path = format!("{CONFIG_MAPS}/w{writer}");
                    let merge = &["Content-Type: application/merge-patch+json"];
                    let answer = connection.request("PATCH", &path, merge, body.as_bytes()).await;
                    assert_eq!(answer.code, 200, "{}", String::from_utf8_lossy(&answer.body));
                    revisions.push(revision(&answer.body).unwrap());
                }
                revisions
            });
        }
        let mut all = Vec::with_capacity(self.n_writes);
        while let Some(revisions) = writers.join_next().await {
            all.extend(revisions.unwrap());
        }
        all.sort_unstable();
        all
    }
}

async fn open(https: &Https, path: &str) -> Connection {
    let mut connection = https.connect().await;
    assert_eq!(connection.open(path).await, 200);
    connection
}

/// How many events each reader has seen.
struct Progress {
    seen: Vec<AtomicUsize>,
    moved: Notify,
}

/// After how many events a reader tells how far it is.
const TOLD_EVERY: usize = 256;

impl Progress {
    fn new(n_readers: usize) -> Self {
        Self { seen: (0..n_readers).map(|_| AtomicUsize::new(0)).collect(), moved: Notify::new() }
    }

    fn tell(&self, reader: usize, n_seen: usize) {
        self.seen[reader].store(n_seen, Ordering::Relaxed);
        self.moved.notify_waiters();
    }

    /// Until every reader has seen that many events.
    async fn wait(&self, n_events: usize) {
        let is_reached =
            || self.seen.iter().all(|seen| seen.load(Ordering::Relaxed) + TOLD_EVERY >= n_events);
        loop {
            let moved = self.moved.notified();
            if is_reached() {
                return;
            }
            moved.await;
        }
    }
}

async fn read(
    mut connection: Connection,
    n_events: usize,
    progress: Arc<Progress>,
    reader: usize,
) -> Vec<u64> {
    let mut seen = Vec::with_capacity(n_events);
    while seen.len() < n_events
        && let Some(line) = connection.line().await
        && line.starts_with(b"{\"type\":\"MODIFIED\"")
    {
        seen.extend(revision(&line));
        if seen.len() % TOLD_EVERY == 0 {
            progress.tell(reader, seen.len());
        }
    }
    progress.tell(reader, usize::MAX / 2);
    seen
}

/// Reads what has been kept for somebody who did not read: what was written from the beginning, in
/// order and without a gap. True if it is all of it.
async fn drain(mut connection: Connection, written: &[u64]) -> bool {
    for expected in written {
        match connection.line().await {
            Some(line) if line.starts_with(b"{\"type\":\"MODIFIED\"") && line.ends_with(b"\n") => {
                assert_eq!(
                    revision(&line),
                    Some(*expected),
                    "a watcher that did not read has missed something"
                );
            }
            Some(line) if line.starts_with(b"{\"type\":\"ERROR\"") => {
                let line = String::from_utf8_lossy(&line);
                assert!(line.contains("\"code\":410") && line.contains("\"reason\":\"Expired\""), "{line}");
                return false;
            }
            _ => return false,
        }
    }
    true
}

/// The resource version of the object in a line.
fn revision(line: &[u8]) -> Option<u64> {
    let name = b"\"resourceVersion\":\"";
    let begin = line.windows(name.len()).rposition(|window| window == name)? + name.len();
    let length = line[begin..].iter().position(|octet| *octet == b'"')?;
    std::str::from_utf8(&line[begin..begin + length]).ok()?.parse().ok()
}

/// The resident memory of the server.
pub(crate) fn memory_bytes(cluster: &Cluster) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", cluster.program.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
