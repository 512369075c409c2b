//! Scenarios of who owns what: pods, revisions and claims, as whole syncs.

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::json;

use super::super::decide::{self, revision};
use super::super::naming::owner_reference;
use super::super::world::ownership::is_owned;
use super::cluster::{Cluster, Verb};
use super::fixture;
use super::scenarios::Case;
use crate::objects::{Kind, controller_of, controller_reference};

pub(crate) async fn adopts_orphan_revisions(case: Case) {
    let selector = json!({ "selector": {
        "matchLabels": null,
        "matchExpressions": [{ "key": "foo", "operator": "In", "values": ["bar"] }],
    } });
    let mut cluster = Cluster::with(case.set_with(selector)).await;
    let mut orphan = revision::propose(&cluster.set(), 1, 0);
    orphan.metadata.name = Some("rev2".into());
    orphan.metadata.owner_references = None;
    cluster.store.create(orphan).await.unwrap();
    cluster.sync_ok().await;
    let adopted = cluster.store.find::<ControllerRevision>("default", "rev2").unwrap();
    assert!(is_owned(&cluster.set(), adopted.meta()));
}

pub(crate) async fn adopted_pods_claims_get_owners(case: Case) {
    let when =
        |key: &str| case.scenario.name.split(' ').find_map(|word| word.strip_prefix(key)).unwrap().to_owned();
    let policy = json!({ "whenScaled": when("whenScaled="), "whenDeleted": when("whenDeleted=") });
    let set = case.set_with(json!({ "persistentVolumeClaimRetentionPolicy": policy }));
    let mut cluster = Cluster::with(set).await;
    let set = cluster.set();
    let name = revision::propose(&set, 1, 0).metadata.name.unwrap();
    for ordinal in 0..3 {
        let mut pod = decide::pod::new_pod(&set, &revision::of_set(&set, &name), ordinal);
        if ordinal == 1 {
            pod.metadata.owner_references = None;
        }
        if ordinal == 2 {
            pod.metadata.name = Some("xfoo-2".into());
        }
        let pod = cluster.store.create(pod).await.unwrap();
        cluster.ready(pod.name()).await;
        cluster.store.create(fixture::claim(&format!("datadir-foo-{ordinal}"), &[])).await.unwrap();
    }
    cluster.is_tampered = true;
    cluster.sync_ok().await;
    let claims = cluster.claims();
    assert_eq!(claims.len(), 3);
    let expected = (when("whenDeleted=") == "Delete").then(|| vec![owner_reference(&set)]);
    let owners: Vec<_> = claims.into_iter().map(|claim| claim.metadata.owner_references).collect();
    assert_eq!(owners, [expected.clone(), expected, None]);
}

pub(crate) async fn stale_claims_are_waited_for(case: Case) {
    let deleted = case.scenario.name.rsplit('=').next().unwrap();
    let policy = json!({ "whenScaled": "Delete", "whenDeleted": deleted });
    let set = case.set_with(json!({ "persistentVolumeClaimRetentionPolicy": policy }));
    let mut cluster = Cluster::up(set).await;
    cluster.scale(2).await;
    cluster.settle().await;
    cluster
        .change_claim("datadir-foo-2", |claim| {
            let owners = claim.metadata.owner_references.as_mut().unwrap();
            assert_eq!((owners.len(), owners[0].name.as_str()), (1, "foo-2"));
            owners[0].uid = "stale".into();
        })
        .await;
    cluster.scale(3).await;
    for _ in 0..10 {
        cluster.sync_ok().await;
        cluster.advance_one().await;
    }
    assert_eq!(cluster.status().replicas, 2);
    let owners = cluster.claims()[2].metadata.owner_references.clone().unwrap();
    assert_eq!((owners.len(), owners[0].uid.as_str()), (1, "stale"));
    cluster.remove_claim("datadir-foo-2").await;
    cluster.settle().await;
    assert_eq!(cluster.status().replicas, 3);
}

