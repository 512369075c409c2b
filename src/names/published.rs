//! Which pods and endpoints are published: CoreDNS' rules, for records and explanations alike.
//!
//! They differ from Kubernetes' predicates in `objects`: CoreDNS treats a pod of phase Unknown as ended.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::Endpoint;

use crate::objects::pod;

/// Whether the pod's addresses may belong to another pod by now.
pub(super) fn has_released_addresses(pod: &Pod) -> bool {
    matches!(pod::phase(pod), "Succeeded" | "Failed" | "Unknown")
}

/// The pod's addresses as they are written; the first one usually comes twice.
pub(super) fn addresses(pod: &Pod) -> impl Iterator<Item = &str> {
    let status = pod.status.iter();
    let texts = status.flat_map(|status| {
        let listed = status.pod_ips.iter().flatten().map(|address| &address.ip);
        listed.chain(&status.pod_ip)
    });
    texts.map(String::as_str).filter(|text| !text.is_empty())
}

/// Whether clients may use the endpoint. The API of EndpointSlice says that an absent `ready` means
/// ready. `serving` and `terminating` are ignored: the EndpointSlice controller has already taken them
/// into account.
pub(super) fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
}
