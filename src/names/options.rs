//! What is published of the cluster, and how. Most options are those of CoreDNS' kubernetes plugin.
//!
//! The defaults are CoreDNS', except for the TTL of negative answers: a name that has just become Ready
//! should not be hidden by a cached NXDOMAIN for long.

use std::net::IpAddr;

use hickory_proto::rr::Name;
use ipnet::IpNet;

/// Whether `a-b-c-d.<namespace>.pod.<zone>` resolves (CoreDNS' option `pods`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodNames {
    /// They do not resolve.
    #[default]
    Disabled,
    /// They resolve for every address in an existing namespace, whether there is such a pod or not.
    Insecure,
    /// They resolve if a pod of that namespace has that address.
    Verified,
}

/// What is published of the cluster, and how.
#[derive(Clone, Debug)]
pub struct ZoneOptions {
    /// The zone of the cluster, for example `cluster.local.`.
    pub cluster_domain: Name,
    /// TTL of every record, in seconds.
    pub ttl_s: u32,
    /// TTL of negative answers (SOA MINIMUM), in seconds.
    pub negative_ttl_s: u32,
    /// Names of pods by address.
    pub pods: PodNames,
    /// Endpoints without a hostname are named after their pod instead of their address.
    pub endpoint_pod_names: bool,
    /// The names of services with a cluster address but no ready endpoint do not exist.
    pub ignore_empty_service: bool,
    /// Only these namespaces are published; all if empty.
    pub namespaces: Vec<String>,
    /// EndpointSlices are ignored.
    pub no_endpoints: bool,
    /// A namespace exists if a service (or a pod, if pods have names) is in it, with or without a
    /// Namespace object. Meant for objects from files, which rarely include one.
    pub implied_namespaces: bool,
    /// The reverse zones. If `None`, those of `networks`; if that is empty too, a /16 (IPv4) or a
    /// /64 (IPv6) around every address in use.
    pub reverse_zones: Option<Vec<Name>>,
    /// The pod and service networks.
    pub networks: Vec<IpNet>,
    /// This server's own addresses, from which NS and `ns.dns` follow.
    pub server_addresses: Vec<IpAddr>,
    /// Ready endpoints by topology zone have names too (CoreDNS' option `zonal`).
    pub zonal: bool,
    /// At and below these names, names that the cluster does not have are looked up in static zones.
    pub fallthrough: Vec<Name>,
    /// Whether controllers create pods, addresses and endpoints here; if not, objects stay as they were
    /// written.
    pub has_controllers: bool,
    /// Whether negative answers are explained.
    pub explains: bool,
    /// False until all objects were read: a name error is answered with SERVFAIL until then.
    pub is_synced: bool,
}

impl Default for ZoneOptions {
    fn default() -> Self {
        Self {
            cluster_domain: Name::from_ascii("cluster.local.").expect("a valid name"),
            ttl_s: 5,
            negative_ttl_s: 1,
            pods: PodNames::Disabled,
            endpoint_pod_names: false,
            ignore_empty_service: false,
            namespaces: Vec::new(),
            no_endpoints: false,
            implied_namespaces: false,
            reverse_zones: None,
            networks: Vec::new(),
            server_addresses: Vec::new(),
            zonal: false,
            fallthrough: Vec::new(),
            has_controllers: true,
            explains: false,
            is_synced: true,
        }
    }
}
