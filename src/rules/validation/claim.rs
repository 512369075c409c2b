//! Claims, and the claim templates of StatefulSets and of ephemeral volumes.
//!
//! A claim needs a size and an access mode. After its creation it can only be bound to a volume, get a
//! class if it has none, and grow while it is bound.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::labels;
use super::value::{IMMUTABLE, POSITIVE, check_form, check_quantity, items, text};
use crate::machinery::semantic;
use crate::objects::claim::{STORAGE, requested_storage};
use crate::objects::quantity::Amount;
use crate::objects::{FieldError, Path, names};

const SPEC: Path<'_> = Path::root("spec");
pub(super) const ACCESS_MODES: &[&str] =
    &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
pub(super) const VOLUME_MODES: &[&str] = &["Block", "Filesystem"];

pub(super) fn check(claim: &PersistentVolumeClaim, errors: &mut Vec<FieldError>) {
    let absent = PersistentVolumeClaimSpec::default();
    check_spec(claim.spec.as_ref().unwrap_or(&absent), &SPEC, errors);
}

pub(super) fn check_spec(spec: &PersistentVolumeClaimSpec, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let modes = items(&spec.access_modes);
    let modes_path = path.child("accessModes");
    if modes.is_empty() {
        errors.push(modes_path.required("at least 1 access mode is required"));
    }
    if let Some(selector) = &spec.selector {
        labels::check_selector(selector, &path.child("selector"), errors);
    }
    for mode in modes.iter().filter(|mode| !ACCESS_MODES.contains(&mode.as_str())) {
        errors.push(modes_path.not_supported(mode, ACCESS_MODES));
    }
    if modes.len() > 1 && modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        errors.push(modes_path.forbidden("may not use ReadWriteOncePod with other access modes"));
    }
    check_size(spec, path, errors);
    let class = text(&spec.storage_class_name);
    if !class.is_empty() {
        check_form(names::dns1123_subdomain(class), class, &path.child("storageClassName"), errors);
    }
    if let Some(mode) = spec.volume_mode.as_deref().filter(|mode| !VOLUME_MODES.contains(mode)) {
        errors.push(path.child("volumeMode").not_supported(mode, VOLUME_MODES));
    }
}

fn check_size(spec: &PersistentVolumeClaimSpec, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let resources = path.child("resources");
    let path = resources.key(STORAGE);
    let Some(size) = requested_storage(spec) else { return errors.push(path.required("")) };
    if check_quantity(size, &path, errors).is_some_and(|amount| amount <= Amount::ZERO) {
        errors.push(path.invalid(size.0.as_str(), POSITIVE));
    }
}

/// The spec is immutable, except that the claim is bound to a volume and grows once it is bound.
pub(super) fn check_change(
    new: &PersistentVolumeClaim,
    old: &PersistentVolumeClaim,
    errors: &mut Vec<FieldError>,
) {
    let new_spec = new.spec.clone().unwrap_or_default();
    let old_spec = old.spec.clone().unwrap_or_default();
    let phase = new.status.as_ref().and_then(|status| status.phase.as_deref());
    if !semantic::equal(&with_what_may_change(&new_spec, &old_spec, phase == Some("Bound")), &old_spec) {
        errors.push(SPEC.forbidden(
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound \
             claims",
        ));
    }
    let amount = |quantity: Option<&Quantity>| quantity.and_then(|size| Amount::parse(&size.0).ok());
    let capacity = old.status.as_ref().and_then(|status| status.capacity.as_ref()?.get(STORAGE));
    let (new_size, old_size) = (amount(requested_storage(&new_spec)), amount(requested_storage(&old_spec)));
    // A claim whose expansion failed may shrink again, but not below its present capacity.
    if new_size < old_size && new_size <= amount(capacity).or(Some(Amount::ZERO)) {
        let rule = "field can not be less than status.capacity";
        errors.push(SPEC.child("resources.requests.storage").forbidden(rule));
    }
    if new_spec.volume_mode != old_spec.volume_mode {
        let value = serde_json::Value::from(new_spec.volume_mode);
        errors.push(Path::root("volumeMode").invalid(value, IMMUTABLE));
    }
}

/// `new` with the old values of the fields that can be changed now.
fn with_what_may_change(
    new: &PersistentVolumeClaimSpec,
    old: &PersistentVolumeClaimSpec,
    is_bound: bool,
) -> PersistentVolumeClaimSpec {
    let mut kept = new.clone();
    if text(&old.volume_name).is_empty() {
        kept.volume_name = old.volume_name.clone();
    }
    if old.storage_class_name.is_none() {
        kept.storage_class_name = None;
    }
    if is_bound {
        kept.resources.get_or_insert_default().requests =
            old.resources.as_ref().and_then(|resources| resources.requests.clone());
        kept.volume_attributes_class_name = old.volume_attributes_class_name.clone();
    }
    kept
}
