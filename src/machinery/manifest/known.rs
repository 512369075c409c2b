//! Kinds that Kubernetes has and this server does not serve.
//!
//! They are told from misspelled kinds by `apiVersion` and kind together: the kinds of the API server
//! at v1.37 with the versions that it serves (those of alpha and beta when they are switched on), and
//! kinds that the Kubernetes project defines elsewhere and that come with charts: the Gateway API,
//! volume snapshots and kustomize. Kinds that are served may be here too; the table of kinds goes
//! before. Custom resources of others are not here: they cannot be told from a mistake.

/// By `apiVersion`, the stable version of a group first.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "v1",
        &[
            "Binding",
            "ComponentStatus",
            "LimitRange",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
        ],
    ),
    (
        "admissionregistration.k8s.io/v1",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("admissionregistration.k8s.io/v1beta1", &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"]),
    ("admissionregistration.k8s.io/v1alpha1", &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"]),
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io/v1", &["APIService"]),
    ("apps/v1", &["DaemonSet", "Deployment", "ReplicaSet"]),
    ("authentication.k8s.io/v1", &["SelfSubjectReview", "TokenReview"]),
    (
        "authorization.k8s.io/v1",
        &[
            "LocalSubjectAccessReview",
            "SelfSubjectAccessReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
        ],
    ),
    ("autoscaling/v2", &["HorizontalPodAutoscaler"]),
    ("autoscaling/v1", &["HorizontalPodAutoscaler"]),
    ("batch/v1", &["CronJob", "Job"]),
    ("certificates.k8s.io/v1", &["CertificateSigningRequest", "ClusterTrustBundle", "PodCertificateRequest"]),
    ("certificates.k8s.io/v1beta1", &["ClusterTrustBundle", "PodCertificateRequest"]),
    ("coordination.k8s.io/v1beta1", &["LeaseCandidate"]),
    ("coordination.k8s.io/v1alpha2", &["LeaseCandidate"]),
    ("events.k8s.io/v1", &["Event"]),
    ("flowcontrol.apiserver.k8s.io/v1", &["FlowSchema", "PriorityLevelConfiguration"]),
    (
        "gateway.networking.k8s.io/v1",
        &["BackendTLSPolicy", "GRPCRoute", "Gateway", "GatewayClass", "HTTPRoute"],
    ),
    ("gateway.networking.k8s.io/v1beta1", &["Gateway", "GatewayClass", "HTTPRoute", "ReferenceGrant"]),
    ("gateway.networking.k8s.io/v1alpha3", &["BackendTLSPolicy", "TLSRoute"]),
    (
        "gateway.networking.k8s.io/v1alpha2",
        &["GRPCRoute", "ReferenceGrant", "TCPRoute", "TLSRoute", "UDPRoute"],
    ),
    ("internal.apiserver.k8s.io/v1alpha1", &["StorageVersion"]),
    ("kustomize.config.k8s.io/v1beta1", &["Kustomization"]),
    ("kustomize.config.k8s.io/v1alpha1", &["Component"]),
    ("lifecycle.k8s.io/v1alpha1", &["EvictionRequest"]),
    ("networking.k8s.io/v1", &["IPAddress", "Ingress", "IngressClass", "NetworkPolicy", "ServiceCIDR"]),
    ("policy/v1", &["PodDisruptionBudget"]),
    ("rbac.authorization.k8s.io/v1", &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]),
    (
        "resource.k8s.io/v1",
        &["DeviceClass", "DeviceTaintRule", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"],
    ),
    (
        "resource.k8s.io/v1beta2",
        &["DeviceClass", "DeviceTaintRule", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"],
    ),
    ("resource.k8s.io/v1beta1", &["DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"]),
    ("resource.k8s.io/v1alpha3", &["DeviceTaintRule", "ResourcePoolStatusRequest"]),
    ("scheduling.k8s.io/v1", &["PriorityClass"]),
    ("scheduling.k8s.io/v1beta1", &["PodGroup", "Workload"]),
    ("scheduling.k8s.io/v1alpha3", &["CompositePodGroup", "PodGroup", "Workload"]),
    ("snapshot.storage.k8s.io/v1", &["VolumeSnapshot", "VolumeSnapshotClass", "VolumeSnapshotContent"]),
    (
        "storage.k8s.io/v1",
        &["CSIDriver", "CSINode", "CSIStorageCapacity", "VolumeAttachment", "VolumeAttributesClass"],
    ),
    ("storagemigration.k8s.io/v1", &["StorageVersionMigration"]),
    ("storagemigration.k8s.io/v1beta1", &["StorageVersionMigration"]),
];

/// Whether Kubernetes has a kind of that name in that version.
pub(super) fn is_known(api_version: &str, kind: &str) -> bool {
    KNOWN.iter().any(|(version, kinds)| *version == api_version && kinds.contains(&kind))
}

/// The version to write a kind in, if there is one of that name.
pub(super) fn api_version_of(kind: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(_, kinds)| kinds.contains(&kind)).map(|(version, _)| *version)
}

/// The names of all kinds here.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().flat_map(|(_, kinds)| kinds.iter().copied())
}
