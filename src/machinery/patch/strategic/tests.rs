//! What `kubectl` sends as strategic merge patches, and what becomes of it.

use serde_json::{Value, json};

use super::*;
use crate::machinery::patch::error::PatchError;
use crate::objects::Kind;

fn check(kind: Kind, live: Value, patch: Value, expected: Value) {
    assert_eq!(strategic_merge_patch(kind, &live, &patch), Ok(expected), "{patch}");
}

fn malformed(kind: Kind, live: Value, patch: Value, text: &str) {
    let error = strategic_merge_patch(kind, &live, &patch).unwrap_err();
    assert!(matches!(&error, PatchError::Malformed(_)), "{error:?}");
    assert!(error.to_string().contains(text), "{error}");
}

/// A set with these containers.
fn set(containers: Value) -> Value {
    json!({"spec": {"template": {"spec": {"containers": containers}}}})
}

fn pod(spec: Value) -> Value {
    json!({"spec": spec})
}

#[test]
fn set_image_changes_one_container_alone() {
    check(
        Kind::StatefulSet,
        set(
            json!([{"name": "a", "image": "i:1", "ports": [{"containerPort": 80}]}, {"name": "b", "image": "j:1"}]),
        ),
        json!({"spec": {"template": {"spec": {
            "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
            "containers": [{"name": "b", "image": "j:2"}],
        }}}}),
        set(
            json!([{"name": "a", "image": "i:1", "ports": [{"containerPort": 80}]}, {"name": "b", "image": "j:2"}]),
        ),
    );
}

#[test]
fn rollout_undo_replaces_the_whole_template() {
    let template = json!({"metadata": {"labels": {"app": "x"}, "creationTimestamp": null},
        "spec": {"containers": [{"name": "a", "image": "i:1"}]}});
    let mut patch = json!({"spec": {"template": template}});
    patch["spec"]["template"]["$patch"] = json!("replace");
    let live = json!({"spec": {"replicas": 3, "template": {
        "metadata": {"labels": {"app": "x"}, "annotations": {"restartedAt": "now"}},
        "spec": {"containers": [{"name": "a", "image": "i:2", "env": [{"name": "B"}]}, {"name": "b"}]},
    }}});
    let expected = json!({"spec": {"replicas": 3, "template": {
        "metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "a", "image": "i:1"}]},
    }}});
    check(Kind::StatefulSet, live, patch, expected);
}

#[test]
fn rollout_restart_adds_an_annotation_to_the_template() {
    let restarted = json!({"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"});
    let patch = json!({"spec": {"template": {"metadata": {"annotations": restarted}}}});
    let live = json!({"spec": {"replicas": 2, "template": {"metadata": {"labels": {"a": "b"}}}}});
    let expected = json!({"spec": {"replicas": 2,
        "template": {"metadata": {"labels": {"a": "b"}, "annotations": restarted}}}});
    check(Kind::StatefulSet, live, patch, expected);
}

