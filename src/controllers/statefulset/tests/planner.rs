//! The planner over tables of worlds.

use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::super::action::{Action, Cause, ClaimStep, Plan};
use super::super::decide::plan::{ACTIONS_MAX, plan};
use super::super::decide::revision::{self, hash};
use super::super::decide::{encoding, status};
use super::super::naming::name_of;
use super::super::settings::{Options, Settings};
use super::super::world::{Observed, Record};
use super::fixture::{self, Seen, kept_set, pod};
use crate::clock::Timestamp;
use crate::objects::Object;

const OLD: &str = "foo-old";
const NEW: &str = "foo-new";

/// Plans for pods given as `(ordinal, revision, seen)`; all their claims are there.
fn plan_for(set: &StatefulSet, pods: &[(i32, &str, Seen)]) -> Plan {
    let pods: Vec<Pod> = pods.iter().map(|(ordinal, name, seen)| pod(set, *ordinal, name, *seen)).collect();
    plan_for_pods(set, &pods)
}

fn plan_for_pods(set: &StatefulSet, pods: &[Pod]) -> Plan {
    let names = (0..20).map(|ordinal| fixture::claim(&format!("datadir-foo-{ordinal}"), &[]));
    let claims = fixture::claims(names);
    plan_with(set, pods, &|name| claims.get(name).cloned())
}

fn plan_with(set: &StatefulSet, pods: &[Pod], claims: &dyn Fn(&str) -> Option<Object>) -> Plan {
    let pods = fixture::records(set, pods);
    plan_of(set, &pods, claims)
}

fn plan_of(set: &StatefulSet, pods: &[Record], claims: &dyn Fn(&str) -> Option<Object>) -> Plan {
    let (current, update) = (fixture::revision(set, OLD), fixture::revision(set, NEW));
    let settings = Settings::of(set, Options::default()).0;
    let observed = Observed {
        set,
        settings: &settings,
        current: &current,
        update: &update,
        collision_count: 0,
        pods,
        claims,
        classes: &|_| None,
    };
    plan(&observed, Timestamp::UNIX_EPOCH + Duration::from_secs(100))
}

