//! Peers find one another before clients find them: the annotation `dullahan.dev/publish-peers`
//! through the whole chain of StatefulSet, simulated node, EndpointSlices and DNS.

use crate::support::binary;
use crate::support::message::{ask, over_udp, seen};
use crate::support::wait;

const WORLD: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: db, annotations: {dullahan.dev/publish-peers: "PEERS"}}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}, annotations: {simulated.dullahan.dev/never-ready: "true"}}
    spec: {containers: [{name: db, image: db}]}
"#;

fn serve(peers: &str) -> (tempfile::TempDir, binary::Program) {
    let folder = tempfile::tempdir().unwrap();
    let manifests = folder.path().join("db.yaml");
    std::fs::write(&manifests, WORLD.replace("PEERS", peers)).unwrap();
    let program = binary::start("serve", &manifests, &["--simulated-start=10ms".to_owned()]);
    (folder, program)
}

fn asked(program: &binary::Program, name: &str, record_type: u16) -> String {
    let request = ask(name, record_type).octets();
    seen(&request, over_udp(program.address, &request).as_deref())
}

const A: u16 = 1;
const PTR: u16 = 12;
const SRV: u16 = 33;

#[test]
fn pods_that_are_not_ready_have_names_and_the_service_has_none() {
    let (_folder, program) = serve("true");
    let pods = ["db-0", "db-1"].map(|pod| format!("{pod}.db.default.svc.cluster.local"));
    program.told_each(&pods.each_ref().map(|pod| format!("name     {pod}  published")));
    for pod in pods {
        assert_eq!(asked(&program, &pod, A), "NOERROR aa 1/1/0/0 [A||]", "{pod}");
    }
    for (name, record_type, expected) in [
        ("db.default.svc.cluster.local", A, "NOERROR aa 1/0/1/0 [|SOA|]"),
        ("db.default.svc.cluster.local", SRV, "NOERROR aa 1/0/1/0 [|SOA|]"),
        ("_sql._tcp.db.default.svc.cluster.local", SRV, "NXDOMAIN aa 1/0/1/0 [|SOA|]"),
        ("db-0.db.default.svc.cluster.local", SRV, "NOERROR aa 1/1/0/1 [SRV||A]"),
        ("2.0.244.10.in-addr.arpa", PTR, "NOERROR aa 1/1/0/0 [PTR||]"),
        ("3.0.244.10.in-addr.arpa", PTR, "NOERROR aa 1/1/0/0 [PTR||]"),
    ] {
        assert_eq!(asked(&program, name, record_type), expected, "{name} {record_type}");
    }
}

#[test]
fn without_the_annotation_they_have_none() {
    let (_folder, program) = serve("false");
    let why = |name: &str| {
        let request = ask(name, A).edns().octets();
        over_udp(program.address, &request).map(|reply| String::from_utf8_lossy(&reply).into_owned())
    };
    // Its reason tells when the pod runs and could have a name.
    let pod = "db-0.db.default.svc.cluster.local";
    let is_running =
        |reply: Option<String>| reply.is_some_and(|reply| reply.contains("is Running, not Ready"));
    wait::until("db-0 is told to run", || is_running(why(pod)));
    assert_eq!(asked(&program, pod, A), "NXDOMAIN aa 1/0/1/0 [|SOA|]");
}
