//! Good objects, changed in one place, and the rules that breaks.

mod binding;
mod others;
mod pod;
mod service;
mod statefulset;

use serde_json::{Value, json};

use super::*;
use crate::objects::Kind;
use crate::rules::{defaulting, strategy};

/// A good object of `kind`, as a user writes it.
fn good(kind: Kind) -> Value {
    let spec = match kind {
        Kind::StatefulSet => json!({"spec": {
            "serviceName": "nginx",
            "replicas": 3,
            "selector": {"matchLabels": {"app": "nginx"}},
            "template": {
                "metadata": {"labels": {"app": "nginx"}},
                "spec": {"containers": [{
                    "name": "nginx", "image": "nginx:1.27",
                    "ports": [{"containerPort": 80, "name": "web"}],
                    "volumeMounts": [{"name": "www", "mountPath": "/www"}],
                }]},
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "www"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }],
        }}),
        Kind::Service => {
            json!({"spec": {"clusterIP": "None", "ports": [{"port": 80}], "selector": {"app": "nginx"}}})
        }
        Kind::Pod => json!({"spec": {"containers": [{"name": "c", "image": "i"}]}}),
        Kind::PersistentVolumeClaim => {
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
        }
        Kind::PersistentVolume => json!({"spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/data"},
        }}),
        Kind::StorageClass => json!({"provisioner": "example.com/disk"}),
        Kind::EndpointSlice => json!({
            "addressType": "IPv4", "ports": [{"port": 80}],
            "endpoints": [{"addresses": ["10.0.0.1"], "hostname": "web-0"}],
        }),
        Kind::ControllerRevision => json!({"data": {"spec": {}}, "revision": 1}),
        Kind::Event => json!({"involvedObject": {"namespace": "default"}}),
        Kind::RuntimeClass => json!({"handler": "process"}),
        Kind::Lease => json!({"spec": {"holderIdentity": "node-1", "leaseDurationSeconds": 40}}),
        Kind::Endpoints => json!({"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]}),
        _ => json!({}),
    };
    let namespace = kind.info().is_namespaced.then_some("default");
    merged(json!({"metadata": {"name": "web", "namespace": namespace}}), &spec)
}

/// `target` with the fields of `change`; null removes one (RFC 7386).
fn merged(mut target: Value, change: &Value) -> Value {
    let Value::Object(fields) = change else { return change.clone() };
    if !target.is_object() {
        target = json!({});
    }
    for (name, field) in fields {
        let old = target.get(name).cloned().unwrap_or_default();
        target[name] = merged(old, field);
    }
    target.as_object_mut().unwrap().retain(|_, field| !field.is_null());
    target
}

/// The object as the store validates it.
fn prepared(kind: Kind, object: Value) -> Typed {
    let mut typed = Typed::from_value(kind, object).unwrap();
    defaulting::default(&mut typed);
    strategy::prepare_for_create(&mut typed);
    typed
}

fn texts(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

/// Creating the good object with `change` breaks exactly these rules.
fn check(kind: Kind, change: Value, expected: &[&str]) {
    let object = prepared(kind, merged(good(kind), &change));
    assert_eq!(texts(&validate_create(&object)), expected, "{kind}: {change}");
}

/// Changing the good object (with `before`) by `change` breaks exactly these rules.
fn check_update(kind: Kind, before: Value, change: Value, expected: &[&str]) {
    let old_form = merged(good(kind), &before);
    let old = prepared(kind, old_form.clone());
    let mut new = Typed::from_value(kind, merged(old_form, &change)).unwrap();
    defaulting::default(&mut new);
    strategy::prepare_for_update(&mut new, &old);
    assert_eq!(texts(&validate_update(&new, &old)), expected, "{kind}: {change}");
}

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

#[test]
fn good_objects_of_every_kind_break_no_rule() {
    for kind in Kind::ALL {
        check(*kind, json!({}), &[]);
        check_update(*kind, json!({}), json!({"metadata": {"labels": {"a": "b"}}}), &[]);
    }
}

#[test]
fn metadata_is_checked_for_every_kind() {
    let invalid = format!("metadata.name: Invalid value: \"Web\": {LABEL}");
    check(Kind::StatefulSet, json!({"metadata": {"name": "Web"}}), &[&invalid]);
    let cases = [
        (Kind::Pod, json!({"name": null}), "metadata.name: Required value: name or generateName is required"),
        (Kind::Pod, json!({"namespace": null}), "metadata.namespace: Required value"),
        (Kind::Node, json!({"namespace": "x"}), "metadata.namespace: Forbidden: not allowed on this type"),
        (
            Kind::ConfigMap,
            json!({"finalizers": ["x"]}),
            "metadata.finalizers[0]: Invalid value: \"x\": name is neither a standard finalizer name nor is it \
             fully qualified",
        ),
        (
            Kind::ConfigMap,
            json!({"labels": {"a": "b c"}}),
            "metadata.labels[a]: Invalid value: \"b c\": a valid label must be an empty string or consist of \
             alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
             'MyValue',  or 'my_value',  or '12345', regex used for validation is \
             '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
        (
            Kind::Service,
            json!({"name": "0web"}),
            "metadata.name: Invalid value: \"0web\": a DNS-1035 label must consist of lower case alphanumeric \
             characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. \
             'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
        ),
    ];
    for (kind, change, expected) in cases {
        check(kind, json!({"metadata": change}), &[expected]);
    }
}

#[test]
fn what_was_broken_before_does_not_hinder_another_change() {
    let mut old = prepared(Kind::StatefulSet, good(Kind::StatefulSet));
    let Typed::StatefulSet(set) = &mut old else { unreachable!() };
    set.spec.service_name = Some("not.a.label".into());
    let mut new = old.clone();
    new.meta_mut().labels = Some([("a".to_owned(), "b".to_owned())].into());
    assert_eq!(texts(&validate_update(&new, &old)), [""; 0]);
    new.meta_mut().labels = Some([("a".to_owned(), "b c".to_owned())].into());
    assert_eq!(validate_update(&new, &old).len(), 1);
}

#[test]
fn an_object_that_goes_away_gets_no_new_finalizer() {
    let mut old = prepared(Kind::ConfigMap, good(Kind::ConfigMap));
    old.meta_mut().deletion_timestamp = Some(crate::objects::time(crate::clock::Timestamp::UNIX_EPOCH));
    let mut new = old.clone();
    new.meta_mut().finalizers = Some(vec!["example.com/hold".into()]);
    assert_eq!(
        texts(&validate_update(&new, &old)),
        [
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new \
          finalizers []string{\"example.com/hold\"}"
        ]
    );
}
