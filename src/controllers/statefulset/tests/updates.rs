//! Scenarios of revisions and updates, as whole syncs.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use serde_json::{Value, json};

use super::super::decide::{encoding, revision};
use super::super::world::LABEL_REVISION;
use super::super::world::identity::revision_of;
use super::cluster::{Cluster, Verb};
use super::invariants::check_update;
use super::scenarios::Case;
use crate::objects::{Kind, Object};

/// The image of the scenarios' sets.
const OLD: &str = "nginx";

fn revisions(cluster: &Cluster) -> Vec<Object> {
    let mut revisions = cluster.store.list(Kind::ControllerRevision, Some("default")).objects;
    revision::sort(&mut revisions);
    revisions
}

/// As `settle`, with the update's invariants checked after every sync.
async fn roll(cluster: &mut Cluster) {
    for _ in 0..500 {
        let before = cluster.store.revision();
        cluster.sync_ok().await;
        check_update(&cluster.set(), &cluster.pods());
        let is_moved = cluster.advance_one().await;
        if !is_moved && cluster.store.revision() == before {
            return;
        }
    }
    panic!("the update does not end");
}

/// The replicas that the scenario's change asks for.
fn target(case: &Case) -> i32 {
    let change = case.scenario.steps[1].as_str().unwrap();
    change.rsplit(' ').next().unwrap().parse().unwrap()
}

async fn change(cluster: &Cluster, replicas: i32) {
    cluster.set_image("foo").await;
    cluster.scale(replicas).await;
}

pub(crate) async fn update_delete_fails_once(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.set_image("nginx-new").await;
    cluster.backend.refuse(Kind::Pod, Verb::Delete, 0);
    assert!(cluster.sync().await.is_err());
    let status = cluster.status();
    assert_eq!(status.current_replicas, Some(3));
    assert_ne!(status.current_revision, status.update_revision, "written in spite of the error");
    cluster.sync_ok().await;
    assert_eq!(cluster.status().current_replicas, Some(2));
}

pub(crate) async fn max_unavailable_parallel(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.set_image("foo").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), [0, 1, 2, 3]);
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals().len(), 6);
    cluster.run("foo-5").await;
    cluster.ready("foo-4").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), [0, 1, 2, 4, 5]);
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals().len(), 6);
    cluster.ready("foo-3").await;
    cluster.ready("foo-5").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.images(), [OLD, OLD, OLD, "foo", "foo", "foo"]);
}

pub(crate) async fn max_unavailable_ordered(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.is_orderly = false;
    cluster.set_image("foo").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), [0, 1, 2, 3]);
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), [0, 1, 2, 3, 4]);
    cluster.ready("foo-4").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals().len(), 6);
    cluster.ready("foo-5").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals(), [0, 1, 2, 4, 5]);
    cluster.sync_ok().await;
    assert_eq!(cluster.ordinals().len(), 6);
    cluster.ready("foo-3").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.images(), [OLD, OLD, OLD, "foo", "foo", "foo"]);
}

pub(crate) async fn rolling_update(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    change(&cluster, target(&case)).await;
    roll(&mut cluster).await;
    assert_eq!(cluster.images(), vec!["foo"; usize::try_from(target(&case)).unwrap()]);
    let status = cluster.status();
    assert_eq!(status.current_revision, status.update_revision);
    assert_eq!(status.current_replicas, Some(target(&case)));
}

pub(crate) async fn on_delete(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    let n_before = cluster.ordinals().len();
    change(&cluster, target(&case)).await;
    cluster.settle().await;
    for (ordinal, image) in cluster.images().iter().enumerate() {
        assert_eq!(image, if ordinal < n_before { OLD } else { "foo" });
    }
    cluster.collect_claims().await;
    cluster.scale(0).await;
    cluster.settle().await;
    cluster.collect_claims().await;
    let has_pod_owner = |claim: &k8s_openapi::api::core::v1::PersistentVolumeClaim| {
        claim.metadata.owner_references.iter().flatten().any(|owner| owner.kind == "Pod")
    };
    assert!(!cluster.claims().iter().any(has_pod_owner));
    cluster.scale(target(&case)).await;
    cluster.settle().await;
    assert_eq!(cluster.images(), vec!["foo"; usize::try_from(target(&case)).unwrap()]);
    let status = cluster.status();
    assert_ne!(status.current_revision, status.update_revision, "nothing completes an update by hand");
}

