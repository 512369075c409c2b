//! Flags about nodes: how many, where, how large, and when one is given up.

use clap::Args;

use super::span::Span;

/// How many nodes there may be.
const NODES_MAX: u16 = 1_000;

/// The nodes of the cluster.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Nodes")]
pub struct NodeSettings {
    /// How many nodes there are.
    ///
    /// One is called dullahan, several dullahan-0, dullahan-1 and so on.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(NODES_MAX)))]
    pub simulated_nodes: u16,
    /// Topology zones that the nodes are in, in turn (comma-separated).
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub simulated_zones: Vec<String>,
    /// Processor cores of each node, for example 4 or 500m [default: this machine's].
    #[arg(long, value_name = "QUANTITY")]
    pub simulated_node_cpu: Option<String>,
    /// Memory of each node, for example 16Gi [default: this machine's].
    #[arg(long, value_name = "QUANTITY")]
    pub simulated_node_memory: Option<String>,
    /// How many pods each node has room for.
    #[arg(long, value_name = "N", default_value_t = 110, value_parser = clap::value_parser!(u32).range(1..))]
    pub simulated_node_pods: u32,
    /// How long a node may be silent before its status is unknown and its pods are not ready; at least 1s.
    #[arg(long, value_name = "DURATION", default_value = "50s")]
    pub node_monitor_grace_period: Span,
}
