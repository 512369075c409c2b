//! Scenarios of creation, scaling, replacement and events, as whole syncs.

use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSetStatus;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::super::world::LABEL_POD_NAME;
use super::cluster::{Cluster, Verb, phase};
use super::fixture;
use super::scenarios::Case;
use crate::controllers::Next;
use crate::objects::Kind;
use crate::store::DeleteOptions;

/// A template whose pods are on a node, so that deletion waits for it.
fn placed() -> Value {
    json!({ "template": { "spec": { "nodeName": "node-1" } } })
}

/// Compares the counts that a scenario expects of the status.
fn check_status(status: &StatefulSetStatus, expect: &Value) {
    for (key, expected) in expect.as_array().unwrap().iter().filter_map(Value::as_object).flatten() {
        let found = match key.trim_start_matches("finally ").trim_start_matches("status.") {
            "replicas" => status.replicas,
            "readyReplicas" => status.ready_replicas.unwrap_or_default(),
            "updatedReplicas" => status.updated_replicas.unwrap_or_default(),
            "availableReplicas" => status.available_replicas.unwrap(),
            _ => continue,
        };
        assert_eq!(json!(found), *expected, "{key}");
    }
}

fn has_pod_owner(claim: &k8s_openapi::api::core::v1::PersistentVolumeClaim) -> bool {
    claim.metadata.owner_references.iter().flatten().any(|owner| owner.kind == "Pod")
}

pub(crate) async fn creates_pods(case: Case) {
    let cluster = Cluster::up(case.set()).await;
    check_status(&cluster.status(), &case.scenario.expect);
    assert_eq!(cluster.ordinals(), [0, 1, 2]);
    let pod = cluster.pod("foo-1").unwrap();
    let spec = pod.spec.unwrap();
    assert_eq!((spec.hostname.as_deref(), spec.subdomain.as_deref()), (Some("foo-1"), Some("governingsvc")));
    assert_eq!(pod.metadata.generate_name.as_deref(), Some("foo-"));
    let status = cluster.status();
    assert_eq!(status.current_revision, status.update_revision);
    assert_eq!(pod.metadata.labels.unwrap()["controller-revision-hash"], status.update_revision.unwrap());
}

pub(crate) async fn scales_up(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.scale(4).await;
    cluster.settle().await;
    check_status(&cluster.status(), &case.scenario.expect);
}

pub(crate) async fn scales_down(case: Case) {
    let mut cluster = Cluster::up(case.set_with(placed())).await;
    cluster.scale(0).await;
    cluster.sync_ok().await;
    let terminating = cluster.pods().iter().filter(|pod| pod.is_terminating()).count();
    assert_eq!(terminating, if case.is_parallel { 3 } else { 1 });
    cluster.settle().await;
    check_status(&cluster.status(), &case.scenario.expect);
    let is_scaled_delete = case.retention["whenScaled"] == json!("Delete");
    assert!(cluster.claims().iter().all(|claim| has_pod_owner(claim) == is_scaled_delete));
}

pub(crate) async fn replaces_pods(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    assert!(!cluster.claims().iter().any(has_pod_owner));
    cluster.is_orderly = false;
    for name in ["foo-0", "foo-2", "foo-4"] {
        cluster.remove(name).await;
    }
    cluster.settle().await;
    check_status(&cluster.status(), &case.scenario.expect);
    assert_eq!(cluster.ordinals(), [0, 1, 2, 3, 4]);
}

pub(crate) async fn replaces_an_ended_pod(case: Case) {
    let mut cluster = ended_pod(&case).await;
    assert_eq!(cluster.backend.count(Kind::Pod, Verb::Delete), 0);
    cluster.sync_ok().await;
    assert_eq!(cluster.backend.count(Kind::Pod, Verb::Delete), 1);
    assert!(cluster.pod("foo-0").is_none(), "the new one comes with a later sync");
    cluster.sync_ok().await;
    assert_eq!(cluster.backend.count(Kind::Pod, Verb::Delete), 1);
    assert_eq!(phase(&cluster.pods()[0]), "Pending");
    let n_created = if case.is_parallel { 4 } else { 2 };
    assert_eq!(cluster.backend.count(Kind::Pod, Verb::Create), n_created);
}

