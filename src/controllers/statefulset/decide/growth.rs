//! Growth: existing claims follow the size that their template asks for (Kubernetes issue 68737).
//!
//! ```text
//!   template 2Gi, claim requests 1Gi ─► bound, class allows expansion ─► request 2Gi
//!   claim requests 2Gi, has 1Gi      ─► it grows
//!   otherwise                        ─► the reason, as an event and in the condition ClaimsGrown
//! ```
//!
//! Pure. It covers the claims of pods in range; a claim never shrinks. It is the first stage of a plan
//! and blocks nothing, since a full disk may be what keeps a pod from being ready. The volumes
//! controller expands the volume.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetCondition};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::clock::Timestamp;
use crate::controllers::statefulset::action::Action;
use crate::controllers::statefulset::naming::{claim_name, name_of};
use crate::controllers::statefulset::note::Note;
use crate::controllers::statefulset::world::{Lookup, Member, templates};
use crate::objects::quantity::Amount;
use crate::objects::{Object, time};

/// The type of the condition of sets whose claims may grow.
pub(crate) const CONDITION: &str = "ClaimsGrown";
/// How many claims the condition names.
const CLAIMS_NAMED_MAX: usize = 10;
const STORAGE: &str = "storage";

/// The growth of one sync.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    /// The claims to write.
    pub(crate) actions: Vec<Action>,
    /// What blocks growth, as events.
    pub(crate) notes: Vec<Note>,
    n_claims: usize,
    unfinished: Vec<String>,
    n_blocked: usize,
}

/// How a claim compares to the size that is wanted.
#[derive(Debug, PartialEq)]
enum Stand {
    /// It has the size.
    Grown,
    /// It has requested the size.
    Growing { has: String, asked: String },
    /// It must request the size.
    Due { claim: Box<PersistentVolumeClaim>, asks: String },
    /// It cannot request it now.
    Blocked { asks: String, reason: String },
}