/// A plan in short: `+0` create, `-2` delete because it ended, `v2` scaled down, `x2` outdated,
/// `~1` update, `c1` claims.
fn short(plan: &Plan) -> String {
    let ordinal = |name: &str| name.rsplit('-').next().unwrap().to_owned();
    let words = plan.actions.iter().map(|action| match action {
        Action::CreatePod { pod, .. } => format!("+{}", ordinal(name_of(&pod.metadata))),
        Action::KeepClaims { pod, .. } => format!("c{}", ordinal(pod)),
        Action::UpdatePod { pod, .. } => format!("~{}", ordinal(name_of(&pod.metadata))),
        Action::GrowClaim { pod, .. } => format!("g{}", ordinal(pod)),
        Action::DeletePod { pod, cause: Cause::Abandoned, .. } => format!("a{}", ordinal(pod)),
        Action::DeletePod { pod, cause: Cause::Ended, .. } => format!("-{}", ordinal(pod)),
        Action::DeletePod { pod, cause: Cause::ScaledDown, .. } => format!("v{}", ordinal(pod)),
        Action::DeletePod { pod, cause: Cause::Outdated, .. } => format!("x{}", ordinal(pod)),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// One row: the spec, the pods, and the plan under OrderedReady and under Parallel.
fn check(spec: Value, pods: &[(i32, &str, Seen)], ordered: &str, parallel: &str) {
    for (policy, expected) in [("OrderedReady", ordered), ("Parallel", parallel)] {
        let mut set = kept_set(spec.clone());
        set.spec.pod_management_policy = Some(policy.into());
        assert_eq!(short(&plan_for(&set, pods)), expected, "{policy} {spec} {pods:?}");
    }
}

use Seen::{Failed, Pending, Ready, Running, Succeeded, Terminating};

#[test]
fn missing_ordinals_are_filled_one_by_one_or_all_at_once() {
    let three = || json!({ "replicas": 3 });
    check(three(), &[], "+0", "+0 +1 +2");
    check(three(), &[(0, NEW, Pending)], "", "+1 +2");
    check(three(), &[(0, NEW, Running)], "", "+1 +2");
    check(three(), &[(0, NEW, Ready)], "+1", "+1 +2");
    check(three(), &[(0, NEW, Terminating)], "", "+1 +2");
    check(three(), &[(0, NEW, Ready), (2, NEW, Ready)], "+1", "+1");
    check(json!({ "replicas": 2, "ordinals": { "start": 5 } }), &[(5, NEW, Ready)], "+6", "+6");
}

#[test]
fn a_missing_ordinal_is_refilled_even_when_a_later_pod_is_broken() {
    let pods = [(1, NEW, Running), (2, NEW, Failed)];
    check(json!({}), &pods, "+0", "+0 -2");
    let pods = [(0, NEW, Running), (2, NEW, Ready)];
    check(json!({}), &pods, "", "+1");
}

#[test]
fn an_ended_pod_is_deleted_before_anything_waits_for_it() {
    for ended in [Failed, Succeeded] {
        check(json!({}), &[(0, NEW, Ready), (1, NEW, ended)], "-1", "-1 +2");
        check(json!({}), &[(0, NEW, Running), (1, NEW, ended)], "", "-1 +2");
    }
}

#[test]
fn scaling_down_takes_the_highest_first_and_waits_for_it() {
    let one = || json!({ "replicas": 1 });
    let ready = [(0, NEW, Ready), (1, NEW, Ready), (2, NEW, Ready)];
    check(one(), &ready, "v2", "v2 v1");
    check(one(), &[(0, NEW, Ready), (1, NEW, Ready), (2, NEW, Terminating)], "", "v1");
    check(one(), &[(0, NEW, Running), (1, NEW, Ready)], "", "v1");
    check(one(), &[(0, NEW, Ready), (1, NEW, Ready), (2, NEW, Running)], "v2", "v2 v1");
    check(one(), &[(0, NEW, Ready), (1, NEW, Running), (2, NEW, Ready)], "v2", "v2 v1");
    check(one(), &[(0, NEW, Ready), (1, NEW, Running), (2, NEW, Running)], "", "v2 v1");
    check(json!({ "replicas": 0 }), &ready, "v2", "v2 v1 v0");
    let raised = json!({ "replicas": 1, "ordinals": { "start": 1 } });
    check(raised, &ready, "v2", "v2 v0");
}

#[test]
fn a_ready_pod_that_is_not_available_yet_holds_the_next_up() {
    let set = kept_set(json!({ "minReadySeconds": 30 }));
    let mut first = pod(&set, 0, NEW, Ready);
    let at = |s| Timestamp::UNIX_EPOCH + Duration::from_secs(s);
    fixture::set_ready(&mut first, Some(at(80)));
    let plan = plan_for_pods(&set, &[first.clone()]);
    assert_eq!((short(&plan).as_str(), plan.wake_at), ("", Some(at(110))));
    assert_eq!((plan.status.ready_replicas, plan.status.available_replicas), (Some(1), Some(0)));
    fixture::set_ready(&mut first, Some(at(70)));
    let plan = plan_for_pods(&set, &[first]);
    assert_eq!((short(&plan).as_str(), plan.wake_at), ("+1", None));
}

#[test]
fn an_update_goes_from_the_highest_down_and_keeps_to_the_partition() {
    let ready = [(0, OLD, Ready), (1, OLD, Ready), (2, OLD, Ready)];
    check(json!({}), &ready, "x2", "x2");
    let partition = |n: i32| json!({ "updateStrategy": { "rollingUpdate": { "partition": n } } });
    check(partition(2), &ready, "x2", "x2");
    check(partition(3), &ready, "", "");
    check(partition(2), &[(0, OLD, Ready), (1, OLD, Ready), (2, NEW, Ready)], "", "");
    check(partition(1), &[(0, OLD, Ready), (1, OLD, Ready), (2, NEW, Ready)], "x1", "x1");
    check(json!({}), &[(0, OLD, Ready), (1, OLD, Ready), (2, NEW, Running)], "", "");
    let by_hand = json!({ "updateStrategy": { "type": "OnDelete" } });
    check(by_hand, &ready, "", "");
}

#[test]
fn a_broken_pod_of_an_old_revision_is_replaced_under_parallel_alone() {
    let broken = [(0, OLD, Ready), (1, OLD, Running), (2, OLD, Ready)];
    check(json!({}), &broken, "", "x1");
}

#[test]
fn a_hole_below_the_partition_is_filled_with_the_current_revision() {
    let set = kept_set(json!({
        "podManagementPolicy": "Parallel",
        "updateStrategy": { "rollingUpdate": { "partition": 2 } },
    }));
    let plan = plan_for(&set, &[]);
    let revisions = plan.actions.iter().map(|action| match action {
        Action::CreatePod { pod, .. } => super::super::world::identity::revision_of(pod).to_owned(),
        other => panic!("{other:?}"),
    });
    assert_eq!(revisions.collect::<Vec<_>>(), [OLD, OLD, NEW]);
}

#[test]
fn a_set_that_is_being_deleted_gets_its_status_and_nothing_else() {
    for policy in ["OrderedReady", "Parallel"] {
        let mut set = kept_set(json!({ "podManagementPolicy": policy }));
        set.metadata.deletion_timestamp = Some(crate::objects::time(Timestamp::UNIX_EPOCH));
        let plan = plan_for(&set, &[(0, NEW, Ready), (1, NEW, Failed), (7, NEW, Ready)]);
        assert_eq!(short(&plan), "");
        assert_eq!((plan.status.replicas, plan.status.ready_replicas), (3, Some(2)));
    }
}

#[test]
fn wrong_identity_or_volumes_are_put_right_once_the_pod_is_settled() {
    let set = kept_set(json!({ "replicas": 1 }));
    let mut nameless = pod(&set, 0, NEW, Ready);
    nameless.metadata.labels.as_mut().unwrap().remove("statefulset.kubernetes.io/pod-name");
    assert_eq!(short(&plan_for_pods(&set, &[nameless])), "~0");
    let mut bare = pod(&set, 0, NEW, Ready);
    bare.spec.as_mut().unwrap().volumes = None;
    let plan = plan_with(&set, &[bare], &|_| None);
    let [Action::UpdatePod { pod: repaired, claims }] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert!(super::super::world::storage_matches(&set, repaired, 0));
    assert!(matches!(claims.as_slice(), [ClaimStep::Create(_)]));
    let mut broken = pod(&set, 0, NEW, Running);
    broken.metadata.labels.as_mut().unwrap().remove("statefulset.kubernetes.io/pod-name");
    assert_eq!(short(&plan_for_pods(&set, &[broken])), "", "not before it is ready");
}

#[test]
fn a_claim_that_goes_away_blocks_its_pod() {
    let set = kept_set(json!({ "replicas": 1 }));
    let mut leaving = fixture::claim("datadir-foo-0", &[]);
    leaving.metadata.deletion_timestamp = Some(crate::objects::time(Timestamp::UNIX_EPOCH));
    let claims = fixture::claims([leaving]);
    let plan = plan_with(&set, &[], &|name| claims.get(name).cloned());
    let [Action::CreatePod { claims, .. }] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert_eq!(*claims, [ClaimStep::Leaving("datadir-foo-0".into())]);
}

#[test]
fn a_foreign_controller_suspends_the_retention_policy_and_people_are_told() {
    let set = kept_set(json!({
        "replicas": 1, "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Delete" },
    }));
    let mut foreign = super::super::naming::owner_reference(&set);
    foreign.name = "other".into();
    foreign.uid = "other".into();
    let ours = super::super::naming::owner_reference(&set);
    let claims = fixture::claims([fixture::claim("datadir-foo-0", &[ours, foreign.clone()])]);
    let plan = plan_with(&set, &[pod(&set, 0, NEW, Ready)], &|name| claims.get(name).cloned());
    let [Action::UpdatePod { claims, .. }] = plan.actions.as_slice() else { panic!("{plan:?}") };
    let [ClaimStep::Conflicting(name), ClaimStep::Own(claim)] = claims.as_slice() else {
        panic!("{claims:?}")
    };
    assert_eq!(name, "datadir-foo-0");
    assert_eq!(claim.metadata.owner_references, Some(vec![foreign]));
}

#[test]
fn of_two_pods_with_one_ordinal_the_later_counts_and_both_go_when_condemned() {
    let set = kept_set(json!({ "replicas": 1 }));
    let twins = |ordinal, seen| {
        let mut padded = pod(&set, ordinal, NEW, seen);
        padded.metadata.name = Some(format!("foo-0{ordinal}"));
        [padded, pod(&set, ordinal, NEW, Ready)]
    };
    let plan = plan_for_pods(&set, &twins(0, Failed));
    assert_eq!((short(&plan).as_str(), plan.status.replicas), ("", 1));
    let mut set = set.clone();
    set.spec.pod_management_policy = Some("Parallel".into());
    let plan = plan_for_pods(&set, &[&twins(0, Failed)[1..], &twins(3, Ready)[..]].concat());
    assert_eq!(short(&plan), "v03 v3");
}

#[test]
fn a_plan_has_a_bound_and_asks_to_be_made_again() {
    let set = kept_set(json!({ "podManagementPolicy": "Parallel", "replicas": i32::MAX }));
    let plan = plan_with(&set, &[], &|_| None);
    assert_eq!(plan.actions.len(), ACTIONS_MAX);
    assert!(plan.wake_at.is_some());
}

#[test]
fn the_status_counts_terminating_and_condemned_pods_where_kubernetes_does() {
    let set = kept_set(json!({ "replicas": 2 }));
    let plan = plan_for(&set, &[(0, NEW, Ready), (1, OLD, Terminating), (5, OLD, Ready), (6, NEW, Pending)]);
    let status = &plan.status;
    let counts = [Some(status.replicas), status.ready_replicas, status.available_replicas];
    assert_eq!(counts, [Some(4), Some(3), Some(3)]);
    assert_eq!((status.current_replicas, status.updated_replicas), (Some(1), Some(2)));
    let json = serde_json::to_value(plan_for(&kept_set(json!({})), &[]).status).unwrap();
    assert_eq!((&json["replicas"], &json["availableReplicas"]), (&json!(0), &json!(0)));
    assert_eq!(json.get("readyReplicas"), None, "zero is left out");
}

#[test]
fn a_status_is_written_only_when_something_compared_has_changed() {
    let mut set = kept_set(json!({}));
    let planned = plan_for(&set, &[(0, NEW, Ready)]).status;
    assert!(status::is_news(&set, &planned));
    set.status = Some(planned.clone());
    assert!(!status::is_news(&set, &planned));
    let collided =
        k8s_openapi::api::apps::v1::StatefulSetStatus { collision_count: Some(7), ..planned.clone() };
    assert!(!status::is_news(&set, &collided));
    set.metadata.generation = Some(2);
    assert!(status::is_news(&set, &plan_for(&set, &[(0, NEW, Ready)]).status));
    assert!(status::is_news(&set, &plan_for(&set, &[(0, NEW, Running)]).status));
}

const GOLDEN: &str = concat!(
    r#"{"spec":{"template":{"$patch":"replace","metadata":{"annotations":{"test":"value"},"#,
    r#""labels":{"app":"foo"}},"spec":{"containers":[{"image":"test","imagePullPolicy":"Always","#,
    r#""name":"test","resources":{},"terminationMessagePath":"/dev/termination-log","#,
    r#""terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","#,
    r#""schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}}}"#,
);

#[test]
fn revision_bytes_and_hashes_are_those_of_kubernetes() {
    assert_eq!(hash(GOLDEN, 0), "776999688b");
    let before_1_34 = GOLDEN.replace(r#""labels":{"app""#, r#""creationTimestamp":null,"labels":{"app""#);
    assert_eq!(hash(&before_1_34, 0), "c77f6d978");
    let data: Value = serde_json::from_str(GOLDEN).unwrap();
    assert_eq!(encoding::encode(&data), GOLDEN);
    let mut set = kept_set(json!({}));
    let mut template = data["spec"]["template"].clone();
    fixture::merge(&mut template, json!({ "$patch": null }));
    set.spec.template = serde_json::from_value(template).unwrap();
    set.spec.template.spec.as_mut().unwrap().containers[0].resources = None;
    set.spec.template.spec.as_mut().unwrap().security_context = None;
    set.spec.template.spec.as_mut().unwrap().volumes = Some(Vec::new());
    let proposal = revision::propose(&set, 1, 0);
    assert_eq!(encoding::encode(&proposal.data.0), GOLDEN);
    assert_eq!(proposal.metadata.name.as_deref(), Some("foo-776999688b"));
    assert_eq!(proposal.metadata.labels.unwrap()["controller.kubernetes.io/hash"], "776999688b");
    assert_ne!(revision::propose(&set, 1, 1).metadata.name.as_deref(), Some("foo-776999688b"));
    assert_eq!(
        encoding::encode(&json!({ "b": "<&>\u{2028}", "a": [] })),
        r#"{"a":[],"b":"\u003c\u0026\u003e\u2028"}"#
    );
}

/// Prints what a plan costs. Run by hand:
/// `cargo test --lib plan_costs -- --ignored --nocapture`.
#[test]
#[ignore = "measures; run by hand"]
#[expect(clippy::disallowed_methods, reason = "measures real time")]
fn plan_costs() {
    for n in [100, 1000, 10_000] {
        for has_claims in [false, true] {
            let mut set = kept_set(json!({ "replicas": n }));
            if !has_claims {
                set.spec.volume_claim_templates = None;
            }
            let pods: Vec<Pod> = (0..n).map(|ordinal| pod(&set, ordinal, NEW, Ready)).collect();
            let named = (0..n).map(|ordinal| fixture::claim(&format!("datadir-foo-{ordinal}"), &[]));
            let claims: std::collections::HashMap<String, Object> =
                fixture::claims(named).into_iter().collect();
            let records = fixture::records(&set, &pods);
            let start = Instant::now();
            for _ in 0..10 {
                let plan = plan_of(&set, &records, &|name| claims.get(name).cloned());
                assert!(plan.actions.is_empty());
            }
            eprintln!("{n} pods, claims {has_claims}: {} µs", start.elapsed().as_micros() / 10);
        }
    }
}
