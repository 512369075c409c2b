//! Which sets an event concerns, and that the controller's loop needs nothing else.

use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::super::StatefulSets;
use super::super::naming::owner_reference;
use super::super::sync::Orphans;
use super::super::world::ownership::is_owned;
use super::cluster::Cluster;
use super::fixture::{self, Seen};
use super::scenarios::Case;
use crate::clock::{Clock, Timestamp};
use crate::controllers::{Controller, run};
use crate::objects::{Kind, ObjectKey};
use crate::store::{DeleteOptions, Interest, Store, StoreOptions, Watch};

/// Three sets: `foo` and `foo2` want `foo=bar`, `foo3` wants `foo3=bar`.
struct Sets {
    store: Store,
    controller: StatefulSets,
    watch: Watch,
}

impl Sets {
    async fn new(names: &[&str]) -> Self {
        let store = Store::in_memory(Clock::starting_at(Timestamp::UNIX_EPOCH), StoreOptions::default());
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some("default".into());
        store.create(namespace).await.unwrap();
        for name in names {
            let mut set = fixture::set(json!({}));
            set.metadata.name = Some((*name).into());
            if *name == "foo3" {
                let labels = Some([("foo3".to_owned(), "bar".to_owned())].into());
                set.spec.selector.match_labels.clone_from(&labels);
                set.spec.template.metadata.as_mut().unwrap().labels = labels;
            }
            store.create(set).await.unwrap();
        }
        let controller = StatefulSets::new();
        let watch = store.watch(controller.interest(), store.revision());
        Self { store, controller, watch }
    }

    fn set(&self, name: &str) -> StatefulSet {
        self.store.find::<StatefulSet>("default", name).unwrap().get::<StatefulSet>().unwrap().clone()
    }

    /// A pod `foo-0` with the labels of `foo`, owned by a set or by nobody.
    fn pod(&self, owner: Option<&str>) -> Pod {
        let template = fixture::set(json!({}));
        let mut pod = fixture::pod(&template, 0, "r", Seen::Pending);
        pod.metadata.uid = None;
        pod.metadata.owner_references = owner.map(|owner| vec![owner_reference(&self.set(owner))]);
        pod
    }

    async fn create(&mut self, pod: Pod) {
        self.store.create(pod).await.unwrap();
    }

    async fn change(&mut self, change: impl FnMut(&mut Pod) + Send) {
        let _ = self.keys();
        self.store.modify::<Pod>(&Self::key(), change).await.unwrap();
    }

    fn key() -> ObjectKey {
        ObjectKey::new(Kind::Pod, "default", "foo-0")
    }

    /// The names of the sets that the new events concern.
    fn keys(&mut self) -> Vec<String> {
        let events = self.watch.ready().unwrap();
        let (controller, store) = (&mut self.controller, &self.store);
        let keys = events.iter().flat_map(|event| controller.concerned(store, event));
        let mut names: Vec<String> = keys.map(|key| key.name.clone()).collect();
        names.sort();
        names
    }
}

/// Scenarios of Kubernetes' tests: one thing happens to pod `foo-0`, and these sets hear of it.
pub(crate) async fn concerns(case: Case) {
    let name = case.scenario.name.as_str();
    let mut sets = Sets::new(ALL).await;
    let foo = vec![owner_reference(&sets.set("foo"))];
    let labels = Some([("foo".to_owned(), "bar".to_owned())].into());
    let owner = match name {
        "AddPodOrphan" | "UpdatePodOrphanWithNewLabels" | "DeletePodOrphan" | "GetStatefulSetsForPod" => None,
        "UpdatePodChangeControllerRef" => Some("foo2"),
        _ => Some("foo"),
    };
    let mut pod = sets.pod(owner);
    if name == "UpdatePodOrphanWithNewLabels" {
        pod.metadata.labels = None;
    }
    if name.ends_with("NoSet") {
        sets = Sets::new(&[]).await;
    }
    sets.create(pod).await;
    let note = Some([("note".to_owned(), "x".to_owned())].into());
    match name {
        "UpdatePod" | "UpdatePodWithNoSet" => {
            sets.change(|pod| pod.metadata.annotations.clone_from(&note)).await
        }
        "UpdatePodWithSameVersion" => sets.change(|_| {}).await,
        "UpdatePodOrphanWithNewLabels" => sets.change(|pod| pod.metadata.labels.clone_from(&labels)).await,
        "UpdatePodChangeControllerRef" => {
            sets.change(|pod| pod.metadata.owner_references = Some(foo.clone())).await;
        }
        "UpdatePodRelease" => sets.change(|pod| pod.metadata.owner_references = None).await,
        "DeletePod" | "DeletePodOrphan" => {
            let _ = sets.keys();
            sets.store.delete(&Sets::key(), &DeleteOptions::default()).await.unwrap();
        }
        _ => {}
    }
    let expected = &case.scenario.expect[0]["keys enqueued / sets"];
    // A deletion is two writes; the queue holds a key once.
    let mut keys = sets.keys();
    keys.dedup();
    assert_eq!(json!(keys), *expected, "{name}");
}

