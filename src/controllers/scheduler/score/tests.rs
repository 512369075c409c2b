//! Scores of small clusters. Values that stand alone are those of kube-scheduler's own tables.

use super::super::fixture::{LARGE, info, node, pod, requests, service, snapshot, zoned};
use super::super::snapshot::Snapshot;
use super::*;
use crate::objects::Object;

fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.nodes.keys().cloned().collect()
}

/// The best node, when one is better than all others.
#[track_caller]
fn check(incoming: &Object, cluster: Vec<Object>, expected: &str) {
    let mut snapshot = snapshot(cluster);
    let incoming = info(incoming);
    let request = Request::new(&incoming, &[]).unwrap();
    let selector = snapshot.service_selector(&incoming.object);
    let selector = (!selector.is_empty()).then_some(&selector);
    let nodes = names(&snapshot);
    let scores = scores(&request, selector, &nodes, &mut snapshot);
    let most = scores.iter().max().unwrap();
    let best: Vec<&str> = nodes
        .iter()
        .zip(&scores)
        .filter(|(_, score)| *score == most)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(best, [expected], "{nodes:?} {scores:?}");
}

#[test]
fn the_least_allocated_node_scores_by_what_is_left() {
    let score = |node_spec: &str, used: &str, wanted: &str| {
        let mut cluster = vec![node("a", node_spec, "", "")];
        if !used.is_empty() {
            cluster.push(pod("x", "a", "", &requests(used)));
        }
        let snapshot = snapshot(cluster);
        let incoming = info(&pod("p", "", "", &requests(wanted)));
        let request = Request::new(&incoming, &[]).unwrap();
        let node = &snapshot.nodes["a"];
        (resources::least_allocated(&request, node), resources::balance(&request, node))
    };
    let wanted = "cpu: 3000m, memory: 5000";
    assert_eq!(score("cpu: 4000m, memory: 10000", "", wanted).0, 37, "(25 + 50) / 2");
    assert_eq!(score("cpu: 6000m, memory: 10000", "", wanted).0, 50);
    let used = "cpu: 3000m, memory: 5000";
    assert_eq!(score("cpu: 10000m, memory: 20000", used, "cpu: 3000m, memory: 5000").0, 45, "(40 + 50) / 2");
    assert_eq!(score("cpu: 4000m, memory: 10000", "", wanted).1, Some(68), "0.75 and 0.5 are less even");
    assert_eq!(score("cpu: 6000m, memory: 10000", "", wanted).1, Some(75), "as even as before");
    assert_eq!(score("cpu: 6000m, memory: 10000", "", "example.com/gpu: 1").1, None);
}

#[test]
fn emptier_nodes_are_better() {
    let cluster = vec![
        node("a", "cpu: 4, memory: 8Gi, pods: 9", "", ""),
        node("b", "cpu: 4, memory: 8Gi, pods: 9", "", ""),
        pod("x", "a", "", &requests("cpu: 2, memory: 4Gi")),
    ];
    check(&pod("p", "", "", &requests("cpu: 1, memory: 2Gi")), cluster, "b");
}

#[test]
fn pods_without_requests_are_spread_too() {
    let cluster = vec![
        node("a", LARGE, "", ""),
        node("b", LARGE, "", ""),
        pod("x", "a", "", ""),
        pod("y", "a", "", ""),
    ];
    let mut snapshot = snapshot(cluster);
    let incoming = info(&pod("p", "", "", ""));
    let request = Request::new(&incoming, &[]).unwrap();
    let found = scores(&request, None, &names(&snapshot), &mut snapshot);
    assert!(found[0] <= found[1], "{found:?}");
}

#[test]
fn preferred_nodes_and_untainted_ones_are_better() {
    let preferred = "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [
        {weight: 10, preference: {matchExpressions: [{key: disk, operator: In, values: [ssd]}]}},
        {weight: 20, preference: {matchExpressions: [{key: zone, operator: Exists}]}}]}}";
    let cluster =
        || vec![node("a", LARGE, "disk: ssd", ""), node("b", LARGE, "zone: z", ""), node("c", LARGE, "", "")];
    check(&pod("p", "", "", preferred), cluster(), "b");
    let avoided = "taints: [{key: k, effect: PreferNoSchedule}]";
    let tainted = vec![node("a", LARGE, "", avoided), node("b", LARGE, "", "")];
    check(&pod("p", "", "", ""), tainted, "b");
}

fn preferred(sort: &str, selector: &str) -> String {
    let term = format!(
        "{{labelSelector: {{matchLabels: {{{selector}}}}}, topologyKey: topology.kubernetes.io/zone}}"
    );
    format!(
        "affinity: {{{sort}: {{preferredDuringSchedulingIgnoredDuringExecution: [{{weight: 5, podAffinityTerm: {term}}}]}}}}"
    )
}

#[test]
fn preferences_between_pods_count_in_both_directions() {
    let cluster = |spec: &str| vec![zoned("a", "z1"), zoned("b", "z2"), pod("x", "a", "app: db", spec)];
    check(&pod("p", "", "app: web", &preferred("podAffinity", "app: db")), cluster(""), "a");
    check(&pod("p", "", "app: web", &preferred("podAntiAffinity", "app: db")), cluster(""), "b");
    check(&pod("p", "", "app: web", ""), cluster(&preferred("podAffinity", "app: web")), "a");
    check(&pod("p", "", "app: web", ""), cluster(&preferred("podAntiAffinity", "app: web")), "b");
    let required = preferred("podAffinity", "app: web")
        .replace("preferred", "required")
        .replace("{weight: 5, podAffinityTerm: ", "")
        .replace("zone}}]", "zone}]");
    check(&pod("p", "", "app: web", ""), cluster(&required), "a");
}

#[test]
fn pods_are_spread_over_domains_by_their_constraints_or_with_those_of_their_services() {
    let soft = "topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone,
        whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}]";
    let pods =
        || vec![pod("x", "a", "app: web", ""), pod("y", "c", "app: web", ""), pod("z", "a", "app: web", "")];
    let with = |mut cluster: Vec<Object>| {
        cluster.extend(pods());
        cluster
    };
    let three = || with(vec![zoned("a", "z1"), zoned("c", "z2"), zoned("d", "z3")]);
    check(&pod("p", "", "app: web", soft), three(), "d");
    let mut served = three();
    served.push(service("web", "app: web"));
    check(&pod("p", "", "app: web", ""), served, "d");
}

#[test]
fn equally_good_nodes_are_drawn_by_the_uid_of_the_pod() {
    let cluster = || snapshot(["a", "b", "c"].map(|name| node(name, LARGE, "", "")));
    let chosen = |name: &str| {
        let incoming = info(&pod(name, "", "", ""));
        let request = Request::new(&incoming, &[]).unwrap();
        let mut snapshot = cluster();
        best(&request, None, &names(&snapshot), &mut snapshot).unwrap()
    };
    let mut all: Vec<String> = (0..30).map(|n| chosen(&format!("p-{n}"))).collect();
    assert_eq!(all[7], chosen("p-7"), "the same each time");
    all.sort();
    all.dedup();
    assert_eq!(all, ["a", "b", "c"], "each node gets some");
}
