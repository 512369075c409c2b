//! Ownership: which pods and revisions the set keeps, adopts and releases.
//!
//! Pure. A pod belongs to the set if its labels match the selector and its name is one of the set's.
//! An orphan that matches both is adopted, an owned pod that no longer does is released; what another
//! controller owns is never touched. A set that is being deleted changes nothing.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::controllers::statefulset::naming::{is_member, name_of, uid_of};
use crate::machinery::selector::Selector;
use crate::objects::{Object, controller_of};

/// The candidates by what to do with them.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    /// They belong to the set.
    pub(crate) kept: Vec<Object>,
    /// Orphans to adopt.
    pub(crate) adopted: Vec<Object>,
    /// Owned ones to release.
    pub(crate) released: Vec<Object>,
}

/// Sorts pods, owned ones and orphans.
pub(crate) fn claim_pods(set: &StatefulSet, selector: &Selector, candidates: Vec<Object>) -> Claimed {
    sort(set, candidates, |pod| selector.matches(pod.meta().labels.as_ref()) && is_member(set, pod.name()))
}

/// Sorts revisions; an owned revision stays whatever its labels are.
pub(crate) fn claim_revisions(set: &StatefulSet, selector: &Selector, candidates: Vec<Object>) -> Claimed {
    sort(set, candidates, |revision| {
        is_owned(set, revision.meta()) || selector.matches(revision.meta().labels.as_ref())
    })
}

/// Whether the set is the controller of what has this metadata.
pub(crate) fn is_owned(set: &StatefulSet, meta: &ObjectMeta) -> bool {
    controller_of(meta).is_some_and(|owner| owner.uid == uid_of(&set.metadata))
}

/// Why the set as read now may not adopt; `None` if it may (`canAdoptFunc`).
pub(crate) fn refusal(set: &StatefulSet, now: Option<&Object>) -> Option<String> {
    let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
    let name = name_of(&set.metadata);
    let uid = now.map(Object::uid).unwrap_or_default();
    if uid != uid_of(&set.metadata) {
        let wanted = uid_of(&set.metadata);
        return Some(format!(
            "original StatefulSet {namespace}/{name} is gone: got uid {uid}, wanted {wanted}"
        ));
    }
    let deleted_at = now.and_then(|now| now.meta().deletion_timestamp.as_ref())?;
    Some(format!("{namespace}/{name} has just been deleted at {}", deleted_at.0))
}

fn sort(set: &StatefulSet, candidates: Vec<Object>, is_ours: impl Fn(&Object) -> bool) -> Claimed {
    let is_going = set.metadata.deletion_timestamp.is_some();
    let mut claimed = Claimed::default();
    for candidate in candidates {
        let is_owned = is_owned(set, candidate.meta());
        if !is_owned && controller_of(candidate.meta()).is_some() {
            continue;
        }
        match (is_owned, is_ours(&candidate)) {
            (true, true) => claimed.kept.push(candidate),
            (true, false) if !is_going => claimed.released.push(candidate),
            (false, true) if !is_going && !candidate.is_terminating() => claimed.adopted.push(candidate),
            _ => {}
        }
    }
    claimed
}
