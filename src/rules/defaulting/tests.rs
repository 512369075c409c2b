//! Objects before and after defaulting, as JSON.

use serde_json::{Value, json};

use super::*;
use crate::objects::Kind;

fn defaulted(kind: Kind, object: Value) -> Typed {
    let mut typed = Typed::from_value(kind, object).unwrap();
    default(&mut typed);
    typed
}

fn form(typed: &Typed) -> Value {
    serde_json::from_slice(&typed.to_json().unwrap()).unwrap()
}

/// Checks one subtree of the defaulted object, and that defaulting again changes nothing.
fn check(kind: Kind, object: Value, pointer: &str, expected: Value) {
    let once = defaulted(kind, object);
    assert_eq!(form(&once).pointer(pointer), Some(&expected), "{kind} {pointer}: {}", form(&once));
    let mut twice = once.clone();
    default(&mut twice);
    assert_eq!(once, twice, "{kind}: defaulting twice");
}

#[test]
fn a_minimal_statefulset_gets_every_default() {
    let object = json!({
        "metadata": {"name": "web"},
        "spec": {"template": {}, "selector": {}, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]},
    });
    let template = json!({"spec": {
        "containers": [], "dnsPolicy": "ClusterFirst", "restartPolicy": "Always",
        "schedulerName": "default-scheduler", "securityContext": {}, "terminationGracePeriodSeconds": 30,
    }});
    check(
        Kind::StatefulSet,
        object,
        "/spec",
        json!({
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "podManagementPolicy": "OrderedReady",
            "replicas": 1,
            "revisionHistoryLimit": 10,
            "selector": {},
            "template": template,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}},
            "volumeClaimTemplates": [{
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
                "spec": {"resources": {}, "volumeMode": "Filesystem"}, "status": {"phase": "Pending"},
            }],
        }),
    );
}

#[test]
fn empty_lists_and_maps_of_metadata_are_left_out() {
    let metadata =
        json!({"name": "a", "annotations": {}, "labels": {}, "finalizers": [], "ownerReferences": []});
    check(
        Kind::ConfigMap,
        json!({"metadata": metadata, "data": {}}),
        "",
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
        }),
    );
}

#[test]
fn an_update_strategy_keeps_what_its_author_wrote() {
    let cases = [
        (json!({"type": "RollingUpdate"}), json!({"type": "RollingUpdate"})),
        (json!({"type": "OnDelete"}), json!({"type": "OnDelete"})),
        (
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}),
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2, "maxUnavailable": 1}}),
        ),
        (
            json!({"rollingUpdate": {"maxUnavailable": "50%"}}),
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": "50%"}}),
        ),
    ];
    for (strategy, expected) in cases {
        let object = json!({"spec": {"updateStrategy": strategy, "selector": {}, "template": {}}});
        check(Kind::StatefulSet, object, "/spec/updateStrategy", expected);
    }
}

#[test]
fn the_template_of_the_golden_revision_is_defaulted_to_the_form_its_hash_was_made_of() {
    let object = json!({"spec": {"selector": {}, "template": {
        "metadata": {"labels": {"app": "foo"}, "annotations": {"test": "value"}},
        "spec": {"containers": [{"name": "test", "image": "test"}]},
    }}});
    check(
        Kind::StatefulSet,
        object,
        "/spec/template/spec",
        json!({
            "containers": [{
                "image": "test", "imagePullPolicy": "Always", "name": "test", "resources": {},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            }],
            "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
            "securityContext": {}, "terminationGracePeriodSeconds": 30,
        }),
    );
}

#[test]
fn a_pod_requests_its_limits_and_has_service_links_but_a_template_does_not() {
    let containers = json!([{"name": "c", "image": "i", "resources": {"limits": {"cpu": "1"}}}]);
    let pod = json!({"spec": {"containers": containers}});
    let both = json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}});
    check(Kind::Pod, pod.clone(), "/spec/containers/0/resources", both);
    check(Kind::Pod, pod.clone(), "/spec/enableServiceLinks", json!(true));
    let set = json!({"spec": {"selector": {}, "template": pod}});
    let typed = form(&defaulted(Kind::StatefulSet, set));
    assert_eq!(
        typed.pointer("/spec/template/spec/containers/0/resources"),
        Some(&json!({"limits": {"cpu": "1"}}))
    );
    assert_eq!(typed.pointer("/spec/template/spec/enableServiceLinks"), None);
}