pub(crate) async fn rollback(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    let first = cluster.status().update_revision;
    change(&cluster, target(&case)).await;
    roll(&mut cluster).await;
    assert!(cluster.images().iter().all(|image| image == "foo"));
    let oldest = revision::read(&revisions(&cluster)[0]).unwrap();
    cluster.edit(|set| set.spec.template = oldest.template.clone()).await;
    roll(&mut cluster).await;
    assert_eq!(cluster.images(), vec![OLD; usize::try_from(target(&case)).unwrap()]);
    assert_eq!(cluster.status().current_revision, first, "the old revision is used again");
    let numbers: Vec<i64> = revisions(&cluster).iter().map(revision::number).collect();
    assert_eq!(numbers, [2, 3]);
}

pub(crate) async fn partition(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    change(&cluster, target(&case)).await;
    cluster.settle().await;
    for (ordinal, image) in cluster.images().iter().enumerate() {
        assert_eq!(image, if ordinal < 2 { OLD } else { "foo" });
    }
    let status = cluster.status();
    assert_ne!(status.current_revision, status.update_revision);
}

pub(crate) async fn limits_history(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    for n in 0..10 {
        cluster.set_image(&format!("image-{n}")).await;
        cluster.settle().await;
        assert!(revisions(&cluster).len() <= 2 + 2);
    }
    assert_eq!(revisions(&cluster).len(), 3, "the limit and the one in use");
}

pub(crate) async fn limits_history_after_errors(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.is_orderly = false;
    for n in 0..7 {
        cluster.set_image(&format!("image-{n}")).await;
        cluster.backend.refuse(Kind::StatefulSet, Verb::Update, 0);
        assert!(cluster.sync().await.is_err());
        assert!(revisions(&cluster).len() <= 2 + 2, "truncated after an error too");
    }
}

/// A revision written by a release that put `creationTimestamp: null` into the template.
fn as_written_before_1_34(set: &StatefulSet) -> ControllerRevision {
    let mut old = revision::propose(set, 1, 0);
    let mut data = old.data.0;
    data["spec"]["template"]["metadata"]["creationTimestamp"] = Value::Null;
    let name = format!("foo-{}", revision::hash(&encoding::encode(&data), 0));
    old.metadata.name = Some(name);
    old.data = RawExtension(data);
    old
}

pub(crate) async fn revisions_of_other_releases(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    let set = cluster.set();
    let old = as_written_before_1_34(&set);
    let old_name = old.metadata.name.clone().unwrap();
    let new = revisions(&cluster)[0].clone();
    assert_ne!(new.name(), old_name);
    if case.scenario.name.contains("1.33") {
        cluster.store.create(old).await.unwrap();
        cluster.store.modify(new.key(), |new: &mut ControllerRevision| new.revision = Some(2)).await.unwrap();
    }
    if case.scenario.name.starts_with("1.33") {
        cluster.store.delete(new.key(), &Default::default()).await.unwrap();
        for pod in cluster.pods() {
            let relabel = |pod: &mut k8s_openapi::api::core::v1::Pod| {
                let labels = pod.metadata.labels.as_mut().unwrap();
                labels.insert(LABEL_REVISION.into(), old_name.clone());
            };
            cluster.change_pod(pod.name(), relabel).await;
        }
        let name = |set: &mut StatefulSet| {
            let status = set.status.as_mut().unwrap();
            status.current_revision = Some(old_name.clone());
            status.update_revision = Some(old_name.clone());
        };
        cluster.store.modify_status(&cluster.key.clone(), name).await.unwrap();
    }
    let n_writes = cluster.backend.n_writes();
    cluster.sync_ok().await;
    assert_eq!(cluster.backend.n_writes(), n_writes, "nothing is written");
    assert_eq!(json!(revisions(&cluster).len()), case.scenario.given["existing revisions"]);
}

