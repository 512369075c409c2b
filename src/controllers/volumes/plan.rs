//! What to do next for one claim or one volume.
//!
//! Pure. Cases and messages are those of Kubernetes' persistent volume controller (`syncClaim`,
//! `syncVolume`). After a plan has been carried out, the next one is `Nothing` or has nothing left to
//! write.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::matching::{
    Mode, SelectedNode, annotation, claim_class, claim_ref, is_bound_to, match_volume, mismatch,
};
use crate::objects::pod;
use crate::objects::quantity::Amount;
use crate::store::Severity::{self, Normal, Warning};

/// The claim was bound once; if its volume is missing since, it is lost.
pub(super) const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// The binding was made by the controller, not by a user.
pub(super) const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
/// The node that the claim's first pod was scheduled to.
pub(super) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// The volume was provisioned for a claim, by this provisioner.
pub(super) const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// The resource that claims request and volumes have.
pub(super) const STORAGE: &str = "storage";
/// The provisioner of classes without dynamic provisioning.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// An event about a claim or a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Normal or Warning.
    pub severity: Severity,
    /// The reason, in one word.
    pub reason: &'static str,
    /// The message.
    pub message: String,
}

/// What to do for a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimPlan {
    /// Nothing, until something changes.
    Nothing,
    /// It stays Pending; an event says why.
    Wait(Report),
    /// Give it this class: it has none, and there is a default now.
    AssignClass(String),
    /// Bind it to the volume of this name, or complete the binding.
    Bind(String),
    /// Provision a volume for it.
    Provision,
    /// Its volume is gone or belongs to another claim.
    Lose(Report),
}

/// What a claim's plan depends on besides the claim.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'a> {
    /// The class that the claim names, if it exists.
    pub class: Option<&'a StorageClass>,
    /// The class of claims that name none.
    pub default_class: Option<&'a str>,
    /// The volumes it may be bound to; if it names one, only that.
    pub volumes: &'a [&'a PersistentVolume],
    /// The node that its first pod was scheduled to.
    pub node: Option<&'a SelectedNode>,
    /// The names of the pods that use it and are not scheduled yet.
    pub unscheduled_pods: &'a [&'a str],
}

/// Plans the next step for a claim that is not terminating.
pub fn plan_claim(claim: &PersistentVolumeClaim, around: &Surroundings<'_>) -> ClaimPlan {
    let wish = volume_name(claim);
    let wished = around.volumes.iter().copied().find(|volume| volume.metadata.name.as_deref() == Some(wish));
    if annotation(&claim.metadata, BIND_COMPLETED).is_some() {
        plan_bound(claim, wish, wished)
    } else if wish.is_empty() {
        plan_unbound(claim, around)
    } else {
        plan_wish(claim, wished)
    }
}

fn plan_bound(claim: &PersistentVolumeClaim, wish: &str, volume: Option<&PersistentVolume>) -> ClaimPlan {
    let lose = |reason, message: &str| ClaimPlan::Lose(report(Warning, reason, message));
    match volume {
        _ if wish.is_empty() => lose(
            "ClaimLost",
            "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!",
        ),
        None => lose("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"),
        Some(volume) if claim_ref(volume).is_none_or(|found| found.uid == claim.metadata.uid) => {
            ClaimPlan::Bind(wish.to_owned())
        }
        Some(_) => {
            lose("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly")
        }
    }
}

fn plan_wish(claim: &PersistentVolumeClaim, volume: Option<&PersistentVolume>) -> ClaimPlan {
    let Some(volume) = volume else { return ClaimPlan::Nothing };
    let name = volume.metadata.name.clone().unwrap_or_default();
    if is_bound_to(volume, claim) {
        return ClaimPlan::Bind(name);
    }
    match mismatch(volume, claim) {
        // It belongs to another claim now and may become available.
        _ if claim_ref(volume).is_some() => ClaimPlan::Nothing,
        None => ClaimPlan::Bind(name),
        Some(fault) => {
            let message = format!("Cannot bind to requested volume \"{name}\": {fault}");
            ClaimPlan::Wait(report(Warning, "VolumeMismatch", &message))
        }
    }
}

