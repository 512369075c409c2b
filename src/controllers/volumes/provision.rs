//! The volume that is provisioned for a claim.
//!
//! Pure. Its name follows from the claim's uid, so that a repeated attempt finds the first one's volume.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    HostPathVolumeSource, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, ObjectReference,
    PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec, VolumeNodeAffinity,
};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::matching::{SelectedNode, claim_volume_mode};
use super::plan::PROVISIONED_BY;
use crate::objects::{Kind, Object};

/// The node label that a volume's affinity selects.
pub(super) const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";
/// The directory of provisioned volumes; a relative path is below the node's data directory.
const DIRECTORY: &str = "local";

/// The volume for a claim of this class: as large as the request, reserved for the claim, and
/// reachable from the node of its first pod.
pub(super) fn volume(
    object: &Object,
    claim: &PersistentVolumeClaim,
    class: &StorageClass,
    node: Option<&SelectedNode>,
) -> PersistentVolume {
    let name = format!("pvc-{}", object.uid());
    let spec = claim.spec.clone().unwrap_or_default();
    let requests = spec.resources.and_then(|resources| resources.requests);
    let storage = requests.and_then(|mut requests| requests.remove_entry("storage"));
    let source =
        HostPathVolumeSource { path: format!("{DIRECTORY}/{name}"), type_: Some("DirectoryOrCreate".into()) };
    let policy = class.reclaim_policy.clone().unwrap_or_else(|| "Delete".into());
    PersistentVolume {
        metadata: ObjectMeta {
            name: Some(name),
            annotations: Some(BTreeMap::from([(PROVISIONED_BY.to_owned(), class.provisioner.clone())])),
            ..Default::default()
        },
        spec: Some(PersistentVolumeSpec {
            access_modes: spec.access_modes,
            capacity: storage.map(|entry| BTreeMap::from([entry])),
            claim_ref: Some(reference(object)),
            host_path: Some(source),
            mount_options: class.mount_options.clone(),
            node_affinity: node.map(affinity),
            persistent_volume_reclaim_policy: Some(policy),
            storage_class_name: class.metadata.name.clone(),
            volume_mode: Some(claim_volume_mode(claim).to_owned()),
            ..Default::default()
        }),
        status: None,
    }
}

/// A reference to a claim, as volumes hold it.
pub(super) fn reference(claim: &Object) -> ObjectReference {
    let info = Kind::PersistentVolumeClaim.info();
    ObjectReference {
        api_version: Some(info.api_version.to_owned()),
        kind: Some(info.name.to_owned()),
        namespace: Some(claim.namespace().to_owned()),
        name: Some(claim.name().to_owned()),
        uid: Some(claim.uid().to_owned()),
        resource_version: Some(claim.revision().to_string()),
        field_path: None,
    }
}

fn affinity(node: &SelectedNode) -> VolumeNodeAffinity {
    let hostname = node.labels.get(HOSTNAME_LABEL).unwrap_or(&node.name);
    let requirement = NodeSelectorRequirement {
        key: HOSTNAME_LABEL.to_owned(),
        operator: "In".to_owned(),
        values: Some(vec![hostname.clone()]),
    };
    let term = NodeSelectorTerm { match_expressions: Some(vec![requirement]), match_fields: None };
    VolumeNodeAffinity { required: Some(NodeSelector { node_selector_terms: vec![term] }) }
}
