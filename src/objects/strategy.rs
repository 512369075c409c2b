//! What the API server does to an object of each kind between defaulting and validation: which
//! half of it a write may change, the status a new object starts with, and the generation.
//!
//! Kubernetes calls this the strategy of a resource (`pkg/registry/*/strategy.go`).

use k8s_openapi::api::core::v1::{
    NamespaceStatus, PersistentVolumeClaimStatus, PersistentVolumeStatus, PodStatus,
};

use super::Typed;

/// Clears what a creator may not set and gives the status a new object has.
pub fn prepare_for_create(typed: &mut Typed) {
    match typed {
        Typed::StatefulSet(set) => {
            set.status = Some(Default::default());
            set.metadata.generation = Some(1);
        }
        Typed::Pod(pod) => {
            pod.status = Some(PodStatus { phase: Some("Pending".into()), ..Default::default() });
            pod.metadata.generation = Some(1);
        }
        Typed::Service(service) => service.status = Some(Default::default()),
        Typed::Namespace(namespace) => {
            namespace.status = Some(NamespaceStatus { phase: Some("Active".into()), ..Default::default() });
        }
        Typed::PersistentVolumeClaim(claim) => {
            claim.status =
                Some(PersistentVolumeClaimStatus { phase: Some("Pending".into()), ..Default::default() });
        }
        Typed::PersistentVolume(volume) => {
            volume.status =
                Some(PersistentVolumeStatus { phase: Some("Pending".into()), ..Default::default() });
        }
        Typed::EndpointSlice(slice) => slice.metadata.generation = Some(1),
        _ => {}
    }
}

/// Keeps the status of `old`, and raises the generation if what the user wants has changed.
pub fn prepare_for_update(new: &mut Typed, old: &Typed) {
    new.meta_mut().generation = old.meta().generation;
    let is_respecified = match (&mut *new, old) {
        (Typed::StatefulSet(new), Typed::StatefulSet(old)) => {
            new.status = old.status.clone();
            new.spec != old.spec
        }
        (Typed::Pod(new), Typed::Pod(old)) => {
            new.status = old.status.clone();
            new.spec != old.spec
        }
        (Typed::Service(new), Typed::Service(old)) => {
            new.status = old.status.clone();
            false
        }
        (Typed::Namespace(new), Typed::Namespace(old)) => {
            new.status = old.status.clone();
            false
        }
        (Typed::Node(new), Typed::Node(old)) => {
            new.status = old.status.clone();
            false
        }
        (Typed::PersistentVolumeClaim(new), Typed::PersistentVolumeClaim(old)) => {
            new.status = old.status.clone();
            false
        }
        (Typed::PersistentVolume(new), Typed::PersistentVolume(old)) => {
            new.status = old.status.clone();
            false
        }
        (Typed::EndpointSlice(new), Typed::EndpointSlice(old)) => {
            (&new.endpoints, &new.ports, &new.address_type) != (&old.endpoints, &old.ports, &old.address_type)
        }
        _ => false,
    };
    if is_respecified {
        raise_generation(new);
    }
}

/// Keeps everything of `old` but the status (and finalizers and owner references are kept too).
pub fn prepare_for_status_update(new: &mut Typed, old: &Typed) {
    let mut kept = old.clone();
    match (&mut kept, &mut *new) {
        (Typed::StatefulSet(kept), Typed::StatefulSet(new)) => kept.status = new.status.take(),
        (Typed::Pod(kept), Typed::Pod(new)) => kept.status = new.status.take(),
        (Typed::Service(kept), Typed::Service(new)) => kept.status = new.status.take(),
        (Typed::Namespace(kept), Typed::Namespace(new)) => kept.status = new.status.take(),
        (Typed::Node(kept), Typed::Node(new)) => kept.status = new.status.take(),
        (Typed::PersistentVolumeClaim(kept), Typed::PersistentVolumeClaim(new)) => {
            kept.status = new.status.take()
        }
        (Typed::PersistentVolume(kept), Typed::PersistentVolume(new)) => kept.status = new.status.take(),
        _ => {}
    }
    *new = kept;
}

/// Raises the generation of kinds that have one.
pub fn raise_generation(typed: &mut Typed) {
    if let Some(generation) = typed.meta_mut().generation.as_mut() {
        *generation += 1;
    }
}
