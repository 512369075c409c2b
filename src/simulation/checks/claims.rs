//! Claims: none is deleted unless the retention policy says so.
//!
//! The policy acts through owner references. A claim whose deletion begins must have had an owner that
//! is gone or terminating; a set only owns claims under `whenDeleted: Delete`, a pod only under
//! `whenScaled: Delete`, and only a pod that was condemned at some time.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::violation::{Violation, begins_to_go, ensure};
use crate::objects::{Kind, Object};
use crate::simulation::stage::Role;
use crate::simulation::view::{View, Wish, ordinal_of};
use crate::store::Event;

const KEPT: &str = "claims are never deleted against the retention policy";

/// What the checker has to remember.
#[derive(Default)]
pub(crate) struct Ledger {
    /// The pods, by uid, whose ordinals were not wanted at some time.
    condemned: BTreeSet<String>,
}

impl Ledger {
    /// Checks an event against the state right before it.
    pub(crate) fn check(&self, view: &View, event: &Event, role: Option<Role>) -> Result<(), Violation> {
        let claim = &event.object;
        if claim.kind() != Kind::PersistentVolumeClaim || role.is_none() || !begins_to_go(event) {
            return Ok(());
        }
        let owners = claim.meta().owner_references.as_deref().unwrap_or_default();
        let is_lost = |kind, name: &str, uid: &str| {
            let owner = view.get(kind, claim.namespace(), name);
            owner.is_none_or(|owner| owner.uid() != uid || owner.is_terminating())
        };
        let is_reason = |owner: &OwnerReference| match owner.kind.as_str() {
            "StatefulSet" => is_lost(Kind::StatefulSet, &owner.name, &owner.uid),
            "Pod" => is_lost(Kind::Pod, &owner.name, &owner.uid) && self.condemned.contains(&owner.uid),
            _ => false,
        };
        ensure(owners.iter().any(is_reason), KEPT, || {
            let owners: Vec<String> =
                owners.iter().map(|owner| format!("{} {}", owner.kind, owner.name)).collect();
            format!("{} is deleted; owners: {owners:?}", claim.key())
        })?;
        let policy = view
            .list(Kind::StatefulSet)
            .filter(|set| is_of(set, claim))
            .find_map(|set| set.get::<StatefulSet>()?.spec.persistent_volume_claim_retention_policy.clone());
        let Some(policy) = policy else { return Ok(()) };
        let is_set_owned = owners.iter().any(|owner| owner.kind == "StatefulSet" && is_reason(owner));
        let wanted = if is_set_owned { &policy.when_deleted } else { &policy.when_scaled };
        ensure(wanted.as_deref() == Some("Delete"), KEPT, || {
            format!("{} is deleted although the policy is {policy:?}", claim.key())
        })
    }

    /// Applies an event, after the view has.
    pub(crate) fn take(&mut self, view: &View, event: &Event) {
        match event.object.kind() {
            Kind::StatefulSet => {
                let members = view.members(&event.object, crate::clock::Timestamp::UNIX_EPOCH);
                for (ordinal, member) in members {
                    self.note(&event.object, ordinal, member.object.uid());
                }
            }
            Kind::Pod => {
                if let Some(set) = view.owner(&event.object) {
                    let ordinal = ordinal_of(set, &event.object).unwrap_or(-1);
                    self.note(set, ordinal, event.object.uid());
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, set: &Object, ordinal: i32, uid: &str) {
        let Some(set) = set.get::<StatefulSet>() else { return };
        if !Wish::of(set).ordinals().contains(&ordinal) {
            self.condemned.insert(uid.to_owned());
        }
    }
}

/// Whether the set's name is in the claim's, as the set gives it.
pub(crate) fn is_of(set: &Object, claim: &Object) -> bool {
    let templates = set.get::<StatefulSet>().and_then(|set| set.spec.volume_claim_templates.as_deref());
    set.namespace() == claim.namespace()
        && templates.unwrap_or_default().iter().any(|template| {
            let template = template.metadata.name.as_deref().unwrap_or_default();
            claim.name().starts_with(&format!("{template}-{}-", set.name()))
        })
}
