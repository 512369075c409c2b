//! Rows of services, endpoints and endpoint slices.
//!
//! Kubernetes truncates long addresses of load balancers only in tables that are not wide. Its server
//! always makes wide ones and the client chooses the columns, so nothing is truncated here.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{EndpointSubset, Endpoints, Service, ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::{EndpointPort, EndpointSlice};
use serde_json::Value;

use super::age::since;
use super::cell::{NONE, UNKNOWN, UNSET, or, shortened};
use super::column::{AGE, Column, NAME, text, wide};
use crate::clock::Timestamp;
use crate::objects::service::cluster_ip;

pub(super) const SERVICE: &[Column] = &[
    NAME,
    text("Type", "How the service is reached."),
    text("Cluster-IP", "The address within the cluster; None if the service is headless."),
    text("External-IP", "The external addresses."),
    text("Port(s)", "The ports, with their node ports and protocols."),
    AGE,
    wide("Selector", "The labels of the pods behind the service."),
];

pub(super) const ENDPOINTS: &[Column] =
    &[NAME, text("Endpoints", "The ready addresses with their ports."), AGE];

pub(super) const SLICE: &[Column] = &[
    NAME,
    text("AddressType", "The type of the addresses."),
    text("Ports", "The ports of every endpoint."),
    text("Endpoints", "The addresses, ready or not."),
    AGE,
];

pub(super) fn service(service: &Service, now: Timestamp) -> Vec<Value> {
    let empty = ServiceSpec::default();
    let spec = service.spec.as_ref().unwrap_or(&empty);
    let ports: Vec<String> = spec.ports.iter().flatten().map(service_port).collect();
    let selector: Vec<String> =
        spec.selector.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    vec![
        service.metadata.name.clone().into(),
        spec.type_.clone().unwrap_or_default().into(),
        or(cluster_ip(spec), NONE).into(),
        external_addresses(service, spec).into(),
        or(Some(&ports.join(",")), NONE).into(),
        since(service.metadata.creation_timestamp.as_ref(), now).into(),
        or(Some(&selector.join(",")), NONE).into(),
    ]
}

pub(super) fn endpoints(endpoints: &Endpoints, now: Timestamp) -> Vec<Value> {
    let subsets = endpoints.subsets.as_deref().unwrap_or_default();
    let shown: Vec<String> = subsets.iter().flat_map(subset_addresses).collect();
    vec![
        endpoints.metadata.name.clone().into(),
        shortened(&shown, if subsets.is_empty() { NONE } else { "" }).into(),
        since(endpoints.metadata.creation_timestamp.as_ref(), now).into(),
    ]
}

pub(super) fn slice(slice: &EndpointSlice, now: Timestamp) -> Vec<Value> {
    let ports: Vec<String> = slice.ports.iter().flatten().map(slice_port).collect();
    let addresses: Vec<String> =
        slice.endpoints.iter().flatten().flat_map(|endpoint| endpoint.addresses.iter().cloned()).collect();
    vec![
        slice.metadata.name.clone().into(),
        slice.address_type.clone().into(),
        shortened(&ports, UNSET).into(),
        shortened(&addresses, UNSET).into(),
        since(slice.metadata.creation_timestamp.as_ref(), now).into(),
    ]
}

fn service_port(port: &ServicePort) -> String {
    let protocol = port.protocol.as_deref().unwrap_or_default();
    match port.node_port {
        Some(node_port) if node_port > 0 => format!("{}:{node_port}/{protocol}", port.port),
        _ => format!("{}/{protocol}", port.port),
    }
}

fn external_addresses(service: &Service, spec: &ServiceSpec) -> String {
    let external = spec.external_ips.clone().unwrap_or_default();
    match spec.type_.as_deref() {
        Some("ClusterIP" | "NodePort") => or(Some(&external.join(",")), NONE).to_owned(),
        Some("LoadBalancer") => {
            let all: Vec<String> = ingress_addresses(service).into_iter().chain(external).collect();
            or(Some(&all.join(",")), "<pending>").to_owned()
        }
        Some("ExternalName") => spec.external_name.clone().unwrap_or_default(),
        _ => UNKNOWN.to_owned(),
    }
}

/// Addresses of load balancers, or their host names, each once and sorted.
fn ingress_addresses(service: &Service) -> BTreeSet<String> {
    let balancer = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let ingresses = balancer.iter().flat_map(|balancer| balancer.ingress.iter().flatten());
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    ingresses.filter_map(|ingress| filled(&ingress.ip).or_else(|| filled(&ingress.hostname))).collect()
}

/// Ports outermost, as the printer walks them; a subset without ports has bare addresses.
fn subset_addresses(subset: &EndpointSubset) -> Vec<String> {
    let addresses = subset.addresses.as_deref().unwrap_or_default();
    let ports = subset.ports.as_deref().unwrap_or_default();
    if ports.is_empty() {
        return addresses.iter().map(|address| address.ip.clone()).collect();
    }
    let at = |port: i32| addresses.iter().map(move |address| host_and_port(&address.ip, port));
    ports.iter().flat_map(|port| at(port.port)).collect()
}

fn host_and_port(ip: &str, port: i32) -> String {
    match ip.parse() {
        Ok(IpAddr::V6(_)) => format!("[{ip}]:{port}"),
        _ => format!("{ip}:{port}"),
    }
}

fn slice_port(port: &EndpointPort) -> String {
    match port.port {
        Some(number) => number.to_string(),
        None => or(port.name.as_deref(), "*").to_owned(),
    }
}
