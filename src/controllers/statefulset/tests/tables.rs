//! Scenarios that are tables of data: read from the file, one check per shape.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};

use super::super::action::ClaimStep;
use super::super::decide::claims::PodClaims;
use super::super::decide::retention::Owners;
use super::super::decide::revision::{self, Resolution};
use super::super::decide::rollout::Rollout;
use super::super::naming::{self, name_of};
use super::super::world::{self, Ordinals, RetentionPolicy, Roster};
use super::fixture::{self, Seen, kept_set, pod};
use super::scenarios::Scenario;
use crate::clock::Timestamp;
use crate::machinery::selector::Selector;
use crate::objects::Object;

pub(crate) fn matches_ref(scenario: &Scenario) {
    let given = &scenario.given["ref apiVersion,kind,name,uid"];
    let object = &scenario.given["object (v1 Pod) name,uid"];
    let reference = reference(json!({
        "apiVersion": given[0], "kind": given[1], "name": given[2], "uid": given[3],
    }));
    let owners = Owners::new(("", ""), (text(&object[0]), text(&object[1])));
    assert_eq!(json!([owners.pod.is_named_by(&reference)]), scenario.expect);
}

/// Every mix of a pod reference, a set reference and foreign ones.
fn mixes() -> impl Iterator<Item = (bool, bool, Vec<OwnerReference>)> {
    let pod = reference(
        json!({ "apiVersion": "v1", "kind": "Pod", "name": "pod", "uid": "pod-uid", "controller": true }),
    );
    let set = reference(json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "set", "uid": "set-uid", "controller": true,
    }));
    let foreign = ["a", "b"]
        .map(|name| reference(json!({ "apiVersion": "v1", "kind": "Pod", "name": name, "uid": name })));
    (0..8).map(move |mix| {
        let mut references = Vec::new();
        references.extend((mix & 1 != 0).then(|| pod.clone()));
        references.extend((mix & 2 != 0).then(|| set.clone()));
        references.extend((mix & 4 != 0).then(|| foreign.clone()).into_iter().flatten());
        (mix & 1 != 0, mix & 2 != 0, references)
    })
}

pub(crate) fn claim_owner_up_to_date(scenario: &Scenario) {
    let is_condemned = scenario.given["ordinal"].as_i64() >= scenario.given["replicas"].as_i64();
    let expected = &scenario.expect[0]["up to date iff"];
    let owners = Owners::new(("set", "set-uid"), ("pod", "pod-uid"));
    for (has_pod, has_set, references) in mixes() {
        let is_expected =
            expected["pod ref present"] == json!(has_pod) && expected["set ref present"] == json!(has_set);
        let found = owners.are_up_to_date(&references, policy(&scenario.given), is_condemned);
        assert_eq!(found, is_expected, "{references:?}");
    }
}

pub(crate) fn claim_owner_edge(scenario: &Scenario) {
    let owners = Owners::new(("stateful-set", "ss-456"), ("pod-1", "pod-123"));
    let references: Vec<OwnerReference> =
        scenario.given["ownerRefs"].as_array().unwrap().iter().map(short).collect();
    let policy = match text(&scenario.given["policy"]) {
        "Delete/Delete" => RetentionPolicy { is_deleted_delete: true, is_scaled_delete: true },
        "scaled Retain, deleted Delete" => {
            RetentionPolicy { is_deleted_delete: true, is_scaled_delete: false }
        }
        other => panic!("policy {other}"),
    };
    let found = owners.are_up_to_date(&references, policy, true);
    assert_eq!(json!(found), scenario.expect[0]["up to date"]);
}

/// A reference written as `{"v1/Pod": name, "uid": …}`.
fn short(value: &Value) -> OwnerReference {
    let fields = value.as_object().unwrap();
    let (kind, name) = fields.iter().find(|(key, _)| key.contains('/')).unwrap();
    let (api_version, kind) = kind.rsplit_once('/').unwrap();
    let mut full = json!({ "apiVersion": api_version, "kind": kind, "name": name, "uid": value["uid"] });
    fixture::merge(&mut full, json!({ "controller": value["controller"] }));
    reference(full)
}

#[test]
fn a_stale_reference_is_left_to_the_garbage_controller_whatever_else_is_wrong() {
    let owners = Owners::new(("set", "set-uid"), ("pod", "pod-uid"));
    let stale = json!({ "apiVersion": "v1", "kind": "Pod", "name": "pod", "uid": "stale" });
    let ours = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "set", "uid": "set-uid", "controller": true });
    let wrong = [reference(ours.clone())];
    assert!(!owners.are_up_to_date(&wrong, RetentionPolicy::default(), false));
    let wrong = [reference(ours), reference(stale)];
    assert!(owners.are_up_to_date(&wrong, RetentionPolicy::default(), false));
}

