//! The controller over a store, in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Namespace, Node};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::Clock;
use crate::controllers::endpointslice::EndpointSlices;
use crate::controllers::{Controller, run};
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{
    Backend, Cache, CommitError, DeleteOptions, Event, Interest, MemoryBackend, Store, StoreOptions, Watch,
    Write,
};

async fn store() -> Store {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    populated(Store::in_memory(clock, StoreOptions { seed: Some(1), ..Default::default() })).await
}

async fn populated(store: Store) -> Store {
    let metadata = ObjectMeta { name: Some("default".into()), ..Default::default() };
    store.create(Namespace { metadata, ..Default::default() }).await.unwrap();
    let mut service = service();
    service.metadata.uid = None;
    store.create(service).await.unwrap();
    store
}

async fn add_pod(store: &Store, name: &str, ip: &str) -> ObjectKey {
    let mut pod = pod(name, ip);
    pod.metadata.uid = None;
    let status = pod.status.clone();
    let key = store.create(pod).await.unwrap().key().clone();
    store.modify_status::<Pod>(&key, |pod| pod.status = status.clone()).await.unwrap();
    key
}

struct Running {
    store: Store,
    stop: CancellationToken,
    slices: Watch,
}

impl Running {
    async fn start() -> Self {
        Self::over(store().await)
    }

    fn over(store: Store) -> Self {
        let stop = CancellationToken::new();
        tokio::spawn(run(Box::new(EndpointSlices::new()), store.clone(), stop.clone()));
        let slices = store.watch(Interest::in_kinds(&[Kind::EndpointSlice]), store.revision());
        Self { store, stop, slices }
    }

    /// Lets everything settle, then returns how many writes of slices there were.
    async fn settle(&mut self) -> usize {
        self.store.clock().sleep(std::time::Duration::from_secs(1)).await;
        self.slices.ready().unwrap().len()
    }

    fn endpoints(&self) -> Vec<(String, Option<bool>)> {
        let slices = self.store.list(Kind::EndpointSlice, Some("default")).objects;
        let slices = slices.iter().filter_map(Object::get::<EndpointSlice>);
        let endpoints = slices.flat_map(|slice| slice.endpoints.clone().unwrap_or_default());
        endpoints.map(|e| (e.addresses[0].clone(), e.conditions.and_then(|c| c.ready))).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn address(ip: &str, is_ready: bool) -> (String, Option<bool>) {
    (ip.to_owned(), Some(is_ready))
}

#[tokio::test(start_paused = true)]
async fn slices_follow_the_pods_and_a_settled_world_is_not_written() {
    let mut running = Running::start().await;
    assert_eq!(running.settle().await, 1, "the placeholder");
    let key = add_pod(&running.store, "web-0", "10.0.0.1").await;
    assert_eq!(running.settle().await, 1);
    assert_eq!(running.endpoints(), [address("10.0.0.1", true)]);
    let store = running.store.clone();
    store.modify_status::<Pod>(&key, |pod| set_ready(pod, "False")).await.unwrap();
    assert_eq!(running.settle().await, 1);
    assert_eq!(running.endpoints(), [address("10.0.0.1", false)]);
    store.modify::<Pod>(&key, |pod| pod.metadata.annotations = Some(labels(&[("a", "b")]))).await.unwrap();
    assert_eq!(running.settle().await, 0);
    store.delete(&key, &DeleteOptions { grace_s: Some(0), ..Default::default() }).await.unwrap();
    assert_eq!(running.settle().await, 1);
    assert_eq!(running.endpoints(), []);
}

#[tokio::test(start_paused = true)]
async fn a_slice_that_somebody_changed_is_put_right() {
    let mut running = Running::start().await;
    add_pod(&running.store, "web-0", "10.0.0.1").await;
    running.settle().await;
    let store = running.store.clone();
    let key = store.list(Kind::EndpointSlice, Some("default")).objects[0].key().clone();
    store.modify::<EndpointSlice>(&key, |slice| slice.endpoints = Some(Vec::new())).await.unwrap();
    assert_eq!(running.settle().await, 2, "the change and its repair");
    assert_eq!(running.endpoints(), [address("10.0.0.1", true)]);
    store.delete(&key, &DeleteOptions::default()).await.unwrap();
    assert_eq!(running.settle().await, 2, "the deletion and its repair");
    assert_eq!(running.endpoints(), [address("10.0.0.1", true)]);
}

#[tokio::test(start_paused = true)]
async fn a_zone_label_that_comes_later_reaches_the_endpoints() {
    let mut running = Running::start().await;
    add_pod(&running.store, "web-0", "10.0.0.1").await;
    running.settle().await;
    let metadata = ObjectMeta {
        name: Some("node-1".into()),
        labels: Some(labels(&[("topology.kubernetes.io/zone", "west")])),
        ..Default::default()
    };
    running.store.create(Node { metadata, ..Default::default() }).await.unwrap();
    assert_eq!(running.settle().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_controller_is_not_woken_by_its_own_writes() {
    let store = store().await;
    let mut controller = EndpointSlices::new();
    let service = ObjectKey::new(Kind::Service, "default", "nginx");
    let mut watch = store.watch(controller.interest(), store.revision());
    add_pod(&store, "web-0", "10.0.0.1").await;
    controller.reconcile(&store, &service).await.unwrap();
    let events = watch.ready().unwrap();
    let slices: Vec<_> = events.iter().filter(|event| event.object.kind() == Kind::EndpointSlice).collect();
    assert_eq!(slices.len(), 1);
    assert!(controller.concerned(&store, slices[0]).is_empty());
    assert!(!controller.concerned(&store, slices[0]).is_empty(), "remembered once, not for ever");
}

#[tokio::test(start_paused = true)]
async fn services_without_a_selector_keep_the_slices_of_their_authors() {
    let mut running = Running::start().await;
    running.settle().await;
    let store = running.store.clone();
    let key = ObjectKey::new(Kind::Service, "default", "nginx");
    store.modify::<Service>(&key, |service| service.spec.as_mut().unwrap().selector = None).await.unwrap();
    add_pod(&store, "web-0", "10.0.0.1").await;
    assert_eq!(running.settle().await, 0);
}

/// Keeps everything in memory but takes no slices for as long as it is told to.
#[derive(Default)]
struct Refusing {
    memory: MemoryBackend,
    is_refusing: AtomicBool,
}

#[async_trait]
impl Backend for Refusing {
    fn cache(&self) -> &Arc<Cache> {
        self.memory.cache()
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        if write.key.kind == Kind::EndpointSlice && self.is_refusing.load(Ordering::Relaxed) {
            return Err(CommitError::Backend("the disk is full".into()));
        }
        self.memory.commit(write).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_is_tried_again_until_it_succeeds() {
    let backend = Arc::new(Refusing::default());
    backend.is_refusing.store(true, Ordering::Relaxed);
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let store = Store::new(backend.clone(), clock, StoreOptions { seed: Some(1), ..Default::default() });
    let mut running = Running::over(populated(store).await);
    assert_eq!(running.settle().await, 0);
    backend.is_refusing.store(false, Ordering::Relaxed);
    running.store.clock().sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(running.settle().await, 1);
}
