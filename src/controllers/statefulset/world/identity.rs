//! Identity: whether a pod is the one of its ordinal.
//!
//! ```text
//!   StatefulSet web, ordinal 2 ──► Pod web-2
//!                                  labels   …/pod-name=web-2, …/pod-index=2, controller-revision-hash=web-<hash>
//!                                  spec     hostname web-2, subdomain = spec.serviceName, volumes of its claims
//! ```
//!
//! Pure. [`pod`](super::super::decide::pod) gives a pod its identity; this file only reads it.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;

use super::spec::templates;
use crate::controllers::statefulset::naming::{is_canonical, is_claim_name, name_of};

/// The label with the pod's name, for services that select one pod.
pub(crate) const LABEL_POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// The label with the ordinal.
pub(crate) const LABEL_POD_INDEX: &str = "apps.kubernetes.io/pod-index";
/// The label with the name of the revision that the pod was created from.
pub(crate) const LABEL_REVISION: &str = "controller-revision-hash";

/// Whether name, namespace and the name's label are those of the ordinal (`identityMatches`). The
/// index label, the revision label, hostname and subdomain are not compared, as in Kubernetes.
pub(crate) fn identity_matches(set: &StatefulSet, pod: &Pod, ordinal: i32) -> bool {
    let name = name_of(&pod.metadata);
    let label = pod.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_POD_NAME));
    is_canonical(name, name_of(&set.metadata), ordinal)
        && pod.metadata.namespace == set.metadata.namespace
        && label.is_some_and(|label| label == name)
}

/// Whether the pod mounts the claims of its ordinal (`storageMatches`). Further volumes do not
/// matter.
pub(crate) fn storage_matches(set: &StatefulSet, pod: &Pod, ordinal: i32) -> bool {
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default();
    templates(set).iter().all(|template| {
        let name = name_of(&template.metadata);
        let volume = volumes.iter().find(|volume| volume.name == name);
        let source = volume.and_then(|volume| volume.persistent_volume_claim.as_ref());
        source.is_some_and(|source| is_claim_name(&source.claim_name, name, name_of(&set.metadata), ordinal))
    })
}

/// The revision that a pod was created from; empty if it has no label, which counts as an old one.
pub(crate) fn revision_of(pod: &Pod) -> &str {
    let labels = pod.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(LABEL_REVISION)).map(String::as_str).unwrap_or_default()
}
