//! The nodes that are asked for: names, zones, sizes, and a share of the pod network for each.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use ipnet::IpNet;

use crate::config::{NodeSettings, ServeSettings};
use crate::node::{LEASE_RENEWAL, NodeOptions, NodeSize};
use crate::objects::names;
use crate::objects::quantity::Amount;

/// The name of the one node, and the first part of the names of several.
const NAME: &str = "dullahan";
/// The networks that kube-controller-manager gives to nodes (`--node-cidr-mask-size-ipv4` and `-ipv6`).
const NODE_PREFIX_V4: u8 = 24;
const NODE_PREFIX_V6: u8 = 64;
/// A node is lost when it has missed this many renewals of its lease, give or take one.
const RENEWALS_PER_GRACE: u32 = 4;
/// The shortest lease that can be written: its duration is in whole seconds.
const GRACE_MIN: Duration = Duration::from_secs(1);
/// Where a simulation takes its pods' addresses from: room for more than any runs.
const SIMULATED_NETWORK: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
const SIMULATED_PREFIX: u8 = 8;
/// How many pods a kubelet takes (`maxPods`).
const PODS: u32 = 110;
/// Where the machine does not tell its memory or its storage.
const OCTETS_UNKNOWN: u64 = 8 << 30;

/// The options of every node. One node is this machine and has the whole pod network. Of several each
/// has its own part of it, and the first address of that part: none of them is a machine.
pub(super) fn nodes(settings: &ServeSettings) -> anyhow::Result<Vec<NodeOptions>> {
    let machine = NodeSize {
        cpu: std::thread::available_parallelism().map_or(1, usize::from).to_string(),
        memory: kibibytes(memory()),
        ephemeral_storage: kibibytes(storage()),
        pods: PODS,
    };
    let renewal = renewal(settings.node_monitor_grace_period.0)?;
    let mut nodes = nodes_like(&settings.nodes, &settings.pod_cidr, machine)?;
    for node in &mut nodes {
        node.renews_lease_every = Some(renewal);
    }
    Ok(nodes)
}

/// The options of every node of a simulation. What no flag bounds is plenty, so that a seed means the
/// same on every machine.
pub fn simulated_nodes(settings: &NodeSettings) -> anyhow::Result<Vec<NodeOptions>> {
    let network = IpNet::new(SIMULATED_NETWORK.into(), SIMULATED_PREFIX)?;
    nodes_like(settings, &[network], NodeSize::ample())
}

/// Nodes of this size, except for what flags say.
fn nodes_like(
    settings: &NodeSettings,
    pod_cidr: &[IpNet],
    size: NodeSize,
) -> anyhow::Result<Vec<NodeOptions>> {
    let NodeSettings { simulated_nodes, simulated_zones, .. } = settings;
    let n_nodes = usize::from(*simulated_nodes);
    for zone in simulated_zones {
        let faults = names::label_value(zone);
        if zone.is_empty() || !faults.is_empty() {
            bail!("--simulated-zones: \"{zone}\" is not the value of a label: {}", faults.join("; "));
        }
    }
    let size = sized(settings, size)?;
    let networks = shares(pod_cidr, n_nodes, size.pods)?;
    let node = |(n, pod_networks): (usize, Vec<IpNet>)| NodeOptions {
        name: if n_nodes == 1 { NAME.to_owned() } else { format!("{NAME}-{n}") },
        address: match pod_networks.first().and_then(|network| network.hosts().next()) {
            Some(first) if n_nodes > 1 => first,
            _ => Ipv4Addr::LOCALHOST.into(),
        },
        pod_networks,
        size: size.clone(),
        zone: simulated_zones.get(n % simulated_zones.len().max(1)).cloned(),
        renews_lease_every: None,
    };
    Ok(networks.into_iter().enumerate().map(node).collect())
}

/// How often leases are renewed, so that a healthy node is never silent for `grace`: as often as a
/// kubelet does, or more often where that would not do.
fn renewal(grace: Duration) -> anyhow::Result<Duration> {
    if grace < GRACE_MIN {
        bail!("--node-monitor-grace-period {grace:?}: must be at least {GRACE_MIN:?}");
    }
    Ok(LEASE_RENEWAL.min(grace / RENEWALS_PER_GRACE))
}

/// One node is reached where this server is: at the first of these addresses that is a machine's.
pub(super) fn place(nodes: &mut [NodeOptions], bound: &[SocketAddr]) {
    let specific = bound.iter().map(SocketAddr::ip).find(|address| !address.is_unspecified());
    if let ([node], Some(address)) = (nodes, specific) {
        node.address = address;
    }
}

