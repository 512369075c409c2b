//! A store, an agent, a scheduler and a clock, and what a watcher of pods has seen.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Namespace, Pod, PodSpec, Probe, TCPSocketAction};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::*;
use crate::clock::Clock;
use crate::controllers::Worker;
use crate::controllers::scheduler::Scheduler;
use crate::node::NodeSize;
use crate::node::runtime::simulated::{Simulated, SimulatedOptions};
use crate::store::{Change, StoreOptions};

pub(super) struct Cluster {
    pub(super) store: Store,
    pub(super) agent: Agent,
    scheduler: Worker,
    watch: Watch,
    seen: Vec<String>,
}

impl Cluster {
    pub(super) async fn new() -> Self {
        Self::with_network("10.0.0.0/24").await
    }

    pub(super) async fn with_network(network: &str) -> Self {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let store = Store::in_memory(clock, StoreOptions { seed: Some(1), ..Default::default() });
        let namespace = ObjectMeta { name: Some("default".into()), ..Default::default() };
        store.create(Namespace { metadata: namespace, ..Default::default() }).await.unwrap();
        let watch = store.watch(Interest::in_kinds(&[Kind::Pod]), store.revision());
        let agent = agent(&store, network);
        let scheduler = scheduler(&store);
        Self { store, agent, scheduler, watch, seen: Vec::new() }
    }

    pub(super) fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::new(Kind::Pod, "default", name)
    }

    pub(super) async fn create(&mut self, pod: Pod) {
        self.store.create(pod).await.unwrap();
    }

    pub(super) async fn delete(&mut self, name: &str) {
        self.store.delete(&self.key(name), &DeleteOptions::default()).await.unwrap();
    }

    /// Restarts the server: a new agent and a new runtime over the same store.
    pub(super) fn restart(&mut self) {
        self.agent = agent(&self.store, "10.0.0.0/24");
        self.scheduler = scheduler(&self.store);
    }

    /// Replaces the agent by a new one over this runtime.
    pub(super) fn run_on(&mut self, runtime: Arc<dyn Runtime>) {
        self.agent = agent_on(&self.store, "10.0.0.0/24", runtime);
    }

    /// Lets `seconds` pass, the agent doing what is due at every instant in between.
    pub(super) async fn pass(&mut self, seconds: u64) {
        let clock = self.store.clock().clone();
        let end = clock.now() + Duration::from_secs(seconds);
        loop {
            let next = self.step().await;
            self.look();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            clock.sleep_until(next).await;
        }
        clock.sleep_until(end).await;
        self.step().await;
        self.look();
    }

    /// Does all that is due now; returns when the next thing is due without a change.
    async fn step(&mut self) -> Option<Timestamp> {
        loop {
            let next = self.agent.step().await;
            if self.scheduler.step().await.is_none() {
                return [next, self.scheduler.next_due()].into_iter().flatten().min();
            }
        }
    }

    fn look(&mut self) {
        let now = self.store.clock().now();
        let now_s = now.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64();
        for event in self.watch.ready().unwrap() {
            let summary = match event.change {
                Change::Deleted => "gone".to_owned(),
                _ => summary(&event.object),
            };
            self.seen.push(format!("{now_s} {summary}"));
        }
    }

    /// All that was seen.
    pub(super) fn seen(&self) -> &[String] {
        &self.seen
    }

    /// All that was seen is `expected`.
    #[track_caller]
    pub(super) fn check(&mut self, expected: &[&str]) {
        self.look();
        assert_eq!(self.seen, expected);
    }

    /// The last of what was seen.
    #[track_caller]
    pub(super) fn check_end(&mut self, expected: &[&str]) {
        self.look();
        let skipped = self.seen.len().saturating_sub(expected.len());
        assert_eq!(&self.seen[skipped..], expected, "after {:#?}", &self.seen[..skipped]);
    }
}

fn agent(store: &Store, network: &str) -> Agent {
    let options = SimulatedOptions { seed: 1, ..SimulatedOptions::default() };
    agent_on(store, network, Arc::new(Simulated::new(store.clock().clone(), options)))
}

fn agent_on(store: &Store, network: &str, runtime: Arc<dyn Runtime>) -> Agent {
    let options = NodeOptions {
        name: "node-1".into(),
        pod_networks: vec![network.parse().unwrap()],
        address: "192.168.0.1".parse().unwrap(),
        size: NodeSize::ample(),
        zone: None,
        renews_lease_every: None,
    };
    Agent::new(store.clone(), runtime, vec![options])
}

pub(super) fn pod(name: &str) -> Pod {
    Pod {
        metadata: ObjectMeta {
            name: Some(name.into()),
            namespace: Some("default".into()),
            ..Default::default()
        },
        spec: Some(PodSpec {
            containers: vec![Container {
                name: "nginx".into(),
                image: Some("nginx:1".into()),
                ..Default::default()
            }],
            termination_grace_period_seconds: Some(30),
            ..Default::default()
        }),
        status: None,
    }
}

pub(super) fn with_annotations(mut pod: Pod, annotations: &[(&str, &str)]) -> Pod {
    let key = |name: &str| format!("simulated.dullahan.dev/{name}");
    let all: BTreeMap<String, String> =
        annotations.iter().map(|(name, value)| (key(name), (*value).to_owned())).collect();
    pod.metadata.annotations = Some(all);
    pod
}

pub(super) fn with_probe(mut pod: Pod, initial_delay_s: i32, period_s: i32) -> Pod {
    let tcp = TCPSocketAction { port: IntOrString::Int(80), host: None };
    pod.spec.as_mut().unwrap().containers[0].readiness_probe = Some(Probe {
        initial_delay_seconds: Some(initial_delay_s),
        period_seconds: Some(period_s),
        tcp_socket: Some(tcp),
        ..Default::default()
    });
    pod
}

fn scheduler(store: &Store) -> Worker {
    Worker::new(Box::new(Scheduler::new()), store.clone())
}

/// A pod's status in one line.
pub(super) fn summary(object: &Object) -> String {
    let pod = object.get::<Pod>().unwrap();
    let status = pod.status.clone().unwrap_or_default();
    let mut words = vec![status.phase.unwrap_or_default()];
    if let Some(node) = pod.spec.as_ref().unwrap().node_name.as_deref() {
        words.push(format!("on {node}"));
    }
    let conditions = status.conditions.unwrap_or_default();
    let find = |type_: &str| conditions.iter().find(|condition| condition.type_ == type_);
    if let Some(scheduled) = find("PodScheduled") {
        words.push(scheduled.reason.clone().unwrap_or("Scheduled".into()));
    }
    let statuses = status.container_statuses.unwrap_or_default();
    for state in statuses.iter().filter_map(|container| container.state.as_ref()) {
        words.extend(state.waiting.as_ref().and_then(|waiting| waiting.reason.clone()));
        words.extend(state.running.as_ref().map(|_| "running".to_owned()));
        let ended = state.terminated.as_ref();
        words.extend(ended.map(|ended| format!("{}({})", ended.reason.as_deref().unwrap(), ended.exit_code)));
    }
    words.extend(status.pod_ip);
    words.extend(find("Ready").filter(|ready| ready.status == "True").map(|_| "Ready".to_owned()));
    words.extend(object.is_terminating().then(|| "Terminating".to_owned()));
    let n_restarts: i32 = statuses.iter().map(|container| container.restart_count).sum();
    words.extend((n_restarts > 0).then(|| format!("restarts={n_restarts}")));
    words.join(" ")
}
