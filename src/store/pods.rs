//! The two most frequent writes: binding a pod to a node, and writing a pod's status.
//!
//! They skip defaulting and validation of the fields that they leave as they are.

use k8s_openapi::api::core::v1::{Pod, PodCondition, PodStatus};

use super::deletion::uid_differs;
use super::error::StoreError;
use super::handle::{ATTEMPTS_MAX, Outcome, Store, too_busy};
use super::update::Half;
use super::write::Expected;
use crate::objects::{Object, Typed, pod};
use crate::rules::strategy;

impl Store {
    /// Binds a pod to a node and sets the condition that `condition` makes of the bound pod, in one
    /// write, as the API server's `pods/binding` does. It is a conflict if the pod is bound already,
    /// is terminating, or is another one of the same name than the one read.
    pub async fn bind(
        &self,
        read: &Object,
        node: &str,
        condition: impl Fn(&Pod) -> Option<PodCondition> + Send,
    ) -> Result<Object, StoreError> {
        let key = read.key();
        let conflict = |reason: String| StoreError::Conflict { key: key.clone(), reason };
        for _ in 0..ATTEMPTS_MAX {
            let old = self.get(key).ok_or_else(|| StoreError::NotFound(key.clone()))?;
            let unbound = old.get::<Pod>().ok_or_else(|| StoreError::NotFound(key.clone()))?;
            if old.uid() != read.uid() {
                return Err(conflict(uid_differs(read.uid(), old.uid())));
            }
            if old.is_terminating() {
                let name = old.name();
                return Err(conflict(format!("pod {name} is being deleted, cannot be assigned to a host")));
            }
            if let Some(present) = pod::node_name(unbound) {
                let name = old.name();
                return Err(conflict(format!("pod {name} is already assigned to node \"{present}\"")));
            }
            let next = bound(unbound, node, &condition);
            let outcome = self.commit(key, Expected::At(old.revision()), Some(next)).await?;
            if let Outcome::Written(object) = outcome {
                return Ok(object);
            }
        }
        Err(too_busy(key.clone()))
    }

    /// Writes the status that `status` makes of the present pod. Retries on conflict; leaves another
    /// pod of the same name alone. Returns the version that is there then.
    pub async fn write_pod_status(
        &self,
        read: &Object,
        status: impl Fn(&Pod) -> PodStatus + Send,
    ) -> Result<Object, StoreError> {
        let key = read.key();
        let mut old = read.clone();
        for _ in 0..ATTEMPTS_MAX {
            let pod = old.get::<Pod>().ok_or_else(|| StoreError::NotFound(key.clone()))?;
            let status = status(pod);
            if pod.status.as_ref() == Some(&status) {
                return Ok(old);
            }
            let next = Pod { metadata: pod.metadata.clone(), spec: pod.spec.clone(), status: Some(status) };
            if let Some(written) = self.replace_version(&old, next.into(), Half::Status).await? {
                return Ok(written);
            }
            let present = self.get(key).ok_or_else(|| StoreError::NotFound(key.clone()))?;
            if present.uid() != read.uid() {
                return Ok(present);
            }
            old = present;
        }
        Err(too_busy(key.clone()))
    }
}

fn bound(pod: &Pod, node: &str, condition: impl Fn(&Pod) -> Option<PodCondition>) -> Typed {
    let mut next = Typed::from(pod.clone());
    strategy::raise_generation(&mut next);
    if let Typed::Pod(pod) = &mut next {
        pod.spec.get_or_insert_default().node_name = Some(node.to_owned());
        // A nomination is fulfilled or void once the pod is bound.
        if let Some(status) = &mut pod.status {
            status.nominated_node_name = None;
        }
        if let Some(condition) = condition(pod) {
            let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
            conditions.retain(|present| present.type_ != condition.type_);
            conditions.push(condition);
        }
    }
    next
}
