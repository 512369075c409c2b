//! The controller on a real store in virtual time.

use k8s_openapi::api::core::v1 as core;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::controllers;
use crate::objects::{KubeObject, Typed};
use crate::store::{DeleteOptions, StoreOptions};

/// A store whose claims are bound.
struct World {
    store: Store,
    stop: CancellationToken,
}

impl World {
    async fn new(objects: &[(Kind, &str)]) -> Self {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let store = Store::in_memory(clock, StoreOptions { seed: Some(1), ..Default::default() });
        let stop = CancellationToken::new();
        tokio::spawn(controllers::run(Box::new(Volumes::new()), store.clone(), stop.clone()));
        let world = Self { store, stop };
        world.create(Kind::Namespace, "metadata: {name: default}").await;
        for (kind, text) in objects {
            world.create(*kind, text).await;
        }
        world.settle().await;
        world
    }

    /// Creates an object from its YAML without `apiVersion` and `kind`.
    async fn create(&self, kind: Kind, text: &str) -> Object {
        let mut value: serde_json::Value = serde_yaml::from_str(&format!("{{{text}}}")).unwrap();
        value["apiVersion"] = kind.info().api_version.into();
        value["kind"] = kind.name().into();
        self.store.create(Typed::from_value(kind, value).unwrap()).await.unwrap()
    }

    async fn delete(&self, object: &Object) {
        self.store.delete(object.key(), &DeleteOptions::default()).await.unwrap();
        self.settle().await;
    }

    async fn settle(&self) {
        self.store.clock().sleep(std::time::Duration::from_secs(1)).await;
    }

    fn find<T: KubeObject>(&self, name: &str) -> Option<T> {
        self.store.find::<T>("default", name).and_then(|object| object.get::<T>().cloned())
    }

    /// `Bound v 1Gi` for claims.
    fn claim(&self, name: &str) -> String {
        let Some(claim) = self.find::<PersistentVolumeClaim>(name) else { return "gone".into() };
        let status = claim.status.clone().unwrap();
        let capacity = status.capacity.and_then(|capacity| capacity.get("storage").cloned());
        let words = [
            status.phase.unwrap_or_default(),
            plan::volume_name(&claim).to_owned(),
            capacity.map(|size| size.0).unwrap_or_default(),
        ];
        words.join(" ").trim_end().to_owned()
    }

    /// `Bound to c` for volumes.
    fn volume(&self, name: &str) -> String {
        let Some(volume) = self.find::<PersistentVolume>(name) else { return "gone".into() };
        let claim = matching::claim_ref(&volume).and_then(|claim| claim.name.clone());
        let claim = claim.map(|claim| format!(" to {claim}")).unwrap_or_default();
        format!("{}{claim}", plan::phase_of(&volume))
    }

