//! The objects that a rule looks up: services, StatefulSets, pods and storage classes.
//!
//! The caller chooses them: those of the files that are checked, or those in the store.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::objects::{Typed, name_of, namespace_of};

/// The objects that a rule looks up besides the one that it is about.
#[derive(Clone, Debug, Default)]
pub struct RelatedObjects<'a> {
    services: Vec<&'a Service>,
    sets: Vec<&'a StatefulSet>,
    pub(super) pods: Vec<&'a Pod>,
    pub(super) classes: Vec<&'a StorageClass>,
}

impl<'a> RelatedObjects<'a> {
    /// Those among `objects` that rules look up: services, sets, pods and storage classes.
    pub fn of(objects: impl IntoIterator<Item = &'a Typed>) -> Self {
        let mut related = Self::default();
        for object in objects {
            match object {
                Typed::Service(service) => related.services.push(service),
                Typed::StatefulSet(set) => related.sets.push(set),
                Typed::Pod(pod) => related.pods.push(pod),
                Typed::StorageClass(class) => related.classes.push(class),
                _ => {}
            }
        }
        related
    }

    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<&'a Service> {
        let mut services = self.services.iter().copied();
        services.find(|service| is_named(&service.metadata, namespace, name))
    }

    pub(super) fn sets_in(&self, namespace: &str) -> impl Iterator<Item = &'a StatefulSet> {
        self.sets.iter().copied().filter(move |set| namespace_of(&set.metadata) == namespace)
    }

    pub(super) fn services_in(&self, namespace: &str) -> impl Iterator<Item = &'a Service> {
        self.services.iter().copied().filter(move |service| namespace_of(&service.metadata) == namespace)
    }
}

fn is_named(meta: &ObjectMeta, namespace: &str, name: &str) -> bool {
    name_of(meta) == name && namespace_of(meta) == namespace
}
