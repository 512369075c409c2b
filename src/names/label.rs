//! Labels of endpoints: which text is a valid label, and which label an endpoint has.
//!
//! Records and explanations follow CoreDNS' rule: the hostname, else the pod's name if the option
//! `endpoint_pod_names` is set, else a label made from the address.

use k8s_openapi::api::discovery::v1::Endpoint;

use super::options::ZoneOptions;
use crate::dns::message::name::LABEL_OCTETS_MAX;

/// Whether `text` can be one label of a host or service name. The underscore is allowed (RFC 8552).
pub(super) fn is_label(text: &str) -> bool {
    let is_allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    (1..=LABEL_OCTETS_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// The label of an endpoint, in the case that was written; `None` if its labels are made from its
/// addresses.
pub(super) fn endpoint_label<'e>(options: &ZoneOptions, endpoint: &'e Endpoint) -> Option<&'e str> {
    let hostname = endpoint.hostname.as_deref();
    let pod = endpoint.target_ref.as_ref().and_then(|target| target.name.as_deref());
    let pod = pod.filter(|_| options.endpoint_pod_names);
    hostname.into_iter().chain(pod).find(|name| is_label(name))
}
