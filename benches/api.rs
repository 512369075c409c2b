//! What the API costs, as clients see it: a table of 10,000 pods, an apply, a server with 10,000 pods
//! and nothing to do, and 200 watchers while 50,000 objects are written. Prints a table; run with
//! `cargo bench --bench api`.
//!
//! The server is the program itself, over TLS on loopback; latencies are medians over one
//! connection that stays open, beside those of a request that reads nothing (`/readyz`).

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a benchmark reads the real time")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::cluster::Cluster;
use support::https::{Connection, Https};
use support::load::{Load, memory_bytes};
use tokio::task::JoinSet;

const PODS: usize = 10_000;
const CLIENTS: usize = 16;
const REQUESTS: usize = 200;
const LISTS: usize = 15;
const IDLE: Duration = Duration::from_secs(20);
const PODS_PATH: &str = "/api/v1/namespaces/default/pods";
/// What `kubectl get` sends.
const TABLE: &str = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
/// The kernel's ticks in which it counts the time of a process.
const TICKS_PER_S: f64 = 100.0;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    with_pods().await;
    with_watchers().await;
}

async fn with_pods() {
    let cluster = Cluster::start(PathBuf::from("kubectl"));
    let https = Https::new(&cluster.address, &cluster.kubeconfig);
    let empty_bytes = memory_bytes(&cluster);
    let begun = Instant::now();
    create_pods(&https).await;
    row(&format!("{PODS} pods created by {CLIENTS} clients"), begun.elapsed());
    let waiting = format!("{PODS_PATH}?fieldSelector=status.phase!%3DRunning&limit=1");
    while !https.request("GET", &waiting, &[], b"").await.json()["items"].as_array().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    row(&format!("{PODS} pods created and running"), begun.elapsed());
    let pods_bytes = memory_bytes(&cluster);
    number("  resident memory, no pods", empty_bytes as f64 / 1e6, "MB");
    number(&format!("  resident memory, {PODS} pods"), pods_bytes as f64 / 1e6, "MB");

    let mut connection = https.connect().await;
    let (took, _) = median(&mut connection, REQUESTS, "/readyz", &[]).await;
    row("GET /readyz (floor)", took);
    for (what, path, headers) in [
        ("get pods as a table, all at once", PODS_PATH.to_owned(), &[TABLE][..]),
        ("get pods as a table, the first 500", format!("{PODS_PATH}?limit=500"), &[TABLE]),
        ("list pods as JSON, all at once", PODS_PATH.to_owned(), &[]),
        ("get one pod", format!("{PODS_PATH}/p-77"), &[]),
    ] {
        let n_requests = if path == PODS_PATH { LISTS } else { REQUESTS };
        let (took, n_bytes) = median(&mut connection, n_requests, &path, headers).await;
        row(what, took);
        number("  octets", n_bytes as f64, "");
    }
    row("server-side apply of a changed ConfigMap", apply(&mut connection).await);
    drop(connection);

    let before = ticks(&cluster);
    tokio::time::sleep(IDLE).await;
    let used_ms = (ticks(&cluster) - before) as f64 / TICKS_PER_S * 1e3;
    number(&format!("CPU time of {} s with {PODS} pods and nothing to do", IDLE.as_secs()), used_ms, "ms");
    number("  resident memory then", memory_bytes(&cluster) as f64 / 1e6, "MB");
}

async fn with_watchers() {
    let load =
        Load { n_watchers: 200, n_stalled: 20, n_writes: 50_000, writes_per_s: 5_000, padding_octets: 16 };
    let cluster = Cluster::start(PathBuf::from("kubectl"));
    let figures = load.run(&cluster).await;
    let n_readers = load.n_watchers - load.n_stalled;
    let seconds = figures.took.as_secs_f64();
    row(
        &format!(
            "{} writes seen by {n_readers} watchers, {} others not reading",
            load.n_writes, load.n_stalled
        ),
        figures.took,
    );
    number("  writes", load.n_writes as f64 / seconds, "/s");
    number("  events", figures.n_events_seen as f64 / seconds, "/s");
    number("  more resident memory than before", figures.growth_bytes as f64 / 1e6, "MB");
    number("  of those not reading, told to list again or cut", figures.n_told_or_cut as f64, "");
}

async fn create_pods(https: &Https) {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let mut connection = https.connect().await;
        clients.spawn(async move {
            for number in (client..PODS).step_by(CLIENTS) {
                let body = format!(
                    r#"{{"metadata":{{"name":"p-{number}","labels":{{"app":"nginx"}}}},"spec":{{"containers":[{{"name":"nginx","image":"nginx:1"}}]}}}}"#
                );
                let answer = connection.request("POST", PODS_PATH, &[], body.as_bytes()).await;
                assert_eq!(answer.code, 201, "{}", String::from_utf8_lossy(&answer.body));
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
}

/// The median latency of a request and the size of its answer.
async fn median(
    connection: &mut Connection,
    n_requests: usize,
    path: &str,
    headers: &[&str],
) -> (Duration, usize) {
    let mut times = Vec::new();
    let mut n_bytes = 0;
    for _ in 0..n_requests {
        let begun = Instant::now();
        let answer = connection.request("GET", path, headers, b"").await;
        times.push(begun.elapsed());
        assert_eq!(answer.code, 200);
        n_bytes = answer.body.len();
    }
    times.sort();
    (times[times.len() / 2], n_bytes)
}

async fn apply(connection: &mut Connection) -> Duration {
    let mut times = Vec::new();
    for number in 0..REQUESTS {
        let body = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"settings"}},"data":{{"number":"{number}"}}}}"#
        );
        let path = "/api/v1/namespaces/default/configmaps/settings?fieldManager=bench";
        let begun = Instant::now();
        let answer = connection
            .request("PATCH", path, &["Content-Type: application/apply-patch+yaml"], body.as_bytes())
            .await;
        times.push(begun.elapsed());
        assert!(answer.code < 300, "{}", String::from_utf8_lossy(&answer.body));
    }
    times.sort();
    times[times.len() / 2]
}

/// The processor time of the server so far, its own and the kernel's for it.
fn ticks(cluster: &Cluster) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", cluster.program.child.id())).unwrap();
    // The name of the program, in brackets, may hold blanks; utime and stime are fields 14 and 15.
    let after_name = stat.rsplit_once(") ").unwrap().1;
    after_name.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}

fn row(what: &str, took: Duration) {
    println!("{what:<64} {:>11.3} ms", took.as_secs_f64() * 1e3);
}

fn number(what: &str, value: f64, unit: &str) {
    println!("{what:<64} {value:>11.1} {unit}");
}
