//! `examples/exported-cluster.yaml`, which is what `kubectl get -A -o yaml` prints for a cluster, is
//! read as it is: every name in it is answered, and the pod that is not Ready has none.

use std::path::Path;

use crate::support::binary;
use crate::support::message::{answers, ask, over_udp};

const A: u16 = 1;
const PTR: u16 = 12;
const SRV: u16 = 33;

/// Names under `svc.cluster.local`, or under `in-addr.arpa`, and the data of their records.
const ANSWERED: &[(u16, &str, &[&str])] = &[
    (A, "kubernetes.default", &["10.96.0.1"]),
    (A, "kube-dns.kube-system", &["10.96.0.10"]),
    (A, "web.default", &["10.96.143.27"]),
    (A, "nginx.default", &["10.244.1.7", "10.244.2.5"]),
    (A, "web-0.nginx.default", &["10.244.1.7"]),
    (A, "web-1.nginx.default", &["10.244.2.5"]),
    (A, "10-244-1-7.web.default", &["10.244.1.7"]),
    (A, "10-244-0-3.kube-dns.kube-system", &["10.244.0.3"]),
    (A, "192-168-10-10.kubernetes.default", &["192.168.10.10"]),
    (SRV, "_https._tcp.kubernetes.default", &["0 100 443 kubernetes.default.svc.cluster.local."]),
    (SRV, "_dns._udp.kube-dns.kube-system", &["0 100 53 kube-dns.kube-system.svc.cluster.local."]),
    (SRV, "_metrics._tcp.kube-dns.kube-system", &["0 100 9153 kube-dns.kube-system.svc.cluster.local."]),
    (SRV, "_http._tcp.web.default", &["0 100 80 web.default.svc.cluster.local."]),
    (
        SRV,
        "_web._tcp.nginx.default",
        &["0 50 80 web-0.nginx.default.svc.cluster.local.", "0 50 80 web-1.nginx.default.svc.cluster.local."],
    ),
    (PTR, "1.0.96.10", &["kubernetes.default.svc.cluster.local."]),
    (PTR, "10.0.96.10", &["kube-dns.kube-system.svc.cluster.local."]),
    (PTR, "27.143.96.10", &["web.default.svc.cluster.local."]),
    (
        PTR,
        "7.1.244.10",
        &["10-244-1-7.web.default.svc.cluster.local.", "web-0.nginx.default.svc.cluster.local."],
    ),
    (PTR, "3.0.244.10", &["10-244-0-3.kube-dns.kube-system.svc.cluster.local."]),
];

/// Those of the pod that is not Ready.
const ABSENT: &[(u16, &str)] =
    &[(A, "web-2.nginx.default"), (A, "10-244-1-8.web.default"), (PTR, "8.1.244.10")];

fn full(record_type: u16, name: &str) -> String {
    let under = if record_type == PTR { "in-addr.arpa" } else { "svc.cluster.local" };
    format!("{name}.{under}")
}

#[test]
fn a_server_with_controllers_says_that_it_leaves_out_what_others_made() {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/exported-cluster.yaml"));
    let program = binary::start("serve", file, &[]);
    let left_out = "what its controllers made is left out (EndpointSlice: 3, Pod: 5); to answer the names of that cluster \
                    as it was, use dullahan dns -f";
    program.told_each(&[left_out.to_owned(), "No StatefulSet yet".to_owned()]);
    let address = answers(program.address, "web.default.svc.cluster.local", A);
    assert_eq!(address, Ok(["10.96.143.27".to_owned()].into()), "services are applied");
    let pod = answers(program.address, "web-0.nginx.default.svc.cluster.local", A);
    assert_eq!(pod, Err("NXDOMAIN".to_owned()));
}

#[test]
fn every_name_of_an_exported_cluster_is_answered() {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/exported-cluster.yaml"));
    let program = binary::start("dns", file, &[]);
    for (record_type, name, expected) in ANSWERED {
        let expected = expected.iter().map(|data| (*data).to_owned()).collect();
        assert_eq!(answers(program.address, &full(*record_type, name), *record_type), Ok(expected), "{name}");
    }
    for (record_type, name) in ABSENT {
        let got = answers(program.address, &full(*record_type, name), *record_type);
        assert_eq!(got, Err("NXDOMAIN".to_owned()), "{name}");
    }
    let why = ask("web-2.nginx.default.svc.cluster.local", A).edns().octets();
    let told = over_udp(program.address, &why).map(|reply| String::from_utf8_lossy(&reply).into_owned());
    assert!(told.is_some_and(|told| told.contains("pod default/web-2 is Running, not Ready")));
}
