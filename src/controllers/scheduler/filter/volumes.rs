//! The claims that a pod mounts: whether they may be used at all, and on which nodes.
//!
//! A bound claim goes where its volume can be reached. An unbound one whose class waits for its first
//! consumer goes where a free volume is, or where one can be provisioned.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;

use super::super::snapshot::NodeInfo;
use super::rejection::{Plugin, Rejection};
use crate::controllers::volumes::{Mode, SelectedNode, is_reachable, match_volume};
use crate::objects::{Object, ObjectKey};

/// The annotation that tells provisioners which node a claim's first consumer runs on.
pub(in super::super) const ANNOTATION_SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";
/// The access mode of claims that one pod uses at a time.
const READ_WRITE_ONCE_POD: &str = "ReadWriteOncePod";
/// The labels of nodes and volumes that say where they are.
const ZONE_LABELS: [(&str, &str); 4] = [
    ("topology.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("topology.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
];
/// Between the zones of a volume that is in several.
const ZONE_SEPARATOR: &str = "__";

const UNREACHABLE: &str = "node(s) didn't match PersistentVolume's node affinity";
const NOT_FOUND: &str = "node(s) didn't find available persistent volumes to bind";
const NO_VOLUME: &str = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";
const NO_ZONE: &str = "node(s) had no available volume zone";
const IN_USE: &str = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode \
                      already in-use by another pod";

/// A claim that a pod mounts, and what its fate depends on.
#[derive(Clone, Debug)]
pub(in super::super) struct Mounted {
    /// The claim's key.
    pub(in super::super) key: ObjectKey,
    /// Whether the pod's own definition makes the claim (a generic ephemeral volume).
    pub(in super::super) is_ephemeral: bool,
    /// The claim; absent if there is none of that name.
    pub(in super::super) claim: Option<PersistentVolumeClaim>,
    /// Its class.
    pub(in super::super) class: Option<StorageClass>,
    /// The volume that it names.
    pub(in super::super) volume: Option<Object>,
    /// The volumes that it may get while it names none.
    pub(in super::super) candidates: Vec<Object>,
    /// The node that was selected for it, if that node is there.
    pub(in super::super) selected_node: Option<String>,
}

impl Mounted {
    /// Whether its volume is bound only when a pod needs it.
    pub(in super::super) fn waits_for_consumer(&self) -> bool {
        let mode = self.class.as_ref().and_then(|class| class.volume_binding_mode.as_deref());
        mode == Some("WaitForFirstConsumer")
    }

    /// Whether it is there and has no volume yet.
    pub(in super::super) fn is_unbound(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| phase(claim) != "Bound")
    }

    /// Whether only one pod may use it.
    pub(in super::super) fn is_for_one_pod(&self) -> bool {
        let modes = self.claim.as_ref().and_then(|claim| claim.spec.as_ref()?.access_modes.as_ref());
        modes.is_some_and(|modes| modes.iter().any(|mode| mode == READ_WRITE_ONCE_POD))
    }

    fn is_provisioned(&self, node: &SelectedNode) -> bool {
        let Some(class) = &self.class else { return false };
        let provisioner = class.provisioner.as_str();
        !provisioner.is_empty() && provisioner != NO_PROVISIONER && is_allowed(class, node)
    }
}