/// For each of `n_nodes` its part of every network. As kube-controller-manager does, /24 and /64 where
/// there are so many and they hold the pods; otherwise equal parts.
fn shares(networks: &[IpNet], n_nodes: usize, n_pods: u32) -> anyhow::Result<Vec<Vec<IpNet>>> {
    let mut shares = vec![Vec::new(); n_nodes];
    for network in networks {
        let prefix = prefix(network, n_nodes, n_pods);
        let parts = network.subnets(prefix).ok().filter(|_| prefix + 2 <= network.max_prefix_len());
        let parts =
            parts.with_context(|| format!("--pod-cidr {network} is too small for {n_nodes} nodes"))?;
        shares.iter_mut().zip(parts).for_each(|(share, part)| share.push(part));
    }
    Ok(shares)
}

fn prefix(network: &IpNet, n_nodes: usize, n_pods: u32) -> u8 {
    if n_nodes == 1 {
        return network.prefix_len();
    }
    let bits = n_nodes.next_power_of_two().trailing_zeros();
    let equal = network.prefix_len().saturating_add(u8::try_from(bits).unwrap_or(u8::MAX));
    let (usual, room) = match network {
        IpNet::V4(_) => (NODE_PREFIX_V4, 253),
        IpNet::V6(_) => (NODE_PREFIX_V6, u32::MAX),
    };
    if equal <= usual && n_pods <= room { usual } else { equal }
}

fn sized(settings: &NodeSettings, size: NodeSize) -> anyhow::Result<NodeSize> {
    let cpu = quantity("--simulated-node-cpu", settings.simulated_node_cpu.as_deref())?;
    let memory = quantity("--simulated-node-memory", settings.simulated_node_memory.as_deref())?;
    Ok(NodeSize {
        cpu: cpu.unwrap_or(size.cpu),
        memory: memory.unwrap_or(size.memory),
        pods: settings.simulated_node_pods.unwrap_or(size.pods),
        ephemeral_storage: size.ephemeral_storage,
    })
}

fn quantity(flag: &str, text: Option<&str>) -> anyhow::Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    let amount = Amount::parse(text).with_context(|| format!("{flag} {text}"))?;
    if amount <= Amount::ZERO {
        bail!("{flag} {text}: must be greater than 0");
    }
    Ok(Some(text.to_owned()))
}

/// As a kubelet writes it.
fn kibibytes(octets: u64) -> String {
    format!("{}Ki", octets / 1024)
}

/// This machine's memory, in octets (proc_meminfo(5)).
fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    memory_total(&text).unwrap_or(OCTETS_UNKNOWN)
}

fn memory_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The size of the root file system, in octets.
fn storage() -> u64 {
    let found = rustix::fs::statvfs("/").ok();
    found.map_or(OCTETS_UNKNOWN, |found| found.f_blocks.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(networks: &[&str], n_nodes: usize, n_pods: u32) -> String {
        let networks: Vec<IpNet> = networks.iter().map(|network| network.parse().unwrap()).collect();
        match shares(&networks, n_nodes, n_pods) {
            Ok(shares) => shares.iter().map(|share| format!("{share:?}")).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn one_node_has_the_whole_network_and_several_share_none() {
        assert_eq!(parts(&["10.244.0.0/16"], 1, 110), "[10.244.0.0/16]");
        assert_eq!(parts(&["10.244.0.0/16"], 2, 110), "[10.244.0.0/24] [10.244.1.0/24]");
        assert_eq!(
            parts(&["10.244.0.0/16", "fd00::/48"], 2, 110),
            "[10.244.0.0/24, fd00::/64] [10.244.1.0/24, fd00:0:0:1::/64]"
        );
        assert_eq!(
            parts(&["10.0.0.0/8"], 2, 1_000),
            "[10.0.0.0/9] [10.128.0.0/9]",
            "more pods than in a /24"
        );
        assert_eq!(parts(&["10.1.0.0/24"], 3, 110), "[10.1.0.0/26] [10.1.0.64/26] [10.1.0.128/26]");
        assert_eq!(parts(&["10.1.0.0/29"], 8, 110), "--pod-cidr 10.1.0.0/29 is too small for 8 nodes");
    }

    #[test]
    fn leases_are_renewed_more_often_than_a_node_may_be_silent() {
        for (grace_s, renewal_ms) in [(3600, 10_000), (50, 10_000), (40, 10_000), (12, 3_000), (1, 250)] {
            let found = renewal(Duration::from_secs(grace_s)).unwrap();
            assert_eq!(found, Duration::from_millis(renewal_ms), "{grace_s} s");
        }
        let refused = renewal(Duration::from_millis(900)).unwrap_err().to_string();
        assert_eq!(refused, "--node-monitor-grace-period 900ms: must be at least 1s");
    }

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        assert_eq!(memory_total("MemTotal:       16374500 kB\nMemFree: 1 kB\n"), Some(16_374_500 * 1024));
        assert_eq!(memory_total("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn sizes_are_quantities_above_zero() {
        assert_eq!(quantity("--f", Some("500m")).unwrap().as_deref(), Some("500m"));
        for wrong in ["0", "-1", "much"] {
            assert!(quantity("--f", Some(wrong)).is_err(), "{wrong}");
        }
    }
}
