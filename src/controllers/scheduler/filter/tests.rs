//! Filters over small clusters: which nodes reject the pod, with which words. Many cases are those of
//! kube-scheduler's own tables.

use super::super::fixture::{LARGE, info, namespace, node, pod, requests, snapshot, zoned};
use super::*;
use crate::objects::Object;

/// Asserts what each node says of the pod: nothing, or its reasons; `!` marks one that no preemption can
/// help.
#[track_caller]
fn check(incoming: &Object, cluster: Vec<Object>, expected: &[&str]) {
    let mut snapshot = snapshot(cluster);
    let incoming = info(incoming);
    let request = Request::new(&incoming, &[]).unwrap();
    let counts = Counts::of(&request, &mut snapshot);
    let verdict = |node: &NodeInfo| match super::check(&request, &counts, node, &node.usage) {
        Ok(()) => String::new(),
        Err(rejection) => {
            format!("{}{}", if rejection.is_resolvable { "" } else { "!" }, rejection.reasons.join(", "))
        }
    };
    let found: Vec<String> = super::super::snapshot::present(&snapshot.nodes).map(verdict).collect();
    assert_eq!(found, expected, "{incoming:?}");
}

fn plain(name: &str) -> Object {
    node(name, LARGE, "", "")
}

#[test]
fn a_cordoned_node_takes_only_pods_that_tolerate_that() {
    let cordoned = || vec![node("a", LARGE, "", "unschedulable: true"), plain("b")];
    check(&pod("p", "", "", ""), cordoned(), &["!node(s) were unschedulable", ""]);
    let tolerant =
        "tolerations: [{key: node.kubernetes.io/unschedulable, operator: Exists, effect: NoSchedule}]";
    check(&pod("p", "", "", tolerant), cordoned(), &["", ""]);
}

#[test]
fn taints_keep_pods_away_that_do_not_tolerate_them() {
    let tainted = |effect: &str| {
        vec![node("a", LARGE, "", &format!("taints: [{{key: dedicated, value: user1, effect: {effect}}}]"))]
    };
    let away: &[&str] = &["!node(s) had untolerated taint(s)"];
    check(&pod("p", "", "", ""), tainted("NoSchedule"), away);
    check(&pod("p", "", "", ""), tainted("NoExecute"), away);
    check(&pod("p", "", "", ""), tainted("PreferNoSchedule"), &[""]);
    let with = |toleration: &str| pod("p", "", "", &format!("tolerations: [{{{toleration}}}]"));
    check(&with("key: dedicated, value: user1, effect: NoSchedule"), tainted("NoSchedule"), &[""]);
    check(&with("key: dedicated, value: user2"), tainted("NoSchedule"), away);
    check(&with("key: dedicated, operator: Exists"), tainted("NoExecute"), &[""]);
    check(&with("operator: Exists"), tainted("NoExecute"), &[""]);
    check(&with("key: foo, operator: Exists"), tainted("NoSchedule"), away);
}

#[test]
fn a_pod_goes_where_its_selector_and_its_affinity_say() {
    let cluster = || vec![node("a", LARGE, "disk: ssd, cpus: 8", ""), plain("b")];
    let away = "!node(s) didn't match Pod's node affinity/selector";
    check(&pod("p", "", "", "nodeSelector: {disk: ssd}"), cluster(), &["", away]);
    check(&pod("p", "", "", "nodeSelector: {disk: ssd, rack: r}"), cluster(), &[away, away]);
    let with = |terms: &str| {
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        pod(
            "p",
            "",
            "",
            &format!("affinity: {{nodeAffinity: {{{required}: {{nodeSelectorTerms: [{terms}]}}}}}}"),
        )
    };
    check(&with("{matchExpressions: [{key: cpus, operator: Gt, values: ['4']}]}"), cluster(), &["", away]);
    check(&with("{matchExpressions: [{key: cpus, operator: Lt, values: ['4']}]}"), cluster(), &[away, away]);
    check(&with("{matchExpressions: [{key: disk, operator: NotIn, values: [ssd]}]}"), cluster(), &[away, ""]);
    check(&with("{matchExpressions: [{key: disk, operator: DoesNotExist}]}"), cluster(), &[away, ""]);
    check(&with("{matchFields: [{key: metadata.name, operator: In, values: [b]}]}"), cluster(), &[away, ""]);
    check(
        &with("{matchFields: [{key: metadata.name, operator: NotIn, values: [b]}]}"),
        cluster(),
        &["", away],
    );
    let either = "{matchExpressions: [{key: disk, operator: In, values: [hdd]}]}, \
                  {matchExpressions: [{key: cpus, operator: Exists}]}";
    check(&with(either), cluster(), &["", away]);
    check(&with("{}"), cluster(), &[away, away]);
    check(&with(""), cluster(), &[away, away]);
}

