//! Which volume a claim may be bound to.
//!
//! Pure. A volume that is reserved for the claim comes first. The others are ordered by the number of
//! access modes, then by size, then by name, as in Kubernetes' volume index.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ObjectReference, PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::apimachinery::pkg::api::resource;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use crate::machinery::selector::{Labels, NodeTerm, Selector};
use crate::objects::quantity::Amount;

/// The annotation that named a class before there was a field.
const CLASS_ANNOTATION_BETA: &str = "volume.beta.kubernetes.io/storage-class";

/// The node that a claim's first pod was scheduled to (annotation `selected-node`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectedNode {
    /// The node's name.
    pub name: String,
    /// The node's labels.
    pub labels: Labels,
}

/// When a claim is bound to volumes that are not reserved for it (the class's `volumeBindingMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode<'a> {
    /// As soon as a volume fits.
    Immediate,
    /// Not before its first pod is scheduled.
    Delayed,
    /// Its first pod is scheduled; the volume must be reachable from that node.
    OnNode(&'a SelectedNode),
}

/// The volume among `volumes` to bind `claim` to, if there is one.
pub fn match_volume<'a>(
    claim: &PersistentVolumeClaim,
    volumes: impl IntoIterator<Item = &'a PersistentVolume>,
    mode: Mode<'_>,
) -> Option<&'a PersistentVolume> {
    let (requested, modes) = (request(claim), access_modes(claim));
    let fits = |volume: &&PersistentVolume| {
        volume.metadata.deletion_timestamp.is_none()
            && volume_mode(volume) == claim_volume_mode(claim)
            && has_all(volume, modes)
            && capacity(volume) >= requested
    };
    let mut reserved = None;
    let mut best = None;
    for volume in volumes.into_iter().filter(fits) {
        let rank = (volume_modes(volume).len(), capacity(volume), volume.metadata.name.as_deref());
        if is_bound_to(volume, claim) {
            choose(&mut reserved, rank, volume);
        } else if is_choosable(volume, claim, mode) {
            choose(&mut best, rank, volume);
        }
    }
    let admits =
        |volume: &&PersistentVolume| !matches!(mode, Mode::OnNode(node) if !is_reachable(volume, node));
    match reserved {
        Some((_, volume)) => Some(volume).filter(admits),
        None => best.map(|(_, volume)| volume),
    }
}

fn choose<'a, R: Ord>(best: &mut Option<(R, &'a PersistentVolume)>, rank: R, volume: &'a PersistentVolume) {
    if best.as_ref().is_none_or(|(present, _)| rank < *present) {
        *best = Some((rank, volume));
    }
}

/// Whether an unreserved volume may be bound to the claim.
fn is_choosable(volume: &PersistentVolume, claim: &PersistentVolumeClaim, mode: Mode<'_>) -> bool {
    let is_in_reach = match mode {
        Mode::Immediate => true,
        Mode::Delayed => false,
        Mode::OnNode(node) => is_reachable(volume, node),
    };
    let phase = volume.status.as_ref().and_then(|status| status.phase.as_deref());
    is_in_reach
        && phase == Some("Available")
        && claim_ref(volume).is_none()
        && volume_class(volume) == claim_class(claim).unwrap_or_default()
        && is_selected(volume, claim)
}

fn is_selected(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let selector = claim.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    // An invalid selector selects nothing.
    selector.is_none_or(|selector| matches_labels(selector, volume.metadata.labels.as_ref()))
}

fn matches_labels(selector: &LabelSelector, labels: Option<&Labels>) -> bool {
    Selector::from_label_selector(selector).is_ok_and(|selector| selector.matches(labels))
}

/// Why a volume that the claim names cannot be bound to it.
pub(super) fn mismatch(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> Option<&'static str> {
    let faults = [
        (capacity(volume) < request(claim), "requested PV is too small"),
        (volume_class(volume) != claim_class(claim).unwrap_or_default(), "storageClassName does not match"),
        (volume_mode(volume) != claim_volume_mode(claim), "incompatible volumeMode"),
        (!has_all(volume, access_modes(claim)), "incompatible accessMode"),
    ];
    faults.into_iter().find_map(|(is_broken, fault)| is_broken.then_some(fault))
}

/// Whether the volume is reserved for or bound to the claim.
pub(super) fn is_bound_to(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let Some(reference) = claim_ref(volume) else { return false };
    let ObjectMeta { namespace, name, uid, .. } = &claim.metadata;
    let is_any_uid = reference.uid.as_deref().unwrap_or_default().is_empty();
    reference.namespace == *namespace && reference.name == *name && (is_any_uid || reference.uid == *uid)
}

/// Whether pods on the node can use the volume (its node affinity).
pub fn is_reachable(volume: &PersistentVolume, node: &SelectedNode) -> bool {
    let affinity = volume.spec.as_ref().and_then(|spec| spec.node_affinity.as_ref());
    let Some(required) = affinity.and_then(|affinity| affinity.required.as_ref()) else { return true };
    let mut terms = required.node_selector_terms.iter().filter_map(NodeTerm::parse);
    terms.any(|term| term.matches(&node.name, Some(&node.labels)))
}

/// The claim's class; `None` if it names none, empty if it asks for none.
pub(super) fn claim_class(claim: &PersistentVolumeClaim) -> Option<&str> {
    let field = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    annotation(&claim.metadata, CLASS_ANNOTATION_BETA).or(field)
}

fn volume_class(volume: &PersistentVolume) -> &str {
    let field = volume.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    annotation(&volume.metadata, CLASS_ANNOTATION_BETA).or(field).unwrap_or_default()
}

pub(super) fn annotation<'a>(meta: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    meta.annotations.as_ref()?.get(name).map(String::as_str)
}

pub(super) fn claim_ref(volume: &PersistentVolume) -> Option<&ObjectReference> {
    volume.spec.as_ref()?.claim_ref.as_ref()
}

fn volume_mode(volume: &PersistentVolume) -> &str {
    volume.spec.as_ref().and_then(|spec| spec.volume_mode.as_deref()).unwrap_or("Filesystem")
}

pub(super) fn claim_volume_mode(claim: &PersistentVolumeClaim) -> &str {
    claim.spec.as_ref().and_then(|spec| spec.volume_mode.as_deref()).unwrap_or("Filesystem")
}

fn access_modes(claim: &PersistentVolumeClaim) -> &[String] {
    claim.spec.as_ref().and_then(|spec| spec.access_modes.as_deref()).unwrap_or_default()
}

fn volume_modes(volume: &PersistentVolume) -> &[String] {
    volume.spec.as_ref().and_then(|spec| spec.access_modes.as_deref()).unwrap_or_default()
}

fn has_all(volume: &PersistentVolume, modes: &[String]) -> bool {
    modes.iter().all(|mode| volume_modes(volume).contains(mode))
}

fn request(claim: &PersistentVolumeClaim) -> Amount {
    let resources = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref());
    storage(resources.and_then(|resources| resources.requests.as_ref()))
}

fn capacity(volume: &PersistentVolume) -> Amount {
    storage(volume.spec.as_ref().and_then(|spec| spec.capacity.as_ref()))
}

fn storage(amounts: Option<&BTreeMap<String, resource::Quantity>>) -> Amount {
    let amount = amounts.and_then(|amounts| amounts.get("storage"));
    amount.and_then(|amount| Amount::parse(&amount.0).ok()).unwrap_or(Amount::ZERO)
}

#[cfg(test)]
mod tests;