#[test]
fn containers_get_their_defaults() {
    let cases = [
        (
            "/ports/0",
            json!({"ports": [{"containerPort": 80}]}),
            json!({"containerPort": 80, "protocol": "TCP"}),
        ),
        (
            "/readinessProbe",
            json!({"readinessProbe": {"httpGet": {"port": 80}}}),
            json!({
                "httpGet": {"path": "/", "port": 80, "scheme": "HTTP"},
                "failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1,
            }),
        ),
        (
            "/livenessProbe",
            json!({"livenessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 2, "initialDelaySeconds": 0}}),
            json!({
                "exec": {"command": ["true"]},
                "failureThreshold": 3, "periodSeconds": 2, "successThreshold": 1, "timeoutSeconds": 1,
            }),
        ),
        (
            "/env",
            json!({"env": [
                {"name": "A", "value": ""},
                {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ]}),
            json!([
                {"name": "A"},
                {"name": "B", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            ]),
        ),
        (
            "/lifecycle/preStop/httpGet",
            json!({"lifecycle": {"preStop": {"httpGet": {"port": "http"}}}}),
            json!({"path": "/", "port": "http", "scheme": "HTTP"}),
        ),
    ];
    for (pointer, container, expected) in cases {
        let pod = json!({"spec": {"containers": [container], "initContainers": [container]}});
        check(Kind::Pod, pod.clone(), &format!("/spec/containers/0{pointer}"), expected.clone());
        check(Kind::Pod, pod, &format!("/spec/initContainers/0{pointer}"), expected);
    }
}

#[test]
fn volumes_get_their_defaults() {
    let cases = [
        (json!({"name": "v"}), json!({"name": "v", "emptyDir": {}})),
        (
            json!({"name": "v", "configMap": {"name": "c"}}),
            json!({"name": "v", "configMap": {"name": "c", "defaultMode": 420}}),
        ),
        (
            json!({"name": "v", "secret": {"secretName": "s", "defaultMode": 256}}),
            json!({"name": "v", "secret": {"secretName": "s", "defaultMode": 256}}),
        ),
        (
            json!({"name": "v", "hostPath": {"path": "/"}}),
            json!({"name": "v", "hostPath": {"path": "/", "type": ""}}),
        ),
        (
            json!({"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}),
            json!({"name": "v", "projected": {
                "defaultMode": 420,
                "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
            }}),
        ),
    ];
    for (volume, expected) in cases {
        check(
            Kind::Pod,
            json!({"spec": {"containers": [], "volumes": [volume]}}),
            "/spec/volumes/0",
            expected,
        );
    }
}

#[test]
fn services_get_their_defaults() {
    let cluster = json!({
        "internalTrafficPolicy": "Cluster", "sessionAffinity": "None", "type": "ClusterIP",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
    });
    let cases = [
        (json!({"ports": [{"port": 80}], "publishNotReadyAddresses": false}), cluster),
        (
            json!({"type": "ExternalName", "externalName": "example.com"}),
            json!({"type": "ExternalName", "externalName": "example.com", "sessionAffinity": "None"}),
        ),
        (
            json!({"type": "NodePort"}),
            json!({
                "type": "NodePort", "sessionAffinity": "None",
                "externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster",
            }),
        ),
        (
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local"}),
            json!({
                "type": "LoadBalancer", "sessionAffinity": "None", "allocateLoadBalancerNodePorts": true,
                "externalTrafficPolicy": "Local", "internalTrafficPolicy": "Cluster",
            }),
        ),
        (
            json!({"sessionAffinity": "ClientIP"}),
            json!({
                "type": "ClusterIP", "internalTrafficPolicy": "Cluster", "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
            }),
        ),
    ];
    for (spec, expected) in cases {
        check(Kind::Service, json!({"spec": spec}), "/spec", expected);
    }
}

#[test]
fn the_other_kinds_get_their_defaults() {
    let cases = [
        (
            Kind::PersistentVolumeClaim,
            json!({"spec": {}}),
            "/spec",
            json!({"resources": {}, "volumeMode": "Filesystem"}),
        ),
        (
            Kind::PersistentVolume,
            json!({"spec": {}}),
            "/spec",
            json!({"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"}),
        ),
        (
            Kind::PersistentVolumeClaim,
            json!({"spec": {"resources": {"requests": {"storage": "1024Mi"}}}}),
            "/spec/resources/requests/storage",
            json!("1Gi"),
        ),
        (
            Kind::Pod,
            json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "0.5"}}}]}}),
            "/spec/containers/0/resources",
            json!({"limits": {"cpu": "500m"}, "requests": {"cpu": "500m"}}),
        ),
        (Kind::StorageClass, json!({"provisioner": "p"}), "/reclaimPolicy", json!("Delete")),
        (Kind::StorageClass, json!({"provisioner": "p"}), "/volumeBindingMode", json!("Immediate")),
        (
            Kind::Namespace,
            json!({"metadata": {"name": "n"}}),
            "/metadata/labels",
            json!({"kubernetes.io/metadata.name": "n"}),
        ),
        (Kind::Secret, json!({"stringData": {"k": "v"}}), "/data", json!({"k": "dg=="})),
        (Kind::Secret, json!({}), "/type", json!("Opaque")),
        (
            Kind::EndpointSlice,
            json!({"addressType": "IPv4", "endpoints": [], "ports": [{"port": 80}]}),
            "/ports/0",
            json!({"name": "", "port": 80, "protocol": "TCP"}),
        ),
        (
            Kind::Node,
            json!({"status": {"capacity": {"cpu": "1"}}}),
            "/status/allocatable",
            json!({"cpu": "1"}),
        ),
    ];
    for (kind, object, pointer, expected) in cases {
        check(kind, object, pointer, expected);
    }
}

#[test]
fn an_empty_object_of_any_kind_is_defaulted_once() {
    for kind in Kind::ALL {
        check(*kind, json!({}), "/kind", json!(kind.name()));
    }
}

#[test]
fn a_namespace_that_is_named_after_its_defaults_gets_the_label_with_its_name() {
    let mut object = Defaulted::from(k8s_openapi::api::core::v1::Namespace::default());
    assert_eq!(object.meta().labels, None);
    object.meta_mut().name = Some("generated".into());
    let mut typed = object.into_typed();
    crate::rules::strategy::prepare_for_create(&mut typed);
    let label = (NAMESPACE_NAME_LABEL.to_owned(), "generated".to_owned());
    assert_eq!(typed.meta().labels, Some([label].into()));
}
