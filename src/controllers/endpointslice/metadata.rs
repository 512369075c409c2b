//! The metadata of every slice: labels, owner, name prefix, and the trigger time.
//!
//! Pure. The three labels that the controller sets itself are never copied from the service.

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::endpoint::Family;
use crate::clock::Timestamp;
use crate::machinery::selector::Labels;
use crate::objects::labels;
use crate::objects::service::has_cluster_ip;

/// The writer of the slice.
pub(super) const LABEL_MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// This controller, as a value of [`LABEL_MANAGED_BY`].
pub(super) const MANAGED_BY: &str = "endpointslice-controller.k8s.io";
/// Tells kube-proxy to ignore the slice.
const LABEL_HEADLESS: &str = "service.kubernetes.io/headless";
/// When the pod or service changed whose change caused the last write of the slice.
const ANNOTATION_TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// The service a slice of this controller belongs to, by its labels.
pub(super) fn service_name(meta: &ObjectMeta) -> Option<&str> {
    let labels = meta.labels.as_ref()?;
    let is_managed = labels.get(LABEL_MANAGED_BY).is_some_and(|by| by == MANAGED_BY);
    labels.get(labels::SERVICE_NAME).filter(|_| is_managed).map(String::as_str)
}

/// The labels of every slice of the service.
pub(super) fn labels(service: &Service) -> Labels {
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.insert(labels::SERVICE_NAME.to_owned(), service.metadata.name.clone().unwrap_or_default());
    labels.insert(LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned());
    labels.remove(LABEL_HEADLESS);
    if !has_cluster_ip(service) {
        labels.insert(LABEL_HEADLESS.to_owned(), String::new());
    }
    labels
}

/// Whether the slice belongs to this very service, not to an earlier one of its name.
pub(super) fn is_owned(slice: &EndpointSlice, service: &Service) -> bool {
    let owners = slice.metadata.owner_references.iter().flatten();
    owners.into_iter().any(|owner| {
        (owner.api_version.as_str(), owner.kind.as_str()) == ("v1", "Service")
            && Some(&owner.uid) == service.metadata.uid.as_ref()
    })
}

/// A slice without endpoints.
pub(super) fn new_slice(service: &Service, family: Family, ports: Vec<EndpointPort>) -> EndpointSlice {
    let meta = &service.metadata;
    let name = meta.name.clone().unwrap_or_default();
    let owner = OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Service".to_owned(),
        name: name.clone(),
        uid: meta.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    EndpointSlice {
        address_type: family.name().to_owned(),
        endpoints: Some(Vec::new()),
        metadata: ObjectMeta {
            generate_name: Some(format!("{name}-")),
            namespace: meta.namespace.clone(),
            labels: Some(labels(service)),
            owner_references: Some(vec![owner]),
            ..Default::default()
        },
        ports: Some(ports),
    }
}

/// Sets the time of the change that caused the write; an unknown one removes the old.
pub(super) fn set_trigger_time(slice: &mut EndpointSlice, trigger_time: Option<Timestamp>) {
    let annotations = slice.metadata.annotations.get_or_insert_default();
    match trigger_time {
        Some(instant) => annotations.insert(ANNOTATION_TRIGGER_TIME.to_owned(), instant.to_string()),
        None => annotations.remove(ANNOTATION_TRIGGER_TIME),
    };
    if annotations.is_empty() {
        slice.metadata.annotations = None;
    }
}
