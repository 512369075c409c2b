//! The controller over a store in virtual time: what is bound, reported and tried again.

use k8s_openapi::api::core::v1::{Event as EventObject, Namespace};

use super::super::fixture::{LARGE, node, pod, requests};
use super::*;
use crate::clock::{Clock, Timestamp};
use crate::controllers::Worker;
use crate::store::{DeleteOptions, StoreOptions};

struct Cluster {
    store: Store,
    worker: Worker,
}

impl Cluster {
    async fn with(objects: impl IntoIterator<Item = Object>) -> Self {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let store = Store::in_memory(clock, StoreOptions { seed: Some(1), ..Default::default() });
        let mut default = Namespace::default();
        default.metadata.name = Some("default".into());
        store.mirror(default).await.unwrap();
        let worker = Worker::new(Box::new(Scheduler::new()), store.clone());
        let mut cluster = Self { store, worker };
        for object in objects {
            cluster.put(&object).await;
        }
        cluster.settle().await;
        cluster
    }

    async fn put(&self, object: &Object) {
        self.store.mirror(object.typed().clone()).await.unwrap();
    }

    /// Works until nothing is due; returns how many reconciles that took.
    async fn settle(&mut self) -> usize {
        let mut n = 0;
        while self.worker.step().await.is_some() {
            n += 1;
            assert!(n < 10_000, "an endless loop");
        }
        n
    }

    fn pod(&self, name: &str) -> Pod {
        self.store.find::<Pod>("default", name).unwrap().get::<Pod>().unwrap().clone()
    }

    fn place(&self, name: &str) -> String {
        words::node_name(&self.pod(name)).unwrap_or_default().to_owned()
    }

    fn reason(&self, name: &str) -> String {
        let pod = self.pod(name);
        let condition = words::condition(&pod, "PodScheduled");
        condition.and_then(|condition| condition.message.clone()).unwrap_or_default()
    }

    /// The events of a reason, as `pod: message`.
    fn events(&self, reason: &str) -> Vec<String> {
        let events = self.store.list(Kind::Event, None).objects;
        let events = events.iter().filter_map(Object::get::<EventObject>);
        let wanted = events.filter(|event| event.reason.as_deref() == Some(reason));
        let text = |event: &EventObject| {
            let about = event.involved_object.name.clone().unwrap_or_default();
            format!("{about}: {}", event.message.clone().unwrap_or_default())
        };
        wanted.map(text).collect()
    }

    async fn delete(&self, name: &str) {
        let key = ObjectKey::new(Kind::Pod, "default", name);
        self.store.delete(&key, &DeleteOptions::default()).await.unwrap();
    }

    async fn remove(&self, name: &str) {
        self.store.unmirror(&ObjectKey::new(Kind::Pod, "default", name)).await.unwrap();
    }
}

fn user(name: &str, priority: i32, cores: i32) -> Object {
    pod(name, "", "", &format!("priority: {priority}, {}", requests(&format!("cpu: {cores}"))))
}

fn small(name: &str) -> Object {
    node(name, "cpu: 4, pods: 10", "", "")
}

#[tokio::test(start_paused = true)]
async fn pods_fill_the_nodes_and_the_rest_waits_for_room() {
    let mut cluster = Cluster::with([small("a"), user("one", 0, 3)]).await;
    assert_eq!(cluster.place("one"), "a");
    cluster.put(&user("two", 0, 3)).await;
    cluster.settle().await;
    let why = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: \
               1 No preemption victims found for incoming pod.";
    assert_eq!((cluster.place("two"), cluster.reason("two")), (String::new(), why.to_owned()));
    assert_eq!(cluster.events("FailedScheduling"), [format!("two: {why}")]);
    let revision = cluster.store.revision();
    cluster.worker.start_over();
    cluster.settle().await;
    assert_eq!(cluster.store.revision(), revision, "the same reason is not written again");
    cluster.put(&small("b")).await;
    cluster.settle().await;
    assert_eq!(cluster.place("two"), "b");
    cluster.put(&user("three", 0, 4)).await;
    cluster.settle().await;
    cluster.remove("one").await;
    cluster.settle().await;
    assert_eq!(cluster.place("three"), "a");
}

#[tokio::test(start_paused = true)]
async fn without_nodes_pods_wait_for_one() {
    let mut cluster = Cluster::with([user("one", 0, 1)]).await;
    assert_eq!(cluster.reason("one"), "no nodes available to schedule pods");
    cluster.put(&node("a", "", "", "")).await;
    cluster.settle().await;
    assert!(
        cluster.reason("one").starts_with("0/1 nodes are available: 1 Insufficient cpu, 1 Too many pods.")
    );
    cluster.put(&node("a", LARGE, "", "")).await;
    cluster.settle().await;
    assert_eq!(cluster.place("one"), "a");
}

#[tokio::test(start_paused = true)]
async fn the_most_important_pod_comes_first() {
    let mut cluster = Cluster::with([user("low", 0, 3), user("mid", 5, 3), user("high", 9, 3)]).await;
    cluster.put(&small("a")).await;
    cluster.settle().await;
    assert_eq!(["low", "mid", "high"].map(|name| cluster.place(name)), ["", "", "a"]);
}

