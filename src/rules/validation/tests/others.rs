//! Rules of the other kinds.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::{Value, json};

use super::*;

#[test]
fn a_claim_finds_its_volume_once_and_grows_only_when_bound() {
    let immutable = "spec: Forbidden: spec is immutable after creation except resources.requests and \
        volumeAttributesClassName for bound claims";
    let grown = json!({"spec": {"resources": {"requests": {"storage": "2Gi"}}}});
    check_update(Kind::PersistentVolumeClaim, json!({}), json!({"spec": {"volumeName": "pv"}}), &[]);
    let found = json!({"spec": {"volumeName": "pv"}});
    check_update(
        Kind::PersistentVolumeClaim,
        found.clone(),
        json!({"spec": {"volumeName": "x"}}),
        &[immutable],
    );
    check_update(Kind::PersistentVolumeClaim, found, grown.clone(), &[immutable]);
    let bound = |change: &Value| {
        let mut typed =
            prepared(Kind::PersistentVolumeClaim, merged(good(Kind::PersistentVolumeClaim), change));
        let Typed::PersistentVolumeClaim(claim) = &mut typed else { unreachable!() };
        let status = claim.status.as_mut().unwrap();
        status.phase = Some("Bound".into());
        status.capacity = Some([("storage".to_owned(), Quantity("1Gi".into()))].into());
        typed
    };
    assert_eq!(texts(&validate_update(&bound(&grown), &bound(&json!({})))), [""; 0]);
    let shrunk = json!({"spec": {"resources": {"requests": {"storage": "512Mi"}}}});
    assert_eq!(
        texts(&validate_update(&bound(&shrunk), &bound(&json!({})))),
        ["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"]
    );
}

#[test]
fn storage_is_checked_where_kubernetes_does() {
    let cases = [
        (
            Kind::PersistentVolumeClaim,
            json!({"spec": {"resources": null}}),
            "spec.resources[storage]: Required value",
        ),
        (
            Kind::PersistentVolumeClaim,
            json!({"spec": {"resources": {"requests": {"storage": "0"}}}}),
            "spec.resources[storage]: Invalid value: \"0\": must be greater than zero",
        ),
        (
            Kind::PersistentVolumeClaim,
            json!({"spec": {"accessModes": ["Anything"]}}),
            "spec.accessModes: Unsupported value: \"Anything\": supported values: \"ReadOnlyMany\", \
             \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\"",
        ),
        (Kind::PersistentVolume, json!({"spec": {"capacity": null}}), "spec.capacity: Required value"),
        (
            Kind::PersistentVolume,
            json!({"spec": {"hostPath": null}}),
            "spec: Required value: must specify a volume type",
        ),
        (Kind::StorageClass, json!({"provisioner": ""}), "provisioner: Required value"),
    ];
    for (kind, change, expected) in cases {
        check(kind, change, &[expected]);
    }
}

#[test]
fn data_slices_revisions_and_events_are_checked_where_kubernetes_does() {
    let cases = [
        (
            Kind::ConfigMap,
            json!({"data": {"a/b": ""}}),
            "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' \
             or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
        ),
        (
            Kind::Secret,
            json!({"type": "kubernetes.io/tls", "data": {"tls.crt": ""}}),
            "data[tls.key]: Required value",
        ),
        (
            Kind::EndpointSlice,
            json!({"addressType": "IPv6"}),
            "endpoints[0].addresses[0]: Invalid value: \"10.0.0.1\": must be an IPv6 address",
        ),
        (
            Kind::EndpointSlice,
            json!({"endpoints": [{"addresses": ["10.0.0.1"], "hostname": "a.b"}]}),
            "endpoints[0].hostname: Invalid value: \"a.b\": must not contain dots",
        ),
        (Kind::ControllerRevision, json!({"data": null}), "data: Required value: data is mandatory"),
        (
            Kind::ControllerRevision,
            json!({"revision": -1}),
            "revision: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            Kind::Event,
            json!({"involvedObject": {"namespace": "other"}}),
            "involvedObject.namespace: Invalid value: \"other\": does not match event.namespace",
        ),
    ];
    for (kind, change, expected) in cases {
        check(kind, change, &[expected]);
    }
    let revision = json!({"data": {"spec": {"a": 1}}});
    let refused = "data: Invalid value: null: field is immutable";
    check_update(Kind::ControllerRevision, json!({}), revision, &[refused]);
    check_update(Kind::ControllerRevision, json!({}), json!({"revision": 7}), &[]);
}

#[test]
fn leases_runtime_classes_and_endpoints_are_checked_where_kubernetes_does() {
    let cases = [
        (
            Kind::Lease,
            json!({"spec": {"leaseDurationSeconds": 0}}),
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            Kind::Lease,
            json!({"spec": {"leaseTransitions": -1}}),
            "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            Kind::Endpoints,
            json!({"subsets": [{"ports": [{"port": 80}]}]}),
            "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
        ),
        (
            Kind::Endpoints,
            json!({"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80, "name": "a"}, {"port": 81}]}]}),
            "subsets[0].ports[1].name: Required value",
        ),
    ];
    for (kind, change, expected) in cases {
        check(kind, change, &[expected]);
    }
    let handler = format!("handler: Invalid value: \"A\": {LABEL}");
    check(Kind::RuntimeClass, json!({"handler": "A"}), &[&handler]);
    let refused = "handler: Invalid value: \"docker\": field is immutable";
    check_update(Kind::RuntimeClass, json!({}), json!({"handler": "docker"}), &[refused]);
}
