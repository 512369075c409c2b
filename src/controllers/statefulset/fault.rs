//! Planted faults: planners that are wrong on purpose, to see whether the simulation notices.
//!
//! Nothing but a test asks for one; without one the planner is called as it is. A fault plans for
//! a set that is not quite the one that is there, or picks the wrong pod of an honest plan.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::plan::{self, Action, Cause, Plan, World};
use super::record::Record;
use super::rollout;
use super::roster::Ordinals;
use crate::clock::Timestamp;

/// What a planner does wrong.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// OrderedReady creates without waiting for the pods before.
    CreatesWithoutWaiting,
    /// Scaling down takes the lowest condemned pod first.
    ScalesDownFromTheBottom,
    /// A rolling update takes the lowest pod first.
    UpdatesUpwards,
    /// A rolling update goes below the partition.
    IgnoresThePartition,
    /// A rolling update takes as many pods as it likes.
    IgnoresMaxUnavailable,
    /// Claims go with scaling down whatever the policy says.
    DropsClaims,
    /// The status counts pods that are not ready.
    CountsUnreadyPods,
}

impl Fault {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::CreatesWithoutWaiting,
        Self::ScalesDownFromTheBottom,
        Self::UpdatesUpwards,
        Self::IgnoresThePartition,
        Self::IgnoresMaxUnavailable,
        Self::DropsClaims,
        Self::CountsUnreadyPods,
    ];
}

/// The plan, with the fault if there is one.
pub(super) fn plan(fault: Option<Fault>, world: &World<'_>, now: Timestamp) -> Plan {
    let Some(fault) = fault else { return plan::plan(world, now) };
    let mut set = world.set.clone();
    mislead(fault, &mut set);
    let misled = World { set: &set, claims: world.claims, ..*world };
    let mut plan = plan::plan(&misled, now);
    match fault {
        Fault::ScalesDownFromTheBottom => swap_for_lowest(world, &mut plan, Cause::ScaledDown),
        Fault::UpdatesUpwards => swap_for_lowest(world, &mut plan, Cause::Outdated),
        Fault::CountsUnreadyPods => plan.status.ready_replicas = Some(plan.status.replicas),
        _ => {}
    }
    plan
}

fn mislead(fault: Fault, set: &mut StatefulSet) {
    let spec = &mut set.spec;
    let strategy = spec.update_strategy.as_mut();
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_mut()).into_iter();
    match fault {
        Fault::CreatesWithoutWaiting => spec.pod_management_policy = Some("Parallel".to_owned()),
        Fault::IgnoresThePartition => rolling.for_each(|rolling| rolling.partition = Some(0)),
        Fault::IgnoresMaxUnavailable => {
            rolling.for_each(|rolling| rolling.max_unavailable = Some(IntOrString::Int(1000)));
        }
        Fault::DropsClaims => {
            let policy = spec.persistent_volume_claim_retention_policy.get_or_insert_default();
            policy.when_scaled = Some("Delete".to_owned());
        }
        _ => {}
    }
}

/// Of the pods that could go for this cause, the lowest goes in place of the one that should.
fn swap_for_lowest(world: &World<'_>, plan: &mut Plan, cause: Cause) {
    let ordinals = Ordinals::of(world.set, &world.settings.reserved_ordinals);
    let is_candidate = |ordinal: i32, pod: &Record| match cause {
        Cause::ScaledDown => !ordinals.contains(ordinal),
        _ => {
            ordinals.contains(ordinal)
                && *pod.revision != *world.update.name
                && !rollout::keeps_current(world.set, ordinals, ordinal)
        }
    };
    let members = world.pods.iter().filter_map(|pod| Some((pod.ordinal?, pod)));
    let lowest =
        members.filter(|(ordinal, pod)| is_candidate(*ordinal, pod)).min_by_key(|(ordinal, _)| *ordinal);
    let Some((_, lowest)) = lowest else { return };
    for action in &mut plan.actions {
        if let Action::DeletePod { pod, uid, cause: found } = action
            && *found == cause
        {
            *pod = lowest.object.name().to_owned();
            *uid = lowest.object.uid().to_owned();
            break;
        }
    }
}
