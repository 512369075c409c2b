//! Carries out the plans for claims and volumes.
//!
//! A binding is four writes in Kubernetes' order: the volume's reference (with the version that
//! was read as precondition, so that one volume never gets two claims), the volume's phase, the
//! claim's volume name, the claim's status. Each is skipped when it is there already, so the next
//! reconcile completes an interrupted binding.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::matching::{SelectedNode, claim_ref, is_bound_to};
use super::plan::{
    BIND_COMPLETED, BOUND_BY_CONTROLLER, ClaimPlan, Report, STORAGE, VolumePlan, expansion, phase_of,
    volume_name,
};
use super::provision;
use crate::objects::{Object, ObjectKey, time};
use crate::store::{DeleteOptions, Severity, Store, StoreError};

/// The component in events.
pub(super) const COMPONENT: &str = "persistentvolume-controller";
const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER: &str = "kubernetes.io/pv-protection";
/// The claim's provisioner, under the present and the former name of the annotation.
const PROVISIONER_ANNOTATIONS: [&str; 2] =
    ["volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner"];

/// Carries out the plan for a claim.
pub(super) async fn carry_out_for_claim(
    store: &Store,
    claim: &Object,
    plan: ClaimPlan,
    class: Option<&StorageClass>,
    node: Option<&SelectedNode>,
) -> Result<(), StoreError> {
    match plan {
        ClaimPlan::Nothing => set_claim_phase(store, claim, "Pending").await.map(drop),
        ClaimPlan::Wait(report) => {
            set_claim_phase(store, claim, "Pending").await?;
            record(store, claim, &report).await;
            Ok(())
        }
        ClaimPlan::AssignClass(name) => {
            let assigned = change_claim(store, claim, |claim| {
                claim.spec.get_or_insert_default().storage_class_name = Some(name);
            });
            assigned.await.map(drop)
        }
        ClaimPlan::Bind(name) => {
            expand(store, claim, &name, class).await?;
            bind(store, claim, &name).await
        }
        ClaimPlan::Provision => match class {
            Some(class) => provision(store, claim, class, node).await,
            None => Ok(()),
        },
        ClaimPlan::Lose(report) => {
            if set_claim_phase(store, claim, "Lost").await? {
                record(store, claim, &report).await;
            }
            Ok(())
        }
    }
}

/// Carries out the plan for a volume, and releases it if it is terminating and not bound.
pub(super) async fn carry_out_for_volume(
    store: &Store,
    volume: &Object,
    plan: VolumePlan,
) -> Result<(), StoreError> {
    match plan {
        VolumePlan::Nothing => {}
        VolumePlan::SetPhase(phase) => set_volume_phase(store, volume.key(), phase, None).await?,
        VolumePlan::Unbind => unbind(store, volume).await?,
        VolumePlan::Delete => {
            let options = DeleteOptions { uid: Some(volume.uid().to_owned()), ..Default::default() };
            tolerate_absence(store.delete(volume.key(), &options).await.map(drop))?;
        }
        VolumePlan::Fail(report) => {
            set_volume_phase(store, volume.key(), "Failed", Some(&report.message)).await?;
            record(store, volume, &report).await;
        }
    }
    let Some(present) = store.get(volume.key()) else { return Ok(()) };
    let is_bound = present.get::<PersistentVolume>().is_some_and(|volume| phase_of(volume) == "Bound");
    if present.is_terminating() && !is_bound {
        return lose_finalizer(store, &present, VOLUME_FINALIZER).await;
    }
    Ok(())
}

/// Releases a terminating claim that no pod uses.
pub(super) async fn release(store: &Store, claim: &Object) -> Result<(), StoreError> {
    lose_finalizer(store, claim, CLAIM_FINALIZER).await
}

