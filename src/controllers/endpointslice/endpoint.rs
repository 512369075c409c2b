//! From a pod to an endpoint: which pods are included, their addresses, conditions, hostname, ports.
//!
//! Pure. The pod's `Ready` condition decides; the phase only matters once the pod has ended. An invalid
//! address is left out, and so is a named target port that no container of the pod has: one odd pod
//! does not block its service.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Container, ObjectReference, Pod, Service, ServicePort};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::objects::pod;

/// An address family as slices name it; a slice has one for life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    /// `addressType` of slices and an entry of `spec.ipFamilies`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }

    fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

/// The address families of a service's slices. If it lists none: that of its cluster IP, or both.
pub(super) fn families(service: &Service) -> Vec<Family> {
    const BOTH: [Family; 2] = [Family::V4, Family::V6];
    let spec = service.spec.as_ref();
    let listed = spec.and_then(|spec| spec.ip_families.as_deref()).unwrap_or_default();
    if !listed.is_empty() {
        return BOTH.into_iter().filter(|family| listed.iter().any(|name| name == family.name())).collect();
    }
    let cluster_ip = spec.and_then(|spec| spec.cluster_ip.as_deref()).unwrap_or_default();
    cluster_ip.parse().map_or(BOTH.to_vec(), |address| vec![Family::of(address)])
}

/// Whether the pod has an address and has not ended. Terminating pods stay until they are gone.
pub(super) fn is_included(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let has_address = status.pod_ip.as_deref().is_some_and(|ip| !ip.is_empty())
        || status.pod_ips.as_ref().is_some_and(|ips| !ips.is_empty());
    has_address && !pod::has_ended(pod)
}

/// The pod's endpoint in the slices of `family`; `None` if it has no address of it.
pub(super) fn endpoint(
    pod: &Pod,
    service: &Service,
    family: Family,
    zone: Option<&String>,
) -> Option<Endpoint> {
    let addresses = addresses(pod, family);
    let spec = pod.spec.as_ref();
    let meta = &pod.metadata;
    (!addresses.is_empty()).then(|| Endpoint {
        addresses,
        conditions: Some(conditions(pod, service)),
        hostname: hostname(pod, service),
        node_name: spec.and_then(|spec| spec.node_name.clone()).filter(|name| !name.is_empty()),
        zone: zone.filter(|zone| !zone.is_empty()).cloned(),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
            ..Default::default()
        }),
        ..Default::default()
    })
}

/// The service's ports as this pod has them.
pub(super) fn ports(service: &Service, pod: &Pod) -> Vec<EndpointPort> {
    let ports = service.spec.iter().filter_map(|spec| spec.ports.as_ref()).flatten();
    let resolve = |port: &ServicePort| {
        Some(EndpointPort {
            name: Some(port.name.clone().unwrap_or_default()),
            port: Some(target_port(port, pod)?),
            protocol: Some(protocol(port.protocol.as_deref()).to_owned()),
            app_protocol: port.app_protocol.clone(),
        })
    };
    ports.into_iter().filter_map(resolve).collect()
}

fn addresses(pod: &Pod, family: Family) -> Vec<String> {
    let ips = pod.status.iter().filter_map(|status| status.pod_ips.as_ref()).flatten();
    let parsed = ips.filter_map(|ip| ip.ip.parse::<IpAddr>().ok());
    parsed.filter(|address| Family::of(*address) == family).map(|address| address.to_string()).collect()
}

fn conditions(pod: &Pod, service: &Service) -> EndpointConditions {
    let publishes_all = service.spec.as_ref().and_then(|spec| spec.publish_not_ready_addresses) == Some(true);
    let is_serving = pod::is_ready(pod);
    let is_terminating = pod::is_terminating(pod);
    EndpointConditions {
        ready: Some(publishes_all || (is_serving && !is_terminating)),
        serving: Some(is_serving),
        terminating: Some(is_terminating),
    }
}

/// A pod has a hostname in one service only: the one that its subdomain names.
fn hostname(pod: &Pod, service: &Service) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let is_governed = spec.subdomain.is_some()
        && spec.subdomain == service.metadata.name
        && pod.metadata.namespace == service.metadata.namespace;
    spec.hostname.clone().filter(|hostname| is_governed && !hostname.is_empty())
}

fn target_port(port: &ServicePort, pod: &Pod) -> Option<i32> {
    match &port.target_port {
        None => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => named_port(name, protocol(port.protocol.as_deref()), pod),
    }
}

fn named_port(name: &str, wanted: &str, pod: &Pod) -> Option<i32> {
    let spec = pod.spec.as_ref()?;
    let is_sidecar = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.iter().flatten().filter(is_sidecar);
    let ports = spec.containers.iter().chain(sidecars).flat_map(|container| container.ports.iter().flatten());
    let mut matching = ports
        .filter(|port| port.name.as_deref() == Some(name) && protocol(port.protocol.as_deref()) == wanted);
    matching.next().map(|port| port.container_port)
}

fn protocol(written: Option<&str>) -> &str {
    written.filter(|protocol| !protocol.is_empty()).unwrap_or("TCP")
}
