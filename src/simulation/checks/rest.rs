//! Rest: what must hold when all parts are idle, and at the end.
//!
//! A status is counted from the pods independently of the controller. At the end nothing may be
//! missing, superfluous or still terminating; what is, is found here, and [`cause`](super::cause) says
//! why.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::violation::{Violation, ensure};
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, pod};
use crate::simulation::view::{Member, View, Wish};

const STATUS: &str = "status matches the pods once every part has caught up";
/// The rule at the end.
pub(crate) const CONVERGES: &str = "the wanted state is reached once faults stop";

/// Checks every set's status against its pods.
pub(crate) fn status(view: &View, now: Timestamp) -> Result<(), Violation> {
    for object in view.list(Kind::StatefulSet).filter(|set| !set.is_terminating()) {
        let Some(set) = object.get::<StatefulSet>() else { continue };
        let members: Vec<Member<'_>> = view.members(object, now).into_values().collect();
        let (reported, found) = (reported(set), counted(set, &members));
        ensure(reported == found, STATUS, || {
            format!("{}: {reported:?}, but there are {found:?}", object.key())
        })?;
    }
    Ok(())
}

/// The numbers of a status.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    generation: Option<i64>,
    replicas: i32,
    ready: i32,
    available: i32,
    updated: i32,
    current: i32,
    is_complete: bool,
}

fn reported(set: &StatefulSet) -> Counts {
    let status = set.status.clone().unwrap_or_default();
    Counts {
        generation: status.observed_generation,
        replicas: status.replicas,
        ready: status.ready_replicas.unwrap_or(0),
        available: status.available_replicas.unwrap_or(0),
        updated: status.updated_replicas.unwrap_or(0),
        current: status.current_replicas.unwrap_or(0),
        is_complete: status.current_revision == status.update_revision,
    }
}

fn counted(set: &StatefulSet, members: &[Member<'_>]) -> Counts {
    let status = set.status.clone().unwrap_or_default();
    let count = |is: &dyn Fn(&Member<'_>) -> bool| {
        i32::try_from(members.iter().filter(|member| is(member)).count()).unwrap_or(i32::MAX)
    };
    let of = |revision: Option<&str>| {
        count(&|member| !member.is_terminating && Some(member.revision()) == revision)
    };
    let (replicas, ready) = (count(&|_| true), count(&|member| member.is_ready));
    let updated = count(&|member| !member.is_terminating && member.is_of(&set.spec.template));
    let wanted = set.spec.replicas.unwrap_or(1);
    let is_rolling = Wish::of(set).rolling.is_some();
    let is_complete = is_rolling && [updated, replicas, ready].iter().all(|found| *found == wanted);
    Counts {
        generation: set.metadata.generation,
        replicas,
        ready,
        available: count(&|member| member.is_available),
        updated,
        current: if is_complete { updated } else { of(status.current_revision.as_deref()) },
        // Without an update in progress the two are equal whatever the counts are.
        is_complete: is_complete || status.current_revision == status.update_revision,
    }
}

/// A difference from the wanted state.
pub(crate) struct Unfinished {
    /// What is not as it should be.
    pub(crate) what: String,
    /// The set and the ordinal of the pod that does not serve, if that is the difference.
    pub(crate) member: Option<(Object, i32)>,
}

impl Unfinished {
    pub(crate) fn new(what: String) -> Self {
        Self { what, member: None }
    }
}

/// The differences from the wanted state, the first of each set; none if it is reached.
pub(crate) fn unfinished(view: &View, now: Timestamp) -> Vec<Unfinished> {
    let kinds = [Kind::StatefulSet, Kind::Pod, Kind::PersistentVolumeClaim, Kind::ControllerRevision];
    for object in kinds.iter().flat_map(|kind| view.list(*kind)) {
        if object.is_terminating() && !is_left_over(view, object) {
            return vec![Unfinished::new(format!("{} is still terminating", object.key()))];
        }
        if !object.is_terminating() && is_garbage(view, object) {
            return vec![Unfinished::new(format!("{} has lost its owners and still exists", object.key()))];
        }
    }
    view.list(Kind::StatefulSet).filter_map(|set| unfinished_set(view, set, now)).collect()
}

/// Whether the object is a claim that a pod uses which stays: Kubernetes keeps it terminating until that pod
/// is gone. It comes about if a set is deleted and created again at once, or if a deletion in the
/// foreground, which takes the claims along, is changed to leave orphans. That no claim is deleted against
/// the retention policy is checked when it is deleted.
fn is_left_over(view: &View, claim: &Object) -> bool {
    let stays_with = |pod: &Object| !pod.is_terminating() && uses(pod, claim);
    claim.kind() == Kind::PersistentVolumeClaim && view.list(Kind::Pod).any(stays_with)
}

fn uses(pod: &Object, claim: &Object) -> bool {
    let mut names = pod.get::<Pod>().into_iter().flat_map(pod::claims);
    pod.namespace() == claim.namespace() && names.any(|name| name == claim.name())
}

fn unfinished_set(view: &View, object: &Object, now: Timestamp) -> Option<Unfinished> {
    let set = object.get::<StatefulSet>()?;
    let of_set = |what: String| Some(Unfinished::new(format!("{}: {what}", object.key())));
    let of_member =
        |ordinal, what: String| Some(Unfinished { member: Some((object.clone(), ordinal)), ..of_set(what)? });
    let (wish, members) = (Wish::of(set), view.members(object, now));
    for ordinal in wish.ordinals() {
        let name = format!("{}-{ordinal}", object.name());
        let Some(member) = members.get(&ordinal) else {
            return of_member(ordinal, format!("pod {name} is missing"));
        };
        if !member.serves() {
            return of_member(ordinal, format!("pod {name} is not available"));
        }
        let is_due = wish.rolling.is_some_and(|rolling| ordinal >= rolling.first);
        if is_due && !member.is_of(&set.spec.template) {
            return of_set(format!("pod {name} is not of the set's template"));
        }
        for template in set.spec.volume_claim_templates.iter().flatten() {
            let claim = format!("{}-{name}", template.metadata.name.as_deref().unwrap_or_default());
            if view.get(Kind::PersistentVolumeClaim, object.namespace(), &claim).is_none() {
                return of_set(format!("claim {claim} is missing"));
            }
        }
    }
    let superfluous = members.keys().find(|ordinal| !wish.ordinals().contains(ordinal))?;
    of_set(format!("pod {}-{superfluous} is not wanted", object.name()))
}

/// Whether the object has owners and all of them are gone.
fn is_garbage(view: &View, object: &Object) -> bool {
    let owners = object.meta().owner_references.as_deref().unwrap_or_default();
    let is_gone = |owner: &OwnerReference| {
        let kind = Kind::find(&owner.api_version, &owner.kind);
        let found = kind.and_then(|kind| view.get(kind, object.namespace(), &owner.name));
        found.is_none_or(|found| found.uid() != owner.uid)
    };
    !owners.is_empty() && owners.iter().all(is_gone)
}
