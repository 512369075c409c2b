//! The objects of a new cluster: the system namespaces, the services of the API server and the DNS
//! server, and a default storage class.
//!
//! Existing objects are left as they are, so a restart changes nothing. The two services have no
//! selector: this server answers for them itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Namespace, Service, ServicePort, ServiceSpec};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::allocation::network::ServiceNetwork;
use super::error::StoreError;
use super::handle::Store;
use crate::objects::{ObjectKey, Typed, storage_class};

const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];
/// The addresses of the two services, counted from the start of the range, as kubeadm chooses them.
const API_SERVER_PLACE: u32 = 1;
const DNS_PLACE: u32 = 10;
/// The port of an API server.
const API_SERVER_PORT: i32 = 6443;

/// The optional objects of [`Store::bootstrap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bootstrap {
    /// A storage class `standard`, the default for claims.
    pub default_storage_class: bool,
}

impl Store {
    /// Creates the objects of a new cluster that are missing.
    pub async fn bootstrap(&self, options: &Bootstrap) -> Result<(), StoreError> {
        for name in NAMESPACES {
            self.create_if_absent(namespace(name)).await?;
        }
        let network = &self.0.service_network;
        for service in [api_server(network), dns(network)].into_iter().flatten() {
            self.create_if_absent(service).await?;
        }
        if options.default_storage_class {
            self.create_if_absent(storage_class()).await?;
        }
        Ok(())
    }

    async fn create_if_absent(&self, object: impl Into<Typed>) -> Result<(), StoreError> {
        let typed = object.into();
        if self.get(&ObjectKey::of(&typed)).is_some() {
            return Ok(());
        }
        match self.create(typed).await {
            Err(error) if error.is_already_exists() => Ok(()),
            other => other.map(drop),
        }
    }
}

fn namespace(name: &str) -> Namespace {
    Namespace { metadata: named(name, ""), ..Default::default() }
}

fn api_server(network: &ServiceNetwork) -> Option<Service> {
    let https = port("https", "TCP", 443, API_SERVER_PORT);
    let mut service = service("default", "kubernetes", network.address(API_SERVER_PLACE)?, vec![https]);
    service.metadata.labels = Some(labels(&[("component", "apiserver"), ("provider", "kubernetes")]));
    Some(service)
}

fn dns(network: &ServiceNetwork) -> Option<Service> {
    let ports = vec![port("dns", "UDP", 53, 53), port("dns-tcp", "TCP", 53, 53)];
    let mut service = service("kube-system", "kube-dns", network.address(DNS_PLACE)?, ports);
    service.metadata.labels = Some(labels(&[("k8s-app", "kube-dns")]));
    Some(service)
}

fn service(namespace: &str, name: &str, address: IpAddr, ports: Vec<ServicePort>) -> Service {
    let spec = ServiceSpec {
        type_: Some("ClusterIP".into()),
        cluster_ip: Some(address.to_string()),
        ports: Some(ports),
        session_affinity: Some("None".into()),
        ..Default::default()
    };
    Service { metadata: named(name, namespace), spec: Some(spec), ..Default::default() }
}

fn port(name: &str, protocol: &str, port: i32, target: i32) -> ServicePort {
    ServicePort {
        name: Some(name.into()),
        protocol: Some(protocol.into()),
        port,
        target_port: Some(IntOrString::Int(target)),
        ..Default::default()
    }
}

/// Volumes are provisioned when the first pod is scheduled (`WaitForFirstConsumer`), as in kind and
/// k3s. They are directories, so they can always be expanded.
fn storage_class() -> StorageClass {
    let mut metadata = named("standard", "");
    metadata.annotations = Some(labels(&[(storage_class::DEFAULT_ANNOTATION, "true")]));
    StorageClass {
        metadata,
        provisioner: "dullahan.dev/local".into(),
        reclaim_policy: Some("Delete".into()),
        volume_binding_mode: Some("WaitForFirstConsumer".into()),
        allow_volume_expansion: Some(true),
        ..Default::default()
    }
}

fn named(name: &str, namespace: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.into()),
        namespace: (!namespace.is_empty()).then(|| namespace.into()),
        ..Default::default()
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests;
