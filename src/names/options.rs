//! What is published of the cluster, and how.

use std::net::IpAddr;

use hickory_proto::rr::Name;
use ipnet::IpNet;

/// Whether `a-b-c-d.<namespace>.pod.<zone>` resolves (CoreDNS' option `pods`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodNames {
    /// Never.
    #[default]
    Disabled,
    /// For every address, in an existing namespace, whether there is such a pod or not.
    Insecure,
    /// If there is a pod with that address in that namespace.
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
    /// Services with a cluster address but no ready endpoint do not exist.
    pub ignore_empty_service: bool,
    /// Only these namespaces are published; all if empty.
    pub namespaces: Vec<String>,
    /// EndpointSlices are not looked at.
    pub no_endpoints: bool,
    /// A namespace exists if a service (or a pod, if pods have names) is in it, with or without a
    /// Namespace object. For objects that come from files, which rarely have one.
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
    /// At and below these names, what the cluster has not got is looked for elsewhere.
    pub fallthrough: Vec<Name>,
    /// Whether controllers make pods, addresses and endpoints here; else the objects are as files have
    /// them.
    pub has_controllers: bool,
    /// Whether it is known why a name is absent.
    pub explains: bool,
    /// False until the objects are all there: a name error is then SERVFAIL.
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
