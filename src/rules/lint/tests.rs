//! A good set with its service, changed in one place, and what is said of it.

mod needs;

use serde_json::{Value, json};

use super::*;
use crate::objects::Kind;
use crate::objects::storage_class::DEFAULT_ANNOTATION;
use crate::rules::defaulting;

fn set() -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "serviceName": "nginx", "replicas": 3, "selector": {"matchLabels": {"app": "nginx"}},
            "template": {
                "metadata": {"labels": {"app": "nginx"}},
                "spec": {"containers": [{
                    "name": "nginx", "image": "nginx:1.27", "ports": [{"containerPort": 80, "name": "web"}],
                    "volumeMounts": [{"name": "www", "mountPath": "/www"}],
                }]},
            },
            "volumeClaimTemplates": [{"metadata": {"name": "www"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
        },
    })
}

fn service() -> Value {
    json!({
        "metadata": {"name": "nginx", "namespace": "default"},
        "spec": {"clusterIP": "None", "selector": {"app": "nginx"}, "ports": [{"port": 80, "targetPort": "web"}]},
    })
}

fn class() -> Value {
    json!({
        "metadata": {"name": "standard", "annotations": {DEFAULT_ANNOTATION: "true"}},
        "provisioner": "example.com/disk",
    })
}

fn typed(kind: Kind, form: Value) -> Typed {
    let mut typed = Typed::from_value(kind, form).unwrap();
    defaulting::default(&mut typed);
    typed
}

/// `form` with `value` at a place; null takes the place away.
fn with(mut form: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = form.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => drop(parent.remove(name)),
        value => drop(parent.insert(name.to_owned(), value)),
    }
    form
}

/// What is said of the first object, with the others around it: path, and words of the text.
fn check(objects: &[(Kind, Value)], expected: &[(&str, &str)]) {
    let objects: Vec<Typed> = objects.iter().map(|(kind, form)| typed(*kind, form.clone())).collect();
    let warnings = lint(&objects[0], &RelatedObjects::of(&objects));
    let paths: Vec<&str> = warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, expected.iter().map(|(path, _)| *path).collect::<Vec<_>>(), "{warnings:#?}");
    for (warning, (_, words)) in warnings.iter().zip(expected) {
        assert!(warning.text.contains(words), "{warning} does not say {words:?}");
        assert!(warning.text.contains("; "), "{warning} does not say how to mend it");
    }
}

/// A pointer, the value put there, and the paths and words of the warnings.
type Case<'a> = (&'a str, Value, &'a [(&'a str, &'a str)]);

fn check_set(pointer: &str, value: Value, expected: &[(&str, &str)]) {
    check(
        &[
            (Kind::StatefulSet, with(set(), pointer, value)),
            (Kind::Service, service()),
            (Kind::StorageClass, class()),
        ],
        expected,
    );
}

fn check_service(pointer: &str, value: Value, expected: &[(&str, &str)]) {
    check(
        &[
            (Kind::Service, with(service(), pointer, value)),
            (Kind::StatefulSet, set()),
            (Kind::StorageClass, class()),
        ],
        expected,
    );
}

#[test]
fn nothing_is_said_of_a_good_set_and_its_service() {
    check_set("/spec/replicas", json!(5), &[]);
    check_service("/metadata/labels", json!({"a": "b"}), &[]);
}

#[test]
fn a_set_is_warned_of_what_keeps_its_pods_from_working() {
    let template = "/spec/template/spec";
    let long = "w".repeat(53);
    let cases: &[Case<'_>] = &[
        ("/metadata/name", json!("w".repeat(52)), &[]),
        ("/metadata/name", json!(long), &[("metadata.name", "use at most 52")]),
        ("/spec/serviceName", json!(null), &[("spec.serviceName", "create a headless Service")]),
        (
            "/spec/serviceName",
            json!("other"),
            &[("spec.serviceName", "there is no Service \"other\" in namespace \"default\"")],
        ),
        (
            "/spec/updateStrategy",
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}),
            &[("spec.updateStrategy.rollingUpdate.partition", "lower the partition to at most 2")],
        ),
        ("/spec/updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}), &[]),
        (&format!("{template}/hostname"), json!("db"), &[("spec.template.spec.hostname", "remove it")]),
        (
            &format!("{template}/subdomain"),
            json!("peers"),
            &[("spec.template.spec.subdomain", "set spec.serviceName to \"peers\"")],
        ),
        (&format!("{template}/subdomain"), json!("nginx"), &[]),
        (
            &format!("{template}/terminationGracePeriodSeconds"),
            json!(0),
            &[("spec.template.spec.terminationGracePeriodSeconds", "use at least 1")],
        ),
        (
            "/spec/template/metadata/annotations",
            json!({"simulated.dullahan.dev/never-ready": "true"}),
            &[(
                "spec.template.metadata.annotations[simulated.dullahan.dev/never-ready]",
                "set spec.podManagementPolicy to Parallel",
            )],
        ),
    ];
    for (pointer, value, expected) in cases {
        check_set(pointer, value.clone(), expected);
    }
}

