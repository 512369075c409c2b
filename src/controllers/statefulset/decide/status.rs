//! Status: the counts of a set's pods, and whether they must be written.
//!
//! Pure. Pods count as they were read; what a sync writes shows in the next one, except that each pod
//! that an update deletes is subtracted from `currentReplicas` at once.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};

use crate::controllers::statefulset::world::{Ordinals, Record, is_rolling};

/// The fields of every status that are not counts of pods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp<'a> {
    /// `status.currentRevision`.
    pub(crate) current: &'a str,
    /// `status.updateRevision`.
    pub(crate) update: &'a str,
    /// `status.collisionCount`.
    pub(crate) collision_count: i32,
}

/// The status of the set whose members are these, each with whether it is available.
pub(crate) fn count<'a>(
    set: &StatefulSet,
    stamp: Stamp<'_>,
    members: impl Iterator<Item = (&'a Record, bool)>,
) -> StatefulSetStatus {
    let (mut created, mut ready, mut available, mut current, mut updated) = (0, 0, 0, 0, 0);
    for (member, is_available) in members {
        created += i32::from(member.is_created);
        ready += i32::from(member.is_ready);
        available += i32::from(member.is_ready && is_available);
        let is_staying = member.is_created && !member.is_terminating;
        current += i32::from(is_staying && *member.revision == *stamp.current);
        updated += i32::from(is_staying && *member.revision == *stamp.update);
    }
    StatefulSetStatus {
        observed_generation: set.metadata.generation,
        replicas: created,
        ready_replicas: shown(ready),
        available_replicas: Some(available),
        current_replicas: shown(current),
        updated_replicas: shown(updated),
        current_revision: Some(stamp.current.to_owned()),
        update_revision: Some(stamp.update.to_owned()),
        collision_count: Some(stamp.collision_count),
        conditions: None,
    }
}

/// Subtracts the pods that an update has deleted from the current ones. They may be of a third
/// revision if an update overtook another, but no count may be negative.
pub(crate) fn subtract_current(status: &mut StatefulSetStatus, n_deleted: i32) {
    status.current_replicas = shown((status.current_replicas.unwrap_or_default() - n_deleted).max(0));
}

/// Makes the update revision the current one once every pod is of it and ready. A set with strategy
/// OnDelete never gets there, as in Kubernetes.
pub(crate) fn complete_rolling_update(set: &StatefulSet, status: &mut StatefulSetStatus) {
    let is_complete = is_rolling(set)
        && status.updated_replicas.unwrap_or_default() == status.replicas
        && status.ready_replicas.unwrap_or_default() == status.replicas
        && status.replicas == Ordinals::of(set, &[]).replicas;
    if is_complete {
        status.current_replicas = status.updated_replicas;
        status.current_revision.clone_from(&status.update_revision);
    }
}

/// Whether the status must be written (`inconsistentStatus`); the collision count is not compared.
pub(crate) fn is_news(set: &StatefulSet, new: &StatefulSetStatus) -> bool {
    let Some(old) = &set.status else { return true };
    let is_older = old.observed_generation.is_none() || old.observed_generation < new.observed_generation;
    let key = |status: &StatefulSetStatus| {
        (
            status.replicas,
            status.current_replicas.unwrap_or_default(),
            status.ready_replicas.unwrap_or_default(),
            status.updated_replicas.unwrap_or_default(),
            status.available_replicas.unwrap_or_default(),
            status.current_revision.clone().unwrap_or_default(),
            status.update_revision.clone().unwrap_or_default(),
        )
    };
    // Conditions are compared only if the plan has some: otherwise they are not this controller's.
    is_older || key(old) != key(new) || (new.conditions.is_some() && old.conditions != new.conditions)
}

/// Zero is omitted from the JSON form, as in Kubernetes.
fn shown(count: i32) -> Option<i32> {
    (count != 0).then_some(count)
}
