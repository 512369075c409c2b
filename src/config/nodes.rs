//! Flags about nodes: how many, where and how large.

use clap::Args;

/// How many nodes there may be.
const NODES_MAX: u16 = 1_000;

/// The nodes of the cluster.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Nodes")]
pub struct NodeSettings {
    /// How many nodes there are: one is called dullahan, several dullahan-0, dullahan-1 and so on.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(NODES_MAX)))]
    pub simulated_nodes: u16,
    /// Topology zones that the nodes are in, in turn (comma-separated).
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub simulated_zones: Vec<String>,
    /// Processor cores of each node, for example 4 or 500m [default: this machine's; for simulate plenty].
    #[arg(long, value_name = "QUANTITY")]
    pub simulated_node_cpu: Option<String>,
    /// Memory of each node, for example 16Gi [default: this machine's; for simulate plenty].
    #[arg(long, value_name = "QUANTITY")]
    pub simulated_node_memory: Option<String>,
    /// How many pods each node has room for [default: 110; for simulate plenty].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub simulated_node_pods: Option<u32>,
}

impl NodeSettings {
    /// The flags that differ from their defaults, as they are typed.
    pub fn flags(&self) -> Vec<String> {
        let zones = (!self.simulated_zones.is_empty()).then(|| self.simulated_zones.join(","));
        let flags = [
            ("nodes", (self.simulated_nodes != 1).then(|| self.simulated_nodes.to_string())),
            ("zones", zones),
            ("node-cpu", self.simulated_node_cpu.clone()),
            ("node-memory", self.simulated_node_memory.clone()),
            ("node-pods", self.simulated_node_pods.map(|pods| pods.to_string())),
        ];
        let typed = |(name, value): (&str, Option<String>)| Some(format!("--simulated-{name} {}", value?));
        flags.into_iter().filter_map(typed).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    #[test]
    fn the_flags_are_those_that_were_typed() {
        let flags = |typed: &str| {
            let command = NodeSettings::augment_args(Command::new("x").no_binary_name(true));
            let matches = command.try_get_matches_from(typed.split_whitespace()).unwrap();
            NodeSettings::from_arg_matches(&matches).unwrap().flags().join(" ")
        };
        assert_eq!(flags(""), "");
        let all = "--simulated-nodes 3 --simulated-zones a,b --simulated-node-cpu 500m \
                   --simulated-node-memory 8Gi --simulated-node-pods 9";
        assert_eq!(flags(all), all);
    }
}
