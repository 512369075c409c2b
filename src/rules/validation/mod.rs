//! Validation, as the Kubernetes API does it after defaulting.
//!
//! Every broken rule is reported with its path and Kubernetes' message, since clients search for those
//! messages. A change is never refused for a mistake that the object had before: errors of the old
//! version are not reported again for the new one. The store checks what depends on other objects
//! (does the namespace exist, is the address free).

mod claim;
mod cluster;
mod container;
mod content;
mod endpoints;
mod endpointslice;
mod environment;
mod growth;
mod handler;
mod labels;
mod lease;
mod metadata;
mod placement;
mod pod;
mod pod_change;
mod port;
mod resources;
mod rules;
mod security;
mod service;
mod service_address;
mod statefulset;
mod value;
mod volume;

pub use rules::Rules;

use crate::objects::{FieldError, Typed};

/// The rules that a new object breaks.
pub fn validate_create(new: &Typed) -> Vec<FieldError> {
    validate_create_under(Rules::default(), new)
}

/// The rules that a change of `old` to `new` breaks, including those that `new` itself breaks.
pub fn validate_update(new: &Typed, old: &Typed) -> Vec<FieldError> {
    validate_update_under(Rules::default(), new, old)
}

/// As [`validate_create`], under other rules.
pub fn validate_create_under(rules: Rules, new: &Typed) -> Vec<FieldError> {
    let mut errors = faults(new);
    if let Typed::StatefulSet(set) = new {
        statefulset::check_new_name(rules, set, &mut errors);
    }
    errors
}

/// As [`validate_update`], under other rules.
pub fn validate_update_under(rules: Rules, new: &Typed, old: &Typed) -> Vec<FieldError> {
    let mut errors = faults(new);
    if !errors.is_empty() {
        let known = faults(old);
        errors.retain(|error| !known.contains(error));
    }
    metadata::check_change(new.meta(), old.meta(), &mut errors);
    check_change(rules, new, old, &mut errors);
    errors
}

/// The rules that an object itself breaks, whether it is new or not.
fn faults(object: &Typed) -> Vec<FieldError> {
    let mut errors = Vec::new();
    metadata::check(object, &mut errors);
    check_content(object, &mut errors);
    errors
}

/// The rules that a change of the status of `old` to that of `new` breaks.
pub fn validate_status_update(new: &Typed, old: &Typed) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match (new, old) {
        (Typed::StatefulSet(new), Typed::StatefulSet(old)) => {
            statefulset::check_status_change(new, old, &mut errors);
        }
        (Typed::Pod(new), Typed::Pod(old)) => pod_change::check_status(new, old, &mut errors),
        (Typed::Service(new), Typed::Service(_)) => service::check_status(new, &mut errors),
        _ => {}
    }
    errors
}

fn check_content(new: &Typed, errors: &mut Vec<FieldError>) {
    match new {
        Typed::Namespace(namespace) => cluster::check_namespace(namespace, errors),
        Typed::Node(node) => cluster::check_node(node, errors),
        Typed::StorageClass(class) => cluster::check_class(class, errors),
        Typed::PersistentVolume(volume) => cluster::check_volume(volume, errors),
        Typed::ConfigMap(map) => content::check_config_map(map, errors),
        Typed::Secret(secret) => content::check_secret(secret, errors),
        Typed::ControllerRevision(revision) => content::check_revision(revision, errors),
        Typed::Event(event) => content::check_event(event, errors),
        Typed::Service(service) => service::check(service, errors),
        Typed::PersistentVolumeClaim(claim) => claim::check(claim, errors),
        Typed::Pod(pod) => pod::check(pod, errors),
        Typed::StatefulSet(set) => statefulset::check(set, errors),
        Typed::EndpointSlice(slice) => endpointslice::check(slice, errors),
        Typed::Endpoints(endpoints) => endpoints::check(endpoints, errors),
        Typed::RuntimeClass(class) => cluster::check_runtime_class(class, errors),
        Typed::Lease(lease) => lease::check(lease, errors),
        Typed::ServiceAccount(_) => {}
    }
}

fn check_change(rules: Rules, new: &Typed, old: &Typed, errors: &mut Vec<FieldError>) {
    match (new, old) {
        (Typed::StatefulSet(new), Typed::StatefulSet(old)) => {
            statefulset::check_change(rules, new, old, errors);
        }
        (Typed::Service(new), Typed::Service(old)) => service::check_change(new, old, errors),
        (Typed::Pod(new), Typed::Pod(old)) => pod_change::check(new, old, errors),
        (Typed::PersistentVolumeClaim(new), Typed::PersistentVolumeClaim(old)) => {
            claim::check_change(new, old, errors);
        }
        (Typed::PersistentVolume(new), Typed::PersistentVolume(old)) => {
            cluster::check_volume_change(new, old, errors);
        }
        (Typed::StorageClass(new), Typed::StorageClass(old)) => cluster::check_class_change(new, old, errors),
        (Typed::ConfigMap(new), Typed::ConfigMap(old)) => content::check_config_map_change(new, old, errors),
        (Typed::Secret(new), Typed::Secret(old)) => content::check_secret_change(new, old, errors),
        (Typed::ControllerRevision(new), Typed::ControllerRevision(old)) => {
            content::check_revision_change(new, old, errors);
        }
        (Typed::EndpointSlice(new), Typed::EndpointSlice(old)) => {
            endpointslice::check_change(new, old, errors);
        }
        (Typed::RuntimeClass(new), Typed::RuntimeClass(old)) => {
            cluster::check_runtime_class_change(new, old, errors);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
