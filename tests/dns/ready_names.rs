//! Only Running-and-Ready pods are published: random histories of pods and services, through the
//! EndpointSlice controller and the publisher, against the rule itself.
//!
//! The rule is stated once more in [`World::is_published`], from the pods alone: a name is answered
//! if and only if its pod is Ready and not terminating, or its service publishes all.

use std::collections::{BTreeMap, BTreeSet};

use dullahan::clock::{Clock, Timestamp};
use dullahan::controllers::Controller;
use dullahan::controllers::endpointslice::EndpointSlices;
use dullahan::dns::answer::{Query, answer};
use dullahan::names::options::ZoneOptions;
use dullahan::names::publisher::Publisher;
use dullahan::objects::{Kind, ObjectKey, Typed};
use dullahan::store::{DeleteOptions, Store, StoreOptions};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};
use k8s_openapi::api::core::v1::{Pod, PodCondition, PodIP, Service};
use proptest::prelude::*;
use serde_json::{Value, json};

const PODS: usize = 4;

/// One thing that happens to a pod or to the service.
#[derive(Clone, Debug)]
enum Action {
    Create(usize),
    Address(usize),
    Ready(usize, bool),
    Fail(usize),
    Unlabel(usize),
    BeginDelete(usize),
    FinishDelete(usize),
    PublishAll(bool),
}

fn action() -> impl Strategy<Value = Action> {
    let pod = 0..PODS;
    prop_oneof![
        3 => pod.clone().prop_map(Action::Create),
        3 => pod.clone().prop_map(Action::Address),
        4 => (pod.clone(), any::<bool>()).prop_map(|(pod, is_ready)| Action::Ready(pod, is_ready)),
        1 => pod.clone().prop_map(Action::Fail),
        1 => pod.clone().prop_map(Action::Unlabel),
        2 => pod.clone().prop_map(Action::BeginDelete),
        2 => pod.prop_map(Action::FinishDelete),
        1 => any::<bool>().prop_map(Action::PublishAll),
    ]
}

struct World {
    store: Store,
    slices: EndpointSlices,
    publisher: Publisher,
    n_addresses: usize,
}

fn typed(kind: Kind, value: Value) -> Typed {
    Typed::from_value(kind, value).unwrap()
}

fn name_of(pod: usize) -> String {
    format!("web-{pod}")
}

fn key(pod: usize) -> ObjectKey {
    ObjectKey::new(Kind::Pod, "default", &name_of(pod))
}

impl World {
    async fn new() -> Self {
        let options = StoreOptions { seed: Some(1), ..Default::default() };
        let store = Store::in_memory(Clock::starting_at(Timestamp::UNIX_EPOCH), options);
        store.create(typed(Kind::Namespace, json!({"metadata": {"name": "default"}}))).await.unwrap();
        let service = json!({
            "metadata": {"name": "nginx", "namespace": "default"},
            "spec": {"clusterIP": "None", "selector": {"app": "nginx"}, "ports": [{"name": "web", "port": 80}]},
        });
        store.create(typed(Kind::Service, service)).await.unwrap();
        let publisher = Publisher::new(store.clone(), ZoneOptions::default(), Vec::new());
        Self { store, slices: EndpointSlices::new(), publisher, n_addresses: 0 }
    }

    async fn act(&mut self, action: &Action) {
        // What cannot be done now is refused by the store, and nothing has happened.
        match action {
            Action::Create(pod) => drop(self.store.create(typed(Kind::Pod, manifest(*pod))).await),
            Action::Address(pod) => {
                self.n_addresses += 1;
                let address = format!("10.244.{}.{}", self.n_addresses / 250, self.n_addresses % 250 + 1);
                self.status(*pod, |pod| {
                    let status = pod.status.get_or_insert_default();
                    status.pod_ip = Some(address.clone());
                    status.pod_ips = Some(vec![PodIP { ip: address.clone() }]);
                })
                .await;
            }
            Action::Ready(pod, is_ready) => self.status(*pod, |pod| set_ready(pod, *is_ready)).await,
            Action::Fail(pod) => {
                self.status(*pod, |pod| pod.status.get_or_insert_default().phase = Some("Failed".into()))
                    .await;
            }
            Action::Unlabel(pod) => {
                let unlabel = |pod: &mut Pod| pod.metadata.labels = None;
                drop(self.store.modify::<Pod>(&key(*pod), unlabel).await);
            }
            Action::BeginDelete(pod) => {
                drop(self.store.delete(&key(*pod), &DeleteOptions::default()).await);
            }
            Action::FinishDelete(pod) => {
                let now = DeleteOptions { grace_s: Some(0), ..Default::default() };
                drop(self.store.delete(&key(*pod), &now).await);
            }
            Action::PublishAll(publishes_all) => {
                let key = ObjectKey::new(Kind::Service, "default", "nginx");
                let publish = |service: &mut Service| {
                    service.spec.as_mut().unwrap().publish_not_ready_addresses = Some(*publishes_all)
                };
                drop(self.store.modify::<Service>(&key, publish).await);
            }
        }
    }