pub(crate) fn update_claim_owner(scenario: &Scenario) {
    let pod_name = text(&scenario.given["pod"]);
    let ordinal: i64 = pod_name.rsplit_once('-').unwrap().1.parse().unwrap();
    let is_condemned = ordinal >= scenario.given["replicas"].as_i64().unwrap();
    let owners = Owners::new(("set", "set-uid"), ("pod", "pod-uid"));
    for (_, _, mut references) in mixes() {
        let foreign = reference(json!({
            "apiVersion": "v1", "kind": "Other", "name": "x", "uid": "x", "controller": true,
        }));
        references.extend((scenario.given["extra foreign controller ref"] == json!(true)).then_some(foreign));
        let n_foreign = references.iter().filter(|owner| !owner.uid.ends_with("-uid")).count();
        let wanted = owners.wanted(&references, policy(&scenario.given), is_condemned);
        let has = |uid: &str| wanted.iter().any(|owner| owner.uid == uid && owner.controller == Some(true));
        assert_eq!(json!(has("pod-uid")), scenario.expect[0]["pod is controller owner"]);
        assert_eq!(json!(has("set-uid")), scenario.expect[0]["set is controller owner"]);
        assert_eq!(wanted.iter().filter(|owner| !owner.uid.ends_with("-uid")).count(), n_foreign);
    }
}

pub(crate) fn update_claim_owner_exact(scenario: &Scenario) {
    let owners = Owners::new(("sts", "123"), ("pod-0", "456"));
    let policy = RetentionPolicy { is_deleted_delete: true, is_scaled_delete: true };
    let mut found: Vec<Value> = owners
        .wanted(&references(&scenario.given["ownerRefs"]), policy, false)
        .into_iter()
        .map(|owner| json!([owner.api_version, owner.kind, owner.name, owner.uid, owner.controller]))
        .collect();
    let mut expected: Vec<Value> = references(&scenario.expect[0]["ownerRefs (any order)"])
        .into_iter()
        .map(|owner| json!([owner.api_version, owner.kind, owner.name, owner.uid, owner.controller]))
        .collect();
    found.sort_by_key(Value::to_string);
    expected.sort_by_key(Value::to_string);
    assert_eq!(found, expected, "{}", scenario.name);
}

pub(crate) fn has_owner_by_uid(scenario: &Scenario) {
    let references = references(&scenario.given["refs"]);
    for (uid, expected) in scenario.expect[0].as_object().unwrap() {
        let owners = Owners::new(("", ""), ("", uid));
        assert_eq!(json!(owners.pod.owns(&references)), *expected, "{uid}");
    }
}

pub(crate) fn unexpected_controller(scenario: &Scenario) {
    let owners = Owners::new(("set", "set-uid"), ("pod", "pod-uid"));
    let references = references(&scenario.given["refs"]);
    let found = owners.has_unexpected_controller(&references, RetentionPolicy::default());
    assert_eq!(json!(found), scenario.expect[0]["policy absent"]);
    for (is_deleted_delete, is_scaled_delete) in [(false, true), (true, false), (true, true)] {
        let policy = RetentionPolicy { is_deleted_delete, is_scaled_delete };
        let found = owners.has_unexpected_controller(&references, policy);
        assert_eq!(json!(found), scenario.expect[0]["other policies"], "{}", scenario.name);
    }
}

pub(crate) fn non_controller_owner(scenario: &Scenario) {
    let owners = Owners::new(("set", "set"), ("pod", "pod"));
    let found = owners.has_non_controller(&references(&scenario.given["refs"]));
    assert_eq!(json!([found]), scenario.expect, "{}", scenario.name);
}

pub(crate) fn stale_owner(scenario: &Scenario) {
    let references = references(&scenario.given["refs"]);
    for (object, expected) in scenario.expect[0].as_object().unwrap() {
        let mut words = object.split(' ');
        let (name, uid) = (words.next().unwrap(), words.next_back().unwrap());
        let owners = Owners::new(("", ""), (name, uid));
        assert_eq!(json!(owners.pod.is_stale_in(&references)), *expected, "{object}");
    }
}

pub(crate) fn claim_labels(scenario: &Scenario) {
    let mut set = kept_set(json!({}));
    let labels = |value: &Value| serde_json::from_value(value.clone()).unwrap();
    set.spec.selector.match_labels = labels(&scenario.given["matchLabels"]);
    set.spec.volume_claim_templates.as_mut().unwrap()[0].metadata.labels =
        labels(&scenario.given["VCT labels"]);
    let claims = PodClaims {
        set: &set,
        policy: RetentionPolicy::default(),
        ordinal: 0,
        is_condemned: false,
        pod_name: "foo-0",
        pod_uid: "",
        lookup: &|_| None,
    };
    let steps = claims.ensure();
    let [ClaimStep::Create(claim)] = steps.as_slice() else { panic!("{steps:?}") };
    let found = json!({ "claim": name_of(&claim.metadata), "labels": claim.metadata.labels });
    assert_eq!(found, scenario.expect[0]);
}

