//! Forwarding, from the settings: the upstreams, none of which may be this server itself, and the
//! clients that may use them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, bail};
use hickory_proto::rr::Name;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::clock::Clock;
use crate::config::{FallthroughZone, ForwardSettings};
use crate::dns::service::access::Clients;
use crate::dns::service::forward::Forwarder;
use crate::dns::service::policy::Recursion;
use crate::metrics::Metrics;

/// This machine's own traffic (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3).
const LOOPBACK: [IpNet; 2] = [
    IpNet::V4(Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8)),
    IpNet::V6(Ipv6Net::new_assert(std::net::Ipv6Addr::LOCALHOST, 128)),
];

/// Recursion for this machine, the pods and whoever is named, by the upstreams; `None` without upstreams.
pub(super) fn recursion(
    settings: &ForwardSettings,
    bound: &[SocketAddr],
    pod_networks: &[IpNet],
    metrics: Option<Arc<Metrics>>,
    clock: &Clock,
) -> anyhow::Result<Option<Recursion>> {
    if settings.forward.is_empty() {
        return Ok(None);
    }
    let forwarder = Arc::new(Forwarder::new(&upstreams(settings, bound)?, metrics, clock.clone())?);
    Ok(Some(Recursion { clients: clients(settings, bound, pod_networks), forwarder }))
}

/// For whom upstreams are asked. Nobody beyond that: a server that resolves for the world is of use to
/// those who forge their address (RFC 5358).
fn clients(settings: &ForwardSettings, bound: &[SocketAddr], pod_networks: &[IpNet]) -> Clients {
    // What comes from an address of this machine comes from this machine.
    let own = bound.iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified()).map(IpNet::from);
    let named = pod_networks.iter().chain(&settings.forward_allow).copied();
    Clients(LOOPBACK.into_iter().chain(own).chain(named).collect())
}

/// The upstreams, each once; none of them may be this server.
fn upstreams(settings: &ForwardSettings, bound: &[SocketAddr]) -> anyhow::Result<Vec<SocketAddr>> {
    let mut upstreams: Vec<SocketAddr> = Vec::new();
    for upstream in settings.forward.iter().map(|upstream| canonical(upstream.0)) {
        if bound.iter().any(|own| canonical(*own) == upstream) {
            bail!("--forward {upstream}: that is this server itself; name the server that it is to ask");
        }
        if !upstreams.contains(&upstream) {
            upstreams.push(upstream);
        }
    }
    Ok(upstreams)
}

/// The names at and below which names fall through.
pub(super) fn fallthrough(settings: &ForwardSettings) -> anyhow::Result<Vec<Name>> {
    let zones = settings.fallthrough.iter().filter_map(|zone| match zone {
        FallthroughZone::None => None,
        FallthroughZone::Below(name) => Some(name),
    });
    let parsed = zones.map(|zone| {
        let mut name = Name::from_ascii(zone)
            .with_context(|| format!("--fallthrough: \"{zone}\" is not a domain name"))?;
        name.set_fqdn(true);
        Ok(name)
    });
    parsed.collect()
}

fn canonical(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = address.ip().to_canonical();
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Upstream;

    fn settings(forward: &[&str], allow: &[&str]) -> ForwardSettings {
        ForwardSettings {
            forward: forward.iter().map(|text| text.parse::<Upstream>().unwrap()).collect(),
            forward_allow: allow.iter().map(|text| text.parse().unwrap()).collect(),
            fallthrough: Vec::new(),
        }
    }

    #[test]
    fn others_are_asked_for_this_machine_the_pods_and_who_is_named() {
        let bound = ["192.0.2.5:53".parse().unwrap(), "0.0.0.0:53".parse().unwrap()];
        let pods = ["10.244.0.0/16".parse().unwrap()];
        let clients = clients(&settings(&["192.0.2.53"], &["198.51.100.0/24"]), &bound, &pods);
        for (client, expected) in [
            ("127.0.0.1", true),
            ("127.9.8.7", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("192.0.2.5", true),
            ("192.0.2.6", false),
            ("10.244.3.4", true),
            ("10.245.0.1", false),
            ("198.51.100.77", true),
            ("203.0.113.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(clients.allow(client.parse().unwrap()), expected, "{client}");
        }
    }

    #[test]
    fn the_server_itself_is_no_upstream() {
        let bound = ["127.0.0.1:1053".parse().unwrap(), "[::1]:1053".parse().unwrap()];
        let start =
            |forward: &[&str]| recursion(&settings(forward, &[]), &bound, &[], None, &Clock::system());
        for own in ["127.0.0.1:1053", "[::1]:1053", "[::ffff:127.0.0.1]:1053"] {
            let refused = start(&["192.0.2.1", own]).unwrap_err().to_string();
            assert!(refused.contains("that is this server itself"), "{refused}");
        }
        assert!(start(&["127.0.0.1:1054", "127.0.0.2:1053"]).unwrap().is_some());
        assert!(start(&[]).unwrap().is_none());
    }
}
