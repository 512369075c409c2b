//! Identity: what makes a pod the one of its ordinal.
//!
//! ```text
//!   StatefulSet web, ordinal 2 ──► Pod web-2
//!                                  labels   …/pod-name=web-2, …/pod-index=2, controller-revision-hash=web-<hash>
//!                                  spec     hostname web-2, subdomain = spec.serviceName, volumes of its claims
//! ```
//!
//! Pure. Hostname, subdomain and volumes are fixed when the pod is created; the API lets nobody
//! change them later. A set name over 52 octets makes revision labels longer than a label may be
//! and pods are then refused on creation (Kubernetes issue 64023), which is reported as an event.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::claims;
use super::revision::Revision;

/// The label that holds the pod's name, for services that pick one pod.
pub(super) const LABEL_POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// The label that holds the ordinal.
pub(super) const LABEL_POD_INDEX: &str = "apps.kubernetes.io/pod-index";
/// The label that holds the name of the revision the pod was made from.
pub(super) const LABEL_REVISION: &str = "controller-revision-hash";

/// A pod's name taken apart at its last hyphen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PodName<'a> {
    /// What stands before the ordinal; empty if the name does not end in `-<digits>`.
    pub(super) parent: &'a str,
    /// The ordinal; `None` if there is none or if it does not fit 31 bits.
    pub(super) ordinal: Option<i32>,
}

impl<'a> PodName<'a> {
    /// Takes `name` apart. Leading zeros are read, as Kubernetes does: `web-01` has ordinal 1.
    pub(super) fn parse(name: &'a str) -> Self {
        match name.rsplit_once('-') {
            Some((parent, digits)) if !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()) => {
                Self { parent, ordinal: digits.parse().ok() }
            }
            _ => Self { parent: "", ordinal: None },
        }
    }
}

/// Whether `name` is exactly `<set>-<ordinal>`; false for leading zeros. Allocates nothing, since
/// it is asked of every pod in every sync.
pub(super) fn is_canonical(name: &str, set_name: &str, ordinal: i32) -> bool {
    let parsed = PodName::parse(name);
    let digits = name.strip_prefix(parsed.parent).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
    parsed.parent == set_name && parsed.ordinal == Some(ordinal) && !has_leading_zero
}

/// The name of the pod of an ordinal.
pub(super) fn pod_name(set_name: &str, ordinal: i32) -> String {
    format!("{set_name}-{ordinal}")
}

/// Whether the pod's name says that it is of this set.
pub(super) fn is_member(set: &StatefulSet, pod_name: &str) -> bool {
    !pod_name.is_empty() && PodName::parse(pod_name).parent == name_of(&set.metadata)
}

/// The pod of `ordinal`, made from a revision's template.
pub(super) fn new_pod(set: &StatefulSet, revision: &Revision, ordinal: i32) -> Pod {
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
    claims::set_volumes(set, &mut pod, ordinal);
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(LABEL_REVISION.to_owned(), revision.name.clone());
    let spec = pod.spec.get_or_insert_default();
    spec.hostname.clone_from(&pod.metadata.name);
    spec.subdomain = service_name(set).map(str::to_owned);
    pod
}

/// Whether name, namespace and the name's label are those of the ordinal. Index label, revision
/// label, hostname and subdomain are not looked at, as in Kubernetes.
pub(super) fn matches(set: &StatefulSet, pod: &Pod, ordinal: i32) -> bool {
    let name = name_of(&pod.metadata);
    let label = pod.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_POD_NAME));
    is_canonical(name, name_of(&set.metadata), ordinal)
        && pod.metadata.namespace == set.metadata.namespace
        && label.is_some_and(|label| label == name)
}

/// Gives the pod the name, namespace and identity labels of the ordinal.
pub(super) fn set_identity(set: &StatefulSet, pod: &mut Pod, ordinal: i32) {
    let name = pod_name(name_of(&set.metadata), ordinal);
    pod.metadata.namespace.clone_from(&set.metadata.namespace);
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(LABEL_POD_NAME.to_owned(), name.clone());
    labels.insert(LABEL_POD_INDEX.to_owned(), ordinal.to_string());
    pod.metadata.name = Some(name);
}

/// The revision a pod was made from; empty if it does not say, which counts as an old one.
pub(super) fn revision_of(pod: &Pod) -> &str {
    let labels = pod.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(LABEL_REVISION)).map(String::as_str).unwrap_or_default()
}

/// The controller reference that what belongs to the set carries.
pub(super) fn owner_reference(set: &StatefulSet) -> OwnerReference {
    OwnerReference {
        api_version: "apps/v1".to_owned(),
        kind: "StatefulSet".to_owned(),
        name: name_of(&set.metadata).to_owned(),
        uid: uid_of(&set.metadata).to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// An object's name; empty if it has none yet.
pub(super) fn name_of(meta: &ObjectMeta) -> &str {
    meta.name.as_deref().unwrap_or_default()
}

/// An object's uid; empty if it has none yet.
pub(super) fn uid_of(meta: &ObjectMeta) -> &str {
    meta.uid.as_deref().unwrap_or_default()
}

fn service_name(set: &StatefulSet) -> Option<&str> {
    set.spec.service_name.as_deref().filter(|name| !name.is_empty())
}
