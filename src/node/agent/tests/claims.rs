//! Pods that mount claims, over a store.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, Pod, Volume,
    VolumeResourceRequirements,
};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::cluster::{Cluster, pod};
use crate::objects::{Kind, ObjectKey};

fn mounting(mut pod: Pod, claim: &str) -> Pod {
    let source = PersistentVolumeClaimVolumeSource { claim_name: claim.into(), read_only: None };
    let volume = Volume { name: "data".into(), persistent_volume_claim: Some(source), ..Default::default() };
    pod.spec.as_mut().unwrap().volumes = Some(vec![volume]);
    pod
}

fn claim(name: &str, class: &str) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(name.into()),
            namespace: Some("default".into()),
            ..Default::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".into()]),
            storage_class_name: Some(class.into()),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), Quantity("1Gi".into()))].into()),
                ..Default::default()
            }),
            ..Default::default()
        }),
        status: None,
    }
}

fn class(name: &str, mode: &str) -> StorageClass {
    StorageClass {
        metadata: ObjectMeta { name: Some(name.into()), ..Default::default() },
        provisioner: "example.com/disk".into(),
        volume_binding_mode: Some(mode.into()),
        ..Default::default()
    }
}

async fn bind(cluster: &Cluster, key: &ObjectKey) {
    let bind = |claim: &mut PersistentVolumeClaim| {
        claim.status.get_or_insert_default().phase = Some("Bound".into());
    };
    cluster.store.modify_status::<PersistentVolumeClaim>(key, bind).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pod_waits_for_its_claim_and_starts_when_it_is_bound() {
    let mut cluster = Cluster::new().await;
    cluster.store.create(class("slow", "WaitForFirstConsumer")).await.unwrap();
    cluster.create(mounting(pod("web-0"), "data-web-0")).await;
    cluster.pass(1).await;
    cluster.check(&["0 Pending", "0 Pending Unschedulable"]);
    let key = cluster.store.create(claim("data-web-0", "slow")).await.unwrap().key().clone();
    cluster.pass(1).await;
    let asked = cluster.store.get(&key).unwrap();
    let annotations = asked.meta().annotations.clone().unwrap_or_default();
    assert_eq!(annotations.get("volume.kubernetes.io/selected-node").map(String::as_str), Some("node-1"));
    cluster.check_end(&["0 Pending Unschedulable"]);
    bind(&cluster, &key).await;
    cluster.pass(1).await;
    cluster.check_end(&["2 Running on node-1 Scheduled running 10.0.0.2 Ready"]);
}

#[tokio::test(start_paused = true)]
async fn an_immediate_claim_is_not_told_of_the_node() {
    let mut cluster = Cluster::new().await;
    cluster.store.create(class("fast", "Immediate")).await.unwrap();
    let key = cluster.store.create(claim("data-web-0", "fast")).await.unwrap().key().clone();
    cluster.create(mounting(pod("web-0"), "data-web-0")).await;
    cluster.pass(1).await;
    assert_eq!(cluster.store.get(&key).unwrap().meta().annotations, None);
    cluster.check(&["0 Pending", "0 Pending Unschedulable"]);
    bind(&cluster, &key).await;
    cluster.pass(1).await;
    cluster.check_end(&["1 Running on node-1 Scheduled running 10.0.0.2 Ready"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_placed_on_another_node_is_left_alone() {
    let mut cluster = Cluster::new().await;
    let mut foreign = pod("web-0");
    foreign.spec.as_mut().unwrap().node_name = Some("node-2".into());
    cluster.create(foreign).await;
    cluster.pass(60).await;
    cluster.check(&["0 Pending on node-2"]);
    assert!(cluster.store.get(&ObjectKey::new(Kind::Node, "", "node-2")).is_none());
}
