//! Rules about claims: whether there is a storage class to provision a volume for them.
//!
//! Where the storage classes are not known there are no warnings.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec};

use super::related::RelatedObjects;
use super::warning::{Warning, warn};
use crate::objects::name_of;
use crate::objects::storage_class::is_default;

pub(super) fn check_templates(set: &StatefulSet, related: &RelatedObjects<'_>, warnings: &mut Vec<Warning>) {
    for (index, template) in set.spec.volume_claim_templates.iter().flatten().enumerate() {
        let path = format!("spec.volumeClaimTemplates[{index}].spec.storageClassName");
        check(template.spec.as_ref(), related, &path, warnings);
    }
}

pub(super) fn check_claim(
    claim: &PersistentVolumeClaim,
    related: &RelatedObjects<'_>,
    warnings: &mut Vec<Warning>,
) {
    check(claim.spec.as_ref(), related, "spec.storageClassName", warnings);
}

fn check(
    spec: Option<&PersistentVolumeClaimSpec>,
    related: &RelatedObjects<'_>,
    path: &str,
    warnings: &mut Vec<Warning>,
) {
    let (Some(spec), classes) = (spec, &related.classes) else { return };
    // A claim for one volume, or for volumes with certain labels, needs no class.
    if spec.volume_name.as_deref().is_some_and(|name| !name.is_empty()) || spec.selector.is_some() {
        return;
    }
    let has_default = classes.iter().any(|class| is_default(class));
    match spec.storage_class_name.as_deref() {
        None if !has_default => {
            let text = "no class is named and none is the default, so the claim and its pod stay Pending; name a \
                        StorageClass, or annotate one with storageclass.kubernetes.io/is-default-class: \"true\"";
            warn(warnings, path, text.to_owned());
        }
        Some(name) if !name.is_empty() && !classes.iter().any(|class| name_of(&class.metadata) == name) => {
            let text = format!(
                "there is no StorageClass \"{name}\", so the claim and its pod stay Pending until a volume of that class \
                 is made by hand; create the class or name another"
            );
            warn(warnings, path, text);
        }
        _ => {}
    }
}