#[tokio::test(start_paused = true)]
async fn what_a_plan_does_not_look_at_concerns_nobody() {
    let mut sets = Sets::new(ALL).await;
    let pod = sets.pod(Some("foo"));
    sets.create(pod).await;
    sets.change(|pod| pod.spec.as_mut().unwrap().node_name = Some("node".into())).await;
    assert_eq!(sets.keys(), Vec::<String>::new(), "where it runs");
    let store = sets.store.clone();
    let change = |change: fn(&mut Pod)| {
        let store = store.clone();
        async move { store.modify_status::<Pod>(&Sets::key(), change).await.unwrap() }
    };
    change(|pod| pod.status.as_mut().unwrap().pod_ip = Some("10.0.0.1".into())).await;
    assert_eq!(sets.keys(), Vec::<String>::new(), "its address");
    change(|pod| pod.status.as_mut().unwrap().phase = Some("Running".into())).await;
    assert_eq!(sets.keys(), ["foo"]);
    change(|pod| fixture::set_ready(pod, Some(Timestamp::UNIX_EPOCH))).await;
    assert_eq!(sets.keys(), ["foo"]);
    change(|pod| fixture::set_ready(pod, Some(Timestamp::from_second(9).unwrap()))).await;
    assert_eq!(sets.keys(), ["foo"], "ready since another time");
}

const ALL: &[&str] = &["foo", "foo2", "foo3"];

