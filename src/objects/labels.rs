//! Labels by which one part of Kubernetes finds what another one has made.
//!
//! Their names are part of the API: clients select by them too.

/// Of an EndpointSlice: the service that it belongs to.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";