#[test]
fn what_kubectl_apply_sends_is_carried_out() {
    let patch = json!({
        "metadata": {
            "labels": {"c": null}, "annotations": {"last": "y"},
            "$deleteFromPrimitiveList/finalizers": ["z/w"], "$setElementOrder/finalizers": ["x/y"],
        },
        "spec": {
            "$setElementOrder/containers": [{"name": "c1"}],
            "containers": [
                {"name": "c1", "image": "i:2", "$setElementOrder/env": [{"name": "B"}, {"name": "C"}],
                 "env": [{"name": "B", "value": "3"}, {"name": "A", "$patch": "delete"}],
                 "ports": [{"$patch": "delete", "containerPort": 80}]},
                {"$patch": "delete", "name": "c2"},
            ],
            "volumes": [
                {"$retainKeys": ["hostPath", "name"], "emptyDir": null, "hostPath": {"path": "/p"}, "name": "v"},
                {"$patch": "delete", "name": "w"},
            ],
        },
    });
    let live = json!({
        "metadata": {"labels": {"a": "1", "c": "2"}, "annotations": {"last": "x"}, "finalizers": ["z/w", "x/y"]},
        "spec": {
            "nodeName": "n",
            "containers": [
                {"name": "c1", "image": "i:1", "env": [{"name": "A", "value": "1"}, {"name": "C", "value": "1"},
                 {"name": "B", "value": "1"}], "ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 81}]},
                {"name": "c2", "image": "j"},
            ],
            "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}, {"name": "token", "secret": {}}],
        },
    });
    let expected = json!({
        "metadata": {"labels": {"a": "1"}, "annotations": {"last": "y"}, "finalizers": ["x/y"]},
        "spec": {
            "nodeName": "n",
            "containers": [{"name": "c1", "image": "i:2", "env": [{"name": "B", "value": "3"},
                {"name": "C", "value": "1"}], "ports": [{"containerPort": 81}]}],
            "volumes": [{"name": "v", "hostPath": {"path": "/p"}}, {"name": "token", "secret": {}}],
        },
    });
    check(Kind::Pod, live, patch, expected);
}

#[test]
fn lists_merge_by_the_key_of_their_type_and_other_lists_are_replaced() {
    let one = |field: &str, live: Value, patch: Value, expected: Value| {
        check(
            Kind::Pod,
            pod(json!({field: live})),
            pod(json!({field: patch})),
            pod(json!({field: expected})),
        );
    };
    let key = json!([{"name": "a", "x": 1}, {"name": "b"}]);
    one(
        "containers",
        key.clone(),
        json!([{"name": "a", "image": "i"}]),
        json!([{"name": "a", "x": 1, "image": "i"}, {"name": "b"}]),
    );
    one(
        "imagePullSecrets",
        key,
        json!([{"name": "c"}]),
        json!([{"name": "c"}, {"name": "a", "x": 1}, {"name": "b"}]),
    );
    one(
        "hostAliases",
        json!([{"ip": "1.1.1.1", "hostnames": ["a"]}]),
        json!([{"ip": "1.1.1.1", "hostnames": ["b"]}]),
        json!([{"ip": "1.1.1.1", "hostnames": ["b"]}]),
    );
    one(
        "topologySpreadConstraints",
        json!([{"topologyKey": "zone", "maxSkew": 1}]),
        json!([{"topologyKey": "zone", "maxSkew": 2}]),
        json!([{"topologyKey": "zone", "maxSkew": 2}]),
    );
    one("tolerations", json!([{"key": "a"}]), json!([{"key": "b"}]), json!([{"key": "b"}]));
    one("nodeSelector", json!({"a": "1"}), json!({"b": "2"}), json!({"a": "1", "b": "2"}));
    let service = |ports: Value| json!({"spec": {"ports": ports}});
    check(
        Kind::Service,
        service(json!([{"port": 80, "targetPort": 80}, {"port": 90}])),
        service(json!([{"port": 80, "targetPort": 8080}])),
        service(json!([{"port": 80, "targetPort": 8080}, {"port": 90}])),
    );
    let claims = |size: &str| json!({"spec": {"volumeClaimTemplates": [{"spec": {"storage": size}}]}});
    check(Kind::StatefulSet, claims("1"), claims("2"), claims("2"));
}

#[test]
fn finalizers_are_a_set() {
    let of = |finalizers: Value| json!({"metadata": {"finalizers": finalizers}});
    check(Kind::Pod, of(json!(["a", "b"])), of(json!(["b", "c"])), of(json!(["a", "b", "c"])));
    let remove = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}});
    check(Kind::Pod, of(json!(["a", "b"])), remove.clone(), of(json!(["b"])));
    check(Kind::Pod, json!({"metadata": {}}), remove, json!({"metadata": {}}));
    let order = json!({"metadata": {"$setElementOrder/finalizers": ["b", "a"], "finalizers": ["b"]}});
    check(Kind::Pod, of(json!(["x", "a"])), order, of(json!(["b", "x", "a"])));
}

