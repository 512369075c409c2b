//! What creating and changing does to the parts of an object that its writer does not decide.

use serde_json::{Value, json};

use super::*;
use crate::objects::Kind;
use crate::rules::defaulting;

fn typed(kind: Kind, object: Value) -> Typed {
    let mut typed = Typed::from_value(kind, object).unwrap();
    defaulting::default(&mut typed);
    typed
}

fn created(kind: Kind, object: Value) -> Typed {
    let mut typed = typed(kind, object);
    prepare_for_create(&mut typed);
    typed
}

fn updated(kind: Kind, old: &Typed, object: Value) -> Typed {
    let mut new = typed(kind, object);
    prepare_for_update(&mut new, old);
    new
}

fn at(typed: &Typed, pointer: &str) -> Value {
    let form: Value = serde_json::from_slice(&typed.to_json().unwrap()).unwrap();
    form.pointer(pointer).cloned().unwrap_or_default()
}

#[test]
fn a_new_object_has_the_status_and_generation_of_its_kind() {
    let liar = json!({"status": {"phase": "Running", "replicas": 7}, "metadata": {"generation": 9}});
    let cases = [
        (Kind::StatefulSet, "/status", json!({"availableReplicas": 0, "replicas": 0})),
        (Kind::StatefulSet, "/metadata/generation", json!(1)),
        (Kind::Pod, "/status", json!({"phase": "Pending", "qosClass": "BestEffort"})),
        (Kind::Service, "/status", json!({"loadBalancer": {}})),
        (Kind::Namespace, "/status", json!({"phase": "Active"})),
        (Kind::Namespace, "/spec/finalizers", json!(["kubernetes"])),
        (Kind::PersistentVolumeClaim, "/status", json!({"phase": "Pending"})),
        (Kind::PersistentVolume, "/status", json!({"phase": "Pending"})),
    ];
    for (kind, pointer, expected) in cases {
        assert_eq!(at(&created(kind, liar.clone()), pointer), expected, "{kind} {pointer}");
    }
}

#[test]
fn the_generation_counts_changes_of_meaning() {
    let template = json!({"spec": {"containers": [{"name": "c", "image": "i"}]}});
    let object = json!({"spec": {"selector": {}, "template": template}});
    let old = created(Kind::StatefulSet, object.clone());
    let with = |pointer: &str, field: &str, value: Value| {
        let mut object = object.clone();
        object.pointer_mut(pointer).unwrap()[field] = value;
        at(&updated(Kind::StatefulSet, &old, object), "/metadata/generation")
    };
    assert_eq!(with("", "metadata", json!({"labels": {"a": "b"}})), json!(1));
    assert_eq!(with("/spec", "volumeClaimTemplates", json!([])), json!(1));
    assert_eq!(with("/spec", "replicas", json!(1)), json!(1), "the default");
    assert_eq!(with("/spec", "replicas", json!(2)), json!(2));
}

#[test]
fn a_writer_of_one_half_cannot_change_the_other() {
    let old = created(Kind::StatefulSet, json!({"spec": {"selector": {}, "template": {}, "replicas": 3}}));
    let change = json!({"spec": {"selector": {}, "template": {}, "replicas": 5}, "status": {"replicas": 9}});
    let main = updated(Kind::StatefulSet, &old, change.clone());
    assert_eq!((at(&main, "/spec/replicas"), at(&main, "/status/replicas")), (json!(5), json!(0)));
    let mut status = typed(Kind::StatefulSet, change);
    status = with_status_of(&status, &old);
    assert_eq!((at(&status, "/spec/replicas"), at(&status, "/status/replicas")), (json!(3), json!(9)));
    assert_eq!(at(&status, "/status"), json!({"availableReplicas": 0, "replicas": 9}));
}

#[test]
fn the_quality_of_service_follows_from_requests_and_limits() {
    let both = json!({"cpu": "1", "memory": "1Gi"});
    let cases = [
        (json!([{}]), "BestEffort"),
        (json!([{"resources": {"limits": both}}]), "Guaranteed"),
        (json!([{"resources": {"limits": both}}, {}]), "Burstable"),
        (json!([{"resources": {"limits": {"cpu": "1"}}}]), "Burstable"),
        (json!([{"resources": {"requests": {"cpu": "1"}}}]), "Burstable"),
        (json!([{"resources": {"requests": {"example.com/gpu": "1"}}}]), "BestEffort"),
        (
            json!([{"resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": both}}]),
            "Guaranteed",
        ),
    ];
    for (containers, expected) in cases {
        let pod = created(Kind::Pod, json!({"spec": {"containers": containers}}));
        assert_eq!(at(&pod, "/status/qosClass"), json!(expected), "{containers}");
        let mut status = typed(Kind::Pod, json!({"status": {"phase": "Running"}}));
        status = with_status_of(&status, &pod);
        assert_eq!(at(&status, "/status"), json!({"phase": "Running", "qosClass": expected}));
    }
}

#[test]
fn a_service_written_again_keeps_what_it_was_given() {
    let manifest = json!({"spec": {"type": "NodePort", "ports": [{"name": "a", "port": 80}]}});
    let mut old = created(Kind::Service, manifest.clone());
    let Typed::Service(service) = &mut old else { unreachable!() };
    let spec = service.spec.as_mut().unwrap();
    spec.cluster_ip = Some("10.0.0.1".into());
    spec.cluster_ips = Some(vec!["10.0.0.1".into()]);
    spec.ip_families = Some(vec!["IPv4".into()]);
    spec.ip_family_policy = Some("SingleStack".into());
    spec.ports.as_mut().unwrap()[0].node_port = Some(30_000);
    assert_eq!(updated(Kind::Service, &old, manifest), old);
    let external = json!({"spec": {"type": "ExternalName", "externalName": "example.com"}});
    let external = updated(Kind::Service, &old, external);
    assert_eq!(at(&external, "/spec/clusterIPs"), Value::Null);
    let cluster =
        json!({"spec": {"type": "ClusterIP", "ports": [{"name": "a", "port": 80, "nodePort": 30000}]}});
    assert_eq!(at(&updated(Kind::Service, &old, cluster), "/spec/ports/0/nodePort"), Value::Null);
}

#[test]
fn either_way_of_writing_a_cluster_address_means_both() {
    let old = created(Kind::Service, json!({"spec": {"clusterIP": "None"}}));
    assert_eq!(at(&old, "/spec/clusterIPs"), json!(["None"]));
    let new =
        updated(Kind::Service, &old, json!({"spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["None"]}}));
    assert_eq!(at(&new, "/spec/clusterIPs"), json!(["10.0.0.1"]));
}

#[test]
fn a_namespace_loses_its_finalizers_only_while_it_goes_away() {
    let old = created(Kind::Namespace, json!({"metadata": {"name": "n"}}));
    let without = json!({"metadata": {"name": "n"}, "spec": {"finalizers": []}});
    assert_eq!(
        at(&updated(Kind::Namespace, &old, without.clone()), "/spec/finalizers"),
        json!(["kubernetes"])
    );
    let mut terminating = old;
    terminating.meta_mut().deletion_timestamp =
        Some(crate::objects::time(crate::clock::Timestamp::UNIX_EPOCH));
    assert_eq!(at(&updated(Kind::Namespace, &terminating, without), "/spec/finalizers"), json!([]));
    let more = json!({"metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes", "a/b"]}});
    assert_eq!(at(&updated(Kind::Namespace, &terminating, more), "/spec/finalizers"), json!(["kubernetes"]));
}
