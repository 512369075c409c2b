//! Growth of the claim templates of a StatefulSet, where it is allowed (Kubernetes issue 68737).
//!
//! Only the storage that a template requests can change, and only upwards; everything else in the
//! templates is immutable. Whether the existing claims can grow depends on their classes and is left
//! to the controller.

use std::cmp::Ordering;

use k8s_openapi::api::apps::v1::StatefulSetSpec;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::value::items;
use crate::machinery::semantic;
use crate::objects::claim::{STORAGE, requested_storage};
use crate::objects::quantity::Amount;
use crate::objects::{FieldError, Path};

const TEMPLATES: Path<'_> = Path::root("spec.volumeClaimTemplates");

/// Whether nothing but requested storage differs between the claim templates; reports those that
/// would shrink.
pub(super) fn check(new: &StatefulSetSpec, old: &StatefulSetSpec, errors: &mut Vec<FieldError>) -> bool {
    let (new, old) = (items(&new.volume_claim_templates), items(&old.volume_claim_templates));
    let is_alike = new.len() == old.len() && new.iter().zip(old).all(|(new, old)| differs_in_size(new, old));
    for (index, (new, old)) in new.iter().zip(old).enumerate().filter(|_| is_alike) {
        let (Some(wanted), Some(present)) = (requested(new), requested(old)) else { continue };
        if compare(wanted, present) == Some(Ordering::Less) {
            let template = TEMPLATES.index(index);
            let rule = format!("claims can only grow, and it was {}", present.0);
            errors.push(template.child("spec.resources.requests.storage").invalid(wanted.0.as_str(), &rule));
        }
    }
    is_alike
}

/// Whether the two differ in the requested storage alone, or not at all.
fn differs_in_size(new: &PersistentVolumeClaim, old: &PersistentVolumeClaim) -> bool {
    let (Some(_), Some(present)) = (requested(new), requested(old)) else {
        return semantic::equal(new, old);
    };
    let mut resized = new.clone();
    let resources = resized.spec.as_mut().and_then(|spec| spec.resources.as_mut());
    if let Some(requests) = resources.and_then(|resources| resources.requests.as_mut()) {
        requests.insert(STORAGE.to_owned(), present.clone());
    }
    semantic::equal(&resized, old)
}

fn compare(a: &Quantity, b: &Quantity) -> Option<Ordering> {
    Some(Amount::parse(&a.0).ok()?.cmp(&Amount::parse(&b.0).ok()?))
}

fn requested(claim: &PersistentVolumeClaim) -> Option<&Quantity> {
    claim.spec.as_ref().and_then(requested_storage)
}
