//! The objects that a rule looks up: services, StatefulSets, pods and storage classes.
//!
//! The caller chooses them: those of the files that are checked, or those in the store.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::objects::{Kind, Typed, name_of, namespace_of};

/// The objects that a rule looks up besides the one that it is about.
#[derive(Clone, Debug, Default)]
pub struct RelatedObjects<'a> {
    services: Vec<&'a Service>,
    sets: Vec<&'a StatefulSet>,
    pub(super) pods: Vec<&'a Pod>,
    pub(super) classes: Vec<&'a StorageClass>,
    maps: Vec<&'a ConfigMap>,
    secrets: Vec<&'a Secret>,
    accounts: Vec<&'a ServiceAccount>,
}

impl<'a> RelatedObjects<'a> {
    /// The kinds that rules look up.
    pub const KINDS: [Kind; 7] = [
        Kind::Service,
        Kind::StatefulSet,
        Kind::Pod,
        Kind::StorageClass,
        Kind::ConfigMap,
        Kind::Secret,
        Kind::ServiceAccount,
    ];

    /// The kinds that the rules of one kind look up.
    pub fn kinds_of(kind: Kind) -> &'static [Kind] {
        match kind {
            Kind::StatefulSet => {
                &[Kind::Service, Kind::StorageClass, Kind::ConfigMap, Kind::Secret, Kind::ServiceAccount]
            }
            Kind::Service => &[Kind::Service, Kind::StatefulSet, Kind::Pod],
            Kind::Pod => &[Kind::Service, Kind::ConfigMap, Kind::Secret, Kind::ServiceAccount],
            Kind::PersistentVolumeClaim => &[Kind::StorageClass],
            _ => &[],
        }
    }

    /// Those among `objects` that rules look up ([`RelatedObjects::KINDS`]).
    pub fn of(objects: impl IntoIterator<Item = &'a Typed>) -> Self {
        let mut related = Self::default();
        for object in objects {
            match object {
                Typed::Service(service) => related.services.push(service),
                Typed::StatefulSet(set) => related.sets.push(set),
                Typed::Pod(pod) => related.pods.push(pod),
                Typed::StorageClass(class) => related.classes.push(class),
                Typed::ConfigMap(map) => related.maps.push(map),
                Typed::Secret(secret) => related.secrets.push(secret),
                Typed::ServiceAccount(account) => related.accounts.push(account),
                _ => {}
            }
        }
        related
    }

    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<&'a Service> {
        let mut services = self.services.iter().copied();
        services.find(|service| is_named(&service.metadata, namespace, name))
    }

    pub(super) fn has_account(&self, namespace: &str, name: &str) -> bool {
        self.accounts.iter().any(|account| is_named(&account.metadata, namespace, name))
    }

    /// The keys of a ConfigMap or Secret; `None` if there is no such object.
    pub(super) fn keys_of(&self, kind: Kind, namespace: &str, name: &str) -> Option<Vec<&'a str>> {
        if kind == Kind::Secret {
            let secret = self.secrets.iter().find(|one| is_named(&one.metadata, namespace, name))?;
            let plain = secret.string_data.iter().flat_map(|data| data.keys());
            return Some(
                secret.data.iter().flat_map(|data| data.keys()).chain(plain).map(String::as_str).collect(),
            );
        }
        let map = self.maps.iter().find(|map| is_named(&map.metadata, namespace, name))?;
        let binary = map.binary_data.iter().flat_map(|data| data.keys());
        Some(map.data.iter().flat_map(|data| data.keys()).chain(binary).map(String::as_str).collect())
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