    async fn status(&self, pod: usize, change: impl FnMut(&mut Pod) + Send) {
        drop(self.store.modify_status::<Pod>(&key(pod), change).await);
    }

    /// The controller and the publisher do what is theirs.
    async fn settle(&mut self) {
        let service = ObjectKey::new(Kind::Service, "default", "nginx");
        self.slices.reconcile(&self.store, &service).await.unwrap();
        self.publisher.catch_up();
    }

    fn is_published(&self, pod: &Pod) -> bool {
        let service = self.store.find::<Service>("default", "nginx").unwrap();
        let spec = service.get::<Service>().unwrap().spec.clone().unwrap();
        let publishes_all = spec.publish_not_ready_addresses == Some(true);
        let status = pod.status.clone().unwrap_or_default();
        let is_ready =
            status.conditions.iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True");
        let is_member = pod.metadata.labels.as_ref().is_some_and(|labels| labels.get("app").is_some());
        let has_ended = matches!(status.phase.as_deref(), Some("Failed" | "Succeeded"));
        let is_alive = is_ready && pod.metadata.deletion_timestamp.is_none();
        is_member && !has_ended && status.pod_ip.is_some() && (publishes_all || is_alive)
    }

    fn check(&self) {
        let zones = self.publisher.zones();
        let ask = |name: &str| {
            let name = Name::from_ascii(format!("{name}.default.svc.cluster.local.")).unwrap();
            let answer = answer(&zones.load(), &Query { name, record_type: RecordType::A });
            let addresses = answer.answers.iter().map(|record| record.data.to_string());
            (answer.rcode, addresses.collect::<BTreeSet<String>>())
        };
        let pods = self.store.list(Kind::Pod, Some("default")).objects;
        let published: BTreeMap<String, String> = pods
            .iter()
            .filter_map(|object| object.get::<Pod>())
            .filter(|pod| self.is_published(pod))
            .map(|pod| (pod.metadata.name.clone().unwrap(), pod.status.clone().unwrap().pod_ip.unwrap()))
            .collect();
        for pod in (0..PODS).map(name_of) {
            let expected = match published.get(&pod) {
                Some(address) => (ResponseCode::NoError, [address.clone()].into()),
                None => (ResponseCode::NXDomain, BTreeSet::new()),
            };
            assert_eq!(ask(&format!("{pod}.nginx")), expected, "{pod}");
        }
        let rcode = if published.is_empty() { ResponseCode::NXDomain } else { ResponseCode::NoError };
        assert_eq!(ask("nginx"), (rcode, published.into_values().collect()));
    }
}

fn manifest(pod: usize) -> Value {
    json!({
        "metadata": {"name": name_of(pod), "namespace": "default", "labels": {"app": "nginx"}},
        "spec": {
            "hostname": name_of(pod), "subdomain": "nginx", "nodeName": "node",
            "containers": [{"name": "nginx", "image": "nginx:1.27"}],
        },
    })
}

fn set_ready(pod: &mut Pod, is_ready: bool) {
    let status = if is_ready { "True" } else { "False" };
    let condition = PodCondition { type_: "Ready".into(), status: status.into(), ..Default::default() };
    let pod_status = pod.status.get_or_insert_default();
    pod_status.conditions = Some(vec![condition]);
    if is_ready {
        pod_status.phase = Some("Running".into());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_name_is_answered_if_and_only_if_its_pod_is_ready_or_all_are_published(
        history in prop::collection::vec(action(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for action in &history {
                world.act(action).await;
                world.settle().await;
                world.check();
            }
        });
    }
}
