//! The nodes that a simulation runs on: given, or drawn from the seed.
//!
//! They are drawn apart from everything else, so that most seeds keep the one node that they always
//! had.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use super::chance::{chance, number};
use crate::node::{NodeOptions, NodeSize};

/// The name of the one node, and the first part of the names of several.
const NAME: &str = "node";
/// How many seeds in a thousand have several nodes.
const SEVERAL_PERMILLE: u64 = 300;
/// The most nodes that are drawn.
const NODES_MAX: u8 = 4;
const ONE_PREFIX: u8 = 16;
const PREFIX: u8 = 24;

/// One node with room for everything.
pub(super) fn one() -> Vec<NodeOptions> {
    vec![node(NAME.to_owned(), 0, ONE_PREFIX)]
}

/// One node or several that follow from `seed`.
pub(super) fn drawn(seed: u64) -> Vec<NodeOptions> {
    if !chance(&(seed, "machines"), SEVERAL_PERMILLE) {
        return one();
    }
    let n_more = number(&(seed, "number of nodes")) % u64::from(NODES_MAX - 1);
    let n_nodes = 2 + u8::try_from(n_more).unwrap_or_default();
    (0..n_nodes).map(|n| node(format!("{NAME}-{n}"), n, PREFIX)).collect()
}

fn node(name: String, n: u8, prefix: u8) -> NodeOptions {
    let network = Ipv4Net::new_assert(Ipv4Addr::new(10, 244, n, 0), prefix);
    NodeOptions {
        name,
        pod_networks: vec![IpNet::V4(network)],
        address: Ipv4Addr::LOCALHOST.into(),
        size: NodeSize::ample(),
        zone: None,
        renews_lease_every: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_node_and_every_number_up_to_the_most_are_drawn() {
        let numbers: std::collections::BTreeSet<usize> = (0..100).map(|seed| drawn(seed).len()).collect();
        assert!(numbers.into_iter().eq(1..=usize::from(NODES_MAX)));
    }

    /// They broke a rule on one node, before there were several (tests/simulation.rs).
    #[test]
    fn seeds_that_were_found_keep_their_one_node() {
        for seed in [6, 1134, 1600, 5287, 20737] {
            assert_eq!(drawn(seed).len(), 1, "seed {seed}");
        }
    }
}