#[tokio::test(start_paused = true)]
async fn a_taken_revision_name_is_counted_as_a_collision_and_another_is_used() {
    let mut cluster = Cluster::with(super::fixture::set(json!({}))).await;
    let proposal = revision::propose(&cluster.set(), 1, 0);
    let mut foreign = proposal.clone();
    foreign.metadata.labels = None;
    foreign.metadata.owner_references = None;
    foreign.data = RawExtension(json!({ "spec": "something else" }));
    cluster.store.create(foreign).await.unwrap();
    cluster.settle().await;
    let status = cluster.status();
    let expected = revision::propose(&cluster.set(), 1, 1).metadata.name;
    assert_eq!((status.collision_count, &status.update_revision), (Some(1), &expected));
    assert_eq!(status.current_revision, expected);
}

/// Deletes come from the highest ordinal down, and wait while an updated pod is not ready.
pub(crate) async fn roll_back_reuses_the_revision(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    let first = cluster.status().update_revision.unwrap();
    for image in ["foo", OLD] {
        cluster.set_image(image).await;
        for (ordinal, name) in [(2, "foo-2"), (1, "foo-1"), (0, "foo-0")] {
            cluster.sync_ok().await;
            let expected: Vec<i32> = (0..3).filter(|other| *other != ordinal).collect();
            assert_eq!(cluster.ordinals(), expected);
            cluster.is_orderly = false;
            for _ in 0..3 {
                cluster.sync_ok().await;
            }
            assert_eq!(cluster.ordinals(), [0, 1, 2], "pauses while {name} is not ready");
            let status = cluster.status();
            assert_ne!(status.current_revision, status.update_revision);
            cluster.ready(name).await;
        }
        cluster.settle().await;
        let status = cluster.status();
        assert_eq!(status.current_revision, status.update_revision);
        assert!(cluster.images().iter().all(|found| found == image));
    }
    assert_eq!(cluster.status().update_revision, Some(first));
}

async fn set_partition(cluster: &Cluster, partition: i32) {
    cluster
        .edit(|set| {
            let strategy = set.spec.update_strategy.get_or_insert_default();
            strategy.rolling_update.get_or_insert_default().partition = Some(partition);
        })
        .await;
}

pub(crate) async fn canary(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    set_partition(&cluster, 3).await;
    cluster.set_image("foo").await;
    cluster.settle().await;
    assert_eq!(cluster.images(), [OLD; 3]);
    let status = cluster.status();
    assert_ne!(status.current_revision, status.update_revision);
    set_partition(&cluster, 2).await;
    cluster.settle().await;
    assert_eq!(cluster.images(), [OLD, OLD, "foo"]);
    cluster.is_orderly = false;
    cluster.remove("foo-0").await;
    cluster.remove("foo-2").await;
    cluster.settle().await;
    assert_eq!(cluster.images(), [OLD, OLD, "foo"], "each comes back at its own revision");
    set_partition(&cluster, 1).await;
    cluster.settle().await;
    assert_eq!(cluster.images(), [OLD, "foo", "foo"]);
    set_partition(&cluster, 0).await;
    cluster.settle().await;
    assert_eq!(cluster.images(), ["foo"; 3]);
    let status = cluster.status();
    assert_eq!(status.current_revision, status.update_revision);
}

pub(crate) async fn lost_low_pod(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    let old = cluster.status().current_revision.unwrap();
    cluster.set_image("foo").await;
    cluster.settle().await;
    cluster.is_orderly = false;
    cluster.remove("foo-0").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.status().ready_replicas, Some(2));
    assert_eq!(revision_of(&cluster.pod("foo-0").unwrap()), old);
    cluster.settle().await;
    assert_eq!(cluster.images(), [OLD, "foo", "foo"]);
}

pub(crate) async fn on_delete_by_hand(case: Case) {
    let mut set = case.set();
    set.spec.update_strategy.as_mut().unwrap().type_ = Some("OnDelete".into());
    let mut cluster = Cluster::up(set).await;
    for (image, expected) in [(None, OLD), (Some("foo"), "foo")] {
        if let Some(image) = image {
            cluster.set_image(image).await;
            cluster.settle().await;
            assert_eq!(cluster.images(), [OLD; 3], "a new template alone touches no pod");
        }
        for name in ["foo-0", "foo-1", "foo-2"] {
            cluster.remove(name).await;
        }
        cluster.settle().await;
        assert_eq!(cluster.images(), [expected; 3]);
    }
}