/// Expands a bound claim's volume to the claim's request, if its class allows that.
async fn expand(
    store: &Store,
    claim: &Object,
    name: &str,
    class: Option<&StorageClass>,
) -> Result<(), StoreError> {
    let may_grow = class.is_some_and(|class| class.allow_volume_expansion == Some(true));
    let (Some(volume), Some(typed)) =
        (store.find::<PersistentVolume>("", name), claim.get::<PersistentVolumeClaim>())
    else {
        return Ok(());
    };
    let Some(capacity) = volume.get::<PersistentVolume>().and_then(|volume| expansion(typed, volume)) else {
        return Ok(());
    };
    if !may_grow {
        return Ok(());
    }
    let grown = store.modify::<PersistentVolume>(volume.key(), |volume| {
        let present = volume.spec.get_or_insert_default().capacity.get_or_insert_default();
        present.insert(STORAGE.to_owned(), capacity.clone());
    });
    grown.await?;
    let message = format!("ExpandVolume succeeded for volume {}/{}", claim.namespace(), claim.name());
    let report = Report { severity: Severity::Normal, reason: "VolumeResizeSuccessful", message };
    record(store, claim, &report).await;
    Ok(())
}

async fn bind(store: &Store, claim: &Object, name: &str) -> Result<(), StoreError> {
    let Some(volume) = store.find::<PersistentVolume>("", name) else { return Ok(()) };
    reserve(store, &volume, claim).await?;
    set_volume_phase(store, volume.key(), "Bound", None).await?;
    let bound = change_claim(store, claim, |claim| {
        if volume_name(claim) != name {
            claim.spec.get_or_insert_default().volume_name = Some(name.to_owned());
            annotate(&mut claim.metadata, BOUND_BY_CONTROLLER, "yes");
        }
        annotate(&mut claim.metadata, BIND_COMPLETED, "yes");
    });
    let bound = bound.await?;
    let Some(spec) = volume.get::<PersistentVolume>().and_then(|volume| volume.spec.clone()) else {
        return Ok(());
    };
    let reported = store.modify_status::<PersistentVolumeClaim>(bound.key(), |claim| {
        let status = claim.status.get_or_insert_default();
        status.phase = Some("Bound".into());
        status.access_modes = spec.access_modes.clone();
        status.capacity = spec.capacity.clone();
    });
    tolerate_absence(reported.await.map(drop))
}

/// Writes the claim into the volume. Fails with a conflict if another claim has the volume.
async fn reserve(store: &Store, volume: &Object, claim: &Object) -> Result<(), StoreError> {
    let (Some(wanted), Some(typed)) =
        (claim.get::<PersistentVolumeClaim>(), volume.get::<PersistentVolume>())
    else {
        return Ok(());
    };
    let is_reserved = is_bound_to(typed, wanted);
    let present = claim_ref(typed);
    if present.is_some() && !is_reserved {
        let reason = "another claim has it by now; a claim gets another volume or none".to_owned();
        return Err(StoreError::Conflict { key: volume.key().clone(), reason });
    }
    if present.is_some_and(|present| present.uid.as_deref() == Some(claim.uid())) {
        return Ok(());
    }
    let mut next = typed.clone();
    next.spec.get_or_insert_default().claim_ref = Some(provision::reference(claim));
    if !is_reserved {
        annotate(&mut next.metadata, BOUND_BY_CONTROLLER, "yes");
    }
    store.update(next).await.map(drop)
}

async fn provision(
    store: &Store,
    claim: &Object,
    class: &StorageClass,
    node: Option<&SelectedNode>,
) -> Result<(), StoreError> {
    let claim = change_claim(store, claim, |claim| {
        for name in PROVISIONER_ANNOTATIONS {
            annotate(&mut claim.metadata, name, &class.provisioner);
        }
    });
    let claim = claim.await?;
    let Some(typed) = claim.get::<PersistentVolumeClaim>() else { return Ok(()) };
    let volume = provision::volume(&claim, typed, class, node);
    let name = volume.metadata.name.clone().unwrap_or_default();
    match store.create(volume).await {
        Err(error) if error.is_already_exists() => {}
        Err(error) => {
            let message =
                format!("failed to provision volume with StorageClass \"{}\": {error}", name_of(class));
            record(
                store,
                &claim,
                &Report { severity: Severity::Warning, reason: "ProvisioningFailed", message },
            )
            .await;
            return Err(error);
        }
        Ok(_) => {
            let message = format!("Successfully provisioned volume {name}");
            record(
                store,
                &claim,
                &Report { severity: Severity::Normal, reason: "ProvisioningSucceeded", message },
            )
            .await;
        }
    }
    bind(store, &claim, &name).await
}

