//! Labels by which one part of Kubernetes finds what another one has made.

/// Of an EndpointSlice: the service that it belongs to.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";