pub(crate) async fn replaces_an_ended_pod_after_a_failed_delete(case: Case) {
    let mut cluster = ended_pod(&case).await;
    cluster.backend.refuse(Kind::Pod, Verb::Delete, 0);
    let error = cluster.sync().await.unwrap_err().to_string();
    assert!(error.contains("InternalError"), "{error}");
    assert_eq!(cluster.backend.count(Kind::Pod, Verb::Delete), 1);
    cluster.sync_ok().await;
    assert_eq!(cluster.backend.count(Kind::Pod, Verb::Delete), 2);
    cluster.sync_ok().await;
    assert_eq!(cluster.backend.count(Kind::Pod, Verb::Delete), 2);
    assert_eq!(phase(&cluster.pods()[0]), "Pending");
}

async fn ended_pod(case: &Case) -> Cluster {
    let mut cluster = Cluster::with(case.set()).await;
    cluster.sync_ok().await;
    let ended = if case.scenario.name.contains("Succeeded") { "Succeeded" } else { "Failed" };
    cluster.set_phase("foo-0", ended).await;
    cluster
}

pub(crate) async fn create_fails_once(case: Case) {
    let mut cluster = Cluster::with(case.set()).await;
    cluster.backend.refuse(Kind::Pod, Verb::Create, 1);
    let error = cluster.sync_until_error().await;
    assert!(error.contains("InternalError"), "{error}");
    cluster.settle().await;
    check_status(&cluster.status(), &case.scenario.expect);
}

pub(crate) async fn update_fails_once(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.is_tampered = true;
    cluster.change_pod("foo-0", unlabel).await;
    cluster.backend.refuse(Kind::Pod, Verb::Update, 0);
    let error = cluster.sync().await.unwrap_err().to_string();
    assert!(error.contains("InternalError"), "{error}");
}

fn unlabel(pod: &mut Pod) {
    pod.metadata.labels.as_mut().unwrap().remove(LABEL_POD_NAME);
}

pub(crate) async fn status_write_fails_once(case: Case) {
    let mut cluster = Cluster::with(case.set()).await;
    cluster.backend.refuse(Kind::StatefulSet, Verb::Update, 1);
    let error = cluster.sync_until_error().await;
    assert!(error.contains("InternalError"), "{error}");
    cluster.settle().await;
    check_status(&cluster.status(), &case.scenario.expect);
}

pub(crate) async fn recreates_the_claim_of_a_pending_pod(case: Case) {
    let mut cluster = Cluster::with(case.set()).await;
    cluster.sync_ok().await;
    cluster.remove_claim("datadir-foo-0").await;
    cluster.sync_ok().await;
    assert!(cluster.claims().iter().any(|claim| claim.metadata.name.as_deref() == Some("datadir-foo-0")));
}

pub(crate) async fn start_ordinal(case: Case) {
    let cluster = Cluster::up(case.set()).await;
    check_status(&cluster.status(), &case.scenario.expect);
    assert_eq!(json!(cluster.ordinals()), case.scenario.expect[1]["pod ordinals"]);
}

pub(crate) async fn changed_start(case: Case) {
    let (before, after) =
        case.scenario.name.strip_prefix("start ordinal: ").unwrap().split_once(" -> ").unwrap();
    let numbers = |text: &str| -> Vec<i32> { text.split(' ').filter_map(|word| word.parse().ok()).collect() };
    let before = numbers(before);
    let mut cluster =
        Cluster::up(case.set_with(json!({ "replicas": before[1], "ordinals": { "start": before[0] } })))
            .await;
    cluster
        .edit(|set| match numbers(after).as_slice() {
            [start, replicas] => {
                set.spec.ordinals.get_or_insert_default().start = Some(*start);
                set.spec.replicas = Some(*replicas);
            }
            _ => set.spec.ordinals = None,
        })
        .await;
    cluster.is_orderly = false;
    cluster.settle().await;
    assert_eq!(json!(cluster.ordinals()), case.scenario.expect[0]["pods at the end"]);
}

