//! Nodes as kubectl shows and drains them, on the real program.

use hickory_proto::op::Message;

use crate::support::cluster::Cluster;
use crate::support::message::{ask, over_tcp};
use crate::support::tools::Tools;

const WEB: &str = r#"
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "nginx:1", resources: {requests: {cpu: 500m, memory: 1Gi}}}]}
"#;

/// A command, and what must be in what it prints; `!` before it means that it must fail.
const LINES: &[(&str, &[&str])] = &[
    (
        "get nodes -o wide --label-columns topology.kubernetes.io/zone",
        &["dullahan-0", "dullahan-1", "Ready", "v1.37.0+dullahan", "10.244.0.1", "10.244.1.1"],
    ),
    ("get nodes -l topology.kubernetes.io/zone=b -o name", &["node/dullahan-1\n"]),
    ("get node dullahan-1 -o jsonpath={.spec.podCIDR}", &["10.244.1.0/24"]),
    ("apply -f -", &["statefulset.apps/web created"]),
    ("rollout status sts/web --timeout=30s", &["roll out complete: 1 new pods"]),
    ("cordon dullahan-1", &["node/dullahan-1 cordoned"]),
    ("drain dullahan-0 --ignore-daemonsets --delete-emptydir-data --dry-run=server", &["(server dry run)"]),
    ("uncordon dullahan-1", &["node/dullahan-1 uncordoned"]),
    (
        "drain dullahan-0 --ignore-daemonsets --delete-emptydir-data --timeout=30s",
        &["node/dullahan-0 drained"],
    ),
    ("rollout status sts/web --timeout=30s", &["roll out complete: 1 new pods"]),
    ("get pod web-0 -o jsonpath={.spec.nodeName}", &["dullahan-1"]),
    (
        "describe node dullahan-1",
        &[
            "HolderIdentity:  dullahan-1",
            "Kubelet Version:            v1.37.0+dullahan",
            "default                     web-0",
            "cpu                500m (25%)  0 (0%)",
            "memory             1Gi (25%)",
        ],
    ),
    (
        "drain dullahan-1 --ignore-daemonsets --delete-emptydir-data --timeout=30s",
        &["node/dullahan-1 drained"],
    ),
    ("wait --for=condition=PodScheduled=False pod/web-0 --timeout=30s", &["condition met"]),
    ("get events --field-selector reason=FailedScheduling", &["0/2 nodes are available"]),
    ("uncordon dullahan-0", &["node/dullahan-0 uncordoned"]),
    ("rollout status sts/web --timeout=30s", &["roll out complete: 1 new pods"]),
    ("get pod web-0 -o jsonpath={.spec.nodeName}", &["dullahan-0"]),
];

#[test]
fn nodes_are_described_and_drained_as_in_a_real_cluster() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubernetes-client") else { return };
    let flags = [
        "--simulated-nodes=2",
        "--simulated-zones=a,b",
        "--simulated-node-cpu=2",
        "--simulated-node-memory=4Gi",
    ];
    let cluster = Cluster::start_with(kubectl, &flags);
    for (line, expected) in LINES {
        cluster.check(line, WEB, expected);
    }
}

/// What happens to the pod of a node that stops.
const LOST: &[(&str, &[&str])] = &[
    ("apply -f -", &["statefulset.apps/web created"]),
    ("rollout status sts/web --timeout=30s", &["roll out complete: 1 new pods"]),
    ("annotate node dullahan simulated.dullahan.dev/down=true", &["node/dullahan annotated"]),
    ("wait --for=condition=Ready=Unknown node/dullahan --timeout=60s", &["condition met"]),
    ("wait --for=condition=Ready=False pod/web-0 --timeout=30s", &["condition met"]),
    ("get nodes", &["NotReady"]),
    (
        "describe node dullahan",
        &["Kubelet stopped posting node status.", "node.kubernetes.io/unreachable:NoExecute"],
    ),
    ("get pod web-0", &["1/1", "Running"]),
    (
        "!logs web-0",
        &[
            "Error from server: Get \"https://127.0.0.1:10250/containerLogs/default/web-0/c\": dial tcp 127.0.0.1:10250: connect: connection refused",
        ],
    ),
    (
        "!exec web-0 -- true",
        &["Error from server: error dialing backend: dial tcp 127.0.0.1:10250: connect: connection refused"],
    ),
    (
        "!port-forward pod/web-0 :80",
        &["error dialing backend: dial tcp 127.0.0.1:10250: connect: connection refused"],
    ),
    ("annotate node dullahan simulated.dullahan.dev/down-", &["node/dullahan annotated"]),
    ("wait --for=condition=Ready=True node/dullahan --timeout=30s", &["condition met"]),
    ("wait --for=condition=Ready=True pod/web-0 --timeout=30s", &["condition met"]),
];

#[test]
fn a_node_that_stops_is_not_ready_until_it_is_back() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubernetes-client") else { return };
    let cluster = Cluster::start_with(kubectl, &["--node-monitor-grace-period=2s"]);
    for (line, expected) in LOST {
        cluster.check(line, WEB, expected);
    }
}

const SERVICE: &str = r#"
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}
"#;

#[test]
fn the_names_of_a_lost_nodes_pods_are_withdrawn_until_it_is_back() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubernetes-client") else { return };
    let cluster = Cluster::start_with(kubectl, &["--simulated-nodes=2", "--node-monitor-grace-period=2s"]);
    let name = |pod: &str| format!("{pod}.web.default.svc.cluster.local");
    let n_addresses = |pod: &str| {
        let reply = over_tcp(cluster.program.address, &ask(&name(pod), 1).octets()).expect("it answers");
        Message::from_vec(&reply).unwrap().answers.len()
    };
    let world = format!("{}{SERVICE}", WEB.replace("replicas: 1", "replicas: 2"));
    cluster.check("apply -f -", &world, &["statefulset.apps/web created", "service/web created"]);
    cluster.program.told_each(&["web-0", "web-1"].map(|pod| format!("{}  published", name(pod))));
    assert_eq!((n_addresses("web-0"), n_addresses("web-1")), (1, 1));
    let node = cluster.run("get pod web-0 -o jsonpath={.spec.nodeName}", "").stdout;
    cluster.check(&format!("annotate node {node} simulated.dullahan.dev/down=true"), "", &["annotated"]);
    cluster.program.told(&format!("{}  withdrawn", name("web-0")));
    assert_eq!((n_addresses("web-0"), n_addresses("web-1")), (0, 1), "the other node is up");
    cluster.check(&format!("annotate node {node} simulated.dullahan.dev/down-"), "", &["annotated"]);
    cluster.program.told(&format!("{}  published", name("web-0")));
    assert_eq!((n_addresses("web-0"), n_addresses("web-1")), (1, 1));
}
