//! Claims: the persistent volume claims of a pod, one per volume claim template.
//!
//! Pure: it says what must be written so that a pod's claims exist and have the owners that the
//! retention policy wants; a lookup tells what is there. A claim that exists is used as it is: its
//! size, class and labels are never changed. A claim that goes away blocks its pod until it is
//! gone, since a pod must not be bound to a claim that vanishes under it.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::identity::{self, name_of, uid_of};
use super::retention::{Owners, Policy};
use crate::objects::Object;

/// Finds a claim of the set's namespace by its name.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Object>;

/// One thing to do about one claim, before its pod is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ClaimStep {
    /// It is missing.
    Create(Box<PersistentVolumeClaim>),
    /// Its owner references must become these.
    Own(Box<PersistentVolumeClaim>),
    /// A foreign controller owns it, so the retention policy is not applied; people are told.
    Conflicting(String),
    /// It is being deleted; its pod has to wait.
    Leaving(String),
}

/// The name of a template's claim for an ordinal.
pub(super) fn claim_name(template: &str, set_name: &str, ordinal: i32) -> String {
    format!("{template}-{set_name}-{ordinal}")
}

/// The name of the pod that a claim of this set belongs to; `None` if the claim's name is not one
/// that the set gives.
pub(super) fn pod_name_of<'a>(set_name: &str, claim: &'a str) -> Option<&'a str> {
    let parsed = identity::PodName::parse(claim);
    let template = parsed.parent.strip_suffix(set_name)?.strip_suffix('-')?;
    (parsed.ordinal.is_some() && !template.is_empty()).then(|| &claim[template.len() + 1..])
}

/// The set's volume claim templates.
pub(super) fn templates(set: &StatefulSet) -> &[PersistentVolumeClaim] {
    set.spec.volume_claim_templates.as_deref().unwrap_or_default()
}

/// Gives the pod a volume for each of its claims, in place of template volumes of the same names.
pub(super) fn set_volumes(set: &StatefulSet, pod: &mut Pod, ordinal: i32) {
    let templates = templates(set);
    if templates.is_empty() {
        return;
    }
    let spec = pod.spec.get_or_insert_default();
    let others = spec.volumes.take().unwrap_or_default();
    let is_template = |name: &str| templates.iter().any(|template| name_of(&template.metadata) == name);
    let of_claims = templates.iter().map(|template| volume(set, template, ordinal));
    let volumes = of_claims.chain(others.into_iter().filter(|volume| !is_template(&volume.name)));
    spec.volumes = Some(volumes.collect());
}

/// Whether the pod mounts the claims of its ordinal. Further volumes do not matter.
pub(super) fn storage_matches(set: &StatefulSet, pod: &Pod, ordinal: i32) -> bool {
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default();
    templates(set).iter().all(|template| {
        let name = name_of(&template.metadata);
        let volume = volumes.iter().find(|volume| volume.name == name);
        let source = volume.and_then(|volume| volume.persistent_volume_claim.as_ref());
        source.is_some_and(|source| is_claim_name(&source.claim_name, name, name_of(&set.metadata), ordinal))
    })
}

/// The claims of one pod: of which set, which ordinal, whether it is condemned, and the pod's uid
/// (empty before it is created).
#[derive(Clone, Copy)]
pub(super) struct PodClaims<'a> {
    pub(super) set: &'a StatefulSet,
    pub(super) policy: Policy,
    pub(super) ordinal: i32,
    pub(super) is_condemned: bool,
    pub(super) pod_name: &'a str,
    pub(super) pod_uid: &'a str,
    pub(super) lookup: Lookup<'a>,
}

impl PodClaims<'_> {
    /// What is missing: claims to create, owners to set, claims that are in the way.
    pub(super) fn ensure(&self) -> Vec<ClaimStep> {
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

    /// Whether every claim is there to stay and has the owners that the policy wants.
    pub(super) fn are_whole(&self) -> bool {
        let is_whole = |claim: &Object| {
            !claim.is_terminating()
                && self.is_owned_as_wanted(claim)
                && !self.owners().has_unexpected_controller(references(claim), self.policy)
        };
        templates(self.set).iter().all(|template| self.find(template).is_some_and(|claim| is_whole(&claim)))
    }

    /// What must change for the owners alone; missing claims have none.
    pub(super) fn reown(&self) -> Vec<ClaimStep> {
        let mut steps = Vec::new();
        for claim in templates(self.set).iter().filter_map(|template| self.find(template)) {
            if !self.is_owned_as_wanted(&claim) {
                self.own(&claim, &mut steps);
            }
        }
        steps
    }

    /// Whether every claim that exists has the owners that the policy wants.
    pub(super) fn match_retention(&self) -> bool {
        let mut claims = templates(self.set).iter().filter_map(|template| self.find(template));
        claims.all(|claim| self.is_owned_as_wanted(&claim))
    }

    /// Whether a claim still belongs to an earlier pod of this name and is about to be collected.
    /// The new pod must wait for that, or it would lose its claim.
    pub(super) fn is_stale(&self) -> bool {
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

    /// A new claim. It has its owners from the start, so that none is ever seen without them.
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

/// Whether `claim` is exactly what [`claim_name`] gives. Allocates nothing, since it is asked of
/// every pod in every sync.
fn is_claim_name(claim: &str, template: &str, set_name: &str, ordinal: i32) -> bool {
    let rest = claim.strip_prefix(template).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|rest| identity::is_canonical(rest, set_name, ordinal))
}

/// The labels of a new claim: the template's, overruled by the selector's.
fn labels(set: &StatefulSet, template: &PersistentVolumeClaim) -> Option<crate::machinery::selector::Labels> {
    let selected = set.spec.selector.match_labels.clone();
    let mut labels = template.metadata.labels.clone().unwrap_or_default();
    labels.extend(selected.unwrap_or_default());
    (!labels.is_empty()).then_some(labels)
}

fn volume(set: &StatefulSet, template: &PersistentVolumeClaim, ordinal: i32) -> Volume {
    let name = name_of(&template.metadata);
    Volume {
        name: name.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim_name(name, name_of(&set.metadata), ordinal),
            read_only: None,
        }),
        ..Default::default()
    }
}

fn references(claim: &Object) -> &[OwnerReference] {
    claim.meta().owner_references.as_deref().unwrap_or_default()
}