/// Compares the claims of `members` with their templates. `classes` finds storage classes.
pub(crate) fn grow(
    set: &StatefulSet,
    members: &[Member<'_>],
    claims: Lookup<'_>,
    classes: Lookup<'_>,
) -> Growth {
    let mut growth = Growth::default();
    for member in members {
        for template in templates(set) {
            let name = claim_name(name_of(&template.metadata), name_of(&set.metadata), member.ordinal);
            let Some(wanted) = template.spec.as_ref().and_then(requested) else { continue };
            let found = claims(&name).filter(|claim| !claim.is_terminating());
            let Some(stand) = found.and_then(|claim| stand(claim.get()?, wanted, classes)) else { continue };
            growth.add(set, member, &name, &wanted.0, stand);
        }
    }
    growth
}

impl Growth {
    fn add(&mut self, set: &StatefulSet, member: &Member<'_>, name: &str, wanted: &str, stand: Stand) {
        self.n_claims += 1;
        let ordinal = member.ordinal;
        match stand {
            Stand::Grown => {}
            Stand::Growing { has, asked } => {
                self.unfinished.push(format!("{ordinal}: {name} grows from {has} to {asked}"));
            }
            Stand::Due { claim, asks } => {
                self.unfinished.push(format!("{ordinal}: {name} grows from {asks} to {wanted}"));
                let (pod, to) = (member.name().to_owned(), wanted.to_owned());
                self.actions.push(Action::GrowClaim { pod, claim, from: asks, to });
            }
            Stand::Blocked { asks, reason } => {
                self.unfinished.push(format!("{ordinal}: {name} stays at {asks}: {reason}"));
                self.n_blocked += 1;
                let pod = member.name();
                self.notes.push(Note::cannot_grow(name, pod, name_of(&set.metadata), wanted, &reason));
            }
        }
    }

    /// The condition that reports it; `present` are the set's conditions.
    pub(crate) fn condition(
        &self,
        present: Option<&[StatefulSetCondition]>,
        now: Timestamp,
    ) -> StatefulSetCondition {
        let (status, reason) = match (self.unfinished.is_empty(), self.n_blocked) {
            (true, _) => ("True", "AllGrown"),
            (false, 0) => ("False", "Growing"),
            _ => ("False", "Blocked"),
        };
        let before =
            present.into_iter().flatten().find(|condition| condition.type_.as_deref() == Some(CONDITION));
        let since = before.filter(|before| before.status.as_deref() == Some(status));
        let since = since.and_then(|before| before.last_transition_time.clone());
        StatefulSetCondition {
            type_: Some(CONDITION.to_owned()),
            status: Some(status.to_owned()),
            reason: Some(reason.to_owned()),
            message: Some(self.message()),
            last_transition_time: Some(since.unwrap_or_else(|| time(now))),
        }
    }

    fn message(&self) -> String {
        let n_more = self.unfinished.len().saturating_sub(CLAIMS_NAMED_MAX);
        let named = self.unfinished[..self.unfinished.len() - n_more].join("; ");
        match (self.unfinished.len(), n_more) {
            (0, _) => format!("{} claims have the size of their templates", self.n_claims),
            (_, 0) => named,
            _ => format!("{named}; and {n_more} more"),
        }
    }
}

fn stand(claim: &PersistentVolumeClaim, wanted: &Quantity, classes: Lookup<'_>) -> Option<Stand> {
    let spec = claim.spec.as_ref()?;
    let asked = requested(spec)?;
    let has = claim.status.as_ref().and_then(|status| status.capacity.as_ref()?.get(STORAGE));
    if amount(wanted) <= amount(asked) {
        return Some(match has {
            Some(has) if amount(has) < amount(asked) => {
                Stand::Growing { has: has.0.clone(), asked: asked.0.clone() }
            }
            _ => Stand::Grown,
        });
    }
    let asks = asked.0.clone();
    Some(match obstacle(claim, spec, classes) {
        Some(reason) => Stand::Blocked { asks, reason },
        None => Stand::Due { claim: Box::new(asking_for(claim, wanted)), asks },
    })
}

/// Why the API or the storage class does not let the claim grow.
fn obstacle(
    claim: &PersistentVolumeClaim,
    spec: &PersistentVolumeClaimSpec,
    classes: Lookup<'_>,
) -> Option<String> {
    let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
    if phase != Some("Bound") {
        return Some("it is not bound".to_owned());
    }
    let class = spec.storage_class_name.as_deref().unwrap_or_default();
    if class.is_empty() {
        return Some("it has no StorageClass".to_owned());
    }
    let Some(found) = classes(class) else { return Some(format!("StorageClass {class} does not exist")) };
    let is_expandable = |class: &StorageClass| class.allow_volume_expansion == Some(true);
    let is_expandable = found.get::<StorageClass>().is_some_and(is_expandable);
    (!is_expandable).then(|| format!("StorageClass {class} does not allow volume expansion"))
}

fn asking_for(claim: &PersistentVolumeClaim, wanted: &Quantity) -> PersistentVolumeClaim {
    let mut claim = claim.clone();
    let resources = claim.spec.get_or_insert_default().resources.get_or_insert_default();
    resources.requests.get_or_insert_default().insert(STORAGE.to_owned(), wanted.clone());
    claim
}

fn requested(spec: &PersistentVolumeClaimSpec) -> Option<&Quantity> {
    spec.resources.as_ref()?.requests.as_ref()?.get(STORAGE)
}

fn amount(quantity: &Quantity) -> Amount {
    Amount::parse(&quantity.0).unwrap_or(Amount::ZERO)
}

/// Whether a claim's event may change growth.
pub(crate) fn concerns(before: Option<&Object>, now: &Object) -> bool {
    let key = |claim: &PersistentVolumeClaim| {
        let spec = claim.spec.as_ref();
        let status = claim.status.as_ref();
        let capacity = status.and_then(|status| status.capacity.clone());
        let phase = status.and_then(|status| status.phase.clone());
        (spec.and_then(requested).cloned(), capacity, phase)
    };
    let of = |object: &Object| object.get::<PersistentVolumeClaim>().map(key);
    before.and_then(of) != of(now)
}
