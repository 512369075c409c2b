//! Answers while changes are published: a zone of 100,000 endpoints, 1,000 changes per second. Of what
//! size the services are matters, as a change of one endpoint is one of its slice and of the names
//! that its service shares: ten, as elsewhere here, and as many as a slice has at most.
//!
//! The server process holds the store, the publisher and one DNS worker, all on one core. On `changes`
//! it commits changed slices at a steady rate, and waits for the snapshots that answer with them; the
//! publisher says when it has swapped one in. Before anything is measured it has made
//! [`WARM_UP_CHANGES`], so that the store's history is full. On a machine that is one of several of its
//! host a change may wait for those; how long that was is told beside.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use dullahan::clock::{Clock, Timestamp};
use dullahan::dns::answer::{Query, answer};
use dullahan::dns::transport::{DatagramOptions, DnsServer};
use dullahan::dns::zone::SharedZones;
use dullahan::machinery::manifest::{Strictness, parse};
use dullahan::names::options::ZoneOptions;
use dullahan::names::publisher::{Publication, Publisher};
use dullahan::objects::{Kind, ObjectKey};
use dullahan::store::{Store, StoreOptions};
use hickory_proto::rr::{Name, RecordType};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

use crate::fixture::APEX;
use crate::load::{Load, connect};
use crate::median;
use crate::servers::{cpu_time_of, on_first_core};

const ENDPOINTS: usize = 100_000;
const ENDPOINTS_PER_SERVICE: [usize; 2] = [10, 100];
const CHANGES_PER_SECOND: u32 = 1_000;
const ROUND: Duration = Duration::from_secs(2);
/// More than the store keeps versions.
const WARM_UP_CHANGES: usize = 20_000;
/// How many of them are thought of at a time.
const WARM_UP_STEP: usize = 1_000;
const WAIT_MAX: Duration = Duration::from_secs(60);
const POOL: usize = 1 << 16;
/// In which the kernel counts (`proc_stat(5)`, USER_HZ).
const TICK: Duration = Duration::from_millis(10);
/// The worker's thread.
const WORKER: &str = "dns-0";

/// Prints throughput with and without changes, from commit to answer, and memory.
pub(crate) fn measure(rounds: usize) {
    ENDPOINTS_PER_SERVICE.into_iter().for_each(|size| measure_with(Shape { size }, rounds));
}

