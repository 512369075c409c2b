//! The serial of a zone over a restart: it does not fall, however the server ended.

use std::net::SocketAddr;
use std::process::Stdio;

use hickory_proto::op::Message;
use hickory_proto::rr::RData;

use crate::support::binary::{self, Program};
use crate::support::message::{ask, over_tcp};
use crate::support::tsig::now_s;

const N_PODS: usize = 120;

const WORLD: &str = "
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 120
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
";

fn answers(server: SocketAddr, name: &str, record_type: u16) -> Vec<RData> {
    let reply = over_tcp(server, &ask(name, record_type).octets()).expect("it answers");
    Message::from_vec(&reply).unwrap().answers.into_iter().map(|record| record.data).collect()
}

fn serial(server: SocketAddr) -> u32 {
    match &answers(server, "cluster.local", 6)[..] {
        [RData::SOA(soa)] => soa.serial,
        other => panic!("no SOA: {other:?}"),
    }
}

/// Returns when every pod has its name; they come one after the other.
fn wait_for_pods(program: &Program) {
    program.told(&format!("name     web-{}.web.default.svc.cluster.local  published", N_PODS - 1));
}

#[test]
fn a_serial_does_not_fall_when_the_server_is_killed_after_many_changes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("world.yaml"), WORLD).unwrap();
    let flags = [
        format!("--state-dir={}", folder.path().join("state").display()),
        "--simulated-start=1ms".to_owned(),
        format!("--simulated-node-pods={N_PODS}"),
    ];
    let start = || binary::start("serve", &folder.path().join("world.yaml"), &flags);
    let mut highest = 0;
    for _ in 0..2 {
        let program = start();
        assert!(serial(program.address) > highest, "it has fallen");
        wait_for_pods(&program);
        highest = serial(program.address);
        assert!(u64::from(highest) > now_s(), "more versions than seconds, or this shows nothing");
        // Dropped is killed, without a warning.
    }
    assert!(serial(start().address) > highest, "it has fallen");
}

#[test]
fn serials_that_cannot_be_kept_are_the_clocks_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (state, log) = (folder.path().join("state"), folder.path().join("log"));
    std::fs::create_dir_all(state.join("dns-serial")).unwrap();
    let flags = [format!("--state-dir={}", state.display())];
    let before = now_s();
    let program = binary::start_logging("dns", &flags, Stdio::from(std::fs::File::create(&log).unwrap()));
    let serial = u64::from(serial(program.address));
    assert!((before..=now_s()).contains(&serial), "{serial}");
    let said = std::fs::read_to_string(&log).unwrap();
    assert_eq!(said.matches("name a directory with --state-dir").count(), 1, "{said}");
    assert!(said.contains(state.to_str().unwrap()), "{said}");
}
