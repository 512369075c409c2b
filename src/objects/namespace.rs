//! What a namespace is, in the words of Kubernetes' documents.
//!
//! A namespace that is deleted stays, terminating, until everything in it is gone; its finalizer
//! says that the server still has to empty it.

/// The finalizer in `spec.finalizers` that keeps a namespace until it is empty
/// (`FinalizerKubernetes`).
pub const FINALIZER: &str = "kubernetes";
