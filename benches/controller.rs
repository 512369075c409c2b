//! How fast sets come up: pods per second of CPU time through store, controllers and a simulated
//! node in one process on one thread, how much dearer a pod of a large set is than one of a small
//! set, and what a sync of a set costs that has all it wants. Prints a table; run with
//! `cargo bench --bench controller`. An argument picks the rows whose names contain it.
//!
//! CPU time is the thread's own, where the system tells it (Linux), so that a busy machine counts
//! less; elsewhere it is the time on the clock. A pod counts once the set's status says that it is
//! ready: it has been created, bound, given an address, started, reported ready and counted. Start
//! delays are zero, so that only work is measured. What planning alone costs is printed by
//! `cargo test --release --lib plan_costs -- --ignored --nocapture`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a benchmark reads the real time")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dullahan::clock::Clock;
use dullahan::controllers::{
    self, Controller, endpointslice::EndpointSlices, garbage::Garbage, scheduler::Scheduler,
    statefulset::StatefulSets, volumes::Volumes,
};
use dullahan::node::runtime::simulated::{Simulated, SimulatedOptions};
use dullahan::node::{Agent, NodeOptions, NodeSize};
use dullahan::objects::{Kind, ObjectKey, Typed};
use dullahan::store::{Bootstrap, EVENTS_MAX, Severity, Store, StoreOptions};
use k8s_openapi::api::apps::v1::StatefulSet;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The product's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WAIT_MAX: Duration = Duration::from_secs(300);
const SYNCS: u32 = 20;
/// Sets are brought up until so many pods were, at least and at most so many times: the median of
/// three runs has memory that the process has touched before, as a server that runs has.
const RUN_PODS: i32 = 5_000;
const RUNS_MIN: i32 = 3;
const RUNS_MAX: i32 = 15;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    println!("{:<40} {:>10} {:>14} {:>10} {:>14}", "", "CPU ms", "pods/CPU s", "growth", "sync at rest");
    for (policy, counts) in [("Parallel", [100, 1_000, 10_000]), ("OrderedReady", [100, 500, 2_000])] {
        let mut first_us = None;
        for n_pods in counts {
            let pod_us = row(&wanted, policy, n_pods, Extras::default(), first_us);
            first_us = first_us.or(pod_us);
        }
    }
    let in_use = Extras { is_in_use: true, ..Extras::default() };
    let first_us = row(&wanted, "Parallel", 100, in_use, None);
    row(&wanted, "Parallel", 10_000, in_use, first_us);
    row(&wanted, "Parallel", 1_000, Extras { has_service: true, ..Extras::default() }, None);
    row(&wanted, "Parallel", 1_000, Extras { has_claims: true, ..Extras::default() }, None);
}

/// What a set has besides pods.
#[derive(Clone, Copy, Default)]
struct Extras {
    has_service: bool,
    has_claims: bool,
    /// The store has as many events and as long a history as it keeps, so every write drops an old
    /// one; in an empty store only large sets get there.
    is_in_use: bool,
}

/// Prints one row, unless another is wanted; returns what a pod took in microseconds, the
/// median of the runs.
fn row(wanted: &str, policy: &str, n_pods: i32, extras: Extras, first_us: Option<f64>) -> Option<f64> {
    let with = match extras {
        Extras { has_service: true, .. } => ", headless service",
        Extras { has_claims: true, .. } => ", one claim each",
        Extras { is_in_use: true, .. } => ", store in use",
        _ => "",
    };
    let name = format!("{policy}, {n_pods} pods{with}");
    if !name.contains(wanted) {
        return None;
    }
    let n_runs = (RUN_PODS / n_pods).clamp(RUNS_MIN, RUNS_MAX);
    let mut runs: Vec<(Duration, Duration)> = (0..n_runs).map(|_| run(policy, n_pods, extras)).collect();
    runs.sort();
    let (took, sync) = runs[runs.len() / 2];
    let pod_us = took.as_secs_f64() * 1e6 / f64::from(n_pods);
    let growth = first_us.map_or(String::new(), |first| format!("{:.2}", pod_us / first));
    println!(
        "{name:<40} {:>10.1} {:>14.0} {growth:>10} {:>11.1} µs",
        took.as_secs_f64() * 1e3,
        1e6 / pod_us,
        sync.as_secs_f64() * 1e6
    );
    Some(pod_us)
}

fn run(policy: &str, n_pods: i32, extras: Extras) -> (Duration, Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(bring_up(policy, n_pods, extras))
}

