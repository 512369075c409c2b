//! Planted faults: planners that are wrong on purpose, to see whether the checkers notice.
//!
//! Only tests ask for one. A fault plans for a set that is not quite the one that is there, or picks
//! the wrong pod of an honest plan; everything around the planner is the product's.

use k8s_openapi::api::apps::v1::{RollingUpdateStatefulSetStrategy, StatefulSet};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::view::Wish;
use crate::clock::Timestamp;
use crate::controllers::statefulset::{Action, Cause, Observed, Plan, Planner, Record, StatefulSets, plan};

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
    /// A hole is filled by the count of current pods whatever the policy, so that the pod is deleted
    /// at once for its revision, and nothing is held back.
    Storms,
}

impl Fault {
    /// All there are.
    pub const ALL: [Self; 8] = [
        Self::CreatesWithoutWaiting,
        Self::ScalesDownFromTheBottom,
        Self::UpdatesUpwards,
        Self::IgnoresThePartition,
        Self::IgnoresMaxUnavailable,
        Self::DropsClaims,
        Self::CountsUnreadyPods,
        Self::Storms,
    ];

    /// A controller with this fault.
    pub(super) fn controller(self) -> StatefulSets {
        let planner: Planner = Box::new(move |observed, now| self.plan(observed, now));
        let controller = StatefulSets::with_planner(planner);
        if self == Self::Storms { controller.without_backoff() } else { controller }
    }

    fn plan(self, observed: &Observed<'_>, now: Timestamp) -> Plan {
        let mut set = observed.set.clone();
        self.mislead(&mut set);
        let misled = Observed { set: &set, ..*observed };
        let mut plan = plan(&misled, now);
        match self {
            Self::ScalesDownFromTheBottom => swap_for_lowest(observed, &mut plan, Cause::ScaledDown),
            Self::UpdatesUpwards => swap_for_lowest(observed, &mut plan, Cause::Outdated),
            Self::CountsUnreadyPods => plan.status.ready_replicas = Some(plan.status.replicas),
            Self::Storms => count_current_pods(observed, &mut plan, now),
            _ => {}
        }
        plan
    }

    fn mislead(self, set: &mut StatefulSet) {
        let spec = &mut set.spec;
        let strategy = spec.update_strategy.as_mut();
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_mut()).into_iter();
        match self {
            Self::CreatesWithoutWaiting => spec.pod_management_policy = Some("Parallel".to_owned()),
            Self::IgnoresThePartition => rolling.for_each(|rolling| rolling.partition = Some(0)),
            Self::IgnoresMaxUnavailable => {
                rolling.for_each(|rolling| rolling.max_unavailable = Some(IntOrString::Int(1000)));
            }
            Self::DropsClaims => {
                let policy = spec.persistent_volume_claim_retention_policy.get_or_insert_default();
                policy.when_scaled = Some("Delete".to_owned());
            }
            _ => {}
        }
    }
}

/// Creates the pods of the plan as if the number of current pods were the partition, if none is stated.
fn count_current_pods(observed: &Observed<'_>, plan: &mut Plan, now: Timestamp) {
    let mut set = observed.set.clone();
    let strategy = set.spec.update_strategy.get_or_insert_default();
    if strategy.type_.as_deref() == Some("OnDelete") || strategy.rolling_update.is_some() {
        return;
    }
    let partition = observed.set.status.as_ref().and_then(|status| status.current_replicas);
    strategy.rolling_update = Some(RollingUpdateStatefulSetStrategy { partition, ..Default::default() });
    let counted = self::plan(&Observed { set: &set, ..*observed }, now).actions;
    plan.actions.retain(|action| !matches!(action, Action::CreatePod { .. }));
    let created = counted.into_iter().filter(|action| matches!(action, Action::CreatePod { .. }));
    plan.actions.splice(0..0, created);
}

/// Of the pods that could go for this cause, the lowest goes in place of the one that should.
fn swap_for_lowest(observed: &Observed<'_>, plan: &mut Plan, cause: Cause) {
    let wish = Wish::of(observed.set);
    let first = wish.rolling.map_or(wish.start, |rolling| rolling.first);
    let is_candidate = |ordinal: i32, pod: &Record| match cause {
        Cause::ScaledDown => !wish.ordinals().contains(&ordinal),
        _ => wish.ordinals().contains(&ordinal) && ordinal >= first && *pod.revision != *observed.update.name,
    };
    let members = observed.pods.iter().filter_map(|pod| Some((pod.ordinal?, pod)));
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
