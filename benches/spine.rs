//! From start to the first answer, memory per endpoint, and from a changed object to its changed
//! answer. Prints a table; run with `cargo bench --bench spine`.
//!
//! Every figure is a median, beside a floor measured in the same run: a process that starts and
//! ends at once, an answer from an unchanged server.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a benchmark reads the real time")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dullahan::clock::Clock;
use dullahan::dns::answer::{Query, answer};
use dullahan::dns::zone::SharedZones;
use dullahan::names::options::ZoneOptions;
use dullahan::names::publisher::Publisher;
use dullahan::objects::Kind;
use dullahan::store::{Store, StoreOptions};
use hickory_proto::op::{Message, MessageType, OpCode, Query as Question};
use hickory_proto::rr::{Name, RecordType};
use k8s_openapi::api::discovery::v1::EndpointSlice;

const SERVICES: usize = 1_000;
const ENDPOINTS_PER_SERVICE: usize = 100;
const STARTS: usize = 15;
const CHANGES: usize = 200;
const WAIT_MAX: Duration = Duration::from_secs(120);

fn main() {
    let floor = median((0..STARTS).map(|_| time_of_nothing()).collect());
    row("a process that does nothing, start to end (floor)", floor);

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.yaml"), manifest(0, 1, 2)).unwrap();
    let starts: Vec<Started> = (0..STARTS).map(|_| start(folder.path(), 0)).collect();
    row(
        "dns, 2 endpoints: start to first correct answer",
        median(starts.iter().map(|one| one.took).collect()),
    );
    let small_bytes = starts[0].memory_bytes;
    drop(starts);

    for (file, services) in (0..SERVICES).collect::<Vec<_>>().chunks(100).enumerate() {
        let text: String =
            services.iter().map(|service| manifest(*service, 1, ENDPOINTS_PER_SERVICE)).collect();
        std::fs::write(folder.path().join(format!("{file:03}.yaml")), text).unwrap();
    }
    std::fs::remove_file(folder.path().join("small.yaml")).unwrap();
    let n_endpoints = SERVICES * ENDPOINTS_PER_SERVICE;
    let large = start(folder.path(), SERVICES - 1);
    row(&format!("dns, {n_endpoints} endpoints: start to first correct answer"), large.took);
    let per_endpoint = large.memory_bytes.saturating_sub(small_bytes) / n_endpoints as u64;
    println!("{:<64} {:>9.1} MB", "  resident memory", large.memory_bytes as f64 / 1e6);
    println!("{:<64} {per_endpoint:>9} bytes", "  resident memory per endpoint");
    drop(large);
    changes_in_process(n_endpoints);
}

fn row(what: &str, took: Duration) {
    println!("{what:<64} {:>9.3} ms", took.as_secs_f64() * 1e3);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn time_of_nothing() -> Duration {
    let started = Instant::now();
    Command::new("true").status().unwrap();
    started.elapsed()
}

struct Started {
    took: Duration,
    memory_bytes: u64,
    child: Child,
}

impl Drop for Started {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Starts `dullahan dns` and asks until the name of `service` has an address.
fn start(folder: &Path, service: usize) -> Started {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_dullahan"))
        .args(["dns", "--dns-listen", "127.0.0.1:0", "-f"])
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("DNS on ")).unwrap();
    let address = line.split_whitespace().nth(2).unwrap().to_owned();
    std::thread::spawn(move || lines.for_each(drop));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(&address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    while ask(&socket, &service_name(service)) == 0 {
        assert!(started.elapsed() < WAIT_MAX, "no answer from {address}");
    }
    let took = started.elapsed();
    let memory_bytes = resident_bytes(child.id());
    Started { took, memory_bytes, child }
}

fn ask(socket: &UdpSocket, name: &Name) -> usize {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Question::query(name.clone(), RecordType::A));
    let mut reply = [0; 4096];
    if socket.send(&message.to_vec().unwrap()).is_err() {
        return 0;
    }
    let Ok(length) = socket.recv(&mut reply) else { return 0 };
    Message::from_vec(&reply[..length])
        .map_or(0, |message| message.answers.len() + usize::from(message.truncation))
}

fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn service_name(service: usize) -> Name {
    Name::from_ascii(format!("svc-{service}.default.svc.cluster.local.")).unwrap()
}

fn manifest(first: usize, n_services: usize, n_endpoints: usize) -> String {
    let mut text = String::new();
    for service in first..first + n_services {
        write!(
            text,
            "apiVersion: v1\nkind: Service\nmetadata: {{name: svc-{service}}}\nspec: {{clusterIP: None, clusterIPs: [None], ports: [{{name: x, port: 80}}]}}\n---\n\
             apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: svc-{service}-a\n  labels: {{kubernetes.io/service-name: svc-{service}}}\n\
             addressType: IPv4\nports: [{{name: x, port: 80, protocol: TCP}}]\nendpoints:\n"
        )
        .unwrap();
        for endpoint in 0..n_endpoints {
            let n = service * ENDPOINTS_PER_SERVICE + endpoint;
            let address = format!("10.{}.{}.{}", 64 + (n >> 16), (n >> 8) & 255, n & 255);
            writeln!(
                text,
                "- {{addresses: [{address}], hostname: svc-{service}-{endpoint}, conditions: {{ready: true}}}}"
            )
            .unwrap();
        }
        text.push_str("---\n");
    }
    text
}

/// From the call that commits a changed slice to the snapshot that answers with it.
fn changes_in_process(n_endpoints: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::in_memory(Clock::system(), StoreOptions::default());
        for service in 0..SERVICES {
            let text = manifest(service, 1, ENDPOINTS_PER_SERVICE);
            let parsed = dullahan::machinery::manifest::parse(
                "bench",
                &text,
                "default",
                dullahan::machinery::manifest::Strictness::AsIs,
            );
            assert!(parsed.mistakes.is_empty());
            for located in parsed.objects {
                store.mirror(located.typed).await.unwrap();
            }
        }
        let zones = SharedZones::default();
        let options = ZoneOptions { implied_namespaces: true, ..ZoneOptions::default() };
        let publisher = Publisher::publishing_to(zones.clone(), store.clone(), options, Vec::new());
        tokio::spawn(publisher.run(tokio_util::sync::CancellationToken::new()));
        let mut times = Vec::new();
        for change in 0..CHANGES {
            times.push(time_of_change(&store, &zones, change).await);
        }
        times.sort();
        row(
            &format!("{n_endpoints} endpoints: changed object to changed answer, median"),
            times[CHANGES / 2],
        );
        row("  99th percentile", times[CHANGES * 99 / 100]);
    });
}

async fn time_of_change(store: &Store, zones: &SharedZones, change: usize) -> Duration {
    let service = change * 7 % SERVICES;
    let key = dullahan::objects::ObjectKey::new(Kind::EndpointSlice, "default", &format!("svc-{service}-a"));
    let mut slice = store.get(&key).unwrap().get::<EndpointSlice>().unwrap().clone();
    let address = format!("10.255.{}.{}", change / 250, change % 250 + 1);
    slice.endpoints.as_mut().unwrap()[3].addresses[0].clone_from(&address);
    let name = Name::from_ascii(format!("svc-{service}-3.svc-{service}.default.svc.cluster.local.")).unwrap();
    let query = Query { name, record_type: RecordType::A };
    let started = Instant::now();
    store.mirror(slice).await.unwrap();
    loop {
        let answer = answer(&zones.load(), &query);
        if answer.answers.iter().any(|record| record.data.to_string() == address) {
            return started.elapsed();
        }
        assert!(started.elapsed() < WAIT_MAX);
        std::hint::spin_loop();
    }
}