/// A volume that a user reserved by name stays so reserved.
async fn unbind(store: &Store, volume: &Object) -> Result<(), StoreError> {
    let Some(mut next) = volume.get::<PersistentVolume>().cloned() else { return Ok(()) };
    let annotations = next.metadata.annotations.get_or_insert_default();
    let is_ours = annotations.remove(BOUND_BY_CONTROLLER).is_some();
    if annotations.is_empty() {
        next.metadata.annotations = None;
    }
    let spec = next.spec.get_or_insert_default();
    if is_ours {
        spec.claim_ref = None;
    } else if let Some(reference) = &mut spec.claim_ref {
        reference.uid = None;
    }
    store.update(next).await?;
    set_volume_phase(store, volume.key(), "Available", None).await
}

/// Sets the phase; returns whether it has changed.
async fn set_claim_phase(store: &Store, claim: &Object, phase: &str) -> Result<bool, StoreError> {
    let mut is_new = false;
    let reported = store.modify_status::<PersistentVolumeClaim>(claim.key(), |claim| {
        let status = claim.status.get_or_insert_default();
        is_new = status.phase.as_deref() != Some(phase);
        if is_new {
            status.phase = Some(phase.to_owned());
            status.access_modes = None;
            status.capacity = None;
        }
    });
    tolerate_absence(reported.await.map(drop))?;
    Ok(is_new)
}

async fn set_volume_phase(
    store: &Store,
    key: &ObjectKey,
    phase: &str,
    message: Option<&str>,
) -> Result<(), StoreError> {
    let now = store.clock().now();
    let reported = store.modify_status::<PersistentVolume>(key, |volume| {
        let status = volume.status.get_or_insert_default();
        if status.phase.as_deref() != Some(phase) {
            status.phase = Some(phase.to_owned());
            status.last_phase_transition_time = Some(time(now));
        }
        status.message = message.map(str::to_owned);
    });
    tolerate_absence(reported.await.map(drop))
}

/// Writes a changed claim, unless it has changed since it was read.
async fn change_claim(
    store: &Store,
    claim: &Object,
    change: impl FnOnce(&mut PersistentVolumeClaim),
) -> Result<Object, StoreError> {
    let Some(mut next) = claim.get::<PersistentVolumeClaim>().cloned() else { return Ok(claim.clone()) };
    change(&mut next);
    store.update(next).await
}

async fn lose_finalizer(store: &Store, object: &Object, finalizer: &str) -> Result<(), StoreError> {
    let mut next = object.typed().clone();
    let finalizers = next.meta_mut().finalizers.get_or_insert_default();
    finalizers.retain(|present| present != finalizer);
    if finalizers.is_empty() {
        next.meta_mut().finalizers = None;
    }
    tolerate_absence(store.update(next).await.map(drop))
}

fn annotate(meta: &mut ObjectMeta, name: &str, value: &str) {
    meta.annotations.get_or_insert_default().insert(name.to_owned(), value.to_owned());
}

fn tolerate_absence(outcome: Result<(), StoreError>) -> Result<(), StoreError> {
    outcome.or_else(|error| if error.is_not_found() { Ok(()) } else { Err(error) })
}

async fn record(store: &Store, about: &Object, report: &Report) {
    store.record(COMPONENT, about, report.severity, report.reason, &report.message).await;
}

fn name_of(class: &StorageClass) -> &str {
    class.metadata.name.as_deref().unwrap_or_default()
}