pub(crate) fn max_unavailable(scenario: &Scenario) {
    let wanted: Option<IntOrString> =
        serde_json::from_value(scenario.given["maxUnavailable"].clone()).unwrap();
    let replicas = i32::try_from(scenario.given["replicas"].as_i64().unwrap()).unwrap();
    assert_eq!(
        json!([world::max_unavailable(wanted.as_ref(), replicas)]),
        scenario.expect,
        "{}",
        scenario.name
    );
}

/// The ordinals that are left when the update step has run once; terminating pods stay.
fn left(
    set: &StatefulSet,
    seen: impl Fn(i32) -> Seen,
    ready_since: impl Fn(i32) -> i64,
    now_s: i64,
) -> Vec<i32> {
    let wanted = Ordinals::of(set, &[]);
    let ordinals: Vec<i32> = wanted.iter().collect();
    let make = |ordinal: &i32| {
        let mut pod = pod(set, *ordinal, "foo-old", seen(*ordinal));
        if matches!(seen(*ordinal), Seen::Ready | Seen::Terminating) {
            fixture::set_ready(&mut pod, Some(Timestamp::from_second(ready_since(*ordinal)).unwrap()));
        }
        pod
    };
    let pods: Vec<_> = ordinals.iter().map(make).collect();
    let records = fixture::records(set, &pods);
    let roster = Roster::of(set, wanted, &records, Timestamp::from_second(now_s).unwrap());
    let rollout = Rollout::of(set, wanted, "foo-new", world::is_parallel(set));
    let gone: Vec<i32> = rollout.outdated(&roster.replicas).iter().map(|member| member.ordinal).collect();
    ordinals.into_iter().filter(|ordinal| !gone.contains(ordinal)).collect()
}

fn rolling_set(given: &Value) -> StatefulSet {
    kept_set(json!({
        "replicas": given["replicas"],
        "minReadySeconds": given["minReadySeconds"],
        "podManagementPolicy": given["podManagementPolicy"],
        "updateStrategy": { "rollingUpdate": {
            "partition": given["partition"], "maxUnavailable": given["maxUnavailable"],
        } },
    }))
}

pub(crate) fn max_unavailable_invariant(scenario: &Scenario) {
    let set = rolling_set(&scenario.given);
    let list = scenario.name.rsplit_once("ordinals ").unwrap().1;
    let terminating: Vec<i32> = serde_json::from_str(list).unwrap();
    let seen = |ordinal| if terminating.contains(&ordinal) { Seen::Terminating } else { Seen::Ready };
    let left = left(&set, seen, |_| 0, 1000);
    assert_eq!(json!(left.len()), scenario.expect[0]["pods left"], "{}", scenario.name);
}

