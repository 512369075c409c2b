//! What makes pods and endpoints count for DNS: CoreDNS' rules, for records and explanations alike.
//!
//! These are not Kubernetes' own predicates, which `objects` has: CoreDNS takes a pod of phase Unknown
//! for one that has ended, and an endpoint that does not say whether it is ready for a ready one.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::Endpoint;

use crate::objects::pod;

/// Whether the pod's addresses may be another pod's by now.
pub(super) fn has_released_addresses(pod: &Pod) -> bool {
    matches!(pod::phase(pod), "Succeeded" | "Failed" | "Unknown")
}

/// The addresses that the pod was given, as they are written; the first one is there twice.
pub(super) fn addresses(pod: &Pod) -> impl Iterator<Item = &str> {
    let status = pod.status.iter();
    let texts = status.flat_map(|status| {
        let listed = status.pod_ips.iter().flatten().map(|address| &address.ip);
        listed.chain(&status.pod_ip)
    });
    texts.map(String::as_str).filter(|text| !text.is_empty())
}

/// Whether clients may use the endpoint. `serving` and `terminating` are not looked at: the
/// EndpointSlice controller has done so already ("ready" in the API of EndpointSlice, which also says
/// that an unknown state counts as ready).
pub(super) fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
}