#[test]
fn a_node_takes_what_it_has_room_for() {
    let small = |used: &str| {
        vec![node("a", "cpu: 10m, memory: 20, pods: 32, example.com/gpu: 5", "", ""), pod("x", "a", "", used)]
    };
    let with = |amounts: &str| pod("p", "", "", &requests(amounts));
    let used = |amounts: &str| small(&requests(amounts));
    check(&pod("p", "", "", ""), used("cpu: 10m, memory: 20"), &[""]);
    check(
        &with("cpu: 1m, memory: 1"),
        used("cpu: 10m, memory: 20"),
        &["Insufficient cpu, Insufficient memory"],
    );
    check(&with("cpu: 1m, memory: 1"), used("cpu: 5m, memory: 5"), &[""]);
    check(&with("cpu: 2m, memory: 1"), used("cpu: 9m, memory: 5"), &["Insufficient cpu"]);
    check(&with("cpu: 1m, memory: 2"), used("cpu: 5m, memory: 19"), &["Insufficient memory"]);
    check(&with("cpu: 11m"), used("cpu: 1m"), &["!Insufficient cpu"]);
    check(&with("example.com/gpu: 3"), used("example.com/gpu: 3"), &["Insufficient example.com/gpu"]);
    check(&with("example.com/gpu: 6"), used("cpu: 1m"), &["!Insufficient example.com/gpu"]);
    check(&with("example.com/other: 1"), used("cpu: 1m"), &["!Insufficient example.com/other"]);
    check(&with("ephemeral-storage: 1"), used("cpu: 1m"), &["!Insufficient ephemeral-storage"]);
    let full = vec![node("a", "cpu: 1, pods: 1", "", ""), pod("x", "a", "", "")];
    check(&pod("p", "", "", ""), full, &["Too many pods"]);
    let unknown = vec![node("a", "", "", "")];
    check(&with("cpu: 1m"), unknown, &["!Too many pods, Insufficient cpu"]);
    let init = "initContainers: [{name: i, resources: {requests: {cpu: 8m}}}], containers: [{name: c}]";
    check(&pod("p", "", "", init), used("cpu: 5m"), &["Insufficient cpu"]);
}

#[test]
fn a_port_of_the_node_is_for_one_pod() {
    let port =
        |port: u16| format!("containers: [{{name: c, ports: [{{containerPort: 1, hostPort: {port}}}]}}]");
    let cluster = || vec![plain("a"), plain("b"), pod("x", "a", "", &port(80))];
    let taken = "node(s) didn't have free ports for the requested pod ports";
    check(&pod("p", "", "", &port(80)), cluster(), &[taken, ""]);
    check(&pod("p", "", "", &port(81)), cluster(), &["", ""]);
}

const ZONE: &str = "topology.kubernetes.io/zone";

fn affine(sort: &str, key: &str, selector: &str, extra: &str) -> String {
    let term = format!("labelSelector: {{matchLabels: {{{selector}}}}}, topologyKey: {key}{extra}");
    format!("affinity: {{{sort}: {{requiredDuringSchedulingIgnoredDuringExecution: [{{{term}}}]}}}}")
}

