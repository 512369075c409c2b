//! What a storage class is, in the words of Kubernetes' documents.
//!
//! The annotation's old name still counts, as in Kubernetes (`pkg/volume/util`).

use k8s_openapi::api::storage::v1::StorageClass;

/// The annotation that makes a class the default, with the value `true`.
pub const DEFAULT_ANNOTATION: &str = "storageclass.kubernetes.io/is-default-class";
const DEFAULT_ANNOTATION_BETA: &str = "storageclass.beta.kubernetes.io/is-default-class";

/// Whether claims that name no class get this one (`IsDefaultAnnotation`).
pub fn is_default(class: &StorageClass) -> bool {
    let annotations = class.metadata.annotations.as_ref();
    let is_marked = |key: &str| annotations.and_then(|all| all.get(key)).is_some_and(|value| value == "true");
    is_marked(DEFAULT_ANNOTATION) || is_marked(DEFAULT_ANNOTATION_BETA)
}