#[test]
fn a_set_is_warned_of_claims_that_its_pods_share_do_not_use_or_cannot_get() {
    let volumes = "/spec/template/spec/volumes";
    let cases: &[Case<'_>] = &[
        (
            volumes,
            json!([{"name": "shared", "persistentVolumeClaim": {"claimName": "data"}}]),
            &[("spec.template.spec.volumes[0].persistentVolumeClaim", "the one claim \"data\"")],
        ),
        (
            volumes,
            json!([{"name": "shared", "persistentVolumeClaim": {"claimName": "data", "readOnly": true}}]),
            &[],
        ),
        // The template of this name puts a claim of each pod in its place.
        (volumes, json!([{"name": "www", "persistentVolumeClaim": {"claimName": "www"}}]), &[]),
        (
            "/spec/volumeClaimTemplates",
            json!(null),
            &[("spec.volumeClaimTemplates", "containers mount \"www\"")],
        ),
        (
            "/spec/volumeClaimTemplates",
            json!([{"metadata": {"name": "www"}}, {"metadata": {"name": "logs"}}]),
            &[("spec.volumeClaimTemplates[1].metadata.name", "no container mounts \"logs\"")],
        ),
        (
            "/spec/volumeClaimTemplates",
            json!([{"metadata": {"name": "www"}, "spec": {"storageClassName": "fast"}}]),
            &[("spec.volumeClaimTemplates[0].spec.storageClassName", "there is no StorageClass \"fast\"")],
        ),
    ];
    for (pointer, value, expected) in cases {
        check_set(pointer, value.clone(), expected);
    }
}