#[test]
fn affinity_wants_pods_in_the_domain_and_the_first_of_a_group_may_go_anywhere() {
    let away = "!node(s) didn't match pod affinity rules";
    let cluster = |on: &str| {
        vec![zoned("a", "z1"), zoned("b", "z1"), zoned("c", "z2"), plain("d"), pod("x", on, "app: db", "")]
    };
    let web = pod("p", "", "app: web", &affine("podAffinity", ZONE, "app: db", ""));
    check(&web, cluster("a"), &["", "", away, away]);
    check(&web, cluster("c"), &[away, away, "", away]);
    check(&web, cluster("d"), &[away, away, away, away]);
    let first = pod("p", "", "app: web", &affine("podAffinity", ZONE, "app: web", ""));
    check(&first, cluster("a"), &["", "", "", away]);
    let mut second = cluster("a");
    second.push(pod("y", "c", "app: web", ""));
    check(&first, second, &[away, away, "", away]);
}

#[test]
fn anti_affinity_holds_in_both_directions() {
    let own = "node(s) didn't match pod anti-affinity rules";
    let of_others = "node(s) didn't satisfy existing pods anti-affinity rules";
    let host = affine("podAntiAffinity", "kubernetes.io/hostname", "app: web", "");
    let zone = affine("podAntiAffinity", ZONE, "app: web", "");
    let cluster = |labels: &str, spec: &str| {
        vec![zoned("a", "z1"), zoned("b", "z1"), zoned("c", "z2"), pod("x", "a", labels, spec)]
    };
    check(&pod("p", "", "app: web", &host), cluster("app: web", ""), &[own, "", ""]);
    check(&pod("p", "", "app: web", &zone), cluster("app: web", ""), &[own, own, ""]);
    check(&pod("p", "", "app: web", ""), cluster("app: web", &host), &[of_others, "", ""]);
    check(&pod("p", "", "app: web", ""), cluster("app: web", &zone), &[of_others, of_others, ""]);
    check(&pod("p", "", "app: db", &host), cluster("app: db", &host), &["", "", ""]);
    check(&pod("p", "", "app: web", &host), cluster("app: web", &zone), &[own, of_others, ""]);
}

#[test]
fn terms_reach_other_namespaces_by_their_labels() {
    let away = "!node(s) didn't match pod affinity rules";
    let with = |selector: &str| {
        let extra = format!(", namespaceSelector: {{{selector}}}");
        pod("p", "", "app: web", &affine("podAffinity", ZONE, "app: db", &extra))
    };
    let cluster = || {
        let mut other = pod("x", "a", "app: db", "").typed().clone();
        other.meta_mut().namespace = Some("other".into());
        vec![zoned("a", "z1"), zoned("b", "z2"), namespace("other", "team: y"), Object::unversioned(other)]
    };
    check(&with("matchLabels: {team: y}"), cluster(), &["", away]);
    check(&with("matchLabels: {team: x}"), cluster(), &[away, away]);
    check(&with(""), cluster(), &["", away]);
}

fn spread(key: &str, max_skew: i32, extra: &str) -> String {
    format!(
        "topologySpreadConstraints: [{{maxSkew: {max_skew}, topologyKey: {key}, whenUnsatisfiable: DoNotSchedule,
          labelSelector: {{matchLabels: {{foo: ''}}}}{extra}}}]"
    )
}

/// Pods that count on nodes `a`, `b` of zone1 and `x`, `y` of zone2.
fn spread_cluster(pods: &[(&str, usize)]) -> Vec<Object> {
    let nodes = [zoned("a", "zone1"), zoned("b", "zone1"), zoned("x", "zone2"), zoned("y", "zone2")];
    let on = |(node, count): &(&str, usize)| {
        (0..*count).map(|n| pod(&format!("{node}-{n}"), node, "foo: ''", "")).collect::<Vec<_>>()
    };
    nodes.into_iter().chain(pods.iter().flat_map(on)).collect()
}

