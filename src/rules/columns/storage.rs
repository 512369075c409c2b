//! Rows of claims, volumes and storage classes.
//!
//! A claim shows the capacity and the access modes of its volume, and nothing before it has one.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimStatus,
    PersistentVolumeSpec, PersistentVolumeStatus,
};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::age::since;
use super::cell::{UNSET, or};
use super::column::{AGE, Column, NAME, text, wide};
use crate::clock::Timestamp;
use crate::objects::storage_class::is_default;

pub(super) const CLAIM: &[Column] = &[
    NAME,
    text("Status", "The phase of the claim."),
    text("Volume", "The volume that the claim is bound to."),
    text("Capacity", "The capacity of the volume."),
    text("Access Modes", "How the volume may be mounted."),
    text("StorageClass", "The storage class of the claim."),
    text("VolumeAttributesClass", "The requested VolumeAttributesClass."),
    AGE,
    wide("VolumeMode", "Whether there is a file system on it."),
];

pub(super) const VOLUME: &[Column] = &[
    NAME,
    text("Capacity", "The capacity of the volume."),
    text("Access Modes", "How the volume may be mounted."),
    text("Reclaim Policy", "What happens to the volume when its claim is deleted."),
    text("Status", "The phase of the volume."),
    text("Claim", "The claim that the volume is bound to."),
    text("StorageClass", "The storage class of the volume."),
    text("VolumeAttributesClass", "The VolumeAttributesClass of the volume."),
    text("Reason", "The reason of the status."),
    AGE,
    wide("VolumeMode", "Whether there is a file system on it."),
];

pub(super) const CLASS: &[Column] = &[
    NAME,
    text("Provisioner", "The provisioner of the volumes."),
    text("ReclaimPolicy", "What happens to a volume when its claim is deleted."),
    text("VolumeBindingMode", "When claims are bound to volumes."),
    text("AllowVolumeExpansion", "Whether claims can be expanded."),
    AGE,
];

/// The annotation that named the class before there was a field.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
/// Access modes in the order of tables, with their short forms.
const MODES: &[(&str, &str)] = &[
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
];

pub(super) fn claim(claim: &PersistentVolumeClaim, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (PersistentVolumeClaimSpec::default(), PersistentVolumeClaimStatus::default());
    let (spec, status) = (claim.spec.as_ref().unwrap_or(&spec), claim.status.as_ref().unwrap_or(&status));
    let volume = spec.volume_name.as_deref().unwrap_or_default();
    let is_placed = !volume.is_empty();
    vec![
        claim.metadata.name.clone().into(),
        phase(&claim.metadata, status.phase.as_deref()).into(),
        volume.into(),
        if is_placed { storage_of(status.capacity.as_ref()) } else { String::new() }.into(),
        if is_placed { modes(status.access_modes.as_deref()) } else { String::new() }.into(),
        class_of(&claim.metadata, spec.storage_class_name.as_deref()).into(),
        spec.volume_attributes_class_name.as_deref().unwrap_or(UNSET).into(),
        since(claim.metadata.creation_timestamp.as_ref(), now).into(),
        spec.volume_mode.as_deref().unwrap_or(UNSET).into(),
    ]
}

pub(super) fn volume(volume: &PersistentVolume, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (PersistentVolumeSpec::default(), PersistentVolumeStatus::default());
    let (spec, status) = (volume.spec.as_ref().unwrap_or(&spec), volume.status.as_ref().unwrap_or(&status));
    let claim = spec.claim_ref.as_ref().map(|claim| {
        let (namespace, name) = (claim.namespace.as_deref(), claim.name.as_deref());
        format!("{}/{}", namespace.unwrap_or_default(), name.unwrap_or_default())
    });
    vec![
        volume.metadata.name.clone().into(),
        storage_of(spec.capacity.as_ref()).into(),
        modes(spec.access_modes.as_deref()).into(),
        spec.persistent_volume_reclaim_policy.clone().unwrap_or_default().into(),
        phase(&volume.metadata, status.phase.as_deref()).into(),
        claim.unwrap_or_default().into(),
        class_of(&volume.metadata, spec.storage_class_name.as_deref()).into(),
        spec.volume_attributes_class_name.as_deref().unwrap_or(UNSET).into(),
        status.reason.clone().unwrap_or_default().into(),
        since(volume.metadata.creation_timestamp.as_ref(), now).into(),
        spec.volume_mode.as_deref().unwrap_or(UNSET).into(),
    ]
}

pub(super) fn class(class: &StorageClass, now: Timestamp) -> Vec<Value> {
    let mut name = class.metadata.name.clone().unwrap_or_default();
    if is_default(class) {
        name.push_str(" (default)");
    }
    vec![
        name.into(),
        class.provisioner.clone().into(),
        or(class.reclaim_policy.as_deref(), "Delete").into(),
        or(class.volume_binding_mode.as_deref(), "Immediate").into(),
        class.allow_volume_expansion.unwrap_or_default().into(),
        since(class.metadata.creation_timestamp.as_ref(), now).into(),
    ]
}

fn phase<'a>(meta: &ObjectMeta, phase: Option<&'a str>) -> &'a str {
    if meta.deletion_timestamp.is_some() { "Terminating" } else { phase.unwrap_or_default() }
}

fn storage_of(amounts: Option<&BTreeMap<String, Quantity>>) -> String {
    let amount = amounts.and_then(|amounts| amounts.get("storage"));
    amount.map_or_else(|| "0".to_owned(), |amount| amount.0.clone())
}

fn class_of<'a>(meta: &'a ObjectMeta, field: Option<&'a str>) -> &'a str {
    let annotated = meta.annotations.as_ref().and_then(|annotations| annotations.get(CLASS_ANNOTATION));
    annotated.map(String::as_str).or(field).unwrap_or_default()
}

fn modes(modes: Option<&[String]>) -> String {
    let has = |mode: &str| modes.unwrap_or_default().iter().any(|present| present == mode);
    let short: Vec<&str> = MODES.iter().filter(|(mode, _)| has(mode)).map(|(_, short)| *short).collect();
    short.join(",")
}
