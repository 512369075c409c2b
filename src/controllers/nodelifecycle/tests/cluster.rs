//! A cluster of several nodes: all controllers and an agent, on one store in virtual time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Timestamp};
use crate::controllers::endpointslice::EndpointSlices;
use crate::controllers::garbage::Garbage;
use crate::controllers::nodelifecycle::{GRACE, NodeLifecycle};
use crate::controllers::scheduler::Scheduler;
use crate::controllers::statefulset::StatefulSets;
use crate::controllers::volumes::Volumes;
use crate::controllers::{Controller, run};
use crate::node::runtime::Runtime;
use crate::node::runtime::simulated::{Simulated, SimulatedOptions};
use crate::node::{Agent, LEASE_RENEWAL, NodeOptions, NodeSize};
use crate::objects::{Kind, KubeObject, Object, ObjectKey, Typed};
use crate::store::{Bootstrap, Store, StoreOptions};

/// The annotation that takes a node down.
const DOWN: &str = "simulated.dullahan.dev/down";

pub(super) struct Cluster {
    pub(super) store: Store,
    runtime: Arc<Simulated>,
    stop: CancellationToken,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Cluster {
    /// A cluster with nodes of these names and a set `web` of so many pods, all ready.
    pub(super) async fn with(nodes: &[&str], replicas: i32) -> Self {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let options = StoreOptions { seed: Some(5), ..Default::default() };
        let store = Store::in_memory(clock.clone(), options);
        store.bootstrap(&Bootstrap { default_storage_class: true }).await.unwrap();
        let stop = CancellationToken::new();
        let node = |(n, name): (usize, &&str)| NodeOptions {
            name: (*name).to_owned(),
            pod_networks: vec![format!("10.244.{n}.0/24").parse().unwrap()],
            address: format!("10.244.{n}.1").parse().unwrap(),
            size: NodeSize::ample(),
            zone: None,
            renews_lease_every: Some(LEASE_RENEWAL),
        };
        let simulated = SimulatedOptions {
            start_delay: Duration::from_millis(100),
            stop_delay: Duration::from_millis(100),
            seed: 5,
        };
        let runtime = Arc::new(Simulated::new(clock, simulated));
        let mut agent =
            Agent::new(store.clone(), runtime.clone(), nodes.iter().enumerate().map(node).collect());
        agent.register().await.unwrap();
        tokio::spawn(agent.run(stop.clone()));
        let controllers: [Box<dyn Controller>; 6] = [
            Box::new(StatefulSets::new()),
            Box::new(EndpointSlices::new()),
            Box::new(Volumes::new()),
            Box::new(Garbage::new()),
            Box::new(NodeLifecycle::new(GRACE)),
            Box::new(Scheduler::new()),
        ];
        for controller in controllers {
            tokio::spawn(run(controller, store.clone(), stop.clone()));
        }
        let cluster = Self { store, runtime, stop };
        cluster
            .create::<Service>(json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"clusterIP": "None", "selector": {"app": "web"}, "ports": [{"port": 80}]}}))
            .await;
        cluster.create::<k8s_openapi::api::apps::v1::StatefulSet>(set(replicas)).await;
        cluster.pass(20).await;
        cluster
    }

    async fn create<T: KubeObject>(&self, value: Value) {
        let typed = Typed::from_value(T::KIND, value).unwrap();
        self.store.create(typed).await.unwrap();
    }

    pub(super) async fn pass(&self, seconds: u64) {
        self.store.clock().sleep(Duration::from_secs(seconds)).await;
    }

    pub(super) async fn change_node(&self, name: &str, change: impl FnMut(&mut Node) + Send) {
        self.store.modify(&ObjectKey::new(Kind::Node, "", name), change).await.unwrap();
    }

    /// Takes a node down or lets it up again.
    pub(super) async fn take_down(&self, name: &str, is_down: bool) {
        self.change_node(name, |node| {
            let annotations = node.metadata.annotations.get_or_insert_default();
            match is_down {
                true => annotations.insert(DOWN.to_owned(), "true".to_owned()),
                false => annotations.remove(DOWN),
            };
        })
        .await;
    }

    pub(super) fn find<T: KubeObject>(&self, namespace: &str, name: &str) -> Option<T> {
        self.store.find::<T>(namespace, name)?.get::<T>().cloned()
    }

    pub(super) fn key(name: &str) -> ObjectKey {
        ObjectKey::new(Kind::Pod, "default", name)
    }

    pub(super) fn uid(&self, name: &str) -> String {
        self.store.get(&Self::key(name)).map(|pod| pod.uid().to_owned()).unwrap_or_default()
    }

    /// The node of a pod; empty if it has none.
    pub(super) fn node_of(&self, name: &str) -> String {
        let pod: Pod = self.find("default", name).unwrap();
        crate::objects::pod::node_name(&pod).unwrap_or_default().to_owned()
    }

    /// The address of a pod; empty if it has none.
    pub(super) fn address(&self, name: &str) -> String {
        let pod: Pod = self.find("default", name).unwrap();
        pod.status.and_then(|status| status.pod_ip).unwrap_or_default()
    }

    /// The uids of the pods that run on any node, whatever the API knows of them.
    pub(super) async fn sandboxes(&self) -> BTreeSet<String> {
        self.runtime.sandboxes().await.unwrap().into_iter().collect()
    }

    /// Every pod in one line: name, node, phase, ready or terminating.
    pub(super) fn pods(&self) -> Vec<String> {
        let line = |object: &Object| {
            let pod: &Pod = object.get().unwrap();
            let mut words = vec![object.name().to_owned()];
            words.extend(crate::objects::pod::node_name(pod).map(|node| format!("on {node}")));
            words.push(crate::objects::pod::phase(pod).to_owned());
            words.extend(crate::objects::pod::is_ready(pod).then(|| "Ready".to_owned()));
            words.extend(object.is_terminating().then(|| "Terminating".to_owned()));
            words.join(" ")
        };
        self.store.list(Kind::Pod, None).objects.iter().map(line).collect()
    }

    /// The host names that endpoints publish as ready.
    pub(super) fn published(&self) -> Vec<String> {
        let slices = self.store.list(Kind::EndpointSlice, Some("default")).objects;
        let slices = slices.iter().filter_map(|slice| slice.get::<EndpointSlice>());
        let endpoints = slices.flat_map(|slice| slice.endpoints.clone().unwrap_or_default());
        let ready = endpoints.filter(|endpoint| endpoint.conditions.as_ref().unwrap().ready == Some(true));
        let mut names: Vec<String> = ready.filter_map(|endpoint| endpoint.hostname).collect();
        names.sort();
        names
    }

    /// Taints of a node, as kubectl prints them.
    pub(super) fn taints(&self, name: &str) -> Vec<String> {
        let node: Node = self.find("", name).unwrap();
        let taints = node.spec.unwrap_or_default().taints.unwrap_or_default();
        taints.into_iter().map(|taint| format!("{}:{}", taint.key, taint.effect)).collect()
    }

    /// Type, status and reason of the conditions of a node.
    pub(super) fn conditions(&self, name: &str) -> Vec<String> {
        let node: Node = self.find("", name).unwrap();
        let conditions = node.status.unwrap_or_default().conditions.unwrap_or_default();
        let line = |one: k8s_openapi::api::core::v1::NodeCondition| {
            format!("{}={} {}", one.type_, one.status, one.reason.unwrap_or_default())
        };
        conditions.into_iter().map(line).collect()
    }

    /// Reason, name of the object and message of the events of nodes and of their controllers.
    pub(super) fn events(&self) -> Vec<String> {
        let events = self.store.list(Kind::Event, None).objects;
        let of_nodes = |event: &&Event| {
            let component = event.source.as_ref().and_then(|source| source.component.as_deref());
            let is_about_node = event.involved_object.kind.as_deref() == Some("Node");
            is_about_node || matches!(component, Some("node-controller" | "taint-eviction-controller"))
        };
        let line = |event: &Event| {
            let about = event.involved_object.name.clone().unwrap_or_default();
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            format!("{} {about}: {}", text(&event.reason), text(&event.message))
        };
        let mut lines: Vec<String> =
            events.iter().filter_map(|event| event.get::<Event>()).filter(of_nodes).map(line).collect();
        lines.sort();
        lines
    }
}

fn set(replicas: i32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": replicas, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}},
            "podManagementPolicy": "Parallel",
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
}
