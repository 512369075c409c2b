//! What server-side apply makes of live objects, by managers that agree, differ and force.
//!
//! Results are compared with those of Kubernetes.

use super::*;
use serde_json::json;

const SET: Kind = Kind::StatefulSet;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A set that says this much.
fn set(spec: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web", "namespace": "default"},
        "spec": spec})
}

fn containers(containers: Value) -> Value {
    set(json!({"template": {"spec": {"containers": containers}}}))
}

fn apply(live: Option<&Value>, applied: &Value, manager: &str, second: i64) -> Value {
    server_side_apply(SET, live, applied, manager, false, at(second)).unwrap()
}

fn force(live: &Value, applied: &Value, manager: &str, second: i64) -> Value {
    server_side_apply(SET, Some(live), applied, manager, true, at(second)).unwrap()
}

/// `old` after `manager` has changed it into `new`, which says nothing of owners.
fn update(old: Option<&Value>, new: &Value, manager: &str, second: i64) -> Value {
    let mut new = new.clone();
    super::super::track::track_update(old, &mut new, manager, "", at(second));
    new
}

fn bare(object: &Value) -> Value {
    without_managed(object)
}

/// `manager operation time: fields` of every entry.
fn owners(object: &Value) -> Vec<String> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or("-").to_owned();
    let line = |entry: &Value| {
        let fields: Vec<_> =
            FieldSet::read(&entry["fieldsV1"]).unwrap().paths().iter().map(|path| path_text(path)).collect();
        format!(
            "{} {} {}: {}",
            text(entry, "manager"),
            text(entry, "operation"),
            text(entry, "time").trim_start_matches("1970-01-01T00:00:"),
            fields.join(" ")
        )
    };
    entries.into_iter().flatten().map(line).collect()
}

