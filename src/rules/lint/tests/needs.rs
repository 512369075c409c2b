//! What a pod names and needs: ConfigMaps, Secrets, an account, a class, ports of probes.

use super::*;

const POD: &str = "/spec/template/spec";

fn map(data: Value) -> (Kind, Value) {
    (Kind::ConfigMap, json!({"metadata": {"name": "settings", "namespace": "default"}, "data": data}))
}

fn secret(data: Value) -> (Kind, Value) {
    (Kind::Secret, json!({"metadata": {"name": "login", "namespace": "default"}, "stringData": data}))
}

/// What is said of the good set with a field of its pods, and with more objects around it.
fn check_pod(field: &str, value: Value, around: &[(Kind, Value)], expected: &[(&str, &str)]) {
    let set = with(set(), &format!("{POD}{field}"), value);
    let mut objects =
        vec![(Kind::StatefulSet, set), (Kind::Service, service()), (Kind::StorageClass, class())];
    objects.extend_from_slice(around);
    check(&objects, expected);
}

#[test]
fn what_an_environment_is_made_from_must_be_there_unless_it_is_optional() {
    let key = |optional: bool| json!([{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a", "optional": optional}}}]);
    let path = "spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef";
    let missing = "there is no ConfigMap \"settings\" in namespace \"default\", and until there is, the container waits";
    let field = "/containers/0/env";
    check_pod(field, key(false), &[], &[(path, missing)]);
    check_pod(field, key(true), &[], &[]);
    check_pod(field, key(false), &[map(json!({"a": "1"}))], &[]);
    let lacking = "ConfigMap \"settings\" has no key \"a\" (there are: b), and until it has";
    check_pod(field, key(false), &[map(json!({"b": "1"}))], &[(path, lacking)]);
    let elsewhere = with(map(json!({"a": "1"})).1, "/metadata/namespace", json!("prod"));
    check_pod(field, key(false), &[(Kind::ConfigMap, elsewhere)], &[(path, missing)]);
    // Once, however often it is named.
    let whole = json!([{"secretRef": {"name": "login"}}, {"prefix": "X_", "secretRef": {"name": "login"}}]);
    let path = "spec.template.spec.containers[0].envFrom[0].secretRef";
    check_pod("/containers/0/envFrom", whole.clone(), &[], &[(path, "there is no Secret \"login\"")]);
    check_pod("/containers/0/envFrom", whole, &[secret(json!({}))], &[]);
}

#[test]
fn what_is_mounted_must_be_there_with_the_keys_that_are_named() {
    let volumes = json!([
        {"name": "a", "configMap": {"name": "settings", "items": [{"key": "a", "path": "a"}]}},
        {"name": "b", "secret": {"secretName": "login"}},
        {"name": "c", "projected": {"sources": [
            {"downwardAPI": {}},
            {"secret": {"name": "login", "items": [{"key": "password", "path": "p"}]}},
            {"configMap": {"name": "gone", "optional": true}},
        ]}},
    ]);
    let not_mounted = "its volume is not mounted and the pod does not start (FailedMount); create it";
    let (map_path, secret_path) =
        ("spec.template.spec.volumes[0].configMap", "spec.template.spec.volumes[1].secret");
    check_pod("/volumes", volumes.clone(), &[], &[(map_path, not_mounted), (secret_path, not_mounted)]);
    let good = [map(json!({"a": "1"})), secret(json!({"password": "x"}))];
    check_pod("/volumes", volumes.clone(), &good, &[]);
    let lacking = [map(json!({"a": "1"})), secret(json!({"pass": "x"}))];
    let path = "spec.template.spec.volumes[2].projected.sources[1].secret";
    check_pod("/volumes", volumes, &lacking, &[(path, "has no key \"password\" (there are: pass)")]);
}

#[test]
fn an_account_must_exist_and_a_priority_class_has_no_effect() {
    let path = "spec.template.spec.serviceAccountName";
    let field = "/serviceAccountName";
    check_pod(
        field,
        json!("web"),
        &[],
        &[(path, "there is no ServiceAccount \"web\" in namespace \"default\"")],
    );
    let account = (Kind::ServiceAccount, json!({"metadata": {"name": "web", "namespace": "default"}}));
    check_pod(field, json!("web"), &[account], &[]);
    check_pod(field, json!("default"), &[], &[]);
    let path = "spec.template.spec.priorityClassName";
    check_pod("/priorityClassName", json!("high"), &[], &[(path, "\"high\" has no effect")]);
    check_pod("/priorityClassName", json!("system-node-critical"), &[], &[]);
}

#[test]
fn a_probe_asks_a_port_of_its_container() {
    let path = |field: &str| format!("spec.template.spec.containers[0].{field}");
    let cases = [
        ("readinessProbe", "the pod never becomes ready"),
        ("startupProbe", "never counts as started"),
        ("livenessProbe", "never restarts the container"),
    ];
    for (field, consequence) in cases {
        let probe = |port: Value| json!({"httpGet": {"path": "/", "port": port}});
        let pointer = format!("/containers/0/{field}");
        let path = path(&format!("{field}.httpGet.port"));
        check_pod(&pointer, probe(json!("nosuch")), &[], &[(&path, consequence)]);
        check_pod(&pointer, probe(json!("web")), &[], &[]);
        check_pod(&pointer, probe(json!(8080)), &[], &[]);
    }
    let tcp = path("readinessProbe.tcpSocket.port");
    let words =
        "container \"nginx\" has no port named \"http\" (there are: web), so the probe never succeeds";
    check_pod("/containers/0/readinessProbe", json!({"tcpSocket": {"port": "http"}}), &[], &[(&tcp, words)]);
}

#[test]
fn a_pod_is_told_of_what_it_needs_and_one_of_a_controller_is_not() {
    let pod = |meta: Value| json!({"metadata": meta, "spec": {"containers": [{"name": "c", "envFrom": [{"configMapRef": {"name": "settings"}}]}]}});
    let meta = json!({"name": "p", "namespace": "default"});
    let path = "spec.containers[0].envFrom[0].configMapRef";
    check(&[(Kind::Pod, pod(meta.clone()))], &[(path, "there is no ConfigMap \"settings\"")]);
    let owner = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "s", "uid": "u", "controller": true}]);
    check(&[(Kind::Pod, pod(with(json!({"m": meta}), "/m/ownerReferences", owner)["m"].clone()))], &[]);
}