pub(crate) async fn scale_down_delete_fails_once(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.scale(0).await;
    cluster.backend.refuse(Kind::Pod, Verb::Delete, 1);
    let error = cluster.sync_until_error().await;
    assert!(error.contains("InternalError"), "{error}");
    cluster.settle().await;
    check_status(&cluster.status(), &case.scenario.expect);
}

pub(crate) async fn availability(case: Case) {
    let mut cluster = Cluster::with(case.set()).await;
    cluster.sync_ok().await;
    let minutes = if case.scenario.name.contains("120 min") { 120 } else { 30 };
    let since = cluster.store.clock().now() - Duration::from_secs(minutes * 60);
    cluster.ready_since("foo-0", Some(since)).await;
    let next = cluster.sync().await.unwrap();
    check_status(&cluster.status(), &case.scenario.expect);
    let wait = Next::After(Duration::from_secs(30 * 60));
    assert_eq!(next, if minutes == 120 { Next::OnChange } else { wait });
}

pub(crate) async fn status_is_written_in_spite_of_errors(case: Case) {
    let mut cluster = Cluster::with(case.set()).await;
    let is_failing = |key: &str| case.scenario.given[key] == json!(true);
    if is_failing("create_pod_fails") {
        cluster.backend.refuse(Kind::Pod, Verb::Create, 0);
    }
    if is_failing("status_write_fails") {
        cluster.backend.refuse(Kind::StatefulSet, Verb::Update, 0);
    }
    let result = cluster.sync().await;
    assert_eq!(
        json!(cluster.backend.count(Kind::StatefulSet, Verb::Update)),
        case.scenario.expect[0]["status write attempts"]
    );
    let is_ok = case.scenario.expect[0]["returned error"] == json!("nil");
    assert_eq!(result.is_ok(), is_ok);
    assert_eq!(cluster.reasons().contains(&"FailedCreate"), is_failing("create_pod_fails"));
}

pub(crate) async fn parallel_scale(case: Case) {
    let labels = json!([{
        "metadata": { "name": "datadir", "labels": { "test": "test" } },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1" } } },
    }]);
    let mut cluster = Cluster::with(case.set_with(json!({ "volumeClaimTemplates": labels }))).await;
    for _ in 0..2 {
        cluster.sync_ok().await;
    }
    assert_eq!(json!(cluster.status().replicas), case.scenario.given["replicas"]);
    let target = case.scenario.name.rsplit("->").next().unwrap().parse().unwrap();
    cluster.scale(target).await;
    for _ in 0..2 {
        cluster.sync_ok().await;
    }
    check_status(&cluster.status(), &case.scenario.expect);
    let wanted = case.scenario.expect[1]["max concurrent requests at least"].as_u64().unwrap();
    assert!(cluster.backend.in_flight_max() as u64 >= wanted);
    assert!(cluster.backend.in_flight_max() <= 500);
}

pub(crate) async fn respects_termination(case: Case) {
    let mut cluster =
        Cluster::up(case.set_with(json!({ "replicas": 5, "template": placed()["template"] }))).await;
    cluster.scale(3).await;
    cluster.delete("foo-3").await;
    cluster.delete("foo-4").await;
    let n_deletes = cluster.backend.count(Kind::Pod, Verb::Delete);
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), [0, 1, 2, 3, 4]);
    assert_eq!(cluster.backend.count(Kind::Pod, Verb::Delete), n_deletes);
    cluster.remove("foo-4").await;
    cluster.remove("foo-3").await;
    cluster.scale(0).await;
    cluster.settle().await;
    assert_eq!(cluster.status().replicas, 0);
}

pub(crate) async fn blocks_scaling(case: Case) {
    let mut cluster = Cluster::up(case.set_with(placed())).await;
    cluster.is_orderly = false;
    cluster.scale(5).await;
    cluster.delete("foo-0").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), [0, 1, 2]);
    cluster.remove("foo-0").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), [0, 1, 2]);
}

