//! Rules about a StatefulSet alone: its name, partition, identity, claims and mounts.
//!
//! None of these needs another object, so the warnings do not depend on what exists already.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Container, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::warning::{Warning, warn};
use crate::objects::name_of;
use crate::objects::pod::containers;

/// A label value has at most 63 bytes; the revision label is the set's name, a hyphen and a hash of
/// up to ten characters.
const NAME_LENGTH_MAX: usize = 63 - 1 - 10;
/// The annotation that keeps simulated pods from becoming ready.
const NEVER_READY_ANNOTATION: &str = "simulated.dullahan.dev/never-ready";

pub(super) fn check(set: &StatefulSet, warnings: &mut Vec<Warning>) {
    check_name(name_of(&set.metadata), warnings);
    check_partition(set, warnings);
    let template = &set.spec.template;
    if let Some(meta) = &template.metadata {
        check_never_ready(set, meta, warnings);
    }
    if let Some(pod) = &template.spec {
        check_identity(set, pod, warnings);
        check_grace_period(pod, warnings);
        check_mounts(set, pod, warnings);
        check_shared_claims(set, pod, warnings);
    }
}

fn check_name(name: &str, warnings: &mut Vec<Warning>) {
    if name.len() > NAME_LENGTH_MAX {
        let text = format!(
            "the name has {} characters; with the hash of a revision it is too long for the label \
             controller-revision-hash (63), and no pod can be created; use at most {NAME_LENGTH_MAX}",
            name.len()
        );
        warn(warnings, "metadata.name", text);
    }
}

/// Pods below the partition keep their revision.
fn check_partition(set: &StatefulSet, warnings: &mut Vec<Warning>) {
    let rolling = set.spec.update_strategy.as_ref().and_then(|strategy| strategy.rolling_update.as_ref());
    let partition = rolling.and_then(|rolling| rolling.partition).unwrap_or_default();
    let start = set.spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or_default();
    let end = start.saturating_add(set.spec.replicas.unwrap_or(1));
    if partition >= end && partition > 0 {
        let text = format!(
            "with {} replicas no ordinal reaches the partition {partition}, so no pod is ever updated; lower the \
             partition to at most {}",
            set.spec.replicas.unwrap_or(1),
            (end - 1).max(0)
        );
        warn(warnings, "spec.updateStrategy.rollingUpdate.partition", text);
    }
}

fn check_never_ready(set: &StatefulSet, meta: &ObjectMeta, warnings: &mut Vec<Warning>) {
    let value = meta.annotations.as_ref().and_then(|annotations| annotations.get(NEVER_READY_ANNOTATION));
    let is_ordered = set.spec.pod_management_policy.as_deref() != Some("Parallel");
    if is_ordered && value.is_some_and(|value| value == "true") && set.spec.replicas.unwrap_or(1) > 1 {
        let text = "the first pod never becomes ready, so in the order OrderedReady no other is created; set \
                    spec.podManagementPolicy to Parallel or remove the annotation";
        warn(
            warnings,
            &format!("spec.template.metadata.annotations[{NEVER_READY_ANNOTATION}]"),
            text.to_owned(),
        );
    }
}

/// The controller gives every pod its own host name, and the set's service as its subdomain.
fn check_identity(set: &StatefulSet, pod: &PodSpec, warnings: &mut Vec<Warning>) {
    if let Some(hostname) = pod.hostname.as_deref().filter(|hostname| !hostname.is_empty()) {
        let text = format!(
            "\"{hostname}\" is replaced by the name of each pod (\"{0}-0\", \"{0}-1\", ...); remove it",
            name_of(&set.metadata)
        );
        warn(warnings, "spec.template.spec.hostname", text);
    }
    let service = set.spec.service_name.as_deref().unwrap_or_default();
    if let Some(subdomain) = pod.subdomain.as_deref().filter(|name| !name.is_empty() && *name != service) {
        let text = format!(
            "\"{subdomain}\" is replaced by spec.serviceName (\"{service}\"), and names under it do not exist; remove \
             it, or set spec.serviceName to \"{subdomain}\""
        );
        warn(warnings, "spec.template.spec.subdomain", text);
    }
}

fn check_grace_period(pod: &PodSpec, warnings: &mut Vec<Warning>) {
    if pod.termination_grace_period_seconds == Some(0) {
        let text = "pods are killed at once and replaced while the old process may still run, which breaks the \
                    guarantees of a StatefulSet; use at least 1, preferably 10 or more";
        warn(warnings, "spec.template.spec.terminationGracePeriodSeconds", text.to_owned());
    }
}

/// Claim templates that no container mounts, and mounts without a volume.
fn check_mounts(set: &StatefulSet, pod: &PodSpec, warnings: &mut Vec<Warning>) {
    let templates: Vec<&str> =
        set.spec.volume_claim_templates.iter().flatten().map(|claim| name_of(&claim.metadata)).collect();
    let used: Vec<&str> = containers(pod).flat_map(volumes_used).collect();
    for (index, template) in templates.iter().enumerate().filter(|(_, name)| !used.contains(*name)) {
        let text = format!(
            "no container mounts \"{template}\", so every pod gets a claim that it does not use; add a volumeMount \
             with this name or remove the template"
        );
        warn(warnings, &format!("spec.volumeClaimTemplates[{index}].metadata.name"), text);
    }
    let is_volume = |name: &str| pod.volumes.iter().flatten().any(|volume| volume.name == name);
    let mut missing: Vec<&str> =
        used.into_iter().filter(|name| !templates.contains(name) && !is_volume(name)).collect();
    missing.sort_unstable();
    missing.dedup();
    for name in missing {
        let text = format!(
            "containers mount \"{name}\", which is not a volume of the pod; add a template with this name so that \
             each pod has storage of its own"
        );
        warn(warnings, "spec.volumeClaimTemplates", text);
    }
}

/// A volume with the name of a claim template is replaced by the claim of each pod.
fn check_shared_claims(set: &StatefulSet, pod: &PodSpec, warnings: &mut Vec<Warning>) {
    if set.spec.replicas.unwrap_or(1) < 2 {
        return;
    }
    let templates = || set.spec.volume_claim_templates.iter().flatten();
    let is_replaced = |name: &str| templates().any(|claim| name_of(&claim.metadata) == name);
    for (index, volume) in pod.volumes.iter().flatten().enumerate().filter(|(_, one)| !is_replaced(&one.name))
    {
        if let Some(claim) =
            volume.persistent_volume_claim.as_ref().filter(|claim| claim.read_only != Some(true))
        {
            let text = format!(
                "all pods write to the one claim \"{}\"; move it to spec.volumeClaimTemplates so that each has its own, \
                 or mount it readOnly",
                claim.claim_name
            );
            let path = format!("spec.template.spec.volumes[{index}].persistentVolumeClaim");
            warn(warnings, &path, text);
        }
    }
}

fn volumes_used(container: &Container) -> impl Iterator<Item = &str> {
    let mounts = container.volume_mounts.iter().flatten().map(|mount| mount.name.as_str());
    mounts.chain(container.volume_devices.iter().flatten().map(|device| device.name.as_str()))
}
