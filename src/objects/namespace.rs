//! What is known of namespaces wherever they are handled.

/// The finalizer in `spec.finalizers` that keeps a namespace until it is empty
/// (`FinalizerKubernetes`).
pub const FINALIZER: &str = "kubernetes";
