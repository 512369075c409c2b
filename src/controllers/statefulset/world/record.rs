//! A record: what a plan needs to know of one pod, computed once per version of the pod.
//!
//! Pure. A sync of a large set reads thousands of pods of which few have changed; their records are
//! small and contiguous, so the pods themselves need not be touched.

use std::cmp::Ordering;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Volume};

use super::identity::{identity_matches, revision_of, storage_matches};
use super::spec::RetentionPolicy;
use crate::clock::Timestamp;
use crate::controllers::statefulset::naming::{PodName, is_member};
use crate::machinery::selector::Selector;
use crate::objects::{Object, ObjectKey, pod};

/// One pod that the set controls.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The pod.
    pub(crate) object: Object,
    /// The ordinal in its name, if there is one, whether or not the name is one of the set's.
    pub(crate) ordinal: Option<i32>,
    /// The revision it was created from; empty if it has no label.
    pub(crate) revision: Arc<str>,
    /// Whether labels and name make it a member of the set.
    pub(crate) is_ours: bool,
    /// Whether identity and volumes are those of its ordinal (nothing to repair).
    pub(crate) is_intact: bool,
    pub(crate) is_created: bool,
    pub(crate) is_pending: bool,
    pub(crate) is_ended: bool,
    pub(crate) is_ready: bool,
    pub(crate) is_terminating: bool,
    /// The policy under which its claims were found whole, unless one has changed since.
    pub(crate) whole_claims: Option<RetentionPolicy>,
    /// The `Ready` condition is true, whatever the phase.
    has_ready: bool,
    /// Since when, if the condition says.
    ready_since: Option<Timestamp>,
}

impl Record {
    /// Reads `object` as a pod of `set`; `None` if it is not a pod. Records of one revision share its
    /// name through `names`.
    pub(crate) fn of(
        set: &StatefulSet,
        selector: &Selector,
        object: &Object,
        names: &mut Vec<Arc<str>>,
    ) -> Option<Self> {
        let pod = object.get::<Pod>()?;
        let ordinal = PodName::parse(object.name()).ordinal;
        let is_of_ordinal =
            |ordinal| identity_matches(set, pod, ordinal) && storage_matches(set, pod, ordinal);
        Some(Self {
            object: object.clone(),
            ordinal,
            revision: shared(names, revision_of(pod)),
            is_ours: selector.matches(object.meta().labels.as_ref()) && is_member(set, object.name()),
            is_intact: ordinal.is_some_and(is_of_ordinal),
            // The API stores every new pod with a phase.
            is_created: !pod::phase(pod).is_empty(),
            is_pending: pod::phase(pod) == "Pending",
            is_ended: pod::has_ended(pod),
            is_ready: pod::is_running_and_ready(pod),
            is_terminating: pod::is_terminating(pod),
            whole_claims: None,
            has_ready: pod::is_ready(pod),
            ready_since: pod::available_at(pod, 0),
        })
    }

    /// Whether the pod has been ready for `min_ready_s` seconds at `now`.
    pub(crate) fn is_available(&self, min_ready_s: i32, now: Timestamp) -> bool {
        self.has_ready && (min_ready_s == 0 || self.available_at(min_ready_s).is_some_and(|at| at <= now))
    }

    /// When the pod becomes available if it stays ready.
    pub(crate) fn available_at(&self, min_ready_s: i32) -> Option<Timestamp> {
        pod::after(self.ready_since?, min_ready_s)
    }

    /// The pod.
    pub(crate) fn pod(&self) -> &Pod {
        self.object.get::<Pod>().expect("a record is of a pod")
    }

    /// By ordinal; of equal ordinals (`web-1` and `web-01`) the shorter name comes first.
    pub(crate) fn order(&self, ordinal: Option<i32>, key: &ObjectKey) -> Ordering {
        let by_name = || {
            let (name, other) = (self.object.name(), key.name.as_str());
            name.len().cmp(&other.len()).then_with(|| name.cmp(other))
        };
        self.ordinal.cmp(&ordinal).then_with(by_name)
    }
}

/// Whether two versions of an object are equal as far as a plan reads them. Plans ignore a pod's node,
/// addresses and containers, and most writes to a pod change only these.
pub(crate) fn is_same_to_plans(before: &Object, after: &Object) -> bool {
    let (Some(old), Some(new)) = (before.get::<Pod>(), after.get::<Pod>()) else { return false };
    let seen = |pod: &Pod| (pod::is_ready(pod), pod::available_at(pod, 0));
    let (meta, other) = (&old.metadata, &new.metadata);
    pod::phase(old) == pod::phase(new)
        && seen(old) == seen(new)
        && volumes(old) == volumes(new)
        && (&meta.uid, &meta.deletion_timestamp, &meta.finalizers)
            == (&other.uid, &other.deletion_timestamp, &other.finalizers)
        && (&meta.labels, &meta.annotations, &meta.owner_references)
            == (&other.labels, &other.annotations, &other.owner_references)
}

fn volumes(pod: &Pod) -> Option<&Vec<Volume>> {
    pod.spec.as_ref()?.volumes.as_ref()
}

fn shared(names: &mut Vec<Arc<str>>, name: &str) -> Arc<str> {
    if let Some(present) = names.iter().find(|present| &***present == name) {
        return present.clone();
    }
    // Names that no record uses any more can go.
    names.retain(|present| Arc::strong_count(present) > 1);
    names.push(Arc::from(name));
    names[names.len() - 1].clone()
}
