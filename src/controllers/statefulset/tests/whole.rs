//! Scenarios that need more than this controller: all controllers and a node with simulated pods,
//! on one store in virtual time.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Node, PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::super::StatefulSets;
use super::super::naming::name_of;
use super::scenarios::Case;
use crate::clock::{Clock, Timestamp};
use crate::controllers::{
    Controller, endpointslice::EndpointSlices, garbage::Garbage, run, scheduler::Scheduler, volumes::Volumes,
};
use crate::node::runtime::simulated::{Simulated, SimulatedOptions};
use crate::node::{Agent, NodeOptions, NodeSize};
use crate::objects::{Kind, KubeObject, ObjectKey};
use crate::store::{Bootstrap, DeleteOptions, Store, StoreOptions};

/// Everything but files and DNS.
pub(crate) struct Cluster {
    pub(crate) store: Store,
    stop: CancellationToken,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Cluster {
    /// A cluster in which this set has come up.
    async fn with(set: StatefulSet) -> Self {
        Self::of(set, StatefulSets::new()).await
    }

    /// The same with another StatefulSet controller.
    pub(crate) async fn of(set: StatefulSet, controller: StatefulSets) -> Self {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let options = StoreOptions { seed: Some(3), ..Default::default() };
        let store = Store::in_memory(clock.clone(), options);
        store.bootstrap(&Bootstrap { default_storage_class: true }).await.unwrap();
        let stop = CancellationToken::new();
        let node = NodeOptions {
            name: "node".into(),
            pod_networks: vec!["10.244.0.0/16".parse().unwrap()],
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            size: NodeSize::ample(),
            zone: None,
            renews_lease_every: None,
        };
        let options = SimulatedOptions {
            start_delay: Duration::from_millis(100),
            seed: 3,
            ..SimulatedOptions::default()
        };
        let agent = Agent::new(store.clone(), Arc::new(Simulated::new(clock, options)), vec![node]);
        tokio::spawn(agent.run(stop.clone()));
        let controllers: [Box<dyn Controller>; 5] = [
            Box::new(controller),
            Box::new(EndpointSlices::new()),
            Box::new(Volumes::new()),
            Box::new(Garbage::new()),
            Box::new(Scheduler::new()),
        ];
        for controller in controllers {
            tokio::spawn(run(controller, store.clone(), stop.clone()));
        }
        let cluster = Self { store, stop };
        cluster.store.create(set).await.unwrap();
        cluster.settle().await;
        cluster
    }

    /// Long enough for everything that is going to happen.
    async fn settle(&self) {
        self.store.clock().sleep(Duration::from_secs(120)).await;
    }

    pub(crate) fn set_key() -> ObjectKey {
        ObjectKey::new(Kind::StatefulSet, "default", "foo")
    }

    async fn edit(&self, change: impl FnMut(&mut StatefulSet) + Send) {
        self.store.modify::<StatefulSet>(&Self::set_key(), change).await.unwrap();
        self.settle().await;
    }

    async fn scale(&self, replicas: i32) {
        self.edit(|set| set.spec.replicas = Some(replicas)).await;
    }

    async fn delete(&self, kind: Kind, name: &str) {
        let key = ObjectKey::new(kind, "default", name);
        self.store.delete(&key, &DeleteOptions::default()).await.unwrap();
        self.settle().await;
    }

    fn names(&self, kind: Kind) -> Vec<String> {
        self.store.list(kind, Some("default")).objects.iter().map(|one| one.name().to_owned()).collect()
    }

    fn find<T: KubeObject + Clone>(&self, name: &str) -> Option<T> {
        self.store.find::<T>("default", name)?.get::<T>().cloned()
    }

    fn claim(&self, name: &str) -> PersistentVolumeClaim {
        self.find(name).unwrap()
    }

    fn owners(&self, name: &str) -> Vec<OwnerReference> {
        self.claim(name).metadata.owner_references.unwrap_or_default()
    }

    async fn change_claim(&self, name: &str, change: impl FnMut(&mut PersistentVolumeClaim) + Send) {
        let key = ObjectKey::new(Kind::PersistentVolumeClaim, "default", name);
        self.store.modify(&key, change).await.unwrap();
        self.settle().await;
    }

    /// Takes the owners off a pod; it is adopted again.
    async fn orphan(&self, pod: &str) {
        let key = ObjectKey::new(Kind::Pod, "default", pod);
        let before = self.store.get(&key).unwrap().uid().to_owned();
        self.store.modify::<Pod>(&key, |pod| pod.metadata.owner_references = None).await.unwrap();
        self.settle().await;
        let pod = self.store.get(&key).unwrap();
        assert_eq!(pod.uid(), before);
        assert_eq!(pod.meta().owner_references.as_ref().map(Vec::len), Some(1), "adopted again");
    }
}

fn policy(set: &mut StatefulSet, deleted: &str, scaled: &str) {
    let policy = set.spec.persistent_volume_claim_retention_policy.get_or_insert_default();
    policy.when_deleted = Some(deleted.into());
    policy.when_scaled = Some(scaled.into());
}

pub(crate) async fn basic_identity(case: Case) {
    let cluster = Cluster::with(case.set()).await;
    let volume_of = |claim: &str| cluster.claim(claim).spec.unwrap().volume_name.unwrap();
    let claims = ["datadir-foo-0", "datadir-foo-1", "datadir-foo-2"];
    let volumes = claims.map(volume_of);
    cluster.scale(0).await;
    assert_eq!(cluster.names(Kind::Pod), Vec::<String>::new());
    cluster.scale(3).await;
    assert_eq!(cluster.names(Kind::Pod), ["foo-0", "foo-1", "foo-2"]);
    for name in ["foo-0", "foo-1", "foo-2"] {
        let pod: Pod = cluster.find(name).unwrap();
        assert_eq!(pod.spec.unwrap().hostname.as_deref(), Some(name));
        assert!(super::cluster::is_ready(&cluster.store.find::<Pod>("default", name).unwrap()));
    }
    assert_eq!(claims.map(volume_of), volumes, "the data is kept");
}

pub(crate) async fn claims_go_with_the_set(case: Case) {
    let is_adopting = case.scenario.name.contains("after adopting");
    let mut set = case.set_with(json!({ "replicas": 3 }));
    policy(&mut set, "Delete", "Retain");
    let cluster = Cluster::with(set).await;
    if is_adopting {
        cluster.orphan("foo-2").await;
    }
    assert_eq!(cluster.names(Kind::PersistentVolumeClaim).len(), 3);
    cluster.delete(Kind::StatefulSet, "foo").await;
    assert_eq!(cluster.names(Kind::PersistentVolumeClaim), Vec::<String>::new());
    assert_eq!(cluster.names(Kind::Pod), Vec::<String>::new());
}

pub(crate) async fn claims_go_with_their_pods(case: Case) {
    let is_adopting = case.scenario.name.contains("after adopting");
    let mut set = case.set_with(json!({ "replicas": 3 }));
    policy(&mut set, "Retain", "Delete");
    let cluster = Cluster::with(set).await;
    if is_adopting {
        cluster.orphan("foo-2").await;
    }
    cluster.scale(1).await;
    assert_eq!(cluster.names(Kind::PersistentVolumeClaim), ["datadir-foo-0"]);
    cluster.scale(3).await;
    assert_eq!(cluster.names(Kind::Pod), ["foo-0", "foo-1", "foo-2"], "new claims are made for new pods");
}

fn reference(api_version: &str, kind: &str, name: &str, uid: &str, is_controller: bool) -> OwnerReference {
    OwnerReference {
        api_version: api_version.into(),
        kind: kind.into(),
        name: name.into(),
        uid: uid.into(),
        controller: is_controller.then_some(true),
        block_owner_deletion: None,
    }
}

pub(crate) async fn foreign_owners(case: Case) {
    let cluster = Cluster::with(case.set_with(json!({ "replicas": 4 }))).await;
    let mut map = ConfigMap::default();
    (map.metadata.name, map.metadata.namespace) = (Some("owner".into()), Some("default".into()));
    let map = cluster.store.create(map).await.unwrap();
    let of_map = reference("v1", "ConfigMap", "owner", map.uid(), false);
    let unknown = reference("apps/v1", "StatefulSet", "unknown", "nobody", true);
    cluster
        .change_claim("datadir-foo-1", |claim| claim.metadata.owner_references = Some(vec![of_map.clone()]))
        .await;
    let foreign = |claim: &mut PersistentVolumeClaim| {
        claim.metadata.owner_references = Some(vec![unknown.clone()]);
        claim.metadata.finalizers.get_or_insert_default().push("example.com/hold".into());
    };
    cluster.change_claim("datadir-foo-3", foreign).await;
    assert_eq!(cluster.owners("datadir-foo-1"), std::slice::from_ref(&of_map), "no policy, no change");
    cluster.edit(|set| policy(set, "Delete", "Retain")).await;
    let set = cluster.store.get(&Cluster::set_key()).unwrap();
    let of_set = OwnerReference {
        block_owner_deletion: Some(true),
        ..reference("apps/v1", "StatefulSet", "foo", set.uid(), true)
    };
    for name in ["datadir-foo-0", "datadir-foo-2"] {
        assert_eq!(cluster.owners(name), std::slice::from_ref(&of_set));
    }
    assert_eq!(cluster.owners("datadir-foo-1"), [of_map.clone(), of_set.clone()]);
    assert_eq!(cluster.owners("datadir-foo-3"), std::slice::from_ref(&unknown));
    let unflag = |claim: &mut PersistentVolumeClaim| {
        claim.metadata.owner_references.as_mut().unwrap()[0].controller = Some(false);
    };
    cluster.change_claim("datadir-foo-0", unflag).await;
    cluster.edit(|set| policy(set, "Delete", "Delete")).await;
    assert_eq!(cluster.owners("datadir-foo-0"), [of_set]);
    cluster.delete(Kind::StatefulSet, "foo").await;
    assert_eq!(cluster.names(Kind::PersistentVolumeClaim), ["datadir-foo-1", "datadir-foo-3"]);
}

pub(crate) async fn lost_claim_of_a_pending_pod(case: Case) {
    let cluster = Cluster::with(case.set_with(json!({ "replicas": 1 }))).await;
    let cordon = |is_cordoned: bool| {
        let key = ObjectKey::new(Kind::Node, "", "node");
        let change = move |node: &mut Node| {
            node.spec.get_or_insert_default().unschedulable = is_cordoned.then_some(true);
        };
        let store = cluster.store.clone();
        async move { store.modify(&key, change).await.unwrap() }
    };
    cordon(true).await;
    cluster.delete(Kind::Pod, "foo-0").await;
    let phase = || cluster.find::<Pod>("foo-0").unwrap().status.unwrap().phase;
    assert_eq!(phase().as_deref(), Some("Pending"));
    let lost = cluster.claim("datadir-foo-0").metadata.uid;
    cluster.delete(Kind::PersistentVolumeClaim, "datadir-foo-0").await;
    assert_ne!(cluster.claim("datadir-foo-0").metadata.uid, lost, "created again");
    cordon(false).await;
    cluster.settle().await;
    assert_eq!(phase().as_deref(), Some("Running"));
}

/// A claim follows its template, its volume follows the claim, and the set says so.
#[tokio::test(start_paused = true)]
async fn claims_and_volumes_grow_with_their_template() {
    let mut set = super::fixture::set(json!({ "replicas": 2 }));
    set.metadata.annotations = Some([("dullahan.dev/grow-claims".to_owned(), "true".to_owned())].into());
    let cluster = Cluster::with(set).await;
    let ask = |set: &mut StatefulSet| {
        let template = &mut set.spec.volume_claim_templates.as_mut().unwrap()[0];
        let resources = template.spec.as_mut().unwrap().resources.as_mut().unwrap();
        resources.requests.as_mut().unwrap().get_mut("storage").unwrap().0 = "2Gi".into();
    };
    cluster.edit(ask).await;
    for name in ["datadir-foo-0", "datadir-foo-1"] {
        let claim = cluster.claim(name);
        assert_eq!(claim.status.unwrap().capacity.unwrap()["storage"].0, "2Gi");
        let volume: PersistentVolume = cluster.find(&claim.spec.unwrap().volume_name.unwrap()).unwrap();
        assert_eq!(volume.spec.unwrap().capacity.unwrap()["storage"].0, "2Gi");
    }
    let set: StatefulSet = cluster.find("foo").unwrap();
    let conditions = set.status.unwrap().conditions.unwrap();
    assert_eq!(conditions[0].reason.as_deref(), Some("AllGrown"), "{conditions:?}");
    assert_eq!(name_of(&set.metadata), "foo");
}
