//! Choosing addresses and node ports, and checking requested ones.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};

use super::band::{Band, address, number};
use super::families::family_of;
use super::request::{AllocationError, Request, quoted_list};
use super::spec::{cluster_ips, ip_families, needs_cluster_ip, needs_health_check_port, needs_node_ports};
use crate::objects::service;

/// Sets one address for each family of the service; none for headless services and ExternalName.
pub(super) fn set_addresses(spec: &mut ServiceSpec, request: &Request<'_>) -> Result<(), AllocationError> {
    if !needs_cluster_ip(spec) || service::is_headless(spec) {
        return Ok(());
    }
    let mut chosen = Vec::new();
    for (index, family) in ip_families(spec).iter().enumerate() {
        chosen.push(match cluster_ips(spec).get(index) {
            Some(wanted) => accept_address(spec, wanted, family, request)?,
            None => next_address(family, request)?,
        });
    }
    spec.cluster_ip = chosen.first().cloned();
    spec.cluster_ips = Some(chosen);
    Ok(())
}

fn accept_address(
    spec: &ServiceSpec,
    text: &str,
    family: &str,
    request: &Request<'_>,
) -> Result<String, AllocationError> {
    let is_held = request.old.is_some_and(|old| cluster_ips(old).iter().any(|held| held == text));
    let wanted: Option<IpAddr> = text.parse().ok();
    let (Some(wanted), false) = (wanted, is_held) else { return Ok(text.to_owned()) };
    let refuse = |why: String| {
        let detail = format!("failed to allocate IP {text}: {why}");
        Err(AllocationError::invalid("spec.clusterIPs", quoted_list(cluster_ips(spec)), detail))
    };
    match request.range(family) {
        Some(range) if !can_be_held(wanted, range) => {
            refuse(format!("the provided IP ({wanted}) is not a unicast address; leave it out to get one"))
        }
        Some(_) if request.in_use.is_address_taken(wanted, request.key) => {
            refuse("provided IP is already allocated".to_owned())
        }
        Some(_) => Ok(text.to_owned()),
        None => refuse(format!("{family} is not configured on this cluster")),
    }
}

/// Whether a service can have the address. Kubernetes requires it to be within `range`; here it may
/// be outside, because nothing is routed by that range, and manifests of public tutorials contain
/// addresses of their authors' clusters, mostly of kubeadm's 10.96.0.0/12. Refused are addresses at
/// which no single service can be reached: the unspecified one, multicast, broadcast, and the network
/// and broadcast address of the range itself.
fn can_be_held(wanted: IpAddr, range: &IpNet) -> bool {
    let is_broadcast = matches!(wanted, IpAddr::V4(address) if address.is_broadcast());
    let is_unicast = !(wanted.is_unspecified() || wanted.is_multicast() || is_broadcast);
    is_unicast && (!range.contains(&wanted) || Band::of_network(range).contains(number(wanted)))
}

fn next_address(family: &str, request: &Request<'_>) -> Result<String, AllocationError> {
    let full = || AllocationError::Exhausted("failed to allocate a serviceIP: range is full".into());
    let range = request.range(family).ok_or_else(full)?;
    let taken = |from| {
        let taken = request.in_use.addresses_from(address(range, from));
        taken.take_while(|taken| range.contains(taken)).map(number)
    };
    let free = Band::of_network(range).lowest_free(taken).ok_or_else(full)?;
    Ok(address(range, free).to_string())
}

impl Request<'_> {
    fn range(&self, family: &str) -> Option<&IpNet> {
        self.network.ranges.iter().find(|range| family_of(range.addr()) == family)
    }
}

/// Sets a node port for each port of a NodePort or LoadBalancer service, and one for health checks if
/// externalTrafficPolicy is Local. Ports of equal number (TCP and UDP) share a node port.
pub(super) fn set_node_ports(spec: &mut ServiceSpec, request: &Request<'_>) -> Result<(), AllocationError> {
    let mut chosen = Chosen { request, own: BTreeSet::new() };
    if needs_node_ports(spec) {
        let is_dynamic = spec.allocate_load_balancer_node_ports != Some(false);
        chosen.set_all(spec.ports.as_deref_mut().unwrap_or_default(), is_dynamic)?;
    }
    if needs_health_check_port(spec) {
        let wanted = spec.health_check_node_port.unwrap_or_default();
        spec.health_check_node_port = Some(match wanted {
            0 => chosen.next()?,
            wanted => chosen.accept(wanted, "spec.healthCheckNodePort")?,
        });
    }
    Ok(())
}

/// The node ports chosen for this service so far.
struct Chosen<'a> {
    request: &'a Request<'a>,
    own: BTreeSet<u16>,
}

impl Chosen<'_> {
    fn set_all(&mut self, ports: &mut [ServicePort], is_dynamic: bool) -> Result<(), AllocationError> {
        let mut by_port: BTreeMap<i32, i32> = BTreeMap::new();
        for index in 0..ports.len() {
            let path = format!("spec.ports[{index}].nodePort");
            let port = ports[index].port;
            let own = ports[index].node_port.unwrap_or_default();
            if own == 0 && !is_dynamic {
                continue;
            }
            let node_port = match by_port.get(&port).copied() {
                Some(shared) if own == 0 || own == shared => shared,
                Some(_) => self.accept(own, &path)?,
                None => match requested(port, ports) {
                    0 => self.next()?,
                    wanted => self.accept(wanted, &path)?,
                },
            };
            by_port.entry(port).or_insert(node_port);
            ports[index].node_port = Some(node_port);
        }
        Ok(())
    }

    fn accept(&mut self, wanted: i32, path: &str) -> Result<i32, AllocationError> {
        let (first, last) = self.request.network.node_ports;
        let refuse = |why: &str| Err(AllocationError::invalid(path, wanted.to_string(), why));
        let port = u16::try_from(wanted).ok().filter(|port| (first..=last).contains(port));
        let Some(port) = port else {
            return refuse(&format!(
                "provided port is not in the valid range. The range of valid ports is {first}-{last}"
            ));
        };
        if self.own.contains(&port) || self.request.in_use.is_port_taken(port, self.request.key) {
            return refuse("provided port is already allocated");
        }
        self.own.insert(port);
        Ok(wanted)
    }

    fn next(&mut self) -> Result<i32, AllocationError> {
        let first = |from: u128| u16::try_from(from).unwrap_or(u16::MAX);
        let band = Band::of_ports(self.request.network.node_ports);
        let free = band.lowest_free(|from| self.taken_from(first(from)).map(u128::from));
        let free = free.and_then(|free| u16::try_from(free).ok());
        let full = || AllocationError::Exhausted("failed to allocate a nodePort: range is full".into());
        let free = free.ok_or_else(full)?;
        self.own.insert(free);
        Ok(i32::from(free))
    }

    /// The ports of other services and of this one, ascending.
    fn taken_from(&self, first: u16) -> impl Iterator<Item = u16> {
        let mut others = self.request.in_use.ports_from(first).peekable();
        let mut own = self.own.range(first..).copied().peekable();
        std::iter::from_fn(move || match (others.peek(), own.peek()) {
            (Some(other), Some(mine)) if mine < other => own.next(),
            (Some(_), _) => others.next(),
            (None, _) => own.next(),
        })
    }
}

/// The node port that an entry of this port number requests; 0 if none does.
fn requested(port: i32, ports: &[ServicePort]) -> i32 {
    let same = ports.iter().filter(|candidate| candidate.port == port);
    same.filter_map(|candidate| candidate.node_port).find(|wanted| *wanted != 0).unwrap_or_default()
}
