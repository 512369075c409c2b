//! Secondaries of others: Knot, NSD and BIND hold what a StatefulSet that is scaled has, told by
//! NOTIFY and transferred, all signed.
//!
//! NSD is told its zones; Knot and BIND take them from the catalog zone. What they hold is
//! compared whole, by a transfer from each. The zones' own timers are hours: who follows without
//! having been told would be far too late.

#![allow(clippy::disallowed_methods, reason = "other programs are waited for in real time")]

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record};

use crate::support::binary;
use crate::support::message::{ask, framed, over_udp_within, read_framed};
use crate::support::port::Port;
use crate::support::tools::{self, Running, Tools};
use crate::support::tsig::{self, Before, Key};
use crate::support::wait::within;

const SOA: u16 = 6;
const AXFR: u16 = 252;
const FORWARD: &str = "cluster.local";
const REVERSE: &str = "244.10.in-addr.arpa";
const SERVICE: &str = "web.default.svc.cluster.local";
/// How long a secondary may take to be made and to have its first copy.
const FIRST_MAX: Duration = Duration::from_secs(30);
/// How long it may take to follow: a second, and time for machines that do much else meanwhile.
const FOLLOW_MAX: Duration = Duration::from_secs(10);
/// How long the pods may take.
const SCALED_MAX: Duration = Duration::from_secs(30);
/// What is promised: from a version's first answer at the primary to its first at a secondary.
const PROMISED: Duration = Duration::from_secs(1);
/// How many pods there are one after the other while that is measured.
const SINGLE_STEPS: [usize; 10] = [9, 8, 9, 10, 9, 8, 7, 8, 9, 8];
/// After which a question is asked again: NSD loses those that come while it loads a zone.
const RETRY: Duration = Duration::from_millis(500);

struct Secondary {
    name: &'static str,
    address: SocketAddr,
    _port: Port,
    /// Starts it in a folder, at its address, for a primary.
    start: fn(&Path, &Path, SocketAddr, SocketAddr) -> Running,
    program: PathBuf,
}

fn knot(program: &Path, folder: &Path, own: SocketAddr, primary: SocketAddr) -> Running {
    let (dir, own, primary) = (folder.display(), knot_address(own), knot_address(primary));
    let (algorithm, secret) = (tsig::ALGORITHM, tsig::SECRET);
    let config = format!(
        "
server:
    listen: {own}
    rundir: {dir}
database:
    storage: {dir}
control:
    listen: {dir}/knot.sock
log:
  - target: stderr
    any: info
key:
  - id: xfr.
    algorithm: {algorithm}
    secret: {secret}
remote:
  - id: primary
    address: {primary}
    key: xfr.
acl:
  - id: told
    address: 127.0.0.1
    key: xfr.
    action: notify
  - id: looked-at
    address: 127.0.0.1
    action: transfer
template:
  - id: member
    storage: {dir}
    master: primary
    acl: [told, looked-at]
zone:
  - domain: catalog.invalid
    template: member
    catalog-role: interpret
    catalog-template: member
"
    );
    let file = folder.join("knot.conf");
    std::fs::write(&file, config).unwrap();
    Running::start(Command::new(program).arg("-c").arg(&file), "server started in the foreground")
}

fn knot_address(address: SocketAddr) -> String {
    format!("{}@{}", address.ip(), address.port())
}

fn nsd(program: &Path, folder: &Path, own: SocketAddr, primary: SocketAddr) -> Running {
    let (dir, own, primary) = (folder.display(), knot_address(own), knot_address(primary));
    let (algorithm, secret) = (tsig::ALGORITHM, tsig::SECRET);
    let mut config = format!(
        "
server:
  ip-address: {own}
  username: \"\"
  chroot: \"\"
  zonesdir: \"{dir}\"
  database: \"\"
  pidfile: \"{dir}/nsd.pid\"
  xfrdfile: \"{dir}/xfrd.state\"
  xfrdir: \"{dir}\"
  zonelistfile: \"{dir}/zone.list\"
  server-count: 1
  # Loads what it has received at once; otherwise within a second.
  xfrd-reload-timeout: 0
remote-control:
  control-enable: no
key:
  name: xfr.
  algorithm: {algorithm}
  secret: \"{secret}\"
"
    );
    for zone in [FORWARD, REVERSE] {
        config += &format!(
            "zone:\n  name: {zone}\n  zonefile: {zone}.zone\n  allow-notify: 127.0.0.1 xfr.\n  request-xfr: {primary} xfr.\n  provide-xfr: 127.0.0.1 NOKEY\n"
        );
    }
    let file = folder.join("nsd.conf");
    std::fs::write(&file, config).unwrap();
    Running::start(Command::new(program).arg("-d").arg("-c").arg(&file), "nsd started")
}

