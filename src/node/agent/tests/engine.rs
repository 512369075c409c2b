//! An engine that does not answer, or hangs, while the pods of others go on.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::cluster::{Cluster, pod};
use super::*;
use crate::clock::Clock;
use crate::node::runtime::simulated::{Simulated, SimulatedOptions};
use crate::node::runtime::{
    PodReport, ProbeReply, ProbeRequest, RuntimeError, Sandbox, StartContainer, Survivor,
};

/// The simulated runtime over an engine with troubles.
struct Troubled {
    inner: Simulated,
    /// Whether the engine answers.
    is_silent: Mutex<bool>,
    /// The names of pods whose containers take for ever to start.
    stuck: BTreeSet<String>,
}

impl Troubled {
    fn new(clock: &Clock, stuck: &[&str]) -> Arc<Self> {
        let inner = Simulated::new(clock.clone(), SimulatedOptions::default());
        let stuck = stuck.iter().map(|name| (*name).to_owned()).collect();
        Arc::new(Self { inner, is_silent: Mutex::new(false), stuck })
    }

    fn set_silent(&self, is_silent: bool) {
        *self.is_silent.lock().unwrap() = is_silent;
    }

    fn check(&self) -> Result<(), RuntimeError> {
        match *self.is_silent.lock().unwrap() {
            true => Err(RuntimeError::Unavailable("no such socket".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Runtime for Troubled {
    fn version(&self) -> String {
        self.inner.version()
    }

    fn complaints(&self, pod: &Pod) -> Vec<String> {
        self.inner.complaints(pod)
    }

    async fn ensure_sandbox(&self, sandbox: Sandbox<'_>) -> Result<(), RuntimeError> {
        self.check()?;
        self.inner.ensure_sandbox(sandbox).await
    }

    async fn stop_sandbox(&self, pod_uid: &str) -> Result<(), RuntimeError> {
        self.inner.stop_sandbox(pod_uid).await
    }

    async fn remove_sandbox(&self, pod_uid: &str) -> Result<(), RuntimeError> {
        self.check()?;
        self.inner.remove_sandbox(pod_uid).await
    }

    async fn sandboxes(&self) -> Result<Vec<String>, RuntimeError> {
        self.check()?;
        self.inner.sandboxes().await
    }

    async fn adopt(&self, pod: &Pod, survivors: &[Survivor]) -> Result<(), RuntimeError> {
        self.inner.adopt(pod, survivors).await
    }

    async fn start(&self, order: StartContainer<'_>) -> Result<(), RuntimeError> {
        if self.stuck.contains(order.pod.metadata.name.as_deref().unwrap()) {
            std::future::pending::<()>().await;
        }
        self.inner.start(order).await
    }

    async fn stop(&self, pod_uid: &str, container: &str, grace: Duration) -> Result<(), RuntimeError> {
        self.check()?;
        self.inner.stop(pod_uid, container, grace).await
    }

    async fn report(&self, pod_uid: &str) -> Result<PodReport, RuntimeError> {
        self.check()?;
        self.inner.report(pod_uid).await
    }

    async fn changed(&self) -> String {
        self.inner.changed().await
    }

    async fn probe(&self, request: ProbeRequest<'_>) -> Result<ProbeReply, RuntimeError> {
        self.check()?;
        self.inner.probe(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn no_pod_waits_for_one_whose_start_hangs() {
    let mut cluster = Cluster::new().await;
    let runtime = Troubled::new(cluster.store.clock(), &["web-0"]);
    cluster.run_on(runtime);
    cluster.create(pod("web-0")).await;
    cluster.create(pod("web-1")).await;
    cluster.pass(5).await;
    let status = |name| cluster::summary(&cluster.store.get(&cluster.key(name)).unwrap());
    assert_eq!(status("web-0"), "Pending on node-1 Scheduled ContainerCreating 10.0.0.2");
    assert_eq!(status("web-1"), "Running on node-1 Scheduled running 10.0.0.3 Ready");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_answer_changes_no_status_and_restarts_nothing() {
    let mut cluster = Cluster::new().await;
    let runtime = Troubled::new(cluster.store.clock(), &[]);
    cluster.run_on(runtime.clone());
    cluster.create(pod("web-0")).await;
    cluster.pass(5).await;
    let revision = cluster.store.get(&cluster.key("web-0")).unwrap().revision();
    runtime.set_silent(true);
    cluster.agent.start_over();
    cluster.pass(60).await;
    runtime.set_silent(false);
    cluster.pass(5).await;
    assert_eq!(cluster.store.get(&cluster.key("web-0")).unwrap().revision(), revision);
    runtime.set_silent(true);
    cluster.delete("web-0").await;
    cluster.pass(100).await;
    cluster.check_end(&["70 Running on node-1 Scheduled running 10.0.0.2 Ready Terminating"]);
    runtime.set_silent(false);
    cluster.pass(5).await;
    cluster.check_end(&["171 gone"]);
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_cannot_be_created_is_reported_and_tried_again() {
    let mut cluster = Cluster::new().await;
    let runtime = Troubled::new(cluster.store.clock(), &[]);
    cluster.run_on(runtime.clone());
    runtime.set_silent(true);
    cluster.create(pod("web-0")).await;
    cluster.pass(5).await;
    cluster.check_end(&["0 Pending on node-1 Scheduled ContainerCreating"]);
    let events = cluster.store.list(Kind::Event, Some("default")).objects;
    let texts: Vec<String> = events
        .iter()
        .filter_map(|event| event.get::<k8s_openapi::api::core::v1::Event>()?.message.clone())
        .filter(|message| message.contains("sandbox"))
        .collect();
    let expected = "Failed to create pod sandbox: the runtime does not answer: no such socket";
    assert_eq!(texts, [expected]);
    runtime.set_silent(false);
    cluster.pass(5).await;
    cluster.check_end(&["10 Running on node-1 Scheduled running 10.0.0.2 Ready"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_pods_that_are_gone_is_removed_at_start() {
    let mut cluster = Cluster::new().await;
    let runtime = Troubled::new(cluster.store.clock(), &[]);
    cluster.run_on(runtime.clone());
    for name in ["web-0", "web-1"] {
        cluster.create(pod(name)).await;
    }
    cluster.pass(1).await;
    let now = DeleteOptions { grace_s: Some(0), ..Default::default() };
    cluster.store.delete(&cluster.key("web-0"), &now).await.unwrap();
    let kept = cluster.store.get(&cluster.key("web-1")).unwrap().uid().to_owned();
    cluster.run_on(runtime.clone());
    cluster.pass(1).await;
    assert_eq!(runtime.sandboxes().await.unwrap(), [kept]);
}
