//! The rolling update: which pods of old revisions go now.
//!
//! Pure, and asked only once creating, repairing and scaling down have nothing left to wait for.
//! From the highest ordinal down to the partition. `maxUnavailable` (1 unless stated; a percentage
//! is rounded down, but to no less than 1) bounds how many may be unavailable, and pods below the
//! partition count too. Under the Parallel policy a pod of an old revision that is not available
//! anyway goes without using up that budget, so that a broken rollout can be mended (Kubernetes
//! pull request 137926); under OrderedReady such a pod must be deleted by hand (issue 67250),
//! unless the set asks for it to be unstuck: then the lowest one that is not ready is replaced as soon
//! as it would be re-created from another revision.

use k8s_openapi::api::apps::v1::StatefulSet;

use crate::controllers::statefulset::world::{Member, Ordinals, is_rolling, max_unavailable, rolling_update};

/// What a rolling update has to keep to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rollout<'a> {
    /// The ordinals the set wants.
    pub(crate) ordinals: Ordinals<'a>,
    /// How many of the lowest ordinals keep their revision.
    pub(crate) partition: i64,
    /// How many may be unavailable.
    pub(crate) n_unavailable_max: usize,
    /// The revision all shall have.
    pub(crate) update: &'a str,
    /// Whether pods of old revisions that are unavailable go first and for nothing.
    pub(crate) is_parallel: bool,
}

impl<'a> Rollout<'a> {
    /// The rollout that `set`, which wants `ordinals`, asks for.
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

    /// The members to delete, in order. `replicas` are those in range that exist; a hole, filled
    /// in this very sync or not, is unavailable.
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

/// Whether a new pod of `ordinal` is made from the current revision rather than the update
/// revision: below the partition, or, where the strategy states no parameters, as long as current
/// pods are counted there.
pub(crate) fn keeps_current(set: &StatefulSet, ordinals: Ordinals<'_>, ordinal: i32) -> bool {
    let n_kept = match rolling_update(set) {
        Some(rolling) => rolling.partition.unwrap_or_default(),
        None if is_rolling(set) => {
            set.status.as_ref().and_then(|status| status.current_replicas).unwrap_or_default()
        }
        None => 0,
    };
    ordinals.index(ordinal).is_some_and(|index| index < i64::from(n_kept))
}
