//! Retention: the owners of a claim, so that the garbage controller deletes it at the right time.
//!
//! ```text
//!   whenDeleted / whenScaled │ ordinal in range │ condemned
//!   Retain / Retain          │ none             │ none
//!   Delete / Retain          │ the set          │ the set
//!   Retain / Delete          │ none             │ the pod
//!   Delete / Delete          │ the set          │ the pod
//! ```
//!
//! Pure, over owner references. Nothing here deletes a claim. Foreign references stay; a foreign
//! controller suspends the policy for its claim (Kubernetes KEP 1847).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::controllers::statefulset::world::RetentionPolicy;

/// The two objects that may own a claim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owners<'a> {
    /// The set.
    pub(crate) set: Owner<'a>,
    /// The pod of the claim's ordinal.
    pub(crate) pod: Owner<'a>,
}

/// An object as an owner reference names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    api_version: &'static str,
    kind: &'static str,
    name: &'a str,
    uid: &'a str,
}

impl<'a> Owners<'a> {
    /// The set and the pod by name and uid; a pod that does not exist yet has an empty uid.
    pub(crate) fn new(set: (&'a str, &'a str), pod: (&'a str, &'a str)) -> Self {
        Self {
            set: Owner { api_version: "apps/v1", kind: "StatefulSet", name: set.0, uid: set.1 },
            pod: Owner { api_version: "v1", kind: "Pod", name: pod.0, uid: pod.1 },
        }
    }

    /// Whether the references are as the policy wants them, or must be left alone: stale references are
    /// left to the garbage controller, and so is the claim of a foreign controller.
    pub(crate) fn are_up_to_date(
        &self,
        references: &[OwnerReference],
        policy: RetentionPolicy,
        is_condemned: bool,
    ) -> bool {
        if self.set.is_stale_in(references) || self.pod.is_stale_in(references) {
            return true;
        }
        let (has_set, has_pod) = (self.set.owns(references), self.pod.owns(references));
        if self.has_unexpected_controller(references, policy) {
            return !has_set && !has_pod;
        }
        !self.has_non_controller(references)
            && has_set == policy.wants_set(is_condemned)
            && has_pod == policy.wants_pod(is_condemned)
    }

    /// The references as the policy wants them: ours replaced, foreign ones kept in their order.
    pub(crate) fn wanted(
        &self,
        references: &[OwnerReference],
        policy: RetentionPolicy,
        is_condemned: bool,
    ) -> Vec<OwnerReference> {
        let is_foreign = |reference: &&OwnerReference| {
            !self.set.is_named_by(reference) && !self.pod.is_named_by(reference)
        };
        let mut wanted: Vec<OwnerReference> = references.iter().filter(is_foreign).cloned().collect();
        if self.has_unexpected_controller(references, policy) {
            return wanted;
        }
        let ours = [(self.set, policy.wants_set(is_condemned)), (self.pod, policy.wants_pod(is_condemned))];
        for (owner, is_wanted) in ours {
            if is_wanted && !owner.owns(&wanted) {
                wanted.push(owner.reference());
            }
        }
        wanted
    }

    /// Whether something else manages the claim. Irrelevant to a policy that never deletes.
    pub(crate) fn has_unexpected_controller(
        &self,
        references: &[OwnerReference],
        policy: RetentionPolicy,
    ) -> bool {
        !policy.retains_always()
            && references.iter().any(|reference| {
                let ours = [self.set, self.pod].into_iter().find(|owner| owner.is_named_by(reference));
                match ours {
                    Some(owner) => owner.uid != reference.uid,
                    None => reference.controller == Some(true),
                }
            })
    }

    /// Whether the set or the pod owns the claim without being its controller.
    pub(crate) fn has_non_controller(&self, references: &[OwnerReference]) -> bool {
        references.iter().any(|reference| {
            (reference.uid == self.set.uid || reference.uid == self.pod.uid)
                && reference.controller != Some(true)
        })
    }
}

impl Owner<'_> {
    /// Whether the reference names this object, whatever its uid.
    pub(crate) fn is_named_by(&self, reference: &OwnerReference) -> bool {
        reference.api_version == self.api_version
            && reference.kind == self.kind
            && reference.name == self.name
    }

    /// Whether a reference names an earlier object of this name.
    pub(crate) fn is_stale_in(&self, references: &[OwnerReference]) -> bool {
        references.iter().any(|reference| self.is_named_by(reference) && reference.uid != self.uid)
    }

    /// Whether a reference has this object's uid.
    pub(crate) fn owns(&self, references: &[OwnerReference]) -> bool {
        references.iter().any(|reference| reference.uid == self.uid)
    }

    fn reference(&self) -> OwnerReference {
        OwnerReference {
            api_version: self.api_version.to_owned(),
            kind: self.kind.to_owned(),
            name: self.name.to_owned(),
            uid: self.uid.to_owned(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }
    }
}