fn measure_with(shape: Shape, rounds: usize) {
    println!(
        "\n{ENDPOINTS} endpoints in services of {}, {CHANGES_PER_SECOND} changes per second",
        shape.size
    );
    let mut server = on_first_core(|| {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args(["publish", &shape.size.to_string()]);
        Publishing::new(program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    });
    let queries = queries(shape);
    server.tell("warm up");
    server.line();
    // Readers keep what they make of the records: what they will ever keep is there after a round.
    server.round(&queries);
    let before = server.resident_bytes();
    let rounds: Vec<Round> = (0..rounds).map(|_| server.round(&queries)).collect();
    let left = |of: fn(&Throughput) -> f64| {
        median(rounds.iter().map(|round| of(&round.busy) / of(&round.quiet))) * 100.0
    };
    println!(
        "  without changes: {:.0} thousand queries per second, {:.0} per second of the worker's processor time",
        median(rounds.iter().map(|round| round.quiet.per_second)) / 1e3,
        median(rounds.iter().map(|round| round.quiet.per_cpu_second)) / 1e3
    );
    println!(
        "  with changes:    {:.1} % of that, {:.1} % of that of the worker's processor time",
        left(|throughput| throughput.per_second),
        left(|throughput| throughput.per_cpu_second)
    );
    println!(
        "  all share one core; who makes the changes, the store and the publisher use {:.0} us of it per change",
        median(rounds.iter().map(|round| round.busy.other_cpu.as_secs_f64())) * 1e6
            / f64::from(CHANGES_PER_SECOND)
            / ROUND.as_secs_f64()
    );
    println!("  from commit to visible answer, median and 99th percentile, by round:");
    for Round { latencies, stolen, .. } in &rounds {
        println!("    {latencies}; the machine's host took {} ms", stolen.as_millis());
    }
    let after = server.resident_bytes();
    println!("  resident memory: {:.1} MB before, {:.1} MB after", before as f64 / 1e6, after as f64 / 1e6);
}

/// How the endpoints are spread over services.
#[derive(Clone, Copy)]
struct Shape {
    /// How many endpoints a service has.
    size: usize,
}

impl Shape {
    fn n_services(self) -> usize {
        ENDPOINTS / self.size
    }
}

struct Publishing {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    address: SocketAddr,
}

/// The same queries without changes and with.
struct Round {
    quiet: Throughput,
    busy: Throughput,
    /// How long the changes took to be seen.
    latencies: String,
    /// How long cores of this machine had to wait for those of its host while there were changes.
    stolen: Duration,
}

struct Throughput {
    per_cpu_second: f64,
    per_second: f64,
    /// Processor time of all but the worker.
    other_cpu: Duration,
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Publishing {
    fn new(mut child: Child) -> Self {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap().unwrap().parse().unwrap();
        Self { child, lines, address }
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{command}").unwrap();
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn round(&mut self, queries: &[Vec<u8>]) -> Round {
        self.tell("plan");
        self.line();
        let quiet = self.throughput(queries);
        let stolen_before = stolen();
        self.tell("changes");
        let busy = self.throughput(queries);
        let latencies = self.line();
        Round { quiet, busy, latencies, stolen: stolen() - stolen_before }
    }

    fn throughput(&self, queries: &[Vec<u8>]) -> Throughput {
        let socket = [connect(self.address)];
        let mut load = Load::new(&socket);
        let cpu = || [Some(WORKER), None].map(|thread| cpu_time_of(self.child.id(), thread));
        let before = cpu();
        let n_replies = load.run(queries, ROUND).n_replies as f64;
        let after = cpu();
        let [own, all] = [0, 1].map(|index| after[index] - before[index]);
        Throughput {
            per_cpu_second: n_replies / own.as_secs_f64(),
            per_second: n_replies / ROUND.as_secs_f64(),
            other_cpu: all.saturating_sub(own),
        }
    }

    fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

/// How long the cores of this machine have had to wait for those of its host.
fn stolen() -> Duration {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let ticks: u32 = stat.lines().next().unwrap().split_whitespace().nth(8).unwrap().parse().unwrap();
    TICK * ticks
}

/// Addresses of endpoints and of services, and names that do not exist.
fn queries(shape: Shape) -> Vec<Vec<u8>> {
    let of = |n: usize| {
        let (service, endpoint) = (n * 7919 % shape.n_services(), n * 31 % shape.size);
        let owner = format!("svc-{service}.default.svc.cluster.local.");
        let text = match n % 8 {
            0 => owner,
            1 => format!("nope.{owner}"),
            _ => format!("e-{endpoint}.{owner}"),
        };
        let mut query = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        for label in Name::from_ascii(text).unwrap().iter() {
            query.push(label.len() as u8);
            query.extend_from_slice(label);
        }
        query.extend_from_slice(&[0, 0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        query
    };
    (0..POOL).map(of).collect()
}

/// The server process.
pub(crate) fn serve(endpoints_per_service: usize) {
    let shape = Shape { size: endpoints_per_service };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut changing = Changing::start(shape).await;
        let commands = std::io::stdin().lines().map_while(Result::ok);
        for command in commands {
            match command.as_str() {
                "warm up" => changing.warm_up().await,
                "plan" => changing.plan(CHANGES_PER_SECOND as usize * ROUND.as_secs() as usize),
                _ => changing.carry_out().await,
            }
        }
    });
}

/// What is served, and the changes that are made to it.
struct Changing {
    shape: Shape,
    store: Store,
    zones: SharedZones,
    publications: Receiver<Publication>,
    /// How many changes have been planned.
    n_changes: usize,
    plan: Vec<Planned>,
}

impl Changing {
    /// Starts publisher and server, and says where it listens.
    async fn start(shape: Shape) -> Self {
        let store = Store::in_memory(Clock::system(), StoreOptions::default());
        for service in 0..shape.n_services() {
            let parsed = parse("bench", &manifest(shape, service), "default", Strictness::AsIs);
            for located in parsed.objects {
                store.mirror(located.typed).await.unwrap();
            }
        }
        let zones = SharedZones::default();
        let options = ZoneOptions { implied_namespaces: true, ..ZoneOptions::default() };
        let publisher = Publisher::publishing_to(zones.clone(), store.clone(), options, Vec::new());
        let publications = publisher.publications();
        tokio::spawn(publisher.run(CancellationToken::new()));
        let options = DatagramOptions { workers: NonZeroUsize::MIN };
        let server =
            DnsServer::bind_with(&["127.0.0.1:0".parse().unwrap()], zones.clone(), options).await.unwrap();
        println!("{}", server.addresses()[0]);
        tokio::spawn(server.run(CancellationToken::new()));
        Self { shape, store, zones, publications, n_changes: 0, plan: Vec::new() }
    }

    /// Makes so many changes that the store keeps as many versions as it ever will.
    async fn warm_up(&mut self) {
        for _ in 0..WARM_UP_CHANGES / WARM_UP_STEP {
            self.extend_plan(WARM_UP_STEP);
            self.change(None).await;
        }
        println!("warm");
    }

    /// What it costs to think of the changes is not what is measured.
    fn plan(&mut self, n_changes: usize) {
        self.extend_plan(n_changes);
        println!("planned");
    }

    fn extend_plan(&mut self, n_changes: usize) {
        let numbers = self.n_changes..self.n_changes + n_changes;
        self.plan.extend(numbers.map(|n| planned(self.shape, &self.store, n)));
        self.n_changes += n_changes;
    }

    /// Makes the planned changes, and says how long they took to be seen.
    async fn carry_out(&mut self) {
        let began = Instant::now();
        let mut times = self.change(Some(CHANGES_PER_SECOND)).await;
        let took = began.elapsed();
        times.sort();
        let at = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e6;
        let per_second = times.len() as f64 / took.as_secs_f64();
        println!("{:.0} us, {:.0} us ({per_second:.0} changes per second)", at(50), at(99));
    }

    /// Makes the planned changes, at a steady rate if there is one, by a task as a controller is
    /// one; from each commit to the snapshot that shows it.
    async fn change(&mut self, per_second: Option<u32>) -> Vec<Duration> {
        let plan = std::mem::take(&mut self.plan);
        let (store, zones) = (self.store.clone(), self.zones.clone());
        let publications = self.publications.resubscribe();
        let changed = tokio::spawn(change(store, zones, publications, plan, per_second));
        tokio::time::timeout(WAIT_MAX, changed).await.expect("every change is seen").unwrap()
    }
}

/// A change that has been committed but not yet been seen.
struct Committed {
    query: Query,
    address: String,
    at: Timestamp,
}

/// A change that is still to be made.
type Planned = (EndpointSlice, Query, String);

async fn change(
    store: Store,
    zones: SharedZones,
    mut publications: Receiver<Publication>,
    plan: Vec<Planned>,
    per_second: Option<u32>,
) -> Vec<Duration> {
    let n_changes = plan.len();
    let committed = Mutex::new(VecDeque::new());
    let apex = Name::from_ascii(APEX).unwrap();
    let commit = async {
        let mut ticks = per_second.map(|rate| tokio::time::interval(Duration::from_secs(1) / rate));
        for (slice, query, address) in plan {
            match &mut ticks {
                Some(ticks) => drop(ticks.tick().await),
                None => tokio::task::yield_now().await,
            }
            let at = store.clock().now();
            committed.lock().unwrap().push_back(Committed { query, address, at });
            store.mirror(slice).await.unwrap();
        }
    };
    let observe = async {
        let mut times = Vec::new();
        while times.len() < n_changes {
            let published = publications.recv().await.unwrap();
            let zones = zones.load();
            // Of a snapshot that is there already the publisher is about to tell.
            if zones.get(&apex).is_none_or(|zone| zone.serial() != published.serial) {
                continue;
            }
            let mut committed = committed.lock().unwrap();
            while let Some(change) = committed.front() {
                let answer = answer(&zones, &change.query);
                if !answer.answers.iter().any(|record| record.data.to_string() == change.address) {
                    break;
                }
                times.push(published.at.duration_since(change.at).unsigned_abs());
                committed.pop_front();
            }
        }
        times
    };
    tokio::join!(commit, observe).1
}

/// The slice of the `n`th change, the name that it changes and its address then.
fn planned(shape: Shape, store: &Store, n: usize) -> Planned {
    let service = n * 7 % shape.n_services();
    let key = ObjectKey::new(Kind::EndpointSlice, "default", &format!("svc-{service}-a"));
    let mut slice = store.get(&key).unwrap().get::<EndpointSlice>().unwrap().clone();
    let address = format!("10.{}.{}.{}", 200 + n / 65536 % 50, n / 256 % 256, n % 256);
    slice.endpoints.as_mut().unwrap()[3].addresses[0].clone_from(&address);
    let name = Name::from_ascii(format!("e-3.svc-{service}.default.svc.cluster.local.")).unwrap();
    (slice, Query { name, record_type: RecordType::A }, address)
}

fn manifest(shape: Shape, service: usize) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: svc-{service}}}\nspec: {{clusterIP: None, clusterIPs: [None], ports: [{{name: x, port: 80}}]}}\n---\n\
         apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: svc-{service}-a\n  labels: {{kubernetes.io/service-name: svc-{service}}}\n\
         addressType: IPv4\nports: [{{name: x, port: 80, protocol: TCP}}]\nendpoints:\n"
    );
    for endpoint in 0..shape.size {
        let n = service * shape.size + endpoint;
        let address = format!("10.{}.{}.{}", 64 + (n >> 16), (n >> 8) & 255, n & 255);
        writeln!(text, "- {{addresses: [{address}], hostname: e-{endpoint}, conditions: {{ready: true}}}}")
            .unwrap();
    }
    text
}
