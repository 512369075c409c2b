//! Claims: the persistent volume claims of a pod, one per volume claim template.
//!
//! Pure: it decides what to write so that a pod's claims exist and have the owners that the retention
//! policy wants; a lookup finds the present ones. An existing claim is used as it is: its size, class
//! and labels are never changed here. A terminating claim blocks its pod until it is gone, since a pod
//! must not use a claim that is about to disappear.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::retention::Owners;
use crate::controllers::statefulset::action::ClaimStep;
use crate::controllers::statefulset::naming::{claim_name, name_of, uid_of};
use crate::controllers::statefulset::world::{Lookup, RetentionPolicy, templates};
use crate::machinery::selector::Labels;
use crate::objects::Object;

/// The claims of one pod: of which set, which ordinal, whether it is condemned, and the pod's uid
/// (empty before it is created).
#[derive(Clone, Copy)]
pub(crate) struct PodClaims<'a> {
    pub(crate) set: &'a StatefulSet,
    pub(crate) policy: RetentionPolicy,
    pub(crate) ordinal: i32,
    pub(crate) is_condemned: bool,
    pub(crate) pod_name: &'a str,
    pub(crate) pod_uid: &'a str,
    pub(crate) lookup: Lookup<'a>,
}

impl PodClaims<'_> {
    /// The steps to complete them: claims to create, owners to set, claims that block the pod.
    pub(crate) fn ensure(&self) -> Vec<ClaimStep> {
        let mut steps = Vec::new();
        for template in templates(self.set) {
            match self.find(template) {
                None => steps.push(ClaimStep::Create(Box::new(self.claim(template)))),
                Some(claim) if claim.is_terminating() => {
                    steps.push(ClaimStep::Leaving(claim.name().to_owned()));
                }
                Some(claim) => self.own(&claim, &mut steps),
            }
        }
        steps
    }

    /// Whether every claim exists, is not terminating, and has the owners that the policy wants.
    pub(crate) fn are_whole(&self) -> bool {
        let is_whole = |claim: &Object| {
            !claim.is_terminating()
                && self.is_owned_as_wanted(claim)
                && !self.owners().has_unexpected_controller(references(claim), self.policy)
        };
        templates(self.set).iter().all(|template| self.find(template).is_some_and(|claim| is_whole(&claim)))
    }

    /// The steps for the owners alone; missing claims are ignored.
    pub(crate) fn reown(&self) -> Vec<ClaimStep> {
        let mut steps = Vec::new();
        for claim in templates(self.set).iter().filter_map(|template| self.find(template)) {
            if !self.is_owned_as_wanted(&claim) {
                self.own(&claim, &mut steps);
            }
        }
        steps
    }

    /// Whether every existing claim has the owners that the policy wants.
    pub(crate) fn match_retention(&self) -> bool {
        let mut claims = templates(self.set).iter().filter_map(|template| self.find(template));
        claims.all(|claim| self.is_owned_as_wanted(&claim))
    }

    /// Whether a claim is still owned by an earlier pod of this name and about to be collected. The new
    /// pod must wait for that, or it would lose its claim.
    pub(crate) fn is_stale(&self) -> bool {
        let owners = self.owners();
        self.policy.is_scaled_delete
            && templates(self.set)
                .iter()
                .filter_map(|template| self.find(template))
                .any(|claim| owners.pod.is_stale_in(references(&claim)))
    }

    fn find(&self, template: &PersistentVolumeClaim) -> Option<Object> {
        let name = claim_name(name_of(&template.metadata), name_of(&self.set.metadata), self.ordinal);
        (self.lookup)(&name)
    }

    fn owners(&self) -> Owners<'_> {
        Owners::new((name_of(&self.set.metadata), uid_of(&self.set.metadata)), (self.pod_name, self.pod_uid))
    }

    fn is_owned_as_wanted(&self, claim: &Object) -> bool {
        self.owners().are_up_to_date(references(claim), self.policy, self.is_condemned)
    }

    fn own(&self, claim: &Object, steps: &mut Vec<ClaimStep>) {
        let owners = self.owners();
        if owners.has_unexpected_controller(references(claim), self.policy) {
            steps.push(ClaimStep::Conflicting(claim.name().to_owned()));
        }
        let present = claim.get::<PersistentVolumeClaim>();
        if let (false, Some(present)) = (self.is_owned_as_wanted(claim), present) {
            let mut next = present.clone();
            let wanted = owners.wanted(references(claim), self.policy, self.is_condemned);
            next.metadata.owner_references = (!wanted.is_empty()).then_some(wanted);
            steps.push(ClaimStep::Own(Box::new(next)));
        }
    }

    /// A new claim. It has its owners from the start, so no claim is ever without them.
    fn claim(&self, template: &PersistentVolumeClaim) -> PersistentVolumeClaim {
        let owners = self.owners().wanted(&[], self.policy, self.is_condemned);
        PersistentVolumeClaim {
            metadata: ObjectMeta {
                name: Some(claim_name(
                    name_of(&template.metadata),
                    name_of(&self.set.metadata),
                    self.ordinal,
                )),
                namespace: self.set.metadata.namespace.clone(),
                labels: labels(self.set, template),
                annotations: template.metadata.annotations.clone(),
                owner_references: (!owners.is_empty()).then_some(owners),
                ..Default::default()
            },
            spec: template.spec.clone(),
            status: None,
        }
    }
}

/// The labels of a new claim: the template's, overridden by the selector's.
fn labels(set: &StatefulSet, template: &PersistentVolumeClaim) -> Option<Labels> {
    let selected = set.spec.selector.match_labels.clone();
    let mut labels = template.metadata.labels.clone().unwrap_or_default();
    labels.extend(selected.unwrap_or_default());
    (!labels.is_empty()).then_some(labels)
}

fn references(claim: &Object) -> &[OwnerReference] {
    claim.meta().owner_references.as_deref().unwrap_or_default()
}
