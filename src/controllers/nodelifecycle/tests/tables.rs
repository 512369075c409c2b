//! When a pod must leave, and what a node's conditions make of it.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod, Taint};
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::controllers::nodelifecycle::eviction::{Evicting, due};
use crate::controllers::nodelifecycle::health::{Pulse, lost, pulse};
use crate::controllers::nodelifecycle::taints::wanted;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[test]
fn the_first_matching_toleration_of_each_taint_says_how_long_a_pod_may_stay() {
    let taint = |key: &str, value: Option<&str>, since: i64| Evicting {
        taint: Taint {
            key: key.into(),
            value: value.map(str::to_owned),
            effect: "NoExecute".into(),
            time_added: None,
        },
        since: at(since),
    };
    let (one, two) = (taint("one", Some("v"), 100), taint("two", None, 200));
    let exists = |key: &str, seconds: Option<i64>| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds});
    let cases: [(Value, Vec<&Evicting>, Option<i64>); 12] = [
        (json!([]), vec![], None),
        (json!([]), vec![&one], Some(100)),
        (json!([exists("one", None)]), vec![&one], None),
        (json!([exists("one", Some(60))]), vec![&one], Some(160)),
        (json!([exists("one", Some(-5))]), vec![&one], Some(100)),
        (json!([exists("one", Some(60))]), vec![&one, &two], Some(160)),
        (json!([exists("one", Some(600))]), vec![&one, &two], Some(200)),
        (json!([exists("one", None), exists("two", Some(60))]), vec![&one, &two], Some(260)),
        (json!([exists("one", Some(60)), exists("one", None)]), vec![&one], Some(160)),
        (json!([{"key": "one", "operator": "Equal", "value": "v"}]), vec![&one], None),
        (json!([{"key": "one", "value": "w"}]), vec![&one], Some(100)),
        (json!([{"operator": "Exists", "effect": "NoSchedule"}]), vec![&one], Some(100)),
    ];
    for (tolerations, taints, expected) in cases {
        let pod = json!({"metadata": {}, "spec": {"containers": [], "tolerations": tolerations}});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let taints: Vec<Evicting> = taints.into_iter().cloned().collect();
        assert_eq!(due(&pod, &taints), expected.map(at), "{tolerations} {taints:?}");
    }
}

#[test]
fn a_pod_that_came_after_the_taint_has_its_time_from_then() {
    let pod: Pod = serde_json::from_value(json!({"metadata": {},
        "spec": {"containers": [], "tolerations": [{"operator": "Exists", "tolerationSeconds": 60, "effect": "NoExecute"}]},
        "status": {"conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "1970-01-01T00:10:00Z"}]}}))
    .unwrap();
    let taint = Taint { key: "one".into(), effect: "NoExecute".into(), value: None, time_added: None };
    assert_eq!(due(&pod, &[Evicting { taint, since: at(100) }]), Some(at(660)));
}

fn node(spec: Value, conditions: &[(&str, &str)]) -> Node {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(type_, status)| {
            json!({"type": type_, "status": status, "lastHeartbeatTime": "1970-01-01T00:01:40Z"})
        })
        .collect();
    serde_json::from_value(json!({"metadata": {"creationTimestamp": "1970-01-01T00:01:00Z"}, "spec": spec,
        "status": {"conditions": conditions}}))
    .unwrap()
}

#[test]
fn taints_follow_conditions_and_cordon_and_leave_those_of_others() {
    let other = json!({"key": "other", "effect": "NoExecute"});
    let own = |key: &str, effect: &str| json!({"key": format!("node.kubernetes.io/{key}"), "effect": effect});
    type Case<'a> = (Value, &'a [(&'a str, &'a str)], Option<&'a [&'a str]>);
    let cases: [Case<'_>; 6] = [
        (json!({}), &[("Ready", "True")], None),
        (json!({}), &[], None),
        (
            json!({"taints": [other]}),
            &[("Ready", "False")],
            Some(&["other NoExecute", "not-ready NoSchedule", "not-ready NoExecute"]),
        ),
        (
            json!({"taints": [own("not-ready", "NoSchedule"), own("not-ready", "NoExecute"), other]}),
            &[("Ready", "Unknown"), ("DiskPressure", "Unknown")],
            Some(&["other NoExecute", "unreachable NoSchedule", "unreachable NoExecute"]),
        ),
        (
            json!({"taints": [own("unreachable", "NoExecute"), other], "unschedulable": true}),
            &[("Ready", "True"), ("DiskPressure", "True")],
            Some(&["other NoExecute", "disk-pressure NoSchedule", "unschedulable NoSchedule"]),
        ),
        (json!({"taints": [own("out-of-service", "NoExecute")]}), &[("Ready", "True")], None),
    ];
    for (spec, conditions, expected) in cases {
        let found = wanted(&node(spec.clone(), conditions), at(500)).map(|taints| {
            let text = |taint: Taint| {
                format!("{} {}", taint.key.trim_start_matches("node.kubernetes.io/"), taint.effect)
            };
            taints.into_iter().map(text).collect::<Vec<_>>()
        });
        let expected = expected.map(|all| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        assert_eq!(found, expected, "{spec} {conditions:?}");
    }
}

#[test]
fn a_node_is_lost_when_neither_its_lease_nor_its_status_was_renewed() {
    let grace = Duration::from_secs(50);
    let lease = |renewed: &str| {
        let lease = json!({"metadata": {}, "spec": {"renewTime": renewed}});
        serde_json::from_value::<Lease>(lease).unwrap()
    };
    let ready = node(json!({}), &[("Ready", "True")]);
    assert_eq!(pulse(&ready, None, grace, at(149)), Pulse::Until(at(150)));
    assert_eq!(pulse(&ready, None, grace, at(150)), Pulse::Lost);
    let renewed = lease("1970-01-01T00:02:00.000000Z");
    assert_eq!(pulse(&ready, Some(&renewed), grace, at(150)), Pulse::Until(at(170)));
    let new = node(json!({}), &[]);
    assert_eq!(pulse(&new, None, grace, at(119)), Pulse::Until(at(120)), "a minute to report itself");
    assert_eq!(pulse(&new, None, grace, at(120)), Pulse::Lost);
    let conditions = lost(&new, at(130)).unwrap();
    assert!(conditions.iter().all(|one| one.reason.as_deref() == Some("NodeStatusNeverUpdated")));
    let again = Node {
        status: Some(k8s_openapi::api::core::v1::NodeStatus {
            conditions: Some(conditions),
            ..Default::default()
        }),
        ..new
    };
    assert_eq!(lost(&again, at(140)), None, "it is said once");
}