/// CPU time of this thread so far; the time on the clock since `started` where nobody tells.
fn cpu_time(started: Instant) -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = stat.split(' ').next().and_then(|ns| ns.parse().ok());
    ns.map_or_else(|| started.elapsed(), Duration::from_nanos)
}

/// How long until all pods of a new set are ready, and how long a sync takes then.
async fn bring_up(policy: &str, n_pods: i32, extras: Extras) -> (Duration, Duration) {
    let clock = Clock::system();
    let store = Store::in_memory(clock.clone(), StoreOptions { seed: Some(1), ..Default::default() });
    store.bootstrap(&Bootstrap { default_storage_class: true }).await.unwrap();
    if extras.is_in_use {
        fill(&store).await;
    }
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let options = SimulatedOptions { seed: 1, ..SimulatedOptions::default() };
    let node = NodeOptions {
        name: "bench".into(),
        pod_networks: vec!["10.0.0.0/8".parse().unwrap()],
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        size: NodeSize::ample(),
        zone: None,
        renews_lease_every: None,
    };
    let agent = Agent::new(store.clone(), Arc::new(Simulated::new(clock, options)), vec![node]);
    tasks.spawn(agent.run(stop.clone()));
    let all: [Box<dyn Controller>; 5] = [
        Box::new(StatefulSets::new()),
        Box::new(EndpointSlices::new()),
        Box::new(Volumes::new()),
        Box::new(Garbage::new()),
        Box::new(Scheduler::new()),
    ];
    for controller in all {
        tasks.spawn(controllers::run(controller, store.clone(), stop.clone()));
    }
    if extras.has_service {
        store.create(service()).await.unwrap();
    }
    let started = Instant::now();
    let before = cpu_time(started);
    let key = store.create(set(policy, n_pods, extras)).await.unwrap().key().clone();
    until_ready(&store, &key, n_pods, started).await;
    let took = cpu_time(started) - before;
    let mut controller = StatefulSets::new();
    controller.reconcile(&store, &key).await.unwrap();
    let before = cpu_time(started);
    for _ in 0..SYNCS {
        controller.reconcile(&store, &key).await.unwrap();
    }
    let sync = (cpu_time(started) - before) / SYNCS;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    (took, sync)
}

/// Fills the event log and the history.
async fn fill(store: &Store) {
    let namespace = store.get(&ObjectKey::new(Kind::Namespace, "", "default")).unwrap();
    for n in 0..2 * EVENTS_MAX {
        let message = format!("event {n}");
        store.record("bench", &namespace, Severity::Normal, "Filled", &message).await;
    }
}

async fn until_ready(store: &Store, key: &ObjectKey, n_pods: i32, started: Instant) {
    let mut watch = store.watch(dullahan::store::Interest::in_kinds(&[Kind::StatefulSet]), store.revision());
    loop {
        let set = store.get(key).unwrap();
        let status = set.get::<StatefulSet>().unwrap().status.clone().unwrap_or_default();
        if status.ready_replicas == Some(n_pods) {
            return;
        }
        assert!(started.elapsed() < WAIT_MAX, "{status:?}");
        if watch.next().await.is_err() {
            watch = store.watch(dullahan::store::Interest::in_kinds(&[Kind::StatefulSet]), store.revision());
        }
    }
}

fn set(policy: &str, n_pods: i32, extras: Extras) -> Typed {
    let mut spec = json!({
        "replicas": n_pods,
        "podManagementPolicy": policy,
        "serviceName": "web",
        "selector": { "matchLabels": { "app": "web" } },
        "template": {
            "metadata": { "labels": { "app": "web" } },
            "spec": { "containers": [{
                "name": "web", "image": "nginx", "ports": [{ "containerPort": 80, "name": "http" }],
            }] },
        },
    });
    if extras.has_claims {
        let claim =
            json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
        spec["volumeClaimTemplates"] = json!([{ "metadata": { "name": "data" }, "spec": claim }]);
    }
    let metadata = json!({ "name": "web", "namespace": "default" });
    Typed::from_value(Kind::StatefulSet, json!({ "metadata": metadata, "spec": spec })).unwrap()
}

fn service() -> Typed {
    let value = json!({
        "metadata": { "name": "web", "namespace": "default" },
        "spec": { "clusterIP": "None", "selector": { "app": "web" }, "ports": [{ "port": 80, "name": "http" }] },
    });
    Typed::from_value(Kind::Service, value).unwrap()
}