#[test]
fn no_domain_gets_more_than_the_skew_above_the_least() {
    let full = "node(s) didn't match pod topology spread constraints";
    let missing = "!node(s) didn't match pod topology spread constraints (missing required label)";
    let with = |constraint: &str| pod("p", "", "foo: ''", constraint);
    let three_to_none = || spread_cluster(&[("a", 1), ("b", 2)]);
    check(&with(&spread(ZONE, 1, "")), spread_cluster(&[]), &["", "", "", ""]);
    check(&with(&spread(ZONE, 1, "")), three_to_none(), &[full, full, "", ""]);
    check(&with(&spread(ZONE, 4, "")), three_to_none(), &["", "", "", ""]);
    check(&pod("p", "", "bar: ''", &spread(ZONE, 3, "")), three_to_none(), &["", "", "", ""]);
    let mut unlabelled = three_to_none();
    unlabelled.push(plain("z"));
    check(&with(&spread(ZONE, 1, "")), unlabelled, &[full, full, "", "", missing]);
    let by_host = spread("kubernetes.io/hostname", 1, "");
    check(&with(&by_host), spread_cluster(&[("a", 2), ("b", 1), ("x", 3)]), &[full, full, full, ""]);
}

#[test]
fn spreading_counts_the_domains_nodes_and_pods_that_it_is_told_to() {
    let full = "node(s) didn't match pod topology spread constraints";
    let with = |constraint: &str, spec: &str| pod("p", "", "foo: '', rev: a", &format!("{constraint}{spec}"));
    let even = || spread_cluster(&[("a", 1), ("x", 1)]);
    check(&with(&spread(ZONE, 1, ", minDomains: 3"), ""), even(), &[full, full, full, full]);
    check(&with(&spread(ZONE, 1, ", minDomains: 2"), ""), even(), &["", "", "", ""]);
    let away = "!node(s) didn't match Pod's node affinity/selector";
    let only = ", nodeSelector: {topology.kubernetes.io/zone: zone1}";
    let uneven = || spread_cluster(&[("a", 3)]);
    check(&with(&spread(ZONE, 1, ""), only), uneven(), &["", "", away, away]);
    let ignored = ", nodeAffinityPolicy: Ignore";
    check(&with(&spread(ZONE, 1, ignored), only), uneven(), &[full, full, away, away]);
    let tainted = |policy: &str| {
        let taint = "taints: [{key: k, effect: NoSchedule}]";
        let mut cluster = vec![node("t", LARGE, &format!("{ZONE}: zone3"), taint)];
        cluster.extend(even());
        let kept = "!node(s) had untolerated taint(s)";
        // Nodes come in the order of their names: a, b, t, x, y.
        let expected =
            if policy == "Honor" { ["", "", kept, "", ""] } else { [full, full, kept, full, full] };
        let constraint = spread(ZONE, 1, &format!(", nodeTaintsPolicy: {policy}"));
        check(&with(&constraint, ""), cluster, &expected);
    };
    tainted("Honor");
    tainted("Ignore");
    let other_revision = || {
        let mut cluster = spread_cluster(&[]);
        cluster.push(pod("o", "a", "foo: '', rev: b", ""));
        cluster
    };
    check(&with(&spread(ZONE, 1, ", matchLabelKeys: [rev]"), ""), other_revision(), &["", "", "", ""]);
    check(&with(&spread(ZONE, 1, ""), ""), other_revision(), &[full, full, "", ""]);
}

#[test]
fn nominated_pods_that_are_as_important_keep_their_place() {
    let mut nominated = pod("n", "", "", &format!("priority: 5, {}", requests("cpu: 3"))).typed().clone();
    if let crate::objects::Typed::Pod(pod) = &mut nominated {
        pod.status.get_or_insert_default().nominated_node_name = Some("a".into());
    }
    let cluster = snapshot([node("a", "cpu: 4, pods: 9", "", ""), Object::unversioned(nominated)]);
    let fits = |priority: i32| {
        let incoming = info(&pod("p", "", "", &format!("priority: {priority}, {}", requests("cpu: 2"))));
        let request = Request::new(&incoming, &[]).unwrap();
        let node = &cluster.nodes["a"];
        check_with_nominated(&request, &Counts::default(), node, &node.usage, &cluster).is_ok()
    };
    assert_eq!([fits(4), fits(5), fits(6)], [false, false, true]);
}
