//! Rules of pods and their containers.

use serde_json::json;

use super::*;

#[test]
fn containers_have_their_rules() {
    let cases = [
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
            json!({"securityContext": {"runAsUser": -1}}),
            "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ),
    ];
    for (change, expected) in cases {
        let container = merged(json!({"name": "c", "image": "i"}), &change);
        let object =
            prepared(Kind::Pod, merged(good(Kind::Pod), &json!({"spec": {"containers": [container]}})));
        let errors = texts(&validate_create(&object));
        assert_eq!(errors.first().map(String::as_str), Some(expected), "{change}: {errors:?}");
    }
}

#[test]
fn probes_and_hooks_have_their_rules() {
    let cases = [
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
    ];
    for (change, expected) in cases {
        let container = merged(json!({"name": "c", "image": "i"}), &change);
        let object =
            prepared(Kind::Pod, merged(good(Kind::Pod), &json!({"spec": {"containers": [container]}})));
        let errors = texts(&validate_create(&object));
        assert_eq!(errors.first().map(String::as_str), Some(expected), "{change}: {errors:?}");
    }
}

#[test]
fn environment_mounts_and_resources_have_their_rules() {
    let cases = [
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
            json!({"volumeMounts": [{"name": "v", "mountPath": "/"}]}),
            "spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
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
    ];
    for (change, expected) in cases {
        let container = merged(json!({"name": "c", "image": "i"}), &change);
        let object =
            prepared(Kind::Pod, merged(good(Kind::Pod), &json!({"spec": {"containers": [container]}})));
        let errors = texts(&validate_create(&object));
        assert_eq!(errors.first().map(String::as_str), Some(expected), "{change}: {errors:?}");
    }
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