pub(crate) async fn deletion_stops_everything(case: Case) {
    let mut set = case.set();
    set.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    let mut cluster = Cluster::with(set).await;
    cluster.store.delete(&cluster.key.clone(), &DeleteOptions::default()).await.unwrap();
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), Vec::<i32>::new());
    assert_eq!(cluster.status().observed_generation, cluster.set().metadata.generation);
    assert!(
        cluster.store.list(Kind::ControllerRevision, None).objects.is_empty(),
        "only the status is written"
    );
}

/// Compares reasons with `["Normal SuccessfulCreate (claim)", …]`.
fn check_events(cluster: &Cluster, expect: &Value) {
    let expected: Vec<String> = expect[0]["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event.as_str().unwrap().split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(cluster.reasons(), expected);
}

pub(crate) async fn create_events(case: Case) {
    let mut cluster = Cluster::with(case.set_with(json!({ "replicas": 1 }))).await;
    let sort = case.scenario.name.trim_start_matches("create: ");
    let claim = fixture::claim("datadir-foo-0", &[]);
    match sort {
        "create pod already exists" => {
            cluster.store.create(claim).await.unwrap();
            let mut pod = fixture::pod(&cluster.set(), 0, "r", fixture::Seen::Pending);
            pod.metadata.owner_references = None;
            pod.metadata.labels = None;
            cluster.store.create(pod).await.unwrap();
        }
        "claim creation fails" => cluster.backend.refuse(Kind::PersistentVolumeClaim, Verb::Create, 0),
        "claim terminating" => {
            let mut held = claim;
            held.metadata.finalizers = Some(vec!["example.com/hold".into()]);
            let held = cluster.store.create(held).await.unwrap();
            cluster.store.delete(held.key(), &DeleteOptions::default()).await.unwrap();
        }
        "pod creation fails" => cluster.backend.refuse(Kind::Pod, Verb::Create, 0),
        _ => {}
    }
    let n_pods = cluster.backend.count(Kind::Pod, Verb::Create);
    let result = cluster.sync().await;
    check_events(&cluster, &case.scenario.expect);
    assert_eq!(result.is_ok(), sort == "create pod ok");
    if case.scenario.expect.to_string().contains("not attempted") {
        assert_eq!(cluster.backend.count(Kind::Pod, Verb::Create), n_pods);
    }
    if sort == "create pod ok" {
        let messages: Vec<&str> = cluster.notes.iter().map(|note| note.message.as_str()).collect();
        let claim = "Create Claim datadir-foo-0 Pod foo-0 in StatefulSet foo success";
        assert_eq!(messages, [claim, "Create Pod foo-0 in StatefulSet foo successful"]);
    }
    if sort == "claim creation fails" {
        let start = "Create Claim datadir-foo-0 for Pod foo-0 in StatefulSet foo failed error: ";
        assert!(cluster.notes[0].message.starts_with(start), "{:?}", cluster.notes);
        let start = "Create Pod foo-0 in StatefulSet foo failed error: failed to create PVC datadir-foo-0: ";
        assert!(cluster.notes[1].message.starts_with(start), "{:?}", cluster.notes);
    }
    if sort == "claim terminating" {
        let error = "Create Pod foo-0 in StatefulSet foo failed error: pvc datadir-foo-0 is being deleted";
        assert_eq!(cluster.notes[0].message, error);
    }
}

pub(crate) async fn update_events(case: Case) {
    let mut cluster = Cluster::up(case.set_with(json!({ "replicas": 1 }))).await;
    cluster.is_tampered = true;
    let n_writes = cluster.backend.n_writes();
    match case.scenario.name.as_str() {
        "update: nothing to do" => {
            cluster.sync_ok().await;
            assert_eq!(cluster.reasons(), Vec::<&str>::new());
            assert_eq!(cluster.backend.n_writes(), n_writes);
            return;
        }
        "update identity fails" => cluster.backend.refuse(Kind::Pod, Verb::Update, 1),
        "update conflict once" => cluster.backend.outrun(Kind::Pod, Verb::Update),
        _ => {}
    }
    cluster.change_pod("foo-0", unlabel).await;
    let is_ok = cluster.sync().await.is_ok();
    check_events(&cluster, &case.scenario.expect);
    let labels = cluster.pod("foo-0").unwrap().metadata.labels.unwrap();
    assert_eq!(labels.contains_key(LABEL_POD_NAME), is_ok);
}

pub(crate) async fn delete_events(case: Case) {
    let mut cluster = Cluster::up(case.set_with(json!({ "replicas": 1 }))).await;
    cluster.scale(0).await;
    let is_failing = case.scenario.name.ends_with("fails");
    if is_failing {
        cluster.backend.refuse(Kind::Pod, Verb::Delete, 0);
    }
    assert_eq!(cluster.sync().await.is_err(), is_failing);
    check_events(&cluster, &case.scenario.expect);
}

pub(crate) async fn no_deadlock(case: Case) {
    let mut cluster = Cluster::with(case.set()).await;
    cluster.is_orderly = false;
    cluster.sync_ok().await;
    cluster.ready("foo-0").await;
    cluster.sync_ok().await;
    cluster.run("foo-1").await;
    cluster.remove("foo-0").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), [0, 1]);
    cluster.settle().await;
    assert_eq!(cluster.status().ready_replicas, Some(2));
}