fn bind(program: &Path, folder: &Path, own: SocketAddr, primary: SocketAddr) -> Running {
    let dir = folder.display();
    let (algorithm, secret) = (tsig::ALGORITHM, tsig::SECRET);
    let primaries = format!("{{ {} port {} key xfr.; }}", primary.ip(), primary.port());
    let config = format!(
        "
key xfr. {{ algorithm {algorithm}; secret \"{secret}\"; }};
options {{
    directory \"{dir}\";
    pid-file none;
    session-keyfile none;
    listen-on port {} {{ {}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    notify no;
    # Asks for the serial at once when it is told; otherwise within half a second.
    serial-query-rate 1000;
    allow-transfer {{ 127.0.0.1; }};
    catalog-zones {{
        zone catalog.invalid default-primaries {primaries} in-memory yes min-update-interval 0;
    }};
}};
zone catalog.invalid {{ type secondary; file \"catalog.db\"; primaries {primaries}; }};
controls {{ }};
",
        own.port(),
        own.ip()
    );
    let file = folder.join("named.conf");
    std::fs::write(&file, config).unwrap();
    Running::start(Command::new(program).args(["-g", "-n", "1", "-c"]).arg(&file), "running")
}

fn world(n_replicas: usize) -> String {
    format!(
        "
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{clusterIP: None, selector: {{app: web}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: web}}
spec:
  serviceName: web
  replicas: {n_replicas}
  podManagementPolicy: Parallel
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: web}}]}}
"
    )
}

/// Renamed into place, so that the server never reads half of it.
fn write_world(folder: &Path, n_replicas: usize) {
    std::fs::write(folder.join("new"), world(n_replicas)).unwrap();
    std::fs::rename(folder.join("new"), folder.join("world.yaml")).unwrap();
}

/// Everything a server has of a zone, or why it cannot be had.
fn copy_of(server: SocketAddr, zone: &str, key: Option<&Key>) -> Result<Vec<Record>, String> {
    let request = ask(zone, AXFR).octets();
    let request = match key {
        Some(key) => key.sign(&request, Before::Nothing, tsig::now_s(), usize::MAX),
        None => request,
    };
    let mut stream = TcpStream::connect(server).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    std::io::Write::write_all(&mut stream, &framed(&request)).map_err(|error| error.to_string())?;
    let mut records: Vec<Record> = Vec::new();
    while records.iter().filter(|record| matches!(record.data, RData::SOA(_))).count() < 2 {
        let octets = read_framed(&mut stream).ok_or("the transfer ends early")?;
        let message = Message::from_vec(&octets).map_err(|error| error.to_string())?;
        if message.answers.is_empty() {
            return Err(format!("the transfer is answered {}", message.metadata.response_code));
        }
        records.extend(message.answers);
    }
    Ok(records)
}

/// Serial, and all records but the SOA, in order.
fn content(records: &[Record]) -> (u32, BTreeSet<String>) {
    let RData::SOA(soa) = &records[0].data else { panic!("a transfer begins with the SOA") };
    let others = records.iter().filter(|record| !matches!(record.data, RData::SOA(_)));
    (soa.serial, others.map(|record| record.to_string().to_ascii_lowercase()).collect())
}

/// The addresses that a name has at a server.
fn addresses(server: SocketAddr) -> BTreeSet<String> {
    // As large as fits without TCP.
    let reply = over_udp_within(server, &ask(SERVICE, 1).edns().octets(), RETRY);
    let message = reply.and_then(|reply| Message::from_vec(&reply).ok());
    let answers = message.map(|message| message.answers).unwrap_or_default();
    answers.iter().map(|record| record.data.to_string()).collect()
}

/// The serial that a server answers with.
fn serial(server: SocketAddr) -> Option<u32> {
    let message = Message::from_vec(&over_udp_within(server, &ask(FORWARD, SOA).octets(), RETRY)?).ok()?;
    message.answers.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    })
}

fn check_same(
    secondary: &Secondary,
    primary: SocketAddr,
    zone: &str,
    limit: Duration,
    step: &str,
) -> Duration {
    let key = Key::new("xfr.", tsig::SECRET);
    let mut last = String::new();
    let took = within(limit, || {
        let wanted =
            content(&copy_of(primary, zone, Some(&key)).expect("the primary lets it be transferred"));
        let held = copy_of(secondary.address, zone, None).map(|records| content(&records));
        let is_same = held.as_ref().is_ok_and(|held| *held == wanted);
        last = match held {
            Ok((serial, records)) => format!(
                "it has serial {serial} with {} records, the primary {} with {}",
                records.len(),
                wanted.0,
                wanted.1.len()
            ),
            Err(why) => why,
        };
        is_same
    });
    took.unwrap_or_else(|| {
        panic!("{} does not follow {zone} within {limit:?}, {step}: {last}", secondary.name)
    })
}

