//! Why a name is absent, as people see it: the real server, simulated pods that misbehave, and dig,
//! which prints the text of an Extended DNS Error; and `dullahan explain` beside it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::support::binary::{self, Program};
use crate::support::tools::Tools;
use crate::support::wait;

const WORLD: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: nginx}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {clusterIP: None, selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: web
  annotations: {dullahan.dev/reserved-ordinals: "1"}
spec:
  serviceName: nginx
  replicas: 2
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {simulated.dullahan.dev/never-ready: "true", simulated.dullahan.dev/probe-message: connection refused}
    spec:
      containers:
        - name: nginx
          image: nginx
          readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: looping, labels: {app: web}, annotations: {simulated.dullahan.dev/crash-after: 10ms, simulated.dullahan.dev/exit-code: "7"}}
spec: {hostname: looping, subdomain: nginx, containers: [{name: c, image: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: lonely, labels: {app: web}}
spec: {hostname: lonely, containers: [{name: c, image: c}]}
"#;

/// The text in dig's line `; EDE: 0 (Other): (text)`.
fn dig(server: SocketAddr, name: &str, record_type: &str) -> Option<String> {
    let output = Command::new("dig")
        .args([&format!("@{}", server.ip()), "-p", &server.port().to_string(), "+tries=3", name, record_type])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("; EDE: 0 (Other): ("))?;
    Some(line.strip_suffix(')')?.to_owned())
}

fn serve(folder: &Path, flags: &[&str]) -> Program {
    let manifests = folder.join("world.yaml");
    std::fs::write(&manifests, WORLD).unwrap();
    let flags: Vec<String> =
        ["--simulated-start=20ms"].iter().chain(flags).map(|flag| (*flag).to_owned()).collect();
    binary::start("serve", &manifests, &flags)
}

#[test]
fn dig_prints_why_a_name_is_absent() {
    let mut tools = Tools::default();
    if tools.find("dig", "bind9-dnsutils").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path(), &[]);
    for (name, record_type, parts) in [
        (
            "web-0.nginx.default.svc",
            "A",
            &["pod default/web-0 is Running, not Ready for ", "readiness probe failed: connection refused"][..],
        ),
        ("web-1.nginx.default.svc", "A", &["StatefulSet default/web leaves ordinal 1 out"]),
        ("web-3.nginx.default.svc", "A", &["StatefulSet default/web has no ordinal 3: replicas=2"]),
        ("looping.nginx.default.svc", "A", &["is in CrashLoopBackOff: container c ended with exit code 7"]),
        ("lonely.nginx.default.svc", "A", &["pod default/lonely has no spec.subdomain; it must be nginx"]),
        (
            "_web._tcp.nginx.default.svc",
            "SRV",
            &["service default/nginx has no port named web (it has http)"],
        ),
        ("empty.default.svc", "A", &["service default/empty selects app=nobody, which no pod has"]),
        ("front.default.svc", "AAAA", &["service default/front has IPv4 addresses only, no AAAA record"]),
        ("ngnix.default.svc", "A", &["there is no service default/ngnix; did you mean nginx?"]),
        ("nginx.defualt.svc", "A", &["there is no namespace defualt; did you mean default?"]),
    ] {
        let name = format!("{name}.cluster.local");
        // The pods get there in their own time.
        wait::until(&format!("{name} is explained by {parts:?}"), || {
            let told = dig(program.address, &name, record_type);
            told.is_some_and(|text| parts.iter().all(|part| text.contains(part)))
        });
    }
    assert_eq!(dig(program.address, "front.default.svc.cluster.local", "A"), None, "an answer has no reason");
}

#[test]
fn switched_off_nothing_is_told() {
    let mut tools = Tools::default();
    if tools.find("dig", "bind9-dnsutils").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path(), &["--explain=off"]);
    assert_eq!(dig(program.address, "ngnix.default.svc.cluster.local", "A"), None);
}

fn explain(arguments: &[&str]) -> (String, bool) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_dullahan")).arg("explain").args(arguments).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (text, output.status.success())
}

#[test]
fn the_command_explains_from_files_with_the_objects_it_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let manifests = folder.path().join("world.yaml");
    std::fs::write(&manifests, WORLD).unwrap();
    let file = manifests.display().to_string();
    let (text, is_success) = explain(&["web-7.nginx.default", "-f", &file]);
    let expected = "\
web-7.nginx.default.svc.cluster.local. A: NXDOMAIN: the name does not exist
ordinal out of range: StatefulSet default/web has no ordinal 7: replicas=2
Scale the StatefulSet.
looked at:
  Namespace default (does not exist)
  Service default/nginx
  StatefulSet default/web
";
    assert_eq!((text.as_str(), is_success), (expected, false));
    for (name, expected) in [
        (
            "web-0.nginx.default",
            "there is no pod web-0, and nothing here makes the pods of StatefulSet default/web",
        ),
        ("looping.nginx.default", "pod default/looping has no status, and nothing here runs it"),
        ("front.default", "service default/front has no cluster address, and nothing here gives it one"),
    ] {
        let (text, _) = explain(&[name, "-f", &file]);
        assert!(
            text.contains(&format!("no controllers: {expected}\nFiles are served as they are")),
            "{text}"
        );
    }
}

#[test]
fn the_command_asks_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path(), &[]);
    let server = format!("--server={}", program.address);
    let (text, is_success) = explain(&["web-7.nginx.default", &server]);
    let expected = "\
web-7.nginx.default.svc.cluster.local. A: NXDOMAIN: the name does not exist
StatefulSet default/web has no ordinal 7: replicas=2
";
    assert_eq!((text.as_str(), is_success), (expected, false));
    let (text, is_success) = explain(&["ns.dns.cluster.local", &server]);
    assert!(is_success && text.contains(" A 127.0.0.1"), "{text}");
}