#[test]
fn a_new_item_goes_first_unless_the_order_is_said() {
    let live = pod(json!({"containers": [{"name": "a"}, {"name": "b"}]}));
    let added = pod(json!({"containers": [{"name": "c"}]}));
    let first = pod(json!({"containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}));
    check(Kind::Pod, live.clone(), added, first);
    let ordered = pod(json!({
        "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}, {"name": "c"}],
        "containers": [{"name": "c"}],
    }));
    let last = pod(json!({"containers": [{"name": "b"}, {"name": "a"}, {"name": "c"}]}));
    check(Kind::Pod, live.clone(), ordered, last);
    let reordered = pod(json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}));
    check(Kind::Pod, live, reordered, pod(json!({"containers": [{"name": "b"}, {"name": "a"}]})));
}

#[test]
fn items_that_only_the_object_has_keep_their_place_around_ordered_ones() {
    let names = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Value>();
    let live = pod(json!({"containers": names(&["sidecar", "a", "b"])}));
    let patch = pod(json!({"$setElementOrder/containers": names(&["b", "a"])}));
    check(Kind::Pod, live, patch, pod(json!({"containers": names(&["sidecar", "b", "a"])})));
}

#[test]
fn directives_replace_and_delete_maps_and_lists() {
    let live = pod(json!({"securityContext": {"runAsUser": 1}, "containers": [{"name": "a", "image": "i"}]}));
    let replace = pod(json!({"securityContext": {"$patch": "replace", "fsGroup": 2}}));
    let replaced =
        pod(json!({"securityContext": {"fsGroup": 2}, "containers": [{"name": "a", "image": "i"}]}));
    check(Kind::Pod, live.clone(), replace, replaced);
    let delete = pod(json!({"securityContext": {"$patch": "delete"}}));
    let deleted = pod(json!({"securityContext": {}, "containers": [{"name": "a", "image": "i"}]}));
    check(Kind::Pod, live.clone(), delete, deleted);
    let list = pod(json!({"containers": [{"name": "b"}, {"$patch": "replace"}]}));
    let listed = pod(json!({"securityContext": {"runAsUser": 1}, "containers": [{"name": "b"}]}));
    check(Kind::Pod, live.clone(), list, listed);
    let merge = pod(json!({"containers": [{"name": "a", "$patch": "merge", "tty": true}]}));
    let merged = pod(json!({"securityContext": {"runAsUser": 1},
        "containers": [{"name": "a", "image": "i", "tty": true}]}));
    check(Kind::Pod, live, merge, merged);
}

#[test]
fn neither_nulls_nor_directives_of_new_values_reach_the_object() {
    let patch = pod(json!({
        "affinity": {"$patch": "delete"},
        "nothing": null,
        "securityContext": {"fsGroup": 2, "runAsUser": null, "$retainKeys": ["fsGroup"]},
        "$setElementOrder/containers": [{"name": "a"}],
        "containers": [{"name": "a", "image": null}, {"name": "b", "$patch": "delete"}],
        "$setElementOrder/volumes": [{"name": "v"}],
    }));
    let expected = pod(json!({"securityContext": {"fsGroup": 2}, "containers": [{"name": "a"}]}));
    check(Kind::Pod, pod(json!({})), patch, expected);
}

#[test]
fn a_patch_of_the_wrong_form_is_refused() {
    let live = || pod(json!({"containers": [{"name": "a"}], "volumes": [{"name": "v", "emptyDir": {}}]}));
    let bad = |spec: Value, text: &str| malformed(Kind::Pod, live(), pod(spec), text);
    bad(json!({"containers": [{"image": "i"}]}), "does not contain declared merge key: name");
    bad(json!({"containers": [{"name": "a", "$patch": "explode"}]}), "unknown patch type explode");
    bad(json!({"containers": ["a"]}), "expected kind");
    bad(json!({"volumes": [{"name": "v", "$retainKeys": ["name"], "hostPath": {}}]}), "format of retainKeys");
    bad(json!({"$setElementOrder/containers": 1}), "format of setElementOrder");
    bad(
        json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "b"}]}),
        "doesn't match",
    );
    let live = json!({"metadata": {"finalizers": ["a"]}});
    let lists = json!({"metadata": {"finalizers": [["a"]]}});
    malformed(Kind::Pod, live, lists, "primitive list");
    malformed(Kind::Pod, json!({}), json!([]), "invalid JSON document");
}