pub(crate) async fn ordered_scaling_halts(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.is_orderly = false;
    cluster.unready("foo-0").await;
    cluster.scale(3).await;
    for _ in 0..10 {
        cluster.sync_ok().await;
    }
    assert_eq!(cluster.ordinals(), [0]);
    cluster.settle().await;
    assert_eq!(cluster.ordinals(), [0, 1, 2]);
    for name in ["foo-0", "foo-1", "foo-2"] {
        cluster.unready(name).await;
    }
    cluster.scale(0).await;
    for _ in 0..10 {
        cluster.sync_ok().await;
    }
    assert_eq!(cluster.ordinals(), [0, 1, 2], "pod 0 is the first unavailable one, not pod 2");
    cluster.settle().await;
    assert_eq!(cluster.ordinals(), Vec::<i32>::new());
}

pub(crate) async fn burst_scaling(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.unready("foo-0").await;
    cluster.scale(3).await;
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), [0, 1, 2]);
    cluster.scale(0).await;
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), Vec::<i32>::new());
}

pub(crate) async fn evicted_pod(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    let mut uids = vec![cluster.pods()[0].uid().to_owned()];
    for _ in 0..3 {
        cluster.set_phase("foo-0", "Failed").await;
        cluster.sync_ok().await;
        cluster.sync_ok().await;
        let uid = cluster.pods()[0].uid().to_owned();
        assert!(!uids.contains(&uid));
        uids.push(uid);
    }
    cluster.settle().await;
    assert_eq!(cluster.status().ready_replicas, Some(1));
}

pub(crate) async fn min_ready_seconds(case: Case) {
    let mut cluster = Cluster::with(case.set()).await;
    let wait = Duration::from_secs(30);
    let mut available = Vec::new();
    for name in ["foo-0", "foo-1"] {
        cluster.sync_ok().await;
        cluster.ready(name).await;
        assert_eq!(cluster.sync().await.unwrap(), Next::After(wait), "until {name} is available");
        if name == "foo-0" {
            available.push(cluster.status().available_replicas);
        }
        cluster.store.clock().clone().sleep(wait).await;
        assert_eq!(cluster.sync().await.unwrap(), Next::OnChange);
    }
    available.push(cluster.status().available_replicas);
    for min_ready_s in [3600, 0] {
        cluster.edit(|set| set.spec.min_ready_seconds = Some(min_ready_s)).await;
        cluster.sync_ok().await;
        available.push(cluster.status().available_replicas);
    }
    assert_eq!(json!(available), case.scenario.expect[0]["availableReplicas"]);
}
