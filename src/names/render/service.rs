//! A service and its slices to records.
//!
//! | service | its name has | endpoint names |
//! |---|---|---|
//! | with cluster addresses | these addresses, whoever is ready | yes |
//! | headless | the ready endpoints' addresses; without any it does not exist | yes |
//! | ExternalName | a CNAME; nothing if the name is an IP address | no |
//!
//! With the annotation `dullahan.dev/publish-peers` a headless service's endpoints have their own
//! names and PTR records before they are ready, so that peers find one another while they form their
//! cluster. The service's name and the names of its ports still have only the ready ones.
//!
//! Every name with ports has SRV records of all of them; `_<port>._<protocol>` below the service has
//! those of one named port, and the addresses, which spares clients a second query.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hickory_proto::rr::{Name, RecordType};
use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::draft::Draft;
use super::endpoints::{self, Endpoint};
use super::form::{DnsService, Form};
use super::port::{Port, port};
use super::scheme::{NameServer, Rendered, Scheme};
use super::touched::Touched;
use super::work::Work;
use crate::dns::message::name::WireName;
use crate::dns::zone::RrSet;
use crate::names::ledger::{Contribution, Rank};
use crate::objects::beyond;

impl Scheme {
    /// Renders a service with the slices that carry its name. `is_exposed` is false if its namespace does
    /// not exist or is not published; even then its name may be a name server's.
    pub fn service(&self, service: &Service, slices: &[&EndpointSlice], is_exposed: bool) -> Rendered {
        let mut complaints = Vec::new();
        let described = self.dns_service(service, &mut complaints);
        let given =
            described.map(|described| self.describe(service, &described, slices, None, &mut complaints));
        let (mut contribution, name_servers) = given.unwrap_or_default();
        if !is_exposed {
            contribution = Contribution::default();
        }
        Rendered { contribution, name_servers, complaints }
    }

    /// The contribution of a published service, and the names by which this server is reached through
    /// it. With `only`, the contribution has just those endpoints that share a label or an address with
    /// one of these, and just the names of these.
    pub(super) fn describe(
        &self,
        service: &Service,
        DnsService { form, name }: &DnsService,
        slices: &[&EndpointSlice],
        only: Option<&Touched>,
        complaints: &mut Vec<String>,
    ) -> (Contribution, Vec<NameServer>) {
        let has_peers = matches!(form, Form::Headless) && publishes_peers(service, complaints);
        let endpoints = match self.options.no_endpoints {
            true => Vec::new(),
            false => endpoints::of_slices(self, slices, has_peers, only, complaints),
        };
        let mut work = Work { scheme: self, draft: Draft::new(self), name: name.clone(), only, complaints };
        match form {
            Form::External(target) => work.external(target),
            Form::Headless => work.headless(&endpoints),
            Form::Cluster(_) if endpoints.is_empty() && self.options.ignore_empty_service => {}
            Form::Cluster(addresses) => work.cluster(addresses, &ports(service.spec.as_ref()), &endpoints),
        }
        let name_servers = work.name_servers(form, &endpoints);
        (work.draft.finish(), name_servers)
    }
}

/// Where a port is reached.
#[derive(Default)]
struct Reached {
    targets: Vec<WireName>,
    addresses: Vec<IpAddr>,
}

