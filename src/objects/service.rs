//! What a service is, in the words of Kubernetes' documents.
//!
//! `clusterIPs` has the first word; `clusterIP` counts where the list is empty, as in objects from
//! files that nothing has defaulted.

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

/// What stands for "no cluster address" in `clusterIP` and `clusterIPs`.
pub const NO_ADDRESS: &str = "None";

/// The first cluster address as it is written, `None` included; absent while there is none.
pub fn cluster_ip(spec: &ServiceSpec) -> Option<&str> {
    let listed = spec.cluster_ips.as_ref().and_then(|listed| listed.first());
    listed.or(spec.cluster_ip.as_ref()).map(String::as_str).filter(|address| !address.is_empty())
}

/// Whether the service asks for no address, so that its name leads to its endpoints
/// (Kubernetes document "Service", "Headless Services").
pub fn is_headless(spec: &ServiceSpec) -> bool {
    cluster_ip(spec) == Some(NO_ADDRESS)
}

/// Whether the service has an address of its own (`IsServiceIPSet`): neither headless, nor without
/// an address as those of type ExternalName are.
pub fn has_cluster_ip(service: &Service) -> bool {
    service.spec.as_ref().and_then(cluster_ip).is_some_and(|address| address != NO_ADDRESS)
}