fn phase(claim: &PersistentVolumeClaim) -> &str {
    claim.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

fn volume_name(claim: &PersistentVolumeClaim) -> &str {
    claim.spec.as_ref().and_then(|spec| spec.volume_name.as_deref()).unwrap_or_default()
}

/// Whether the class's topologies let volumes be provisioned for the node.
fn is_allowed(class: &StorageClass, node: &SelectedNode) -> bool {
    let terms = class.allowed_topologies.as_deref().unwrap_or_default();
    terms.is_empty()
        || terms.iter().any(|term| {
            let mut expressions = term.match_label_expressions.iter().flatten();
            expressions.all(|one| node.labels.get(&one.key).is_some_and(|value| one.values.contains(value)))
        })
}

/// Why the claims keep the pod from being bound to any node.
pub(in super::super) fn check_claims(claims: &[Mounted]) -> Option<String> {
    for mounted in claims {
        let name = &mounted.key.name;
        match &mounted.claim {
            None if mounted.is_ephemeral => {
                return Some(format!(
                    "waiting for ephemeral volume controller to create the persistentvolumeclaim \"{name}\""
                ));
            }
            None => return Some(format!("persistentvolumeclaim \"{name}\" not found")),
            Some(claim) if phase(claim) == "Lost" => {
                let volume = volume_name(claim);
                return Some(format!(
                    "persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{volume}\""
                ));
            }
            Some(claim) if claim.metadata.deletion_timestamp.is_some() => {
                return Some(format!("persistentvolumeclaim \"{name}\" is being deleted"));
            }
            Some(_) => {}
        }
    }
    let is_immediate = |mounted: &&Mounted| mounted.is_unbound() && !mounted.waits_for_consumer();
    claims.iter().find(is_immediate).map(|_| "pod has unbound immediate PersistentVolumeClaims".to_owned())
}

/// Whether one of the claims is for one pod only and another one uses it; `n_in_use` is their number.
pub(in super::super) fn check_use(n_in_use: i64) -> Result<(), Rejection> {
    match n_in_use {
        ..=0 => Ok(()),
        _ => Err(Rejection::for_now(Plugin::VolumeRestrictions, IN_USE)),
    }
}

/// Whether the volumes of the claims can be used on the node.
pub(in super::super) fn check(claims: &[Mounted], node: &NodeInfo) -> Result<(), Rejection> {
    if claims.is_empty() {
        return Ok(());
    }
    let selected =
        SelectedNode { name: node.name().to_owned(), labels: node.labels().cloned().unwrap_or_default() };
    let (mut is_reached, mut is_found, mut is_there) = (true, true, true);
    let mut taken: Vec<&ObjectKey> = Vec::new();
    for mounted in claims {
        let Some(claim) = &mounted.claim else { continue };
        match &mounted.volume {
            Some(volume) => is_reached &= volume.get().is_none_or(|volume| is_reachable(volume, &selected)),
            None if mounted.is_unbound() && volume_name(claim).is_empty() => {
                is_found &= finds_volume(mounted, claim, &selected, &mut taken);
            }
            None => is_there &= mounted.is_unbound() || volume_name(claim).is_empty(),
        }
    }
    let reasons = [(is_reached, UNREACHABLE), (is_found, NOT_FOUND), (is_there, NO_VOLUME)];
    let reasons: Vec<_> =
        reasons.into_iter().filter(|(is_met, _)| !is_met).map(|(_, reason)| reason.into()).collect();
    if !reasons.is_empty() {
        return Err(Rejection { plugin: Plugin::VolumeBinding, is_resolvable: false, reasons });
    }
    check_zones(claims, node)
}

/// Whether there is a volume for the claim on the node, or one can be made. Of two claims each takes
/// its own.
fn finds_volume<'a>(
    mounted: &'a Mounted,
    claim: &PersistentVolumeClaim,
    node: &SelectedNode,
    taken: &mut Vec<&'a ObjectKey>,
) -> bool {
    let is_provisioned = mounted.is_provisioned(node);
    let is_elsewhere = mounted.selected_node.as_ref().is_some_and(|selected| *selected != node.name);
    if is_elsewhere && mounted.class.as_ref().is_some_and(|class| class.provisioner != NO_PROVISIONER) {
        return false;
    }
    let free = mounted.candidates.iter().filter(|volume| !taken.contains(&volume.key()));
    let free = free.filter_map(Object::get::<PersistentVolume>);
    let Some(found) = match_volume(claim, free, Mode::OnNode(node)) else { return is_provisioned };
    let is_found =
        |volume: &&Object| volume.get::<PersistentVolume>().is_some_and(|one| std::ptr::eq(one, found));
    taken.extend(mounted.candidates.iter().find(is_found).map(Object::key));
    true
}

/// Whether the zones that volumes are labelled with are the node's; a node without a zone is in all.
fn check_zones(claims: &[Mounted], node: &NodeInfo) -> Result<(), Rejection> {
    if !ZONE_LABELS.iter().any(|(key, _)| node.label(key).is_some()) {
        return Ok(());
    }
    let volumes = claims.iter().filter_map(|mounted| mounted.volume.as_ref());
    for labels in volumes.filter_map(|volume| volume.meta().labels.as_ref()) {
        for (key, present_key) in ZONE_LABELS {
            let Some(zones) = labels.get(key) else { continue };
            let zone = node.label(key).or_else(|| node.label(present_key));
            if !zone.is_some_and(|zone| zones.split(ZONE_SEPARATOR).any(|one| one == zone)) {
                return Err(Rejection::for_good(Plugin::VolumeZone, NO_ZONE));
            }
        }
    }
    Ok(())
}