#[test]
fn ports_that_no_container_has_are_told_from_both_sides() {
    let ports = json!([{"port": 80, "targetPort": "http"}]);
    let there = "no container of StatefulSet \"web\" has (there are: web)";
    check_service("/spec/ports", ports.clone(), &[("spec.ports[0].targetPort", there)]);
    check_service("/spec/ports", json!([{"port": 80, "targetPort": 8080}]), &[]);
    let udp = json!([{"port": 80, "targetPort": "web", "protocol": "UDP"}]);
    check_service("/spec/ports", udp, &[("spec.ports[0].targetPort", "the port named \"web\"")]);
    let odd = with(service(), "/spec/ports", ports);
    check(
        &[(Kind::StatefulSet, set()), (Kind::Service, odd.clone()), (Kind::StorageClass, class())],
        &[("spec.template.spec.containers", "Service \"nginx\" sends to the port named \"http\"")],
    );
    let pod = json!({"metadata": {"name": "p", "namespace": "default", "labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "c"}]}});
    check(
        &[(Kind::Service, odd), (Kind::Pod, pod)],
        &[("spec.ports[0].targetPort", "no container of Pod \"p\" has;")],
    );
}

#[test]
fn a_service_is_told_why_the_set_that_names_it_has_no_names() {
    check_service("/spec/clusterIP", json!("10.96.0.9"), &[("spec.clusterIP", "clusterIP: None")]);
    check_service("/spec/selector", json!({"app": "web"}), &[("spec.selector", "are labelled app=nginx")]);
    check_service("/spec/selector", json!(null), &[("spec.selector", "has no selector")]);
    check_service("/spec/ports", json!(null), &[("spec.ports", "SRV")]);
    let visible = with(service(), "/spec/clusterIP", json!("10.96.0.9"));
    check(
        &[(Kind::StatefulSet, set()), (Kind::Service, visible), (Kind::StorageClass, class())],
        &[("spec.serviceName", "\"nginx\" leads to one cluster address instead of the pods")],
    );
}

#[test]
fn two_headless_services_of_the_same_pods_are_one_too_many() {
    let twin = with(service(), "/metadata/name", json!("twin"));
    let expected =
        [("spec.selector", "Services \"nginx\" and \"twin\" are both headless and select app=nginx")];
    check(&[(Kind::Service, twin.clone()), (Kind::Service, service())], &expected);
    let reading = with(twin, "/spec/clusterIP", json!("10.96.0.9"));
    check(&[(Kind::Service, reading), (Kind::Service, service())], &[]);
}

#[test]
fn peers_that_wait_for_each_other_are_told_to_publish_their_names() {
    let probe = json!({"tcpSocket": {"port": 80}});
    let container = |image: &str, args: Value, probe: &Value| {
        let form = json!([{"name": "c", "image": image, "args": args, "readinessProbe": probe,
            "ports": [{"containerPort": 80, "name": "web"}], "volumeMounts": [{"name": "www", "mountPath": "/d"}]}]);
        with(set(), "/spec/template/spec/containers", form)
    };
    let peers = json!(["--join=web-0.nginx,web-1.nginx"]);
    let world = |set: Value, publish: bool| {
        let service = with(service(), "/spec/publishNotReadyAddresses", json!(publish));
        [(Kind::StatefulSet, set), (Kind::Service, service), (Kind::StorageClass, class())]
    };
    let looks = [("spec.serviceName", "look for \"web-0.nginx\"")];
    check(&world(container("mine", peers.clone(), &probe), false), &looks);
    check(&world(container("mine", peers.clone(), &probe), true), &[]);
    check(&world(container("mine", peers.clone(), &Value::Null), false), &[]);
    check(&world(container("mine", json!(["web-.nginx"]), &probe), false), &[]);
    let quorum = [("spec.serviceName", "etcd looks for its peers at start")];
    check(&world(container("quay.io/coreos/etcd:v3.5", json!([]), &probe), false), &quorum);
    let [set, service, class] = world(container("mine", peers, &probe), false);
    check(&[service, set, class], &[("spec.publishNotReadyAddresses", "publishNotReadyAddresses: true")]);
}

#[test]
fn claims_that_nothing_makes_a_volume_for_are_told() {
    let claim = |spec: Value| json!({"metadata": {"name": "c", "namespace": "default"}, "spec": spec});
    let path = "spec.storageClassName";
    let plain = (Kind::PersistentVolumeClaim, claim(json!({})));
    check(std::slice::from_ref(&plain), &[(path, "none is the default")]);
    check(&[plain, (Kind::StorageClass, class())], &[]);
    check(&[(Kind::PersistentVolumeClaim, claim(json!({"volumeName": "pv"})))], &[]);
    check(&[(Kind::PersistentVolumeClaim, claim(json!({"storageClassName": ""})))], &[]);
}

#[test]
fn a_pod_is_told_why_it_has_no_name() {
    let pod = |spec: Value| json!({"metadata": {"name": "p", "namespace": "default", "labels": {"app": "nginx"}}, "spec": spec});
    let hostname_alone = pod(json!({"containers": [], "hostname": "a"}));
    check(&[(Kind::Pod, hostname_alone)], &[("spec.hostname", "name a headless Service in spec.subdomain")]);
    let both = pod(json!({"containers": [], "hostname": "a", "subdomain": "nginx"}));
    check(&[(Kind::Pod, both.clone())], &[("spec.subdomain", "there is no Service \"nginx\"")]);
    check(&[(Kind::Pod, both.clone()), (Kind::Service, service())], &[]);
    let visible = with(service(), "/spec/clusterIP", json!("10.96.0.9"));
    check(&[(Kind::Pod, both.clone()), (Kind::Service, visible)], &[("spec.subdomain", "is not headless")]);
    let others = with(service(), "/spec/selector", json!({"app": "db"}));
    check(&[(Kind::Pod, both), (Kind::Service, others)], &[("spec.subdomain", "does not select this pod")]);
    let nameless = pod(json!({"containers": [], "subdomain": "nginx"}));
    check(&[(Kind::Pod, nameless), (Kind::Service, service())], &[("spec.subdomain", "set spec.hostname")]);
}
