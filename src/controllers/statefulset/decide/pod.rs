//! The pod of an ordinal: created from a revision's template, or repaired.
//!
//! Pure. Hostname, subdomain and volumes are fixed when the pod is created; the API does not
//! allow changing them later. A set name over 52 octets makes revision labels longer than a label may be
//! and pods are then refused on creation (Kubernetes issue 64023), which is reported as an event.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::controllers::statefulset::naming::{claim_name, name_of, owner_reference, pod_name};
use crate::controllers::statefulset::world::{
    LABEL_POD_INDEX, LABEL_POD_NAME, LABEL_REVISION, TemplateRevision, templates,
};

/// The pod of `ordinal`, created from a revision's template.
pub(crate) fn new_pod(set: &StatefulSet, revision: &TemplateRevision, ordinal: i32) -> Pod {
    let template = revision.template.metadata.clone().unwrap_or_default();
    let mut pod = Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", name_of(&set.metadata))),
            labels: template.labels,
            annotations: template.annotations,
            finalizers: template.finalizers,
            owner_references: Some(vec![owner_reference(set)]),
            ..Default::default()
        },
        spec: Some(revision.template.spec.clone().unwrap_or_default()),
        status: None,
    };
    set_identity(set, &mut pod, ordinal);
    set_volumes(set, &mut pod, ordinal);
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(LABEL_REVISION.to_owned(), revision.name.clone());
    let spec = pod.spec.get_or_insert_default();
    spec.hostname.clone_from(&pod.metadata.name);
    spec.subdomain = set.spec.service_name.clone().filter(|name| !name.is_empty());
    pod
}

/// Gives the pod the name, namespace and identity labels of the ordinal.
pub(crate) fn set_identity(set: &StatefulSet, pod: &mut Pod, ordinal: i32) {
    let name = pod_name(name_of(&set.metadata), ordinal);
    pod.metadata.namespace.clone_from(&set.metadata.namespace);
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(LABEL_POD_NAME.to_owned(), name.clone());
    labels.insert(LABEL_POD_INDEX.to_owned(), ordinal.to_string());
    pod.metadata.name = Some(name);
}

/// Gives the pod a volume for each of its claims, in place of template volumes of the same names.
pub(crate) fn set_volumes(set: &StatefulSet, pod: &mut Pod, ordinal: i32) {
    let templates = templates(set);
    if templates.is_empty() {
        return;
    }
    let spec = pod.spec.get_or_insert_default();
    let others = spec.volumes.take().unwrap_or_default();
    let is_template = |name: &str| templates.iter().any(|template| name_of(&template.metadata) == name);
    let of_claims = templates.iter().map(|template| volume(set, template, ordinal));
    let volumes = of_claims.chain(others.into_iter().filter(|volume| !is_template(&volume.name)));
    spec.volumes = Some(volumes.collect());
}

fn volume(set: &StatefulSet, template: &PersistentVolumeClaim, ordinal: i32) -> Volume {
    let name = name_of(&template.metadata);
    Volume {
        name: name.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim_name(name, name_of(&set.metadata), ordinal),
            read_only: None,
        }),
        ..Default::default()
    }
}