pub(crate) async fn retention_changes(case: Case) {
    let is_retained_after = case.scenario.name.starts_with("RetainDeletion");
    let policy = |is_delete| json!({ "whenDeleted": if is_delete { "Delete" } else { "Retain" } });
    let before = json!({ "replicas": 1, "persistentVolumeClaimRetentionPolicy": policy(is_retained_after) });
    let mut cluster = Cluster::up(case.set_with(before)).await;
    let is_missing = case.scenario.name.ends_with("MissingClaims");
    cluster.is_tampered = true;
    if is_missing {
        cluster.remove_claim("datadir-foo-0").await;
    }
    let after: k8s_openapi::api::apps::v1::StatefulSetPersistentVolumeClaimRetentionPolicy =
        serde_json::from_value(policy(!is_retained_after)).unwrap();
    cluster.edit(|set| set.spec.persistent_volume_claim_retention_policy = Some(after.clone())).await;
    cluster.sync_ok().await;
    if is_missing {
        assert_eq!(cluster.reasons(), Vec::<&str>::new());
        cluster.store.create(fixture::claim("datadir-foo-0", &[])).await.unwrap();
        cluster.sync_ok().await;
    }
    assert_eq!(cluster.reasons(), ["SuccessfulUpdate"]);
    let expected = (!is_retained_after).then(|| vec![owner_reference(&cluster.set())]);
    assert_eq!(cluster.claims()[0].metadata.owner_references, expected);
}

pub(crate) async fn adopts_and_releases(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.is_tampered = true;
    let labels = cluster.pod("foo-0").unwrap().metadata.labels;
    cluster.change_pod("foo-0", |pod| pod.metadata.owner_references = None).await;
    cluster.sync_ok().await;
    assert!(is_owned(&cluster.set(), cluster.pods()[0].meta()), "adopted");
    cluster.change_pod("foo-0", |pod| pod.metadata.labels = None).await;
    let error = cluster.sync().await.unwrap_err().to_string();
    assert!(error.contains("already exists"), "the released pod holds the name: {error}");
    assert!(controller_of(cluster.pods()[0].meta()).is_none(), "released");
    cluster.change_pod("foo-0", |pod| pod.metadata.labels = labels.clone()).await;
    cluster.sync_ok().await;
    assert!(is_owned(&cluster.set(), cluster.pods()[0].meta()), "adopted again");
}

pub(crate) async fn foreign_controller_of_a_claim(case: Case) {
    let mut cluster = Cluster::up(case.set()).await;
    cluster.is_tampered = true;
    let mut owner = ConfigMap::default();
    owner.metadata.name = Some("owner".into());
    owner.metadata.namespace = Some("default".into());
    let owner = cluster.store.create(owner).await.unwrap();
    let owner: OwnerReference = controller_reference(owner.typed());
    cluster
        .change_claim("datadir-foo-1", |claim| claim.metadata.owner_references = Some(vec![owner.clone()]))
        .await;
    cluster
        .edit(|set| {
            let policy = set.spec.persistent_volume_claim_retention_policy.get_or_insert_default();
            policy.when_scaled = Some("Delete".into());
        })
        .await;
    cluster.scale(0).await;
    cluster.settle().await;
    cluster.collect_claims().await;
    let names = |cluster: &Cluster| -> Vec<String> {
        cluster.claims().into_iter().filter_map(|claim| claim.metadata.name).collect()
    };
    assert_eq!(names(&cluster), ["datadir-foo-1"]);
    cluster.change_claim("datadir-foo-1", |claim| claim.metadata.owner_references = None).await;
    cluster.scale(2).await;
    cluster.settle().await;
    assert_eq!(names(&cluster), ["datadir-foo-0", "datadir-foo-1"]);
    cluster.scale(1).await;
    cluster.settle().await;
    cluster.collect_claims().await;
    assert_eq!(names(&cluster), ["datadir-foo-0"]);
}

/// An adopted pod has no volumes and the claim cannot be made.
pub(crate) async fn storage_repair_fails(case: Case) {
    let mut cluster = Cluster::with(case.set_with(json!({ "replicas": 1 }))).await;
    cluster.is_tampered = true;
    let set = cluster.set();
    let mut pod = decide::pod::new_pod(&set, &revision::of_set(&set, "r"), 0);
    pod.metadata.owner_references = None;
    pod.spec.as_mut().unwrap().volumes = None;
    cluster.store.create(pod).await.unwrap();
    cluster.ready("foo-0").await;
    cluster.backend.refuse(Kind::PersistentVolumeClaim, Verb::Create, 0);
    assert!(cluster.sync().await.is_err());
    assert_eq!(cluster.reasons(), ["FailedCreate", "FailedUpdate"]);
}
