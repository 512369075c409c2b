//! Scores by resources: the node with the most left over, and the one whose CPU and memory are used
//! most evenly.

use super::super::filter::Request;
use super::super::snapshot::{NodeInfo, Resources};
use super::weight::SCORE_MAX;

/// How much of CPU and memory is left over with the pod, on average, in percent (`LeastAllocated`).
pub(super) fn least_allocated(request: &Request<'_>, node: &NodeInfo) -> i64 {
    let left = |wanted: i128, used: i128, has: i128| match has {
        0 => None,
        has if wanted + used > has => Some(0),
        has => Some((has - wanted - used) * i128::from(SCORE_MAX) / has),
    };
    let (wanted, used, has) = (&request.pod.demand.scored, &node.usage.scored, &node.allocatable);
    let shares =
        [left(wanted.milli_cpu, used.milli_cpu, has.milli_cpu), left(wanted.memory, used.memory, has.memory)];
    let n_shares = i128::try_from(shares.iter().flatten().count()).unwrap_or(1);
    let sum: i128 = shares.iter().flatten().sum();
    i64::try_from(sum / n_shares.max(1)).unwrap_or_default()
}

/// Whether the pod makes the use of CPU and memory more even (towards 100) or less (towards 50).
/// `None` for a pod that requests neither.
pub(super) fn balance(request: &Request<'_>, node: &NodeInfo) -> Option<i64> {
    let wanted = &request.pod.demand.requested;
    if wanted.milli_cpu == 0 && wanted.memory == 0 {
        return None;
    }
    let without = &node.usage.requested;
    let mut with = Resources::default();
    with.add(without, 1);
    with.add(wanted, 1);
    let half = SCORE_MAX / 2;
    Some(half + (half + evenness(&with, &node.allocatable) - evenness(without, &node.allocatable)) / 2)
}

/// 100 if CPU and memory are used by the same share; 50 if one is used up and the other free.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
fn evenness(used: &Resources, has: &Resources) -> i64 {
    let share = |used: i128, has: i128| (has != 0).then(|| (used as f64 / has as f64).min(1.0));
    let shares = (share(used.milli_cpu, has.milli_cpu), share(used.memory, has.memory));
    let deviation = match shares {
        (Some(cpu), Some(memory)) => ((cpu - memory) / 2.0).abs(),
        _ => 0.0,
    };
    ((1.0 - deviation) * SCORE_MAX as f64) as i64
}