#[test]
fn an_object_is_created_with_its_fields_owned() {
    let applied = json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "x"}, "finalizers": ["a/b"]},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "x"}},
            "template": {"spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}], "args": ["x"]}],
                "tolerations": [{"key": "k"}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "d"}}]},
        "status": {"replicas": 3}});
    let made = apply(None, &applied, "m", 7);
    let expected = json!([{"manager": "m", "operation": "Apply", "apiVersion": "apps/v1",
    "time": "1970-01-01T00:00:07Z", "fieldsType": "FieldsV1", "fieldsV1": {
        "f:metadata": {"f:labels": {"f:app": {}}, "f:finalizers": {"v:\"a/b\"": {}}},
        "f:spec": {"f:replicas": {}, "f:selector": {}, "f:volumeClaimTemplates": {}, "f:template": {"f:spec": {
            "f:tolerations": {},
            "f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:name": {}, "f:args": {}, "f:ports": {
                "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}}}}},
    }}]);
    assert_eq!(made["metadata"]["managedFields"], expected);
    let mut without_status = applied;
    without_status.as_object_mut().unwrap().remove("status");
    assert_eq!(bare(&made), without_status);
}

#[test]
fn applying_the_same_again_changes_nothing_not_even_the_time() {
    let applied = set(json!({"replicas": 3, "serviceName": "x"}));
    let made = apply(None, &applied, "m", 1);
    assert_eq!(apply(Some(&made), &applied, "m", 9), made);
    let changed = apply(Some(&made), &set(json!({"replicas": 4, "serviceName": "x"})), "m", 9);
    assert_eq!(owners(&changed), ["m Apply 09Z: .spec.replicas .spec.serviceName"]);
}

#[test]
fn a_field_that_is_no_longer_applied_goes_unless_another_owns_it() {
    let made = apply(None, &set(json!({"replicas": 3, "serviceName": "x", "minReadySeconds": 5})), "m", 1);
    let shared = apply(Some(&made), &set(json!({"serviceName": "x"})), "other", 2);
    let left = apply(Some(&shared), &set(json!({"replicas": 3})), "m", 3);
    assert_eq!(bare(&left), set(json!({"replicas": 3, "serviceName": "x"})));
    assert_eq!(owners(&left), ["other Apply 02Z: .spec.serviceName", "m Apply 03Z: .spec.replicas"]);
}

#[test]
fn what_nobody_owns_stays_beside_what_others_own_and_goes_with_its_struct() {
    let policy = |policy: Value| json!({"persistentVolumeClaimRetentionPolicy": policy});
    let made = apply(None, &set(policy(json!({"whenDeleted": "Delete"}))), "m", 1);
    let mut defaulted = made.clone();
    defaulted["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] = json!("Retain");
    defaulted["spec"]["podManagementPolicy"] = json!("OrderedReady");
    let left = apply(Some(&defaulted), &set(json!({})), "m", 2);
    assert_eq!(bare(&left), set(json!({"podManagementPolicy": "OrderedReady"})));
    assert_eq!(owners(&left), ["m Apply 02Z: .spec"]);
}

#[test]
fn the_names_of_an_object_stay_when_the_rest_of_its_metadata_goes() {
    let mut applied = set(json!({"replicas": 3}));
    applied["metadata"]["labels"] = json!({"app": "x"});
    let mut live = apply(None, &applied, "m", 1);
    live["metadata"]["uid"] = json!("u");
    let left = apply(Some(&live), &set(json!({"replicas": 3})), "m", 2);
    let mut expected = set(json!({"replicas": 3}));
    expected["metadata"]["uid"] = json!("u");
    assert_eq!(bare(&left), expected);
}

#[test]
fn a_field_of_another_is_a_conflict_in_the_words_of_kubernetes() {
    let live = update(None, &set(json!({"replicas": 3, "serviceName": "x"})), "kubectl-client-side-apply", 1);
    let applied = set(json!({"replicas": 5, "serviceName": "x"}));
    let error = server_side_apply(SET, Some(&live), &applied, "m", false, at(2)).unwrap_err();
    let text = "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using apps/v1: .spec.replicas";
    assert_eq!(error.to_string(), text);
    let [conflict] = error.conflicts() else { panic!("{error:?}") };
    assert_eq!(conflict.message(), "conflict with \"kubectl-client-side-apply\" using apps/v1");
    assert_eq!((conflict.api_version.as_str(), conflict.field.as_str()), ("apps/v1", ".spec.replicas"));
    let taken = force(&live, &applied, "m", 2);
    assert_eq!(bare(&taken), applied);
    assert_eq!(
        owners(&taken),
        [
            "m Apply 02Z: .spec.replicas .spec.serviceName",
            "kubectl-client-side-apply Update 01Z: .spec.serviceName"
        ]
    );
}

#[test]
fn several_conflicts_are_listed_by_owner() {
    let made = apply(None, &set(json!({"replicas": 3, "minReadySeconds": 1})), "b", 1);
    let made = apply(Some(&made), &containers(json!([{"name": "c", "image": "i:1"}])), "a", 1);
    let mut applied = containers(json!([{"name": "c", "image": "i:2"}]));
    applied["spec"]["replicas"] = json!(5);
    applied["spec"]["minReadySeconds"] = json!(2);
    let error = server_side_apply(SET, Some(&made), &applied, "m", false, at(2)).unwrap_err();
    let text = "Apply failed with 3 conflicts: conflicts with \"a\":\n\
        - .spec.template.spec.containers[name=\"c\"].image\n\
        conflicts with \"b\":\n- .spec.minReadySeconds\n- .spec.replicas";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_conflict_through_a_subresource_names_it() {
    let live = update(None, &set(json!({"replicas": 3})), "a", 1);
    let mut scaled = live.clone();
    scaled["spec"]["replicas"] = json!(4);
    super::super::track::track_update(Some(&live), &mut scaled, "kubectl", "scale", at(2));
    let error =
        server_side_apply(SET, Some(&scaled), &set(json!({"replicas": 5})), "m", false, at(3)).unwrap_err();
    let text = "Apply failed with 1 conflict: conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas";
    assert_eq!(error.to_string(), text);
}

#[test]
fn the_same_value_is_shared_and_changing_it_then_is_a_conflict() {
    let applied = set(json!({"replicas": 3}));
    let shared = apply(Some(&apply(None, &applied, "a", 1)), &applied, "b", 2);
    assert_eq!(owners(&shared), ["a Apply 01Z: .spec.replicas", "b Apply 02Z: .spec.replicas"]);
    let error =
        server_side_apply(SET, Some(&shared), &set(json!({"replicas": 4})), "b", false, at(3)).unwrap_err();
    assert_eq!(error.conflicts().len(), 1);
    let nothing = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}});
    let gone = apply(Some(&shared), &nothing, "a", 3);
    assert_eq!(owners(&gone), ["b Apply 02Z: .spec.replicas"]);
}

#[test]
fn items_merge_by_their_keys_and_keep_the_order_of_the_applier() {
    let live = update(None, &containers(json!([{"name": "sidecar"}, {"name": "a", "image": "i"}])), "x", 1);
    let applied = containers(json!([{"name": "b"}, {"name": "a", "tty": true}]));
    let merged = apply(Some(&live), &applied, "m", 2);
    let expected = json!([{"name": "sidecar"}, {"name": "b"}, {"name": "a", "image": "i", "tty": true}]);
    assert_eq!(merged["spec"]["template"]["spec"]["containers"], expected);
    let left = apply(Some(&merged), &containers(json!([{"name": "a"}])), "m", 3);
    let expected = json!([{"name": "sidecar"}, {"name": "a", "image": "i"}]);
    assert_eq!(left["spec"]["template"]["spec"]["containers"], expected);
}

#[test]
fn ports_of_the_same_number_differ_by_protocol() {
    let ports = |ports: Value| containers(json!([{"name": "c", "ports": ports}]));
    let both =
        ports(json!([{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]));
    let made = apply(None, &both, "m", 1);
    let left = apply(Some(&made), &ports(json!([{"containerPort": 53, "protocol": "UDP"}])), "m", 2);
    assert_eq!(bare(&left), ports(json!([{"containerPort": 53, "protocol": "UDP"}])));
}

#[test]
fn values_of_a_set_are_owned_one_by_one() {
    let of = |finalizers: Value| json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web", "finalizers": finalizers}});
    let made = apply(None, &of(json!(["a/a", "b/b"])), "a", 1);
    let merged = apply(Some(&made), &of(json!(["c/c"])), "b", 2);
    assert_eq!(merged["metadata"]["finalizers"], json!(["a/a", "b/b", "c/c"]));
    let left = apply(Some(&merged), &of(json!(["b/b"])), "a", 3);
    assert_eq!(left["metadata"]["finalizers"], json!(["b/b", "c/c"]));
}

#[test]
fn what_was_never_tracked_belongs_to_before_first_apply() {
    let live = set(json!({"replicas": 3}));
    let error =
        server_side_apply(SET, Some(&live), &set(json!({"replicas": 4})), "m", false, at(1)).unwrap_err();
    let text =
        "Apply failed with 1 conflict: conflict with \"before-first-apply\" using apps/v1: .spec.replicas";
    assert_eq!(error.to_string(), text);
}

#[test]
fn kubectl_does_not_conflict_with_its_own_client_side_apply() {
    let applied_by_client = set(json!({"replicas": 3, "minReadySeconds": 1}));
    let mut live = applied_by_client.clone();
    live["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": applied_by_client.to_string()});
    let live = update(None, &live, "kubectl-client-side-apply", 1);
    let wanted = set(json!({"replicas": 4, "minReadySeconds": 2}));
    let taken = apply(Some(&live), &wanted, "kubectl", 2);
    assert_eq!(taken["spec"], wanted["spec"]);
    let annotation = &taken["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
    let follows: Value = serde_json::from_str(annotation.as_str().unwrap()).unwrap();
    assert_eq!(follows, wanted);
    let mut scaled = live.clone();
    scaled["spec"]["replicas"] = json!(9);
    let scaled = update(Some(&live), &scaled, "autoscaler", 2);
    let error = server_side_apply(SET, Some(&scaled), &wanted, "kubectl", false, at(3)).unwrap_err();
    let text = "Apply failed with 1 conflict: conflict with \"autoscaler\" using apps/v1: .spec.replicas";
    assert_eq!(error.to_string(), text);
    assert!(server_side_apply(SET, Some(&live), &wanted, "m", false, at(3)).is_err());
}

#[test]
fn a_status_is_applied_through_its_subresource_alone() {
    let live = apply(None, &set(json!({"replicas": 3})), "m", 1);
    let mut applied = set(json!({"replicas": 9}));
    applied["status"] = json!({"replicas": 3});
    let with_status = server_side_apply_status(SET, &live, &applied, "s", false, at(2)).unwrap();
    assert_eq!(
        (&with_status["spec"], &with_status["status"]),
        (&json!({"replicas": 3}), &json!({"replicas": 3}))
    );
    assert_eq!(owners(&with_status), ["m Apply 01Z: .spec.replicas", "s Apply 02Z: .status.replicas"]);
    assert_eq!(with_status["metadata"]["managedFields"][1]["subresource"], "status");
}

#[test]
fn an_object_that_does_not_fit_its_types_is_refused() {
    let check = |applied: Value, text: &str| {
        let error = server_side_apply(SET, None, &applied, "m", false, at(1)).unwrap_err();
        assert_eq!(error.to_string(), text);
    };
    let untyped = |fault: &str| {
        format!("failed to create typed patch object (default/web; apps/v1, Kind=StatefulSet): {fault}")
    };
    check(set(json!({"replica": 1})), &untyped(".spec.replica: field not declared in schema"));
    let twice = json!([{"name": "a"}, {"name": "a"}]);
    check(
        containers(twice),
        &untyped(".spec.template.spec.containers: duplicate entries for key [name=\"a\"]"),
    );
    check(
        containers(json!([{"image": "i"}])),
        &untyped(
            ".spec.template.spec.containers: associative list with keys has an element that omits key field \
             \"name\" (and doesn't have default value)",
        ),
    );
    let both = set(json!({"replica": 1, "template": []}));
    check(
        both,
        &untyped(
            "errors:\n  .spec.replica: field not declared in schema\n  .spec.template: expected map, got &{[]}\n",
        ),
    );
    let mut owned = set(json!({}));
    owned["metadata"]["managedFields"] = json!([{}]);
    check(owned, "metadata.managedFields must be nil");
    let mut service = set(json!({}));
    service["apiVersion"] = json!("v1");
    check(
        service,
        "Incorrect version specified in apply patch. Specified patch version: /v1, Kind=StatefulSet, expected: \
         apps/v1, Kind=StatefulSet",
    );
}
