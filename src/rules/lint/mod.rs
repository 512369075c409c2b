//! Warnings about valid objects: those that the API accepts and that likely do not do what their
//! writer wants.
//!
//! A rule looks at one object and the objects related to it, and says what will happen and how to
//! fix it. It warns of a missing object even if that would be created next: the text says what is
//! still missing. Rules apply from both sides: writing a service warns of a StatefulSet that it does
//! not fit, and writing the StatefulSet warns of the service.

mod governing;
mod mention;
mod pod;
mod probe;
mod references;
mod related;
mod selection;
mod service;
mod set;
mod storage;
mod warning;

pub use related::RelatedObjects;
pub use warning::Warning;

use k8s_openapi::api::core::v1::PodSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::objects::{Typed, controller_of, namespace_of};

/// Warnings about an object that is valid and defaulted.
pub fn lint(typed: &Typed, related: &RelatedObjects<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    match typed {
        Typed::StatefulSet(object) => {
            set::check(object, &mut warnings);
            storage::check_templates(object, related, &mut warnings);
            governing::check_set(object, related, &mut warnings);
            service::check_ports_of_set(object, related, &mut warnings);
            let pod = object.spec.template.spec.as_ref();
            check_spec(pod, &object.metadata, "spec.template.spec", related, &mut warnings);
        }
        Typed::Service(object) => {
            service::check(object, related, &mut warnings);
            governing::check_service(object, related, &mut warnings);
        }
        Typed::Pod(object) => {
            pod::check(object, related, &mut warnings);
            // What is wrong with the pods of a controller is said of the controller.
            let pod = object.spec.as_ref().filter(|_| controller_of(&object.metadata).is_none());
            check_spec(pod, &object.metadata, "spec", related, &mut warnings);
        }
        Typed::PersistentVolumeClaim(claim) => storage::check_claim(claim, related, &mut warnings),
        _ => {}
    }
    warnings
}

/// The rules of a pod's spec, of a template or of a pod. `owner` is whose namespace it is in.
fn check_spec(
    pod: Option<&PodSpec>,
    owner: &ObjectMeta,
    path: &str,
    related: &RelatedObjects<'_>,
    warnings: &mut Vec<Warning>,
) {
    let Some(pod) = pod else { return };
    references::check(pod, namespace_of(owner), path, related, warnings);
    probe::check(pod, path, warnings);
}

#[cfg(test)]
mod tests;
