//! Evicting a pod: its status says why it goes, then it is deleted.
//!
//! The preconditions of an eviction hold for the pod as the client has read it, before anything is
//! written; the API server moves them on over its own write too.

use k8s_openapi::api::core::v1::Pod;

use super::deletion::{DeleteOptions, Deleted, check_preconditions};
use super::error::StoreError;
use super::handle::{ATTEMPTS_MAX, Store, too_busy};
use super::update::Half;
use crate::objects::ObjectKey;
use crate::rules::strategy;

impl Store {
    /// Writes the status that `mark` leaves in the pod and deletes it. Nothing is written if a
    /// precondition does not hold.
    pub async fn evict(
        &self,
        key: &ObjectKey,
        options: &DeleteOptions,
        mark: impl Fn(&mut Pod) + Send,
    ) -> Result<Deleted, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let not_found = || StoreError::NotFound(key.clone());
            let old = self.get(key).ok_or_else(not_found)?;
            check_preconditions(&old, options)?;
            let mut pod = old.get::<Pod>().ok_or_else(not_found)?.clone();
            mark(&mut pod);
            let new = strategy::with_status_of(&pod.into(), old.typed());
            let Some(marked) = self.replace_version(&old, new, Half::Status).await? else { continue };
            let at = options.resource_version.as_ref().map(|_| marked.revision().to_string());
            let of_marked =
                DeleteOptions { uid: Some(marked.uid().to_owned()), resource_version: at, ..options.clone() };
            return self.delete(key, &of_marked).await;
        }
        Err(too_busy(key.clone()))
    }
}
