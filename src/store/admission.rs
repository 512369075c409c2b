//! Admission: checks and fields that depend on other objects.
//!
//! The admission plugins NamespaceLifecycle, DefaultStorageClass, DefaultTolerationSeconds and
//! StorageObjectInUseProtection; of ServiceAccount that an account which a pod names must exist
//! (`default` need not: nothing makes it);
//! also the addresses of services and the finalizer of namespaces, which the API server sets in the
//! registries of these kinds.

use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Pod, Service};
use k8s_openapi::api::storage::v1::StorageClass;

mod tolerations;

use super::allocation::allocate::allocate;
use super::allocation::ledger::Ledger;
use super::allocation::request::AllocationError;
use super::error::StoreError;
use super::handle::Store;
use crate::objects::{Kind, Object, ObjectKey, Typed, namespace, storage_class};
use tolerations::add_default_tolerations;

/// Namespaces that cannot be deleted.
const IMMORTAL_NAMESPACES: [&str; 3] = ["default", "kube-system", "kube-public"];
/// The service account of pods that name none.
const DEFAULT_ACCOUNT: &str = "default";
/// Keeps a claim while pods use it.
const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";
/// Keeps a volume while it is bound.
const VOLUME_FINALIZER: &str = "kubernetes.io/pv-protection";
/// The annotation that named a claim's class before the field did.
const CLASS_ANNOTATION_BETA: &str = "volume.beta.kubernetes.io/storage-class";

impl Store {
    /// Admits a new object. Services need `ledger`.
    pub(super) fn admit_create(
        &self,
        key: &ObjectKey,
        new: &mut Typed,
        ledger: Option<&mut Ledger>,
    ) -> Result<(), StoreError> {
        self.admit_into_namespace(key)?;
        match new {
            Typed::Service(service) => self.allocate(service, None, ledger),
            Typed::Namespace(namespace) => {
                let spec = namespace.spec.get_or_insert_default();
                add(spec.finalizers.get_or_insert_default(), namespace::FINALIZER);
                Ok(())
            }
            Typed::Pod(pod) => {
                add_default_tolerations(pod);
                self.admit_account(key, pod)
            }
            Typed::PersistentVolumeClaim(claim) => {
                self.set_default_class(claim);
                add_finalizer(new, CLAIM_FINALIZER);
                Ok(())
            }
            Typed::PersistentVolume(_) => {
                add_finalizer(new, VOLUME_FINALIZER);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Admits an updated object. Services need `ledger`.
    pub(super) fn admit_update(
        &self,
        new: &mut Typed,
        old: &Object,
        ledger: Option<&mut Ledger>,
    ) -> Result<(), StoreError> {
        match (new, old.typed()) {
            (Typed::Service(new), Typed::Service(old)) => self.allocate(new, Some(old), ledger),
            (Typed::Pod(pod), _) => {
                add_default_tolerations(pod);
                Ok(())
            }
            // They change through their own subresource alone, so that a manifest that is applied
            // again and does not know of them takes nothing away.
            (Typed::Namespace(new), Typed::Namespace(old)) => {
                new.spec = old.spec.clone();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Refuses to delete the system namespaces.
    pub(super) fn admit_delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        if key.kind == Kind::Namespace && IMMORTAL_NAMESPACES.contains(&key.name.as_str()) {
            let reason = "this namespace may not be deleted".to_owned();
            return Err(StoreError::Forbidden { key: key.clone(), reason });
        }
        Ok(())
    }

    fn admit_into_namespace(&self, key: &ObjectKey) -> Result<(), StoreError> {
        if !key.kind.info().is_namespaced {
            return Ok(());
        }
        let namespace = ObjectKey::new(Kind::Namespace, "", &key.namespace);
        let Some(found) = self.get(&namespace) else { return Err(StoreError::NotFound(namespace)) };
        if found.is_terminating() || phase(&found) == Some("Terminating") {
            let name = &key.namespace;
            let reason =
                format!("unable to create new content in namespace {name} because it is being terminated");
            return Err(StoreError::Forbidden { key: key.clone(), reason });
        }
        Ok(())
    }

    fn admit_account(&self, key: &ObjectKey, pod: &Pod) -> Result<(), StoreError> {
        let named = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref());
        let Some(name) = named.filter(|name| !name.is_empty() && *name != DEFAULT_ACCOUNT) else {
            return Ok(());
        };
        let namespace = &key.namespace;
        if self.get(&ObjectKey::new(Kind::ServiceAccount, namespace, name)).is_some() {
            return Ok(());
        }
        let reason = format!(
            "error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found"
        );
        Err(StoreError::Forbidden { key: key.clone(), reason })
    }

    fn allocate(
        &self,
        new: &mut Service,
        old: Option<&Service>,
        ledger: Option<&mut Ledger>,
    ) -> Result<(), StoreError> {
        let ledger = ledger.expect("writers of services hold the ledger");
        let in_use = ledger.in_use(self.cache());
        let key = ObjectKey::of(&Typed::from(new.clone()));
        allocate(new, old, in_use, &self.0.service_network).map_err(|error| match error {
            AllocationError::Invalid(errors) => StoreError::Invalid { key, errors },
            AllocationError::Exhausted(why) => StoreError::Exhausted(why),
        })
    }

    fn set_default_class(&self, claim: &mut PersistentVolumeClaim) {
        let annotations = claim.metadata.annotations.as_ref();
        let is_annotated = annotations.is_some_and(|map| map.contains_key(CLASS_ANNOTATION_BETA));
        let spec = claim.spec.get_or_insert_default();
        if spec.storage_class_name.is_none() && !is_annotated {
            spec.storage_class_name = self.default_storage_class();
        }
    }

    /// The name of the default storage class: the newest if several are marked, the first by name if
    /// these are equally old.
    pub fn default_storage_class(&self) -> Option<String> {
        let classes = self.list(Kind::StorageClass, None).objects;
        let defaults =
            classes.iter().filter(|class| class.get::<StorageClass>().is_some_and(storage_class::is_default));
        let newest = defaults.max_by(|a, b| {
            let created = |class: &Object| class.meta().creation_timestamp.as_ref().map(|time| time.0);
            created(a).cmp(&created(b)).then_with(|| b.name().cmp(a.name()))
        });
        newest.map(|class| class.name().to_owned())
    }
}

fn phase(namespace: &Object) -> Option<&str> {
    namespace.get::<Namespace>()?.status.as_ref()?.phase.as_deref()
}

fn add_finalizer(typed: &mut Typed, finalizer: &str) {
    add(typed.meta_mut().finalizers.get_or_insert_default(), finalizer);
}

fn add(list: &mut Vec<String>, finalizer: &str) {
    if !list.iter().any(|present| present == finalizer) {
        list.push(finalizer.to_owned());
    }
}

#[cfg(test)]
mod tests;
