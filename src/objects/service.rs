//! What a service is, in the words of Kubernetes' documents.
//!
//! `clusterIPs` takes precedence over `clusterIP`, which counts where the list is empty, as in
//! objects from files that nothing has defaulted.

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
    let has_more = spec.cluster_ips.as_ref().is_some_and(|listed| listed.len() > 1);
    cluster_ip(spec) == Some(NO_ADDRESS) && !has_more
}

/// Whether the service has an address of its own (`IsServiceIPSet`): neither headless, nor without
/// an address as those of type ExternalName are.
pub fn has_cluster_ip(service: &Service) -> bool {
    service.spec.as_ref().and_then(cluster_ip).is_some_and(|address| address != NO_ADDRESS)
}

/// Whether the service is of one of these types; `ClusterIP` is the default.
pub fn is_of_type(spec: &ServiceSpec, types: &[&str]) -> bool {
    types.contains(&spec.type_.as_deref().unwrap_or("ClusterIP"))
}

/// Whether the service has a cluster address, or none by its own choice (`needsClusterIP`).
pub fn needs_cluster_ip(spec: &ServiceSpec) -> bool {
    !is_of_type(spec, &["ExternalName"])
}

/// Whether the ports of the service get node ports (`needsNodePort`).
pub fn needs_node_ports(spec: &ServiceSpec) -> bool {
    let is_balanced = is_of_type(spec, &["LoadBalancer"]);
    is_of_type(spec, &["NodePort"]) || (is_balanced && spec.allocate_load_balancer_node_ports != Some(false))
}

/// Whether load balancers ask each node for the health of the service (`needsHCNodePort`).
pub fn needs_health_check_port(spec: &ServiceSpec) -> bool {
    is_of_type(spec, &["LoadBalancer"]) && spec.external_traffic_policy.as_deref() == Some("Local")
}