pub(crate) fn stale_unavailable_pod(scenario: &Scenario) {
    let set = rolling_set(&scenario.given);
    let (mut not_ready, mut terminating, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    for part in text(&scenario.given["unavailable"]).split("; ") {
        let list = |text: &str| -> Vec<i32> {
            let digits = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
            digits.map(|digits| digits.parse().unwrap()).collect()
        };
        match part.split_once(' ') {
            Some(("notReady", ordinals)) => not_ready = list(ordinals),
            Some(("terminating", ordinals)) => terminating = list(ordinals),
            Some((ordinal, _)) => fresh = list(ordinal),
            None => panic!("{part}"),
        }
    }
    let seen = |ordinal| match ordinal {
        _ if not_ready.contains(&ordinal) => Seen::Running,
        _ if terminating.contains(&ordinal) => Seen::Terminating,
        _ => Seen::Ready,
    };
    let since = |ordinal| if fresh.contains(&ordinal) { 1000 } else { 910 };
    let left = left(&set, seen, since, 1000);
    let expected = &scenario.expect[0]["ordinals remaining in store (terminating ones stay listed)"];
    assert_eq!(json!(left), *expected, "{}", scenario.name);
}

pub(crate) fn resolves_revisions(scenario: &Scenario) {
    let first = kept_set(json!({}));
    let mut second = first.clone();
    second.spec.template.spec.as_mut().unwrap().containers[0].image = Some("foo".into());
    let mut third = second.clone();
    let labels = third.spec.template.metadata.as_mut().unwrap().labels.as_mut().unwrap();
    labels.insert("new".into(), "label".into());
    let stored: Vec<ControllerRevision> = [&first, &second, &third]
        .iter()
        .zip(1..)
        .map(|(set, number)| revision::propose(set, number, 0))
        .collect();
    let at = |name: &Value| -> usize { text(name)["rev".len()..][..1].parse().unwrap() };
    let existing = scenario.given["existing"].as_array().unwrap();
    let existing: Vec<Object> =
        existing.iter().map(|name| Object::at_revision(stored[at(name)].clone().into(), 1)).collect();
    let set = if scenario.given["set"] == json!("set") { &first } else { &second };
    let found = revision::resolve(set, &existing, 0);
    let name = |n: usize| name_of(&stored[n].metadata).to_owned();
    let expected = match text(&scenario.expect[0]["update"]) {
        "rev0" => Resolution::Create(Box::new(stored[0].clone())),
        "rev1 with number 2" if existing.len() == 1 => Resolution::Create(Box::new(stored[1].clone())),
        "rev1 with number 2" => Resolution::Newest(name(1)),
        "rev1 renumbered to 4, same name" => Resolution::Renumber(name(1), 4),
        other => panic!("{other}"),
    };
    assert_eq!(found, expected, "{}", scenario.name);
}

pub(crate) fn claims_pods(scenario: &Scenario) {
    let set = kept_set(json!({}));
    let pods = scenario.given["pods"].as_object().unwrap().iter().map(|(name, how)| {
        let how = text(how);
        let mut pod = pod(&set, 0, "r", Seen::Ready);
        pod.metadata.name = Some(name.clone());
        if how.starts_with("orphan") {
            pod.metadata.owner_references = None;
        }
        if how.contains("no labels") {
            pod.metadata.labels = None;
        }
        Object::at_revision(pod.into(), 1)
    });
    let selector = Selector::from_label_selector(&set.spec.selector).unwrap();
    let claimed = world::ownership::claim_pods(&set, &selector, pods.collect());
    let names = |pods: &[Object]| pods.iter().map(|pod| pod.name().to_owned()).collect::<Vec<_>>();
    let mut ours = [names(&claimed.kept), names(&claimed.adopted)].concat();
    ours.sort();
    assert_eq!(json!(ours), scenario.expect[0]["claimed"]);
    let released = text(&scenario.expect[1]);
    for name in names(&claimed.released) {
        assert!(released.contains(&name) && released.contains("released"), "{name}");
    }
    assert_eq!(claimed.released.len(), if released.contains("released") { 2 } else { 0 });
}

pub(crate) fn pod_claim_is_stale(scenario: &Scenario) {
    let is_scaled_delete = !scenario.name.ends_with("Retain");
    let list = scenario
        .name
        .split_once('[')
        .map_or("stale ref, good ref", |(_, rest)| rest.split(']').next().unwrap());
    let pod_uid = if scenario.name.contains("without UID") { "" } else { "pod-uid" };
    let templates: Vec<&str> = list.split(", ").filter(|part| !part.is_empty()).collect();
    let reference = |uid: &str| {
        reference(
            json!({ "apiVersion": "v1", "kind": "Pod", "name": "foo-0", "uid": uid, "controller": true }),
        )
    };
    let claim = |(n, how): (usize, &&str)| {
        let owners = match *how {
            "missing" => return None,
            "good ref" => vec![reference("pod-uid")],
            "stale ref" | "ref by name" => vec![reference("stale")],
            "exists" | "exists without refs" => Vec::new(),
            other => panic!("{other}"),
        };
        Some(fixture::claim(&format!("vol{n}-foo-0"), &owners))
    };
    let claims = fixture::claims(templates.iter().enumerate().filter_map(claim));
    let mut set = kept_set(json!({}));
    let template = set.spec.volume_claim_templates.as_ref().unwrap()[0].clone();
    let named = |n: usize| {
        let mut template = template.clone();
        template.metadata.name = Some(format!("vol{n}"));
        template
    };
    set.spec.volume_claim_templates = Some((0..templates.len()).map(named).collect());
    let of_pod = PodClaims {
        set: &set,
        policy: RetentionPolicy { is_scaled_delete, is_deleted_delete: false },
        ordinal: 0,
        is_condemned: false,
        pod_name: &naming::pod_name("foo", 0),
        pod_uid,
        lookup: &|name| claims.get(name).cloned(),
    };
    assert_eq!(json!(of_pod.is_stale()), scenario.expect[0]["stale"], "{}", scenario.name);
}

fn policy(given: &Value) -> RetentionPolicy {
    RetentionPolicy {
        is_deleted_delete: given["whenDeleted"] == json!("Delete"),
        is_scaled_delete: given["whenScaled"] == json!("Delete"),
    }
}

fn references(values: &Value) -> Vec<OwnerReference> {
    values.as_array().unwrap().iter().cloned().map(reference).collect()
}

/// An owner reference, of which a scenario may leave out anything.
fn reference(value: Value) -> OwnerReference {
    let mut full = json!({ "apiVersion": "", "kind": "", "name": "", "uid": "" });
    fixture::merge(&mut full, value);
    serde_json::from_value(full).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
