//! The kind of an object, or why there is none and which one was probably meant.
//!
//! A kind that Kubernetes has and this server does not serve gets another message than an unknown
//! one, and so does a known kind with a wrong `apiVersion`. The similarity of names is used for
//! fields too.

use crate::objects::Kind;

/// Kinds that Kubernetes serves and this server does not.
const NOT_SERVED: &[&str] = &[
    "APIService",
    "Binding",
    "CSIDriver",
    "CSINode",
    "CSIStorageCapacity",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "CronJob",
    "CustomResourceDefinition",
    "DaemonSet",
    "Deployment",
    "FlowSchema",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "HorizontalPodAutoscaler",
    "Ingress",
    "IngressClass",
    "Job",
    "Kustomization",
    "LimitRange",
    "MutatingWebhookConfiguration",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "PodTemplate",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "ReplicaSet",
    "ReplicationController",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
    "VolumeAttributesClass",
    "VolumeSnapshot",
];

/// Longer names are not compared: no kind or field is as long.
const NAME_LENGTH_MAX: usize = 64;
/// How similar two names must be for one to be suggested for the other.
const LIKENESS_MIN: f64 = 0.7;

/// Which field of the object is wrong, and why.
pub(super) struct NotFound {
    /// `apiVersion` or `kind`.
    pub(super) field: &'static str,
    pub(super) message: String,
}

/// The kind of that name and version, or why there is none.
pub(super) fn find(api_version: &str, kind: &str) -> Result<Kind, NotFound> {
    if let Some(found) = Kind::find(api_version, kind) {
        return Ok(found);
    }
    if let Some(same) = Kind::ALL.iter().find(|candidate| candidate.name() == kind) {
        let known = same.info().api_version;
        let message =
            format!("apiVersion \"{api_version}\" of {kind} is not served here (did you mean \"{known}\"?)");
        return Err(NotFound { field: "apiVersion", message });
    }
    if NOT_SERVED.contains(&kind) {
        let message = format!("{kind} ({api_version}) is not served here");
        return Err(NotFound { field: "kind", message });
    }
    let names = Kind::ALL.iter().map(|kind| kind.name()).chain(NOT_SERVED.iter().copied());
    let hint = hint(most_like(kind, names));
    Err(NotFound { field: "kind", message: format!("unknown kind \"{kind}\"{hint}") })
}

/// The `apiVersion` of a kind's name, if it is known.
pub(super) fn api_version_of(kind: &str) -> Option<&'static str> {
    Kind::ALL.iter().find(|candidate| candidate.name() == kind).map(|kind| kind.info().api_version)
}

/// The name that is most similar to `wrong`, if one is similar enough.
pub(super) fn most_like<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let names = names.into_iter().map(|name| (likeness(wrong, name), name));
    let best =
        names.filter(|(likeness, _)| *likeness >= LIKENESS_MIN).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.map(|(_, name)| name)
}

/// ` (did you mean "…"?)`, or nothing.
pub(super) fn hint(meant: Option<&str>) -> String {
    meant.map(|meant| format!(" (did you mean \"{meant}\"?)")).unwrap_or_default()
}

fn likeness(a: &str, b: &str) -> f64 {
    if a.len().max(b.len()) > NAME_LENGTH_MAX {
        return 0.0;
    }
    strsim::normalized_damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase())
}
