//! Good objects, changed in one place, and the rules that breaks.

mod binding;

use serde_json::{Value, json};

use super::*;
use crate::objects::{Kind, defaulting, strategy};

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

/// Each change of the good object's spec breaks this rule first.
fn check_first(kind: Kind, cases: &[(Value, &str)]) {
    for (change, expected) in cases {
        let object = prepared(kind, merged(good(kind), &json!({"spec": change})));
        let errors = texts(&validate_create(&object));
        assert_eq!(errors.first().map(String::as_str), Some(*expected), "{change}: {errors:?}");
    }
}

#[test]
fn statefulset_fields_have_their_rules() {
    let cases = [
        (json!({"replicas": -1}), "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (
            json!({"minReadySeconds": -1}),
            "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            json!({"ordinals": {"start": -1}}),
            "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            json!({"podManagementPolicy": "Random"}),
            "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'",
        ),
        (
            json!({"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}}),
            "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy \
             'RollingUpdate'",
        ),
        (
            json!({"updateStrategy": {"type": "Recreate"}}),
            "spec.updateStrategy: Invalid value: {\"type\":\"Recreate\"}: must be 'RollingUpdate' or 'OnDelete'",
        ),
        (
            json!({"updateStrategy": {"rollingUpdate": {"partition": -1}}}),
            "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            json!({"updateStrategy": {"rollingUpdate": {"maxUnavailable": "0%"}}}),
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": cannot be 0",
        ),
        (
            json!({"updateStrategy": {"rollingUpdate": {"maxUnavailable": "101%"}}}),
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
        ),
        (
            json!({"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Keep"}}),
            "spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: \"Keep\": supported values: \
             \"Retain\", \"Delete\"",
        ),
    ];
    check_first(Kind::StatefulSet, &cases);
    let service = format!("spec.serviceName: Invalid value: \"a.b\": {}", "must not contain dots");
    check(Kind::StatefulSet, json!({"spec": {"serviceName": "a.b"}}), &[&service]);
    check(Kind::StatefulSet, json!({"spec": {"serviceName": null}}), &[]);
    check(Kind::StatefulSet, json!({"spec": {"revisionHistoryLimit": -1}}), &[]);
}

#[test]
fn the_templates_of_a_statefulset_have_their_rules() {
    let cases = [
        (
            json!({"template": {"metadata": {"labels": {"app": "other"}}}}),
            "spec.template.metadata.labels: Invalid value: {\"app\":\"other\"}: `selector` does not match template \
             `labels`",
        ),
        (
            json!({"selector": {"matchLabels": null, "matchExpressions": []}}),
            "spec.selector: Invalid value: {\"matchExpressions\":[]}: empty selector is invalid for statefulset",
        ),
        (
            json!({"template": {"spec": {"restartPolicy": "Never"}}}),
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
        ),
        (
            json!({"template": {"spec": {"activeDeadlineSeconds": 5}}}),
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not \
             Supported",
        ),
        (json!({"template": {"spec": {"containers": []}}}), "spec.template.spec.containers: Required value"),
        (
            json!({"volumeClaimTemplates": null}),
            "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"www\"",
        ),
        (
            json!({"volumeClaimTemplates": [{"metadata": {"name": "www"}}]}),
            "spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required",
        ),
    ];
    check_first(Kind::StatefulSet, &cases);
}

#[test]
fn of_a_statefulset_only_what_a_rollout_can_reach_may_change() {
    let allowed = [
        json!({"replicas": 5}),
        json!({"ordinals": {"start": 2}}),
        json!({"updateStrategy": {"type": "OnDelete"}}),
        json!({"revisionHistoryLimit": 3}),
        json!({"minReadySeconds": 3}),
        json!({"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}),
        json!({"template": {"metadata": {"annotations": {"a": "b"}}}}),
        json!({"selector": {"matchExpressions": []}}),
    ];
    for change in allowed {
        check_update(Kind::StatefulSet, json!({}), json!({"spec": change}), &[]);
    }
    let forbidden = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', \
        'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
        'minReadySeconds' are forbidden";
    let refused = [
        json!({"serviceName": "other"}),
        json!({"podManagementPolicy": "Parallel"}),
        json!({"selector": {"matchLabels": {"app": "nginx", "a": null}, "matchExpressions": [
            {"key": "app", "operator": "Exists"},
        ]}}),
        json!({"volumeClaimTemplates": [{
            "metadata": {"name": "www"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}},
        }]}),
    ];
    for change in refused {
        check_update(Kind::StatefulSet, json!({}), json!({"spec": change}), &[forbidden]);
    }
}

#[test]
fn the_counts_of_a_status_fit_together() {
    let status = |status: Value| {
        let mut typed = prepared(Kind::StatefulSet, good(Kind::StatefulSet));
        let Typed::StatefulSet(set) = &mut typed else { unreachable!() };
        set.status = serde_json::from_value(status).unwrap();
        typed
    };
    let old = status(json!({"replicas": 3, "collisionCount": 2}));
    let cases = [
        (json!({"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "collisionCount": 2}), None),
        (
            json!({"replicas": 1, "readyReplicas": 2, "collisionCount": 2}),
            Some("status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"),
        ),
        (
            json!({"replicas": 1, "availableReplicas": 1, "collisionCount": 2}),
            Some("status.availableReplicas: Invalid value: 1: cannot be greater than status.readyReplicas"),
        ),
        (
            json!({"replicas": 1, "collisionCount": 1}),
            Some("status.collisionCount: Invalid value: 1: cannot be decremented"),
        ),
        (json!({"replicas": 1}), Some("status.collisionCount: Invalid value: 0: cannot be decremented")),
        (
            json!({"replicas": 0, "updatedReplicas": -1, "collisionCount": 2}),
            Some("status.updatedReplicas: Invalid value: -1: must be greater than or equal to 0"),
        ),
    ];
    for (new, expected) in cases {
        let errors = texts(&validate_status_update(&status(new.clone()), &old));
        assert_eq!(errors, expected.into_iter().collect::<Vec<_>>(), "{new}");
    }
}

/// Each change of the good service's spec breaks this rule alone, or none if that is empty.
fn check_services(cases: &[(Value, &str)]) {
    for (change, expected) in cases {
        let expected: Vec<&str> = Some(*expected).filter(|text| !text.is_empty()).into_iter().collect();
        check(Kind::Service, json!({"spec": change}), &expected);
    }
}

#[test]
fn the_ports_of_a_service_have_their_rules() {
    check_services(&[
        (json!({"clusterIP": null, "ports": null}), "spec.ports: Required value"),
        (json!({"ports": null}), ""),
        (json!({"ports": [{"port": 80}, {"name": "b", "port": 81}]}), "spec.ports[0].name: Required value"),
        (
            json!({"ports": [{"name": "a", "port": 80}, {"name": "a", "port": 81}]}),
            "spec.ports[1].name: Duplicate value: \"a\"",
        ),
        (
            json!({"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]}),
            "spec.ports[1]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,\"Port\":80,\"TargetPort\":0,\"NodePort\":0}",
        ),
        (
            json!({"ports": [{"port": 0, "targetPort": 1}]}),
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            json!({"ports": [{"port": 80, "protocol": "HTTP"}]}),
            "spec.ports[0].protocol: Unsupported value: \"HTTP\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
        ),
        (
            json!({"ports": [{"port": 80, "targetPort": "Web!"}]}),
            "spec.ports[0].targetPort: Invalid value: \"Web!\": must contain only alpha-numeric characters (a-z, 0-9), \
             and hyphens (-)",
        ),
        (
            json!({"ports": [{"port": 80, "nodePort": 30000}]}),
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
    ]);
}

#[test]
fn the_addresses_of_a_service_have_their_rules() {
    check_services(&[
        (
            json!({"type": "NodePort"}),
            "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services",
        ),
        (
            json!({"type": "Headless"}),
            "spec.type: Unsupported value: \"Headless\": supported values: \"ClusterIP\", \"ExternalName\", \
             \"LoadBalancer\", \"NodePort\"",
        ),
        (
            json!({"clusterIP": "10.0.0"}),
            "spec.clusterIPs[0]: Invalid value: \"10.0.0\": must be a valid IP address, (e.g. 10.9.8.7 or \
             2001:db8::ffff)",
        ),
        (
            json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.2"]}),
            "spec.clusterIPs: Invalid value: [\"10.0.0.2\"]: first value must match `clusterIP`",
        ),
        (
            json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "10.0.0.2"]}),
            "spec.clusterIPs: Invalid value: [\"10.0.0.1\",\"10.0.0.2\"]: may specify no more than one IP for each IP \
             family",
        ),
        (
            json!({"clusterIP": "10.0.0.1", "ipFamilies": ["IPv6"]}),
            "spec.clusterIPs[0]: Invalid value: \"10.0.0.1\": expected an IPv6 value as indicated by `ipFamilies[0]`",
        ),
        (
            json!({"ipFamilies": ["IPv5"]}),
            "spec.ipFamilies[0]: Unsupported value: \"IPv5\": supported values: \"IPv4\", \"IPv6\"",
        ),
        (
            json!({"ipFamilyPolicy": "Both"}),
            "spec.ipFamilyPolicy: Unsupported value: \"Both\": supported values: \"PreferDualStack\", \
             \"RequireDualStack\", \"SingleStack\"",
        ),
    ]);
}

#[test]
fn how_a_service_is_reached_has_its_rules() {
    check_services(&[
        (json!({"type": "ExternalName", "clusterIP": null}), "spec.externalName: Required value"),
        (
            json!({"type": "ExternalName", "externalName": "example.com"}),
            "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
        ),
        (json!({"type": "ExternalName", "externalName": "example.com.", "clusterIP": null}), ""),
        (
            json!({"sessionAffinity": "Cookie"}),
            "spec.sessionAffinity: Unsupported value: \"Cookie\": supported values: \"ClientIP\", \"None\"",
        ),
        (
            json!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}}),
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less \
             than 86400",
        ),
        (
            json!({"externalTrafficPolicy": "Local"}),
            "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services",
        ),
        (
            json!({"externalIPs": ["127.0.0.1"]}),
            "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, \
             ::1/128)",
        ),
        (
            json!({"loadBalancerClass": "a/b"}),
            "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
        ),
        (
            json!({"trafficDistribution": "Near"}),
            "spec.trafficDistribution: Unsupported value: \"Near\": supported values: \"PreferClose\", \
             \"PreferSameNode\", \"PreferSameZone\"",
        ),
    ]);
}

#[test]
fn a_service_keeps_its_address_unless_it_has_none_any_more() {
    let addressed =
        json!({"spec": {"clusterIP": "10.0.0.1", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}});
    let cases = [
        (json!({"clusterIP": null, "ipFamilies": null, "ipFamilyPolicy": null}), None),
        (
            json!({"clusterIP": "10.0.0.2"}),
            Some("spec.clusterIPs[0]: Invalid value: [\"10.0.0.2\"]: may not change once set"),
        ),
        (
            json!({"clusterIP": "None"}),
            Some("spec.clusterIPs[0]: Invalid value: [\"None\"]: may not change once set"),
        ),
        (json!({"type": "ExternalName", "externalName": "example.com"}), None),
        (json!({"type": "NodePort"}), None),
        (json!({"ports": [{"port": 81}]}), None),
    ];
    for (change, expected) in cases {
        let expected: Vec<&str> = expected.into_iter().collect();
        check_update(Kind::Service, addressed.clone(), json!({"spec": change}), &expected);
    }
}

/// Each change of a pod's only container breaks this rule first.
fn check_containers(cases: &[(Value, &str)]) {
    for (change, expected) in cases {
        let container = merged(json!({"name": "c", "image": "i"}), change);
        check_first(Kind::Pod, &[(json!({"containers": [container]}), *expected)]);
    }
}

#[test]
fn containers_have_their_rules() {
    check_containers(&[
        (json!({"name": ""}), "spec.containers[0].name: Required value"),
        (json!({"image": ""}), "spec.containers[0].image: Required value"),
        (
            json!({"imagePullPolicy": "Sometimes"}),
            "spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \
             \"IfNotPresent\", \"Never\"",
        ),
        (
            json!({"ports": [{"containerPort": 0}]}),
            "spec.containers[0].ports[0].containerPort: Required value",
        ),
        (
            json!({"ports": [{"containerPort": 70000}]}),
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            json!({"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]}),
            "spec.containers[0].ports[1].name: Duplicate value: \"a\"",
        ),
        (
            json!({"ports": [{"containerPort": 1, "hostPort": 8}, {"containerPort": 2, "hostPort": 8}]}),
            "spec.containers[0].ports[1].hostPort: Duplicate value: \"TCP//8\"",
        ),
        (
            json!({"volumeMounts": [{"name": "v", "mountPath": "/"}]}),
            "spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
        ),
    ]);
}

#[test]
fn the_handlers_of_a_container_have_their_rules() {
    check_containers(&[
        (
            json!({"readinessProbe": {}}),
            "spec.containers[0].readinessProbe: Required value: must specify a handler type",
        ),
        (
            json!({"readinessProbe": {"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}}}),
            "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        (
            json!({"livenessProbe": {"exec": {"command": []}}}),
            "spec.containers[0].livenessProbe.exec.command: Required value",
        ),
        (
            json!({"livenessProbe": {"httpGet": {"port": 80, "scheme": "FTP"}}}),
            "spec.containers[0].livenessProbe.httpGet.scheme: Unsupported value: \"FTP\": supported values: \"HTTP\", \
             \"HTTPS\"",
        ),
        (
            json!({"livenessProbe": {"tcpSocket": {"port": 80}, "successThreshold": 2}}),
            "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            json!({"startupProbe": {"tcpSocket": {"port": 80}, "periodSeconds": -1}}),
            "spec.containers[0].startupProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            json!({"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}}),
            "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than \
             terminationGracePeriodSeconds (30)",
        ),
    ]);
}

#[test]
fn the_environment_and_the_resources_of_a_container_have_their_rules() {
    check_containers(&[
        (
            json!({"env": [{"name": "A=B"}]}),
            "spec.containers[0].env[0].name: Invalid value: \"A=B\": a valid environment variable name must consist \
             only of printable ASCII characters other than '='",
        ),
        (
            json!({"env": [{"name": "A", "valueFrom": {}}]}),
            "spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, \
             `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
        ),
        (
            json!({"env": [{"name": "A", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}),
            "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty",
        ),
        (
            json!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a/b/c']"}}}]}),
            "spec.containers[0].env[0].valueFrom.fieldRef: Invalid value: \"a/b/c\": a qualified name must consist of \
             alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
             'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
             '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. \
             'example.com/MyName')",
        ),
        (
            json!({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}),
            "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
        ),
        (
            json!({"resources": {"limits": {"cpu": "much"}}}),
            "spec.containers[0].resources.limits[cpu]: Invalid value: \"much\": quantities must match the regular \
             expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            json!({"resources": {"limits": {"memory": "-1"}}}),
            "spec.containers[0].resources.limits[memory]: Invalid value: \"-1\": must be greater than or equal to 0",
        ),
    ]);
}

#[test]
fn pods_have_their_rules() {
    let twice = json!([{"name": "c", "image": "i"}, {"name": "c", "image": "i"}]);
    let cases = [
        (json!({"containers": []}), "spec.containers: Required value"),
        (json!({"containers": twice}), "spec.containers[1].name: Duplicate value: \"c\""),
        (
            json!({"initContainers": [{"name": "c", "image": "i"}]}),
            "spec.initContainers[0].name: Duplicate value: \"c\"",
        ),
        (
            json!({"initContainers": [{"name": "d", "image": "i", "readinessProbe": {"tcpSocket": {"port": 1}}}]}),
            "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without \
             restartPolicy=Always",
        ),
        (
            json!({"restartPolicy": "Often"}),
            "spec.restartPolicy: Unsupported value: \"Often\": supported values: \"Always\", \"OnFailure\", \"Never\"",
        ),
        (json!({"hostname": "a.b"}), "spec.hostname: Invalid value: \"a.b\": must not contain dots"),
        (json!({"subdomain": "a.b"}), "spec.subdomain: Invalid value: \"a.b\": must not contain dots"),
        (
            json!({"dnsPolicy": "None"}),
            "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
        ),
        (
            json!({"activeDeadlineSeconds": 0}),
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        ),
        (json!({"volumes": [{"name": "v"}, {"name": "v"}]}), "spec.volumes[1].name: Duplicate value: \"v\""),
        (
            json!({"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]}),
            "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
        ),
        (
            json!({"volumes": [{"name": "v", "persistentVolumeClaim": {}}]}),
            "spec.volumes[0].persistentVolumeClaim.claimName: Required value",
        ),
        (
            json!({"volumes": [{"name": "v", "configMap": {"name": "c", "defaultMode": 512}}]}),
            "spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), \
             both inclusive",
        ),
        (
            json!({"tolerations": [{"effect": "NoSchedule"}]}),
            "spec.tolerations[0].operator: Invalid value: \"\": operator must be Exists when `key` is empty, which \
             means \"match all values and all keys\"",
        ),
    ];
    for (change, expected) in cases {
        check(Kind::Pod, json!({"spec": change}), &[expected]);
    }
}

#[test]
fn of_a_pod_hardly_anything_may_change() {
    let forbidden = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,\
        `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
        tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    let cases = [
        (json!({"containers": [{"name": "c", "image": "other"}]}), None),
        (json!({"tolerations": [{"operator": "Exists"}]}), None),
        (json!({"activeDeadlineSeconds": 5}), None),
        (json!({"nodeName": "node-1"}), None),
        (json!({"hostname": "other"}), Some(forbidden)),
        (json!({"volumes": [{"name": "v"}]}), Some(forbidden)),
        (json!({"containers": []}), Some("spec.containers: Required value")),
    ];
    for (change, expected) in cases {
        let object = merged(good(Kind::Pod), &json!({"spec": change}));
        let old = prepared(Kind::Pod, good(Kind::Pod));
        let mut new = prepared(Kind::Pod, object);
        strategy::prepare_for_update(&mut new, &old);
        assert_eq!(texts(&validate_update(&new, &old)).first().map(String::as_str), expected, "{change}");
    }
    let placed = json!({"spec": {"nodeName": "node-1"}});
    check_update(Kind::Pod, placed, json!({"spec": {"nodeName": "node-2"}}), &[forbidden]);
}

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
fn the_other_kinds_have_their_rules() {
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
