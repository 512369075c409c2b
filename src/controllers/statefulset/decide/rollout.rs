//! The rolling update: which pods of old revisions to delete now.
//!
//! Pure; the last stage, once creating, repairing and scaling down have nothing left to wait for. From
//! the highest ordinal down to the partition. `maxUnavailable` (default 1; a percentage is rounded
//! down, but to no less than 1) bounds how many pods may be unavailable, and pods below the partition
//! count too. Under Parallel an unavailable pod of an old revision is deleted without using up that
//! budget, so that a broken rollout can be repaired (Kubernetes pull request 137666, in 1.37). Under
//! OrderedReady such a pod must be deleted by hand (issue 67250), unless the set opts into `unstick`:
//! then the lowest unready pod is replaced as soon as it would be created from another revision.
//!
//! # No plan makes a pod that the next one deletes for its revision
//!
//! A new pod is not ready, so only what deletes unready pods of old revisions could do that: Parallel and
//! `unstick`. A stated partition keeps both apart: below it pods are made from the current revision, from
//! it on they are deleted for it. But where `rollingUpdate` is absent nothing is kept from deletion,
//! while Kubernetes makes the pods below the *count* of current pods from the current revision. Under
//! Parallel its controller then makes and deletes the same pod without end, hundreds of times in a
//! minute. So here the count only counts where a new pod is waited for; elsewhere the pod that would be
//! deleted is made from the update revision.

use k8s_openapi::api::apps::v1::StatefulSet;

use crate::controllers::statefulset::world::{Member, Ordinals, is_rolling, max_unavailable, rolling_update};

/// The limits of a rolling update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rollout<'a> {
    /// The ordinals the set wants.
    pub(crate) ordinals: Ordinals<'a>,
    /// How many of the lowest ordinals keep their revision.
    pub(crate) partition: i64,
    /// How many may be unavailable.
    pub(crate) n_unavailable_max: usize,
    /// The revision that all pods shall have.
    pub(crate) update: &'a str,
    /// Whether unavailable pods of old revisions are deleted first and outside the budget.
    pub(crate) is_parallel: bool,
}

impl<'a> Rollout<'a> {
    /// The rollout of `set`, which wants `ordinals`.
    pub(crate) fn of(set: &StatefulSet, ordinals: Ordinals<'a>, update: &'a str, is_parallel: bool) -> Self {
        let rolling = rolling_update(set);
        let partition = rolling.and_then(|rolling| rolling.partition).unwrap_or_default();
        let wanted = rolling.and_then(|rolling| rolling.max_unavailable.as_ref());
        Self {
            ordinals,
            partition: i64::from(partition),
            n_unavailable_max: max_unavailable(wanted, ordinals.replicas),
            update,
            is_parallel,
        }
    }

    /// The members to delete, in order. `replicas` are the existing ones in range; a missing one counts
    /// as unavailable, even if this sync creates it.
    pub(crate) fn outdated<'m, 'p>(&self, replicas: &'m [Member<'p>]) -> Vec<&'m Member<'p>> {
        let n_available = replicas.iter().filter(|member| !member.is_unavailable()).count();
        let n_wanted = usize::try_from(self.ordinals.replicas).unwrap_or_default();
        let n_unavailable = n_wanted.saturating_sub(n_available);
        let budget = self.n_unavailable_max.saturating_sub(n_unavailable);
        let old = || replicas.iter().rev().filter(|member| self.is_outdated(member));
        if !self.is_parallel {
            return old().take(budget).collect();
        }
        let broken = old().filter(|member| !member.is_available);
        broken.chain(old().filter(|member| member.is_available).take(budget)).collect()
    }

    fn is_outdated(&self, member: &Member<'_>) -> bool {
        *member.revision != *self.update
            && self.ordinals.index(member.ordinal).is_some_and(|index| index >= self.partition)
            && !member.is_terminating
    }
}

/// Whether a new pod of `ordinal` is created from the current revision instead of the update revision:
/// below the partition or, if the strategy states no parameters, below the count of current pods. The
/// latter only if pods of old revisions are waited for until they are ready.
pub(crate) fn keeps_current(
    set: &StatefulSet,
    ordinals: Ordinals<'_>,
    ordinal: i32,
    waits_for_unready: bool,
) -> bool {
    let n_kept = match rolling_update(set) {
        Some(rolling) => rolling.partition.unwrap_or_default(),
        None if is_rolling(set) && waits_for_unready => {
            set.status.as_ref().and_then(|status| status.current_replicas).unwrap_or_default()
        }
        None => 0,
    };
    ordinals.index(ordinal).is_some_and(|index| index < i64::from(n_kept))
}
