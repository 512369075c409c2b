//! Whether a node has what a pod requests.

use std::borrow::Cow;

use super::super::snapshot::{NodeInfo, Resources, Usage};
use super::rejection::{Plugin, Rejection};

/// Whether the node, so far used as `usage` says, has room for the pod; if not, all that is missing.
/// More than the node has at all can never fit, whoever leaves it.
pub(in super::super) fn check(wanted: &Resources, node: &NodeInfo, usage: &Usage) -> Result<(), Rejection> {
    let mut reasons: Vec<Cow<'static, str>> = Vec::new();
    let mut is_resolvable = true;
    if usage.n_pods + 1 > node.pods_max {
        reasons.push("Too many pods".into());
    }
    let (has, used) = (&node.allocatable, &usage.requested);
    let mut compare = |name: Cow<'static, str>, wanted: i128, has: i128, used: i128| {
        if wanted > 0 && wanted > has - used {
            reasons.push(name);
            is_resolvable &= wanted <= has;
        }
    };
    compare("Insufficient cpu".into(), wanted.milli_cpu, has.milli_cpu, used.milli_cpu);
    compare("Insufficient memory".into(), wanted.memory, has.memory, used.memory);
    let storage = [wanted, has, used].map(|resources| resources.ephemeral_storage);
    compare("Insufficient ephemeral-storage".into(), storage[0], storage[1], storage[2]);
    for (name, amount) in &wanted.scalars {
        compare(format!("Insufficient {name}").into(), *amount, has.scalar(name), used.scalar(name));
    }
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Rejection { plugin: Plugin::NodeResourcesFit, is_resolvable, reasons })
}
