//! The scheduler as a controller: which events concern which pods, and one reconcile.
//!
//! The cluster has one node, whose name is given; other Node objects are not scheduled to, since
//! nobody would run their pods.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;

use super::bind::{COMPONENT, bind, refuse, select_node, write_condition};
use super::decide::{Decision, Mounted, claim_names, decide};
use super::waiting::{WaitingPods, is_waiting};
use crate::controllers::controller::{Controller, Next, ReconcileError};
use crate::controllers::informer::Informer;
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{Change, Event, Interest, Store};

/// Binds pods to the node.
pub struct Scheduler {
    node: String,
    waiting: Informer<WaitingPods>,
}

impl Scheduler {
    /// A scheduler for a cluster whose one node has this name.
    pub fn new(node: &str) -> Self {
        Self { node: node.to_owned(), waiting: Informer::default() }
    }
}

#[async_trait]
impl Controller for Scheduler {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn interest(&self) -> Interest {
        Interest::in_kinds(&[Kind::Pod, Kind::PersistentVolumeClaim, Kind::StorageClass, Kind::Node])
    }

    fn concerned(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        let key = event.object.key();
        match key.kind {
            Kind::Pod if event.change == Change::Deleted || !is_waiting(&event.object) => Vec::new(),
            Kind::Pod => vec![key.clone()],
            Kind::PersistentVolumeClaim => self.waiting.current(store).mounting(key),
            Kind::Node if key.name != self.node || is_status_only(event) => Vec::new(),
            _ => self.waiting.current(store).all(),
        }
    }

    fn all(&mut self, store: &Store) -> Vec<ObjectKey> {
        self.waiting.current(store).all()
    }

    async fn reconcile(&mut self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError> {
        let Some(object) = store.get(key).filter(is_waiting) else { return Ok(Next::OnChange) };
        let Some(pod) = object.get::<Pod>() else { return Ok(Next::OnChange) };
        let node = store.find::<Node>("", &self.node);
        let claims = mounted(store, &object, pod);
        let decision = decide(pod, node.as_ref().and_then(|node| node.get::<Node>()), &claims);
        match &decision {
            Decision::Bind => bind(store, &object, &self.node).await?,
            Decision::NotOurs => {}
            Decision::Gated => write_condition(store, &object, &decision).await?,
            Decision::SelectNode(names) => select_node(store, &object, names, &self.node).await?,
            Decision::Unschedulable(why) => refuse(store, &object, &decision, why).await?,
        }
        Ok(Next::OnChange)
    }
}

/// Whether neither the spec nor the labels of a node have changed.
fn is_status_only(event: &Event) -> bool {
    let settings =
        |object: &Object| object.get::<Node>().map(|node| (node.spec.clone(), node.metadata.labels.clone()));
    event.change == Change::Modified && event.previous.as_ref().and_then(settings) == settings(&event.object)
}

/// The claims of a pod with the binding mode of their classes.
fn mounted(store: &Store, object: &Object, pod: &Pod) -> Vec<Mounted> {
    let look_up = |name: String| {
        let claim = store.find::<PersistentVolumeClaim>(object.namespace(), &name);
        let claim = claim.and_then(|claim| claim.get::<PersistentVolumeClaim>().cloned());
        let spec = claim.as_ref().and_then(|claim| claim.spec.as_ref());
        let class = spec.and_then(|spec| spec.storage_class_name.as_deref()).unwrap_or_default();
        let class = store.find::<StorageClass>("", class);
        let mode =
            class.as_ref().and_then(|class| class.get::<StorageClass>()?.volume_binding_mode.as_deref());
        let waits_for_consumer = mode == Some("WaitForFirstConsumer");
        Mounted { name, claim, waits_for_consumer }
    };
    claim_names(pod).into_iter().map(look_up).collect()
}
