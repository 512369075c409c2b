//! What must hold after every sync, whatever happened before.

use std::collections::HashSet;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use super::super::naming::{self, PodName};
use super::super::world::identity::revision_of;
use super::super::world::ownership::is_owned;
use super::super::world::{self, LABEL_POD_INDEX, Ordinals, RetentionPolicy, is_parallel};
use super::cluster::is_ready;
use crate::objects::Object;
use crate::objects::beyond::Wishes;
use crate::store::Store;

/// Compares the pods before and after one sync.
pub(crate) fn check_step(set: &StatefulSet, before: &[Object], after: &[Object]) {
    if is_parallel(set) {
        return;
    }
    let reserved = Wishes::of(&set.metadata).reserved_ordinals;
    let wanted = Ordinals::of(set, &reserved);
    let created: Vec<i32> = after.iter().filter(|pod| find(before, pod).is_none()).map(ordinal).collect();
    let is_deleted =
        |pod: &&Object| !pod.is_terminating() && find(after, pod).is_none_or(|after| after.is_terminating());
    let scaled_down: Vec<i32> =
        before.iter().filter(is_deleted).map(ordinal).filter(|ordinal| !wanted.contains(*ordinal)).collect();
    assert!(created.len() <= 1, "more than one create in a sync: {created:?}");
    assert!(scaled_down.len() <= 1, "more than one scaled down in a sync: {scaled_down:?}");
    let is_sound = |ordinal: i32| {
        before.iter().any(|pod| self::ordinal(pod) == ordinal && is_ready(pod) && !pod.is_terminating())
    };
    for created in &created {
        let earlier = wanted.iter().take_while(|ordinal| ordinal < created);
        let unsound: Vec<i32> = earlier.filter(|ordinal| !is_sound(*ordinal)).collect();
        assert!(unsound.is_empty(), "pod {created} was created although {unsound:?} are not ready");
    }
    for condemned in &scaled_down {
        let higher = before.iter().map(ordinal).filter(|o| !wanted.contains(*o) && o > condemned);
        assert_eq!(higher.count(), 0, "pod {condemned} went before a higher one");
        assert!(wanted.iter().all(is_sound), "pod {condemned} went before the others were ready");
    }
}

/// Looks at the pods and claims as they are.
pub(crate) fn check_state(store: &Store, set: &StatefulSet, pods: &[Object]) {
    let owned: Vec<&Object> = pods.iter().filter(|pod| is_owned(set, pod.meta())).collect();
    let ordinals: HashSet<i32> = owned.iter().map(|pod| ordinal(pod)).collect();
    assert_eq!(ordinals.len(), owned.len(), "two pods with one ordinal");
    for object in &owned {
        let pod = object.get::<Pod>().unwrap();
        let ordinal = ordinal(object);
        assert!(world::identity_matches(set, pod, ordinal), "identity of {object:?}");
        assert!(world::storage_matches(set, pod, ordinal), "storage of {object:?}");
        assert_eq!(object.meta().labels.as_ref().unwrap()[LABEL_POD_INDEX], ordinal.to_string());
        if is_ready(object) {
            check_claims(store, set, object);
        }
    }
}

/// No pod is ready while one before it is not; no ordinal is left out. An update replaces pods
/// from the highest down, so while it goes on there is no such order.
pub(crate) fn check_order(set: &StatefulSet, pods: &[Object]) {
    let update = set.status.as_ref().and_then(|status| status.update_revision.as_deref()).unwrap_or_default();
    let is_updating = pods.iter().any(|pod| revision_of(pod.get::<Pod>().unwrap()) != update)
        || set.status.as_ref().is_none_or(|status| status.current_revision.as_deref() != Some(update));
    if is_parallel(set) || is_updating {
        return;
    }
    let reserved = Wishes::of(&set.metadata).reserved_ordinals;
    let wanted = Ordinals::of(set, &reserved);
    let is_wanted = |pod: &&Object| is_owned(set, pod.meta()) && wanted.contains(ordinal(pod));
    let present: Vec<&Object> = pods.iter().filter(is_wanted).collect();
    for pair in present.windows(2) {
        assert!(!is_ready(pair[1]) || is_ready(pair[0]), "{:?} is ready before {:?}", pair[1], pair[0]);
    }
    let place = |pod: &Object| wanted.index(ordinal(pod));
    let gap = present.windows(2).find(|pair| place(pair[1]) != place(pair[0]).map(|index| index + 1));
    assert!(gap.is_none(), "a gap: {gap:?}");
}

/// The claims of a ready pod have the owners that the policy wants.
fn check_claims(store: &Store, set: &StatefulSet, pod: &Object) {
    let policy = RetentionPolicy::of(set);
    let reserved = Wishes::of(&set.metadata).reserved_ordinals;
    let is_condemned = !Ordinals::of(set, &reserved).contains(ordinal(pod));
    for template in world::templates(set) {
        let name = naming::claim_name(template.metadata.name.as_deref().unwrap(), "foo", ordinal(pod));
        let Some(claim) = store.find::<PersistentVolumeClaim>("default", &name) else {
            assert!(policy.is_scaled_delete, "claim {name} is missing");
            continue;
        };
        let owners = claim.meta().owner_references.clone().unwrap_or_default();
        let has = |uid: &str| owners.iter().any(|owner| owner.uid == uid && owner.controller == Some(true));
        let set_uid = set.metadata.uid.as_deref().unwrap();
        if is_condemned && pod.is_terminating() {
            continue;
        }
        let wants_pod = policy.is_scaled_delete && is_condemned;
        // Condemned pods get their claims' owners once the wanted ones are settled.
        if !is_condemned {
            assert_eq!(has(pod.uid()), wants_pod, "pod as owner of {name}");
            assert_eq!(has(set_uid), policy.is_deleted_delete && !wants_pod, "set as owner of {name}");
        }
    }
}

/// The first current pods carry the current revision, the last updated ones the update revision.
pub(crate) fn check_update(set: &StatefulSet, pods: &[Object]) {
    let status = set.status.clone().unwrap_or_default();
    let revisions: Vec<&str> = pods.iter().map(|pod| revision_of(pod.get::<Pod>().unwrap())).collect();
    let n_current = usize::try_from(status.current_replicas.unwrap_or_default()).unwrap();
    let n_updated = usize::try_from(status.updated_replicas.unwrap_or_default()).unwrap();
    let current = status.current_revision.unwrap_or_default();
    let updated = status.update_revision.unwrap_or_default();
    for revision in revisions.iter().take(n_current) {
        assert_eq!(*revision, current, "the first {n_current} of {revisions:?}");
    }
    for revision in revisions.iter().rev().take(n_updated) {
        assert_eq!(*revision, updated, "the last {n_updated} of {revisions:?}");
    }
}

fn find<'a>(pods: &'a [Object], wanted: &Object) -> Option<&'a Object> {
    pods.iter().find(|pod| pod.uid() == wanted.uid())
}

fn ordinal(pod: &Object) -> i32 {
    PodName::parse(pod.name()).ordinal.unwrap_or(-1)
}
