//! The owners of fields after creates, updates and writes through subresources.
//!
//! Entries are compared with those that Kubernetes writes.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millisecond(second * 1000 + 345).unwrap()
}

fn set(spec: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}, "spec": spec})
}

/// `old` after `manager` has changed it into `new`.
fn write(old: Option<&Value>, new: &Value, manager: &str, subresource: &str, second: i64) -> Value {
    let mut new = without_managed(new);
    track_update(old, &mut new, manager, subresource, at(second));
    new
}

fn entry(manager: &str, second: i64, fields: Value) -> Value {
    json!({"manager": manager, "operation": "Update", "apiVersion": "apps/v1",
        "time": format!("1970-01-01T00:00:0{second}Z"), "fieldsType": "FieldsV1", "fieldsV1": fields})
}

fn check(object: &Value, entries: Value) {
    assert_eq!(object["metadata"].get("managedFields"), Some(&entries));
}

#[test]
fn the_creator_owns_what_it_wrote_as_kubernetes_tells_it() {
    let new = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "d", "uid": "u", "creationTimestamp": "t", "generation": 1,
            "resourceVersion": "1", "labels": {"app": "x"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"dnsPolicy": "ClusterFirst", "securityContext": {},
                "containers": [{"name": "c", "resources": {}, "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}},
        "status": {"replicas": 0},
    });
    let fields = json!({
        "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
        "f:spec": {"f:replicas": {}, "f:selector": {},
            "f:template": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {
                "f:dnsPolicy": {}, "f:securityContext": {},
                "f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:name": {}, "f:resources": {}, "f:ports": {".": {},
                    "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}}}}}}},
            "f:updateStrategy": {"f:type": {}, "f:rollingUpdate": {".": {}, "f:partition": {}}}},
    });
    check(&write(None, &new, "kubectl-create", "", 1), json!([entry("kubectl-create", 1, fields)]));
}

#[test]
fn a_changed_field_changes_its_owner_and_a_removed_one_has_none() {
    let made =
        write(None, &set(json!({"replicas": 1, "serviceName": "x", "minReadySeconds": 1})), "a", "", 1);
    let changed = write(Some(&made), &set(json!({"replicas": 2, "serviceName": "x"})), "b", "", 2);
    let expected = json!([
        entry("a", 1, json!({"f:spec": {"f:serviceName": {}}})),
        entry("b", 2, json!({"f:spec": {"f:replicas": {}}})),
    ]);
    check(&changed, expected);
    let all = write(Some(&changed), &set(json!({"replicas": 2, "serviceName": "y"})), "b", "", 3);
    check(&all, json!([entry("b", 3, json!({"f:spec": {"f:replicas": {}, "f:serviceName": {}}}))]));
}

#[test]
fn a_write_that_changes_nothing_leaves_the_time() {
    let made = write(None, &set(json!({"replicas": 1})), "a", "", 1);
    assert_eq!(write(Some(&made), &made, "a", "", 5), made);
    assert_eq!(write(Some(&made), &made, "b", "", 5), made);
}

#[test]
fn scale_and_status_have_entries_of_their_own() {
    let made = write(None, &set(json!({"replicas": 1, "serviceName": "x"})), "a", "", 1);
    let scaled = write(Some(&made), &set(json!({"replicas": 2, "serviceName": "x"})), "a", "scale", 2);
    let mut with_status = scaled.clone();
    with_status["status"] = json!({"replicas": 2, "conditions": [{"type": "T", "status": "True"}]});
    let with_status = write(Some(&scaled), &with_status, "s", "status", 3);
    let mut scale = entry("a", 2, json!({"f:spec": {"f:replicas": {}}}));
    scale["subresource"] = json!("scale");
    let condition = json!({"k:{\"type\":\"T\"}": {".": {}, "f:type": {}, "f:status": {}}, ".": {}});
    let mut status =
        entry("s", 3, json!({"f:status": {".": {}, "f:replicas": {}, "f:conditions": condition}}));
    status["subresource"] = json!("status");
    check(&with_status, json!([entry("a", 1, json!({"f:spec": {"f:serviceName": {}}})), scale, status]));
}

#[test]
fn what_was_never_tracked_stays_so_and_a_client_can_drop_all_entries() {
    let untracked = set(json!({"replicas": 1}));
    let changed = write(Some(&untracked), &set(json!({"replicas": 2})), "a", "", 1);
    assert_eq!(changed, set(json!({"replicas": 2})));
    let made = write(None, &untracked, "a", "", 1);
    let mut reset = made.clone();
    reset["metadata"]["managedFields"] = json!([{}]);
    track_update(Some(&made), &mut reset, "a", "", at(2));
    assert_eq!(reset, untracked);
}

#[test]
fn entries_of_a_client_are_taken_if_they_can_be_read_and_not_through_a_subresource() {
    let made = write(None, &set(json!({"replicas": 1})), "a", "", 1);
    let theirs = json!([entry("z", 4, json!({"f:spec": {"f:replicas": {}}}))]);
    let send = |entries: &Value, subresource: &str| {
        let mut new = made.clone();
        new["metadata"]["managedFields"] = entries.clone();
        track_update(Some(&made), &mut new, "b", subresource, at(5));
        new["metadata"]["managedFields"].clone()
    };
    assert_eq!(send(&theirs, ""), theirs);
    assert_eq!(send(&theirs, "status"), made["metadata"]["managedFields"]);
    for broken in [json!([]), json!([{"operation": "Leap"}]), json!("x"), json!([{"fieldsV1": {"q": 1}}])] {
        assert_eq!(send(&broken, ""), made["metadata"]["managedFields"], "{broken}");
    }
}

#[test]
fn the_oldest_of_too_many_writers_become_one() {
    let labelled = |n: usize| {
        let labels: serde_json::Map<_, _> = (0..=n).map(|i| (format!("l{i}"), Value::from("x"))).collect();
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "labels": labels}})
    };
    let mut object = write(None, &labelled(0), "m0", "", 0);
    for n in 1..=20 {
        object = write(Some(&object), &labelled(n), &format!("m{n}"), "", i64::try_from(n).unwrap());
    }
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(entries.len(), 10);
    assert_eq!(entries[0]["manager"], "ancient-changes");
    assert_eq!(entries[0]["time"], "1970-01-01T00:00:11Z");
    assert!(entries[0]["fieldsV1"]["f:metadata"]["f:labels"].get("f:l11").is_some());
    assert_eq!(entries[9]["manager"], "m20");
}

#[test]
fn objects_of_unknown_kinds_are_tracked_by_what_they_look_like() {
    let new =
        json!({"apiVersion": "x/v1", "kind": "Odd", "metadata": {"name": "o"}, "spec": {"list": [1, 2]}});
    let made = write(None, &new, "a", "", 1);
    let fields = json!({"f:spec": {"f:list": {}}});
    assert_eq!(made["metadata"]["managedFields"][0]["fieldsV1"], fields);
}
