//! What the API server does to an object between defaulting and validation: keeps the parts that the
//! write cannot change, gives a new object its status, and counts generations.
//!
//! Kubernetes calls this the strategy of a resource (`pkg/registry/*/strategy.go`). The generation
//! counts changes of the desired state; it is raised for the kinds that have one, and only when the
//! new state means something else than the old (see [`semantic`](crate::machinery::semantic)).

mod service;

use k8s_openapi::api::apps::v1::StatefulSetStatus;
use k8s_openapi::api::core::v1::{
    Namespace, NamespaceStatus, PersistentVolumeClaimStatus, PersistentVolumeStatus, PodStatus,
};

use crate::machinery::semantic;
use crate::objects::{Typed, namespace, quality};
use crate::rules::defaulting::label_namespace;

/// Clears the fields that a creator cannot set, and sets the status of a new object.
pub fn prepare_for_create(typed: &mut Typed) {
    match typed {
        Typed::StatefulSet(set) => {
            set.status = Some(StatefulSetStatus { available_replicas: Some(0), ..Default::default() });
            set.metadata.generation = Some(1);
        }
        Typed::Pod(pod) => {
            let qos_class = pod.spec.as_ref().map(|spec| quality::of(spec).to_owned());
            pod.status = Some(PodStatus { phase: Some("Pending".into()), qos_class, ..Default::default() });
            pod.metadata.generation = Some(1);
        }
        Typed::Service(object) => {
            object.status = Some(Default::default());
            object.status.get_or_insert_default().load_balancer = Some(Default::default());
            service::prepare_for_create(object.spec.get_or_insert_default());
        }
        Typed::Namespace(namespace) => {
            label_namespace(namespace);
            let finalizers = namespace.spec.get_or_insert_default().finalizers.get_or_insert_default();
            if !finalizers.iter().any(|present| present == namespace::FINALIZER) {
                finalizers.push(namespace::FINALIZER.into());
            }
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

/// Keeps the status of `old`, and raises the generation if the desired state has changed.
pub fn prepare_for_update(new: &mut Typed, old: &Typed) {
    new.meta_mut().generation = old.meta().generation;
    keep_status(new, old);
    let is_respecified = match (&mut *new, old) {
        (Typed::StatefulSet(new), Typed::StatefulSet(old)) => !semantic::equal(&new.spec, &old.spec),
        (Typed::Pod(new), Typed::Pod(old)) => !semantic::equal(&new.spec, &old.spec),
        (Typed::EndpointSlice(new), Typed::EndpointSlice(old)) => {
            !(semantic::equal_lists(new.endpoints.as_deref(), old.endpoints.as_deref())
                && semantic::equal_lists(new.ports.as_deref(), old.ports.as_deref()))
        }
        (Typed::Service(new), Typed::Service(old)) => {
            let old = old.spec.clone().unwrap_or_default();
            service::prepare_for_update(new.spec.get_or_insert_default(), &old);
            false
        }
        (Typed::Namespace(new), Typed::Namespace(old)) => {
            keep_finalizers(new, old);
            false
        }
        _ => false,
    };
    if is_respecified {
        raise_generation(new);
    }
}

/// `old` with the status of `new`; everything else is kept, including finalizers and owner
/// references.
pub fn with_status_of(new: &Typed, old: &Typed) -> Typed {
    let mut kept = old.clone();
    keep_status(&mut kept, new);
    complete_status(&mut kept, old);
    kept
}

/// Fills in fields that a status which replaces that of `old` may leave out.
pub fn complete_status(new: &mut Typed, old: &Typed) {
    match (new, old) {
        (Typed::StatefulSet(set), _) => drop_zero_counts(set.status.get_or_insert_default()),
        (Typed::Pod(pod), Typed::Pod(old)) => {
            let status = pod.status.get_or_insert_default();
            if status.qos_class.is_none() {
                status.qos_class = old.status.as_ref().and_then(|status| status.qos_class.clone());
            }
        }
        _ => {}
    }
}

/// Raises the generation of kinds that have one.
pub fn raise_generation(typed: &mut Typed) {
    if let Some(generation) = typed.meta_mut().generation.as_mut() {
        *generation += 1;
    }
}

/// Gives `to` the status of `from`.
fn keep_status(to: &mut Typed, from: &Typed) {
    match (to, from) {
        (Typed::StatefulSet(to), Typed::StatefulSet(from)) => to.status = from.status.clone(),
        (Typed::Pod(to), Typed::Pod(from)) => to.status = from.status.clone(),
        (Typed::Service(to), Typed::Service(from)) => to.status = from.status.clone(),
        (Typed::Namespace(to), Typed::Namespace(from)) => to.status = from.status.clone(),
        (Typed::Node(to), Typed::Node(from)) => to.status = from.status.clone(),
        (Typed::PersistentVolumeClaim(to), Typed::PersistentVolumeClaim(from)) => {
            to.status = from.status.clone();
        }
        (Typed::PersistentVolume(to), Typed::PersistentVolume(from)) => to.status = from.status.clone(),
        _ => {}
    }
}

/// The finalizers of a namespace belong to the server. They can only be removed, and only while the
/// namespace is being deleted (Kubernetes has the subresource `namespaces/finalize` for that).
fn keep_finalizers(new: &mut Namespace, old: &Namespace) {
    let known = old.spec.clone().unwrap_or_default();
    let spec = new.spec.get_or_insert_default();
    if old.metadata.deletion_timestamp.is_none() {
        *spec = known;
    } else if let Some(finalizers) = &mut spec.finalizers {
        let known = known.finalizers.unwrap_or_default();
        finalizers.retain(|finalizer| known.contains(finalizer));
    }
}

/// `replicas` and `availableReplicas` are always present, the other counts only if they are not zero.
fn drop_zero_counts(status: &mut StatefulSetStatus) {
    status.available_replicas.get_or_insert(0);
    for count in [&mut status.ready_replicas, &mut status.current_replicas, &mut status.updated_replicas] {
        *count = count.filter(|count| *count != 0);
    }
}

#[cfg(test)]
mod tests;