    fn reasons(&self) -> Vec<String> {
        let events = self.store.list(Kind::Event, None).objects;
        let events = events.iter().filter_map(Object::get::<core::Event>);
        events.filter_map(|event| event.reason.clone()).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

const CLAIM: Kind = Kind::PersistentVolumeClaim;
const VOLUME: Kind = Kind::PersistentVolume;
const CLASS: Kind = Kind::StorageClass;
const DATA: &str = "metadata: {namespace: default, name: data}, \
    spec: {accessModes: [ReadWriteOnce], storageClassName: k, resources: {requests: {storage: 1Gi}}}";
const STATIC: &str = "metadata: {namespace: default, name: data}, \
    spec: {accessModes: [ReadWriteOnce], storageClassName: '', resources: {requests: {storage: 1Gi}}}";
const DISK: &str = "metadata: {name: disk}, spec: {accessModes: [ReadWriteOnce], \
    capacity: {storage: 2Gi}, persistentVolumeReclaimPolicy: Retain, local: {path: /data}, \
    nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: \
    [{key: kubernetes.io/hostname, operator: In, values: [n1]}]}]}}}";
const NOW: &str = "metadata: {name: k}, provisioner: pd.csi.storage.gke.io, reclaimPolicy: Delete";
const LATER: &str = "metadata: {name: k}, provisioner: p, volumeBindingMode: WaitForFirstConsumer";

#[tokio::test(start_paused = true)]
async fn a_claim_is_bound_to_a_static_volume_that_appears_later() {
    let world = World::new(&[(CLAIM, STATIC)]).await;
    assert_eq!(world.claim("data"), "Pending");
    assert_eq!(world.reasons(), ["FailedBinding"]);
    world.create(VOLUME, DISK).await;
    world.settle().await;
    assert_eq!(
        (world.claim("data"), world.volume("disk")),
        ("Bound disk 2Gi".into(), "Bound to data".into())
    );
    let claim = world.find::<PersistentVolumeClaim>("data").unwrap();
    let annotations = claim.metadata.annotations.unwrap();
    let expected = ["pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller"];
    assert_eq!(annotations.keys().collect::<Vec<_>>(), expected);
    assert_eq!(claim.status.unwrap().access_modes.unwrap(), ["ReadWriteOnce"]);
}

#[tokio::test(start_paused = true)]
async fn two_claims_never_get_one_volume() {
    let world = World::new(&[(VOLUME, DISK), (CLAIM, STATIC)]).await;
    world.create(CLAIM, &STATIC.replace("name: data", "name: other")).await;
    world.settle().await;
    assert_eq!((world.claim("data"), world.claim("other")), ("Bound disk 2Gi".into(), "Pending".into()));
    let first = world.store.find::<PersistentVolumeClaim>("default", "data").unwrap();
    world.delete(&first).await;
    assert_eq!((world.claim("data"), world.volume("disk")), ("gone".into(), "Released to data".into()));
    assert_eq!(world.claim("other"), "Pending", "a retained volume is not given to the next claim");
}

#[tokio::test(start_paused = true)]
async fn a_claim_of_a_class_gets_a_volume_made_for_it_that_goes_with_it() {
    let world = World::new(&[(CLASS, NOW), (CLAIM, DATA)]).await;
    let claim = world.store.find::<PersistentVolumeClaim>("default", "data").unwrap();
    let name = format!("pvc-{}", claim.uid());
    assert_eq!(world.claim("data"), format!("Bound {name} 1Gi"));
    let volume = world.find::<PersistentVolume>(&name).unwrap();
    let annotations = volume.metadata.annotations.unwrap();
    assert_eq!(annotations["pv.kubernetes.io/provisioned-by"], "pd.csi.storage.gke.io");
    let spec = volume.spec.unwrap();
    assert_eq!(spec.persistent_volume_reclaim_policy.as_deref(), Some("Delete"));
    assert_eq!(spec.storage_class_name.as_deref(), Some("k"));
    assert_eq!(spec.claim_ref.unwrap().uid.as_deref(), Some(claim.uid()));
    assert_eq!(spec.host_path.unwrap().path, format!("local/{name}"));
    let annotations = claim.meta().annotations.as_ref().unwrap();
    assert_eq!(annotations["volume.kubernetes.io/storage-provisioner"], "pd.csi.storage.gke.io");
    assert_eq!(world.reasons(), ["ProvisioningSucceeded"]);
    world.delete(&claim).await;
    assert_eq!((world.claim("data"), world.volume(&name)), ("gone".into(), "gone".into()));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_claim_is_provisioned_where_its_first_pod_is_placed() {
    let world = World::new(&[(CLASS, LATER), (CLAIM, DATA)]).await;
    assert_eq!(
        (world.claim("data"), world.reasons()),
        ("Pending".into(), vec!["WaitForFirstConsumer".into()])
    );
    let key = ObjectKey::new(CLAIM, "default", "data");
    let place = world.store.modify::<PersistentVolumeClaim>(&key, |claim| {
        let annotations = claim.metadata.annotations.get_or_insert_default();
        annotations.insert(plan::SELECTED_NODE.into(), "n1".into());
    });
    place.await.unwrap();
    world.settle().await;
    let name = format!("pvc-{}", world.store.get(&key).unwrap().uid());
    assert_eq!(world.claim("data"), format!("Bound {name} 1Gi"));
    let volume = world.find::<PersistentVolume>(&name).unwrap();
    let affinity = volume.spec.unwrap().node_affinity.unwrap().required.unwrap();
    let requirement = affinity.node_selector_terms[0].match_expressions.as_ref().unwrap()[0].clone();
    assert_eq!(
        (requirement.key.as_str(), requirement.values.unwrap()),
        ("kubernetes.io/hostname", vec!["n1".into()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_claim_waits_for_its_class_and_one_without_for_a_default() {
    let without = DATA.replace("storageClassName: k, ", "").replace("name: data", "name: plain");
    let world = World::new(&[(CLAIM, DATA), (CLAIM, &without)]).await;
    assert_eq!([world.claim("data"), world.claim("plain")], ["Pending", "Pending"]);
    assert_eq!(world.reasons(), ["ProvisioningFailed", "FailedBinding"]);
    let default =
        NOW.replace("name: k", "name: k, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}");
    world.create(CLASS, &default).await;
    world.settle().await;
    let phases = [world.claim("data"), world.claim("plain")];
    assert!(phases.iter().all(|phase| phase.starts_with("Bound pvc-")), "{phases:?}");
}

#[tokio::test(start_paused = true)]
async fn a_claim_in_use_stays_until_its_pod_is_gone() {
    let world = World::new(&[(CLASS, NOW), (CLAIM, DATA)]).await;
    let pod = "metadata: {namespace: default, name: p}, spec: {nodeName: n, \
        containers: [{name: c, image: i}], volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]}";
    let pod = world.create(Kind::Pod, pod).await;
    let claim = world.store.find::<PersistentVolumeClaim>("default", "data").unwrap();
    world.delete(&claim).await;
    assert!(world.claim("data").starts_with("Bound"));
    let confirm = DeleteOptions { grace_s: Some(0), ..Default::default() };
    world.store.delete(pod.key(), &confirm).await.unwrap();
    world.settle().await;
    assert_eq!(world.claim("data"), "gone");
}

#[tokio::test(start_paused = true)]
async fn a_bound_volume_is_not_removed_and_a_claim_without_its_volume_is_lost() {
    let world = World::new(&[(VOLUME, DISK), (CLAIM, STATIC)]).await;
    let volume = world.store.find::<PersistentVolume>("", "disk").unwrap();
    world.delete(&volume).await;
    assert_eq!(world.volume("disk"), "Bound to data");
    world.store.unmirror(volume.key()).await.unwrap();
    world.settle().await;
    assert_eq!((world.claim("data"), world.reasons()), ("Lost disk".into(), vec!["ClaimLost".into()]));
}

#[tokio::test(start_paused = true)]
async fn a_volume_reserved_by_name_is_kept_for_its_claim() {
    let reserved = DISK.replace("local:", "claimRef: {namespace: default, name: data}, local:");
    let other = STATIC.replace("name: data", "name: other");
    let world = World::new(&[(VOLUME, &reserved), (CLAIM, &other)]).await;
    assert_eq!((world.claim("other"), world.volume("disk")), ("Pending".into(), "Available to data".into()));
    world.create(CLAIM, STATIC).await;
    world.settle().await;
    assert_eq!((world.claim("data"), world.claim("other")), ("Bound disk 2Gi".into(), "Pending".into()));
    let annotations = world.find::<PersistentVolume>("disk").unwrap().metadata.annotations;
    assert_eq!(annotations.unwrap_or_default().get("pv.kubernetes.io/bound-by-controller"), None);
}