fn plan_unbound(claim: &PersistentVolumeClaim, around: &Surroundings<'_>) -> ClaimPlan {
    let is_delayed = around
        .class
        .is_some_and(|class| class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"));
    let mode = match around.node {
        _ if !is_delayed => Mode::Immediate,
        Some(node) => Mode::OnNode(node),
        None => Mode::Delayed,
    };
    if let Some(volume) = match_volume(claim, around.volumes.iter().copied(), mode) {
        return ClaimPlan::Bind(volume.metadata.name.clone().unwrap_or_default());
    }
    match (claim_class(claim), around.default_class) {
        (None, Some(default)) => ClaimPlan::AssignClass(default.to_owned()),
        _ if mode == Mode::Delayed => ClaimPlan::Wait(wait_for_pod(around.unscheduled_pods)),
        (None | Some(""), _) => ClaimPlan::Wait(report(
            Normal,
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
        )),
        (Some(name), _) => plan_provisioning(name, around.class),
    }
}

fn plan_provisioning(name: &str, class: Option<&StorageClass>) -> ClaimPlan {
    let failed = |message: String| ClaimPlan::Wait(report(Warning, "ProvisioningFailed", &message));
    match class {
        None => failed(format!("storageclass.storage.k8s.io \"{name}\" not found")),
        Some(class) if class.provisioner == NO_PROVISIONER => {
            failed(format!("no volume plugin matched name: {NO_PROVISIONER}"))
        }
        Some(_) => ClaimPlan::Provision,
    }
}

fn wait_for_pod(unscheduled_pods: &[&str]) -> Report {
    match unscheduled_pods {
        [] => {
            report(Normal, "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
        }
        [pod] => report(Normal, "WaitForPodScheduled", &format!("waiting for pod {pod} to be scheduled")),
        pods => {
            let message = format!("waiting for pods {} to be scheduled", pods.join(","));
            report(Normal, "WaitForPodScheduled", &message)
        }
    }
}

/// What to do for a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumePlan {
    /// Nothing, until something changes.
    Nothing,
    /// Report this phase.
    SetPhase(&'static str),
    /// Its claim has another volume: it becomes available again.
    Unbind,
    /// Its claim is gone: delete it.
    Delete,
    /// Its claim is gone, but it cannot be reclaimed.
    Fail(Report),
}

/// Plans the next step for a volume. `claim` is the claim of the name that the volume refers to,
/// whatever its uid.
pub fn plan_volume(volume: &PersistentVolume, claim: Option<&PersistentVolumeClaim>) -> VolumePlan {
    let Some(reference) = claim_ref(volume) else { return phase(volume, "Available") };
    if reference.uid.as_deref().unwrap_or_default().is_empty() {
        // Reserved by name; the claim's own plan completes it.
        return phase(volume, "Available");
    }
    let Some(claim) = claim.filter(|claim| claim.metadata.uid == reference.uid) else {
        return plan_released(volume);
    };
    let name = volume.metadata.name.as_deref().unwrap_or_default();
    match volume_name(claim) {
        "" => VolumePlan::Nothing,
        bound if bound == name => phase(volume, "Bound"),
        _ if is_provisioned(volume) && reclaim_policy(volume) == "Delete" => plan_released(volume),
        _ => VolumePlan::Unbind,
    }
}

/// The phase is reported first, then the volume is reclaimed.
fn plan_released(volume: &PersistentVolume) -> VolumePlan {
    if !matches!(phase_of(volume), "Released" | "Failed") {
        return VolumePlan::SetPhase("Released");
    }
    let name = volume.metadata.name.as_deref().unwrap_or_default();
    let fail = |reason, message: &str| match phase_of(volume) {
        "Failed" => VolumePlan::Nothing,
        _ => VolumePlan::Fail(report(Warning, reason, message)),
    };
    match reclaim_policy(volume) {
        "Retain" => VolumePlan::Nothing,
        "Delete" if volume.metadata.deletion_timestamp.is_some() => VolumePlan::Nothing,
        "Delete" if is_provisioned(volume) || is_host_path(volume) => VolumePlan::Delete,
        "Delete" => {
            let fault = "no deletable volume plugin matched";
            let message = format!("error getting deleter volume plugin for volume \"{name}\": {fault}");
            fail("VolumeFailedDelete", &message)
        }
        "Recycle" => fail("VolumeFailedRecycle", "No recycler plugin found for the volume!"),
        _ => fail("VolumeUnknownReclaimPolicy", "Volume has an unrecognized reclaimPolicy"),
    }
}

/// Whether a pod holds the claim: any pod with a node, even one that has ended, since the node may
/// still use the volume; but not a pod that the node has shut down. A finalizer may keep such a pod
/// until this claim is gone, so waiting for it would never end.
pub fn is_used_by(claim: &PersistentVolumeClaim, pod: &Pod) -> bool {
    pod::node_name(pod).is_some() && !is_shut_down(pod) && refers_to(pod, claim)
}

/// Whether the node has confirmed that nothing of the pod runs any more (grace period 0).
fn is_shut_down(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some() && pod.metadata.deletion_grace_period_seconds == Some(0)
}

/// Whether a pod has a volume of this claim.
pub(super) fn refers_to(pod: &Pod, claim: &PersistentVolumeClaim) -> bool {
    pod::claims(pod).any(|name| Some(name) == claim.metadata.name.as_deref())
}

/// The volume that the claim names; empty if none.
pub(super) fn volume_name(claim: &PersistentVolumeClaim) -> &str {
    claim.spec.as_ref().and_then(|spec| spec.volume_name.as_deref()).unwrap_or_default()
}

/// The capacity that a bound claim requests, if that is more than its volume has and the volume was
/// provisioned.
pub(super) fn expansion(claim: &PersistentVolumeClaim, volume: &PersistentVolume) -> Option<Quantity> {
    let requests = claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref();
    let wanted = requests?.get(STORAGE)?;
    let present = volume.spec.as_ref()?.capacity.as_ref()?.get(STORAGE)?;
    let amount = |quantity: &Quantity| Amount::parse(&quantity.0).unwrap_or(Amount::ZERO);
    let is_bound = annotation(&claim.metadata, BIND_COMPLETED).is_some();
    (is_bound && is_provisioned(volume) && amount(wanted) > amount(present)).then(|| wanted.clone())
}

/// A volume's phase; empty if it has none.
pub(super) fn phase_of(volume: &PersistentVolume) -> &str {
    volume.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

fn phase(volume: &PersistentVolume, wanted: &'static str) -> VolumePlan {
    if phase_of(volume) == wanted { VolumePlan::Nothing } else { VolumePlan::SetPhase(wanted) }
}

fn reclaim_policy(volume: &PersistentVolume) -> &str {
    let policy = volume.spec.as_ref().and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
    policy.unwrap_or("Retain")
}

fn is_provisioned(volume: &PersistentVolume) -> bool {
    annotation(&volume.metadata, PROVISIONED_BY).is_some()
}

fn is_host_path(volume: &PersistentVolume) -> bool {
    volume.spec.as_ref().is_some_and(|spec| spec.host_path.is_some())
}

fn report(severity: Severity, reason: &'static str, message: &str) -> Report {
    Report { severity, reason, message: message.to_owned() }
}

#[cfg(test)]
mod tests;