#[tokio::test(start_paused = true)]
async fn a_more_important_pod_gets_the_place_of_others() {
    let mut cluster = Cluster::with([small("a"), user("low", 0, 3), user("tiny", 0, 1)]).await;
    cluster.put(&user("high", 9, 3)).await;
    cluster.settle().await;
    let low = cluster.pod("low");
    let target = words::condition(&low, "DisruptionTarget").unwrap();
    assert_eq!(target.reason.as_deref(), Some("PreemptionByScheduler"));
    assert_eq!(low.metadata.deletion_grace_period_seconds, Some(30), "with its grace");
    assert!(cluster.pod("tiny").metadata.deletion_timestamp.is_none(), "not more than needed");
    let nominated = cluster.pod("high").status.unwrap().nominated_node_name;
    assert_eq!((cluster.place("high"), nominated.as_deref()), (String::new(), Some("a")));
    assert_eq!(cluster.events("Preempted"), ["low: Preempted by pod uid-high on node a"]);
    cluster.put(&user("late", 0, 2)).await;
    cluster.remove("low").await;
    cluster.settle().await;
    assert_eq!((cluster.place("high"), cluster.place("late")), ("a".into(), String::new()));
    assert_eq!(cluster.pod("high").status.unwrap().nominated_node_name, None, "it has been fulfilled");
}

#[tokio::test(start_paused = true)]
async fn gates_and_other_schedulers_are_left_alone() {
    let gated = pod("gated", "", "", "schedulingGates: [{name: example.com/gate}]");
    let foreign = pod("foreign", "", "", "schedulerName: mine");
    let mut cluster = Cluster::with([small("a"), gated, foreign]).await;
    assert_eq!((cluster.place("gated"), cluster.place("foreign")), (String::new(), String::new()));
    let condition = cluster.pod("gated");
    let condition = words::condition(&condition, "PodScheduled").unwrap();
    assert_eq!(condition.reason.as_deref(), Some("SchedulingGated"));
    assert!(words::condition(&cluster.pod("foreign"), "PodScheduled").is_none());
    cluster.put(&pod("gated", "", "", "schedulingGates: []")).await;
    cluster.settle().await;
    assert_eq!(cluster.place("gated"), "a");
}

#[tokio::test(start_paused = true)]
async fn only_changes_that_may_help_wake_waiting_pods() {
    let port = "containers: [{name: c, ports: [{containerPort: 1, hostPort: 80}]}]";
    let selective = pod("selective", "", "", "nodeSelector: {disk: ssd}");
    let mut cluster =
        Cluster::with([small("a"), pod("x", "a", "", port), pod("y", "a", "", ""), selective]).await;
    cluster.put(&pod("ported", "", "", port)).await;
    cluster.put(&user("large", 0, 5)).await;
    cluster.settle().await;
    cluster.remove("y").await;
    assert_eq!(cluster.settle().await, 0, "neither a port nor enough CPU is free now");
    let beat = |node: &mut Node| node.status.get_or_insert_default().phase = Some("Running".into());
    cluster.store.modify_status::<Node>(&ObjectKey::new(Kind::Node, "", "a"), beat).await.unwrap();
    assert_eq!(cluster.settle().await, 0, "nor has the node changed");
    cluster.remove("x").await;
    assert_eq!(cluster.settle().await, 1, "a port is free");
    assert_eq!(cluster.place("ported"), "a");
}

#[tokio::test(start_paused = true)]
async fn a_set_with_anti_affinity_gets_one_pod_per_node_and_its_place_back() {
    let anti = "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [
        {labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}";
    let web = |name: &str| pod(name, "", "app: web", anti);
    let mut cluster = Cluster::with([small("a"), small("b"), web("w0"), web("w1"), web("w2")]).await;
    let mut places = [cluster.place("w0"), cluster.place("w1")];
    places.sort();
    assert_eq!((places, cluster.place("w2")), (["a".into(), "b".into()], String::new()));
    assert_eq!(
        cluster.reason("w2"),
        "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. preemption: \
         0/2 nodes are available: 2 No preemption victims found for incoming pod."
    );
    let freed = cluster.place("w0");
    cluster.delete("w0").await;
    cluster.settle().await;
    assert_eq!(cluster.place("w2"), "", "it still runs");
    cluster.remove("w0").await;
    cluster.settle().await;
    assert_eq!(cluster.place("w2"), freed);
}

#[tokio::test(start_paused = true)]
async fn thousands_that_wait_cost_one_look_each_and_no_writes() {
    let many = (0..2000).map(|n| user(&format!("p{n}"), 0, 3));
    let mut cluster = Cluster::with([small("a"), user("first", 0, 4)].into_iter().chain(many)).await;
    let revision = cluster.store.revision();
    let settle = cluster.settle().await;
    assert_eq!((settle, cluster.store.revision()), (0, revision));
    cluster.remove("first").await;
    let n_looks = cluster.settle().await;
    assert_eq!(cluster.place("p0"), "a");
    assert!(n_looks <= 2000, "{n_looks}");
    let n_writes = cluster.store.revision() - revision;
    assert!(n_writes <= 4, "a removal, a binding and its event: {n_writes}");
}
