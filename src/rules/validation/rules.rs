//! The rules that the operator of a server may relax or tighten.
//!
//! Kubernetes' are the default. A StatefulSet can choose for itself by its annotations, which win.

/// What differs from Kubernetes for StatefulSets whose annotations do not say (see
/// [`beyond`](crate::objects::beyond)). By default nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The sizes in claim templates may grow.
    pub grow_claims: bool,
    /// A new set's name leaves room for the hash in its pods' revision label.
    pub strict_names: bool,
}
