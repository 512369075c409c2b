//! Cluster addresses and node ports of services.
//!
//! ```text
//!   services in the store ──► InUse ──┐
//!   wanted (and old) service ─────────┼──► allocate ──► service with addresses and ports, or why not
//!   ServiceNetwork ───────────────────┘
//! ```
//!
//! [`allocate`] is pure. What is taken follows from the services that are present alone, so that
//! deleting a service releases what it held. [`Ledger`] keeps that knowledge up to date from the
//! store's own history; it is guarded by the lock that is held from the choice of an address to
//! the commit that takes it.
//!
//! Cost: each event of the store is looked at once; the search for a free number walks the taken
//! ones in order, which for 10,000 services is some tens of microseconds per created service.

mod band;
mod carry;
mod families;
mod in_use;
mod ledger;
mod numbers;

use std::net::IpAddr;

use ipnet::IpNet;
use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use crate::objects::{Fault, FieldError, ObjectKey};
use band::Band;
pub(super) use in_use::InUse;
pub(super) use ledger::Ledger;

/// Where cluster addresses and node ports come from.
#[derive(Clone, Debug)]
pub struct ServiceNetwork {
    /// The address ranges, the primary family first; at most one of each family.
    pub ranges: Vec<IpNet>,
    /// The first and the last node port.
    pub node_ports: (u16, u16),
}

impl Default for ServiceNetwork {
    /// 10.96.0.0/16 and 30000 to 32767, as kubeadm sets a cluster up.
    fn default() -> Self {
        let range = IpNet::new([10, 96, 0, 0].into(), 16).expect("16 is a prefix length of IPv4");
        Self { ranges: vec![range], node_ports: (30_000, 32_767) }
    }
}

impl ServiceNetwork {
    /// The address at a place of the primary range: 1 is the first usable one, where Kubernetes
    /// puts the API server's service, 10 the one of the DNS server. `None` if there is none.
    pub fn address(&self, place: u32) -> Option<IpAddr> {
        let range = self.ranges.first()?;
        let number = band::number(range.network()).checked_add(place.into())?;
        Band::of_network(range).contains(number).then(|| band::address(range, number))
    }
}

/// Why a service cannot have the addresses and ports it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AllocationError {
    /// The manifest asks for what cannot be had.
    Invalid(Vec<FieldError>),
    /// Nothing is left.
    Exhausted(String),
}

impl AllocationError {
    fn invalid(path: impl Into<String>, value: String, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![invalid(path, value, detail)])
    }
}

/// Gives `service` the families, addresses and node ports it lacks. `old` is the version that it
/// replaces: what that one holds is kept where the new one leaves it out, and given up where the
/// new type has no use for it.
///
/// The order of the steps and the texts are those of the API server
/// (`pkg/registry/core/service/storage`).
pub(super) fn allocate(
    service: &mut Service,
    old: Option<&Service>,
    in_use: &InUse,
    network: &ServiceNetwork,
) -> Result<(), AllocationError> {
    let key = in_use::key_of(service);
    let Some(spec) = service.spec.as_mut() else { return Ok(()) };
    let old = old.and_then(|old| old.spec.as_ref());
    carry::normalize(spec, old);
    if let Some(old) = old {
        carry::drop_unneeded(spec, old);
        carry::keep_allocated(spec, old);
    }
    let request = Request { key: &key, old, in_use, network };
    families::set(spec, &request)?;
    numbers::set_addresses(spec, &request)?;
    numbers::set_node_ports(spec, &request)
}

/// What the steps of an allocation know besides the service itself.
struct Request<'a> {
    key: &'a ObjectKey,
    old: Option<&'a ServiceSpec>,
    in_use: &'a InUse,
    network: &'a ServiceNetwork,
}

const NONE: &str = "None";

fn is_type(spec: &ServiceSpec, wanted: &str) -> bool {
    spec.type_.as_deref().unwrap_or("ClusterIP") == wanted
}

fn needs_address(spec: &ServiceSpec) -> bool {
    !is_type(spec, "ExternalName")
}

fn needs_node_ports(spec: &ServiceSpec) -> bool {
    is_type(spec, "NodePort") || is_type(spec, "LoadBalancer")
}

fn needs_health_check_port(spec: &ServiceSpec) -> bool {
    is_type(spec, "LoadBalancer") && spec.external_traffic_policy.as_deref() == Some("Local")
}

fn cluster_ip(spec: &ServiceSpec) -> &str {
    spec.cluster_ip.as_deref().unwrap_or_default()
}

fn cluster_ips(spec: &ServiceSpec) -> &[String] {
    spec.cluster_ips.as_deref().unwrap_or_default()
}

fn ip_families(spec: &ServiceSpec) -> &[String] {
    spec.ip_families.as_deref().unwrap_or_default()
}

fn invalid(path: impl Into<String>, value: String, detail: impl Into<String>) -> FieldError {
    FieldError { path: path.into(), fault: Fault::Invalid(value), detail: detail.into() }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn quoted_list(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}

#[cfg(test)]
mod tests;