fn secondaries(tools: &mut Tools) -> Vec<Secondary> {
    let mut all = Vec::new();
    for (name, package, start) in [
        ("knotd", "knot", knot as fn(&Path, &Path, SocketAddr, SocketAddr) -> Running),
        ("nsd", "nsd", nsd),
        ("named", "bind9", bind),
    ] {
        if let Some(program) = tools.find(name, package) {
            let port = Port::reserve();
            all.push(Secondary { name, address: port.address, _port: port, start, program });
        }
    }
    all
}

/// Adds or takes away one pod; how long each secondary then takes until it answers with the version
/// that has it.
fn single_step(
    folder: &Path,
    primary: SocketAddr,
    secondaries: &[Secondary],
    n_replicas: usize,
) -> Vec<Duration> {
    write_world(folder, n_replicas);
    let scaled = within(SCALED_MAX, || addresses(primary).len() == n_replicas);
    assert!(scaled.is_some(), "the primary does not get to {n_replicas} pods");
    let (began, wanted) = (Instant::now(), serial(primary).expect("the primary answers"));
    let mut took: Vec<Option<Duration>> = vec![None; secondaries.len()];
    within(FOLLOW_MAX, || {
        for (secondary, took) in secondaries.iter().zip(&mut took).filter(|(_, took)| took.is_none()) {
            let has_followed =
                serial(secondary.address).is_some_and(|held| held.wrapping_sub(wanted) as i32 >= 0);
            *took = has_followed.then(|| began.elapsed());
        }
        took.iter().all(Option::is_some)
    });
    let each = secondaries.iter().zip(took);
    each.map(|(secondary, took)| {
        took.unwrap_or_else(|| panic!("{} does not follow to {n_replicas} pods", secondary.name))
    })
    .collect()
}

/// The middle one of several steps is what is promised; a busy machine may be late at some.
fn check_promise(folder: &Path, primary: SocketAddr, secondaries: &[Secondary]) {
    let steps = SINGLE_STEPS.map(|n_replicas| single_step(folder, primary, secondaries, n_replicas));
    for (index, secondary) in secondaries.iter().enumerate() {
        let took = steps.each_ref().map(|step| step[index]);
        println!("{}: follows one pod after {took:?}", secondary.name);
        let n_in_time = took.iter().filter(|took| **took < PROMISED).count();
        assert!(
            n_in_time * 2 >= took.len(),
            "{} follows within {PROMISED:?} too seldom: {took:?}",
            secondary.name
        );
    }
}

#[test]
fn knot_nsd_and_bind_hold_what_a_scaled_set_has_within_a_second() {
    let _alone = tools::alone();
    let mut tools = Tools::default();
    let secondaries = secondaries(&mut tools);
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("xfr.key");
    std::fs::write(&secret, tsig::SECRET).unwrap();
    write_world(folder.path(), 2);
    let mut flags = vec![
        format!("--tsig-key=xfr.:{}:{}", tsig::ALGORITHM, secret.display()),
        "--allow-transfer=key:xfr.".to_owned(),
        "--catalog=catalog.invalid".to_owned(),
        "--simulated-start=20ms".to_owned(),
        "--simulated-stop=20ms".to_owned(),
    ];
    flags.extend(secondaries.iter().map(|secondary| format!("--notify={},key:xfr.", secondary.address)));
    let primary = binary::start("serve", &folder.path().join("world.yaml"), &flags);
    let mut running = Vec::new();
    for secondary in &secondaries {
        let own = folder.path().join(secondary.name);
        std::fs::create_dir(&own).unwrap();
        running.push((secondary.start)(&secondary.program, &own, secondary.address, primary.address));
    }
    for (step, n_replicas) in [2, 5, 30, 3, 8].into_iter().enumerate() {
        write_world(folder.path(), n_replicas);
        let scaled = within(SCALED_MAX, || addresses(primary.address).len() == n_replicas);
        assert!(scaled.is_some(), "the primary does not get to {n_replicas} pods");
        let limit = if step == 0 { FIRST_MAX } else { FOLLOW_MAX };
        let step = format!("scaled to {n_replicas}");
        for secondary in &secondaries {
            let took =
                [FORWARD, REVERSE].map(|zone| check_same(secondary, primary.address, zone, limit, &step));
            println!("{}: {step}, forward and reverse the same after {took:?}", secondary.name);
            assert_eq!(addresses(secondary.address), addresses(primary.address), "{} {step}", secondary.name);
        }
    }
    check_promise(folder.path(), primary.address, &secondaries);
}