impl Work<'_> {
    fn external(&mut self, target: &str) {
        // The target of a CNAME is a name (RFC 1035 section 3.3.1). CoreDNS has no record here either.
        if target.parse::<IpAddr>().is_ok() {
            return;
        }
        match Name::from_ascii(target) {
            Ok(name) if !name.is_root() => {
                let ttl_s = self.scheme.options.ttl_s;
                let alias = RrSet::of_names(RecordType::CNAME, ttl_s, [&WireName::of(&name)]);
                self.draft.at(&self.name).others.push(alias);
            }
            _ => self.complaints.push(format!("spec.externalName: {target:?} is no domain name")),
        }
    }

    fn headless(&mut self, endpoints: &[Endpoint]) {
        let mut addresses = Vec::new();
        let mut by_port: BTreeMap<&Port, Reached> = BTreeMap::new();
        for endpoint in endpoints {
            let Some(target) = self.endpoint(endpoint) else { continue };
            if !endpoint.is_ready {
                continue;
            }
            addresses.push(endpoint.address);
            for port in endpoint.ports.iter() {
                let reached = by_port.entry(port).or_default();
                reached.targets.push(target.clone());
                reached.addresses.push(endpoint.address);
            }
        }
        if !addresses.is_empty() {
            self.draft.at(&self.name).addresses.extend(addresses);
        }
        for (port, reached) in by_port {
            self.port(port, reached);
        }
        if self.scheme.options.zonal {
            let ready: Vec<&Endpoint> = endpoints.iter().filter(|endpoint| endpoint.is_ready).collect();
            self.zonal(&ready);
        }
    }

    fn cluster(&mut self, addresses: &[IpAddr], ports: &[Port], endpoints: &[Endpoint]) {
        let target = self.name.clone();
        self.draft.at(&target).addresses.extend(addresses);
        for address in addresses {
            self.draft.point(*address, &target, Rank::Preferred);
        }
        // Without an address no port can be reached.
        for port in ports.iter().filter(|_| !addresses.is_empty()) {
            self.port(port, Reached { targets: vec![target.clone()], addresses: addresses.to_vec() });
        }
        for endpoint in endpoints {
            self.endpoint(endpoint);
        }
    }

    /// The endpoint's own name, with its address and all of its ports.
    fn endpoint(&mut self, endpoint: &Endpoint) -> Option<WireName> {
        let name = self.below(&[&endpoint.label])?;
        if self.only.is_none_or(|only| only.has_label(&endpoint.label)) {
            let data = self.draft.at(&name);
            data.addresses.push(endpoint.address);
            data.services.extend(endpoint.ports.iter().map(|port| (port.number, name.clone())));
        }
        if self.only.is_none_or(|only| only.has_address(endpoint.address)) {
            self.draft.point(endpoint.address, &name, Rank::Ordinary);
        }
        Some(name)
    }

    /// The records of a port of the service: at the service's name, and at `_<port>._<protocol>` if
    /// the port has a name.
    fn port(&mut self, port: &Port, reached: Reached) {
        let services = reached.targets.into_iter().map(|target| (port.number, target));
        let services: Vec<(u16, WireName)> = services.collect();
        self.draft.at(&self.name).services.extend(services.iter().cloned());
        let Some(owner) = port.owner(&self.name) else { return };
        let Some(owner) = owner.map_err(|error| self.complaints.push(error.to_string())).ok() else { return };
        let data = self.draft.at(&owner);
        data.services.extend(services);
        data.addresses.extend(reached.addresses);
    }

    /// The names by which this server is reached: the service's if it has a cluster address and an
    /// endpoint of it is this server; else the names of just those endpoints.
    fn name_servers(&mut self, form: &Form, endpoints: &[Endpoint]) -> Vec<NameServer> {
        let own = &self.scheme.options.server_addresses;
        let mut names: BTreeMap<WireName, NameServer> = BTreeMap::new();
        let is_own = |endpoint: &&Endpoint| endpoint.is_ready && own.contains(&endpoint.address);
        for endpoint in endpoints.iter().filter(is_own) {
            let (name, addresses) = match form {
                Form::External(_) => continue,
                Form::Cluster(addresses) => (Some(self.name.clone()), addresses.as_slice()),
                Form::Headless => (self.below(&[&endpoint.label]), &[endpoint.address][..]),
            };
            let Some(name) = name.filter(|_| !addresses.is_empty()) else { continue };
            let server = NameServer { name: name.clone(), addresses: Default::default() };
            names.entry(name).or_insert(server).addresses.extend(addresses);
        }
        names.into_values().collect()
    }
}

fn publishes_peers(service: &Service, complaints: &mut Vec<String>) -> bool {
    beyond::publishes_peers(&service.metadata).unwrap_or_else(|unreadable| {
        complaints.push(unreadable.to_string());
        false
    })
}

fn ports(spec: Option<&ServiceSpec>) -> Vec<Port> {
    let ports = spec.and_then(|spec| spec.ports.as_deref()).unwrap_or_default().iter();
    ports.filter_map(|given| port(given.name.as_deref(), given.protocol.as_deref(), given.port)).collect()
}