#[tokio::test(start_paused = true)]
async fn an_owned_pod_concerns_its_owner_alone() {
    let mut sets = Sets::new(ALL).await;
    let mut pod = sets.pod(Some("foo"));
    // The deletion of a pod on a node is two events, told apart by its node's confirmation.
    pod.spec.as_mut().unwrap().node_name = Some("node-1".into());
    sets.create(pod).await;
    assert_eq!(sets.keys(), ["foo"]);
    sets.change(|pod| pod.metadata.annotations = Some([("a".to_owned(), "b".to_owned())].into())).await;
    assert_eq!(sets.keys(), ["foo"]);
    sets.store.delete(&Sets::key(), &DeleteOptions::default()).await.unwrap();
    assert_eq!(sets.keys(), ["foo"]);
    let confirm = DeleteOptions { grace_s: Some(0), ..Default::default() };
    sets.store.delete(&Sets::key(), &confirm).await.unwrap();
    assert!(sets.store.get(&Sets::key()).is_none());
    assert_eq!(sets.keys(), ["foo"]);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_concerns_every_set_that_it_matches_until_it_is_deleted() {
    let mut sets = Sets::new(ALL).await;
    let mut pod = sets.pod(None);
    pod.metadata.labels = None;
    sets.create(pod).await;
    assert_eq!(sets.keys(), Vec::<String>::new());
    sets.change(|pod| pod.metadata.labels = Some([("foo".to_owned(), "bar".to_owned())].into())).await;
    assert_eq!(sets.keys(), ["foo", "foo2"]);
    sets.change(|pod| pod.metadata.annotations = Some([("a".to_owned(), "b".to_owned())].into())).await;
    assert_eq!(sets.keys(), Vec::<String>::new(), "nothing that ownership depends on has changed");
    sets.store.delete(&Sets::key(), &DeleteOptions::default()).await.unwrap();
    assert_eq!(sets.keys(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_changed_or_removed_owner_concerns_the_old_one_too() {
    let mut sets = Sets::new(ALL).await;
    let pod = sets.pod(Some("foo2"));
    sets.create(pod).await;
    let foo = vec![owner_reference(&sets.set("foo"))];
    sets.change(|pod| pod.metadata.owner_references = Some(foo.clone())).await;
    assert_eq!(sets.keys(), ["foo", "foo2"]);
    sets.change(|pod| pod.metadata.owner_references = None).await;
    assert_eq!(sets.keys(), ["foo", "foo2"], "released: every set that it matches");
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_set_concerns_nobody() {
    let sets = Sets::new(ALL).await;
    let owned = sets.pod(Some("foo"));
    let mut sets = Sets::new(&[]).await;
    sets.create(owned).await;
    assert_eq!(sets.keys(), Vec::<String>::new());
    let mut orphan = sets.pod(None);
    orphan.metadata.name = Some("foo-1".into());
    sets.create(orphan).await;
    assert_eq!(sets.keys(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_gone_concerns_the_set_it_was_for() {
    let mut sets = Sets::new(ALL).await;
    let claim = sets.store.create(fixture::claim("datadir-foo2-1", &[])).await.unwrap();
    assert_eq!(sets.keys(), Vec::<String>::new());
    sets.store.delete(claim.key(), &DeleteOptions::default()).await.unwrap();
    sets.store.modify(claim.key(), free).await.ok();
    assert_eq!(sets.keys(), ["foo2"]);
}

fn free(claim: &mut k8s_openapi::api::core::v1::PersistentVolumeClaim) {
    claim.metadata.finalizers = None;
}

/// Reconciles until nothing is left to do for the sets of the new events.
async fn work_off(sets: &mut Sets) {
    for _ in 0..20 {
        let events = sets.watch.ready().unwrap();
        if events.is_empty() {
            return;
        }
        let (controller, store) = (&mut sets.controller, &sets.store);
        let keys: Vec<ObjectKey> =
            events.iter().flat_map(|event| controller.concerned(store, event)).collect();
        for key in keys {
            let _ = sets.controller.reconcile(&sets.store, &key).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_orphan_is_adopted_whether_it_was_there_before_the_first_sync_or_came_later() {
    let mut sets = Sets::new(&["foo"]).await;
    let key = ObjectKey::new(Kind::StatefulSet, "default", "foo");
    let orphan = sets.pod(None);
    sets.create(orphan.clone()).await;
    sets.controller.reconcile(&sets.store, &key).await.unwrap();
    let pod = sets.store.get(&Sets::key()).unwrap();
    assert!(is_owned(&sets.set("foo"), pod.meta()));

    // A set that wants no pods adopts this one too, and then scales it down.
    sets.store.modify::<StatefulSet>(&key, |set| set.spec.replicas = Some(0)).await.unwrap();
    work_off(&mut sets).await;
    sets.controller.reconcile(&sets.store, &key).await.unwrap();
    assert!(sets.store.get(&Sets::key()).is_none());
    sets.create(orphan).await;
    work_off(&mut sets).await;
    assert!(sets.store.get(&Sets::key()).is_none(), "the event made the set look again");
}

#[tokio::test(start_paused = true)]
async fn a_set_that_has_seen_all_orphans_does_not_look_again() {
    let mut sets = Sets::new(&["foo"]).await;
    let key = ObjectKey::new(Kind::StatefulSet, "default", "foo");
    assert_eq!(sets.controller.begin(&sets.store, &key), Orphans::Look);
    assert_eq!(sets.controller.begin(&sets.store, &key), Orphans::Skip);
    sets.controller.all(&sets.store);
    assert_eq!(sets.controller.begin(&sets.store, &key), Orphans::Look, "events were lost");
    sets.store.delete(&key, &DeleteOptions::default()).await.unwrap();
    sets.store.create(fixture::set(json!({}))).await.unwrap();
    assert_eq!(sets.controller.begin(&sets.store, &key), Orphans::Look, "another set of that name");
}

/// A node that runs every pod and makes it ready after a second.
async fn node(store: Store, stop: CancellationToken) {
    let mut watch = store.watch(Interest::in_kinds(&[Kind::Pod]), 0);
    while !stop.is_cancelled() {
        let events = watch.next().await.unwrap();
        store.clock().clone().sleep(Duration::from_secs(1)).await;
        for event in events {
            let now = store.clock().now();
            let is_pending = super::cluster::phase(&event.object) == "Pending";
            let run = |pod: &mut Pod| {
                pod.status.get_or_insert_default().phase = Some("Running".into());
                fixture::set_ready(pod, Some(now));
            };
            if is_pending {
                let _ = store.modify_status::<Pod>(event.object.key(), run).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_loop_alone_brings_a_set_up_with_min_ready_seconds_in_the_time_that_takes() {
    let cluster = Cluster::with(fixture::set(json!({ "minReadySeconds": 10 }))).await;
    let stop = CancellationToken::new();
    let controller = tokio::spawn(run(Box::new(StatefulSets::new()), cluster.store.clone(), stop.clone()));
    let node = tokio::spawn(node(cluster.store.clone(), stop.clone()));
    let start = cluster.store.clock().now();
    while cluster.status().available_replicas != Some(3) {
        cluster.store.clock().clone().sleep(Duration::from_millis(100)).await;
        assert!(cluster.store.clock().now() < start + Duration::from_secs(120), "{:?}", cluster.status());
    }
    let took = cluster.store.clock().now().duration_since(start);
    assert!((33..=35).contains(&took.as_secs()), "three times a second and ten: {took:?}");
    stop.cancel();
    node.abort();
    controller.await.unwrap();
}
