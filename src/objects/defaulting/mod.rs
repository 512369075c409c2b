//! Defaults, as the Kubernetes API sets them before it validates.

use super::Typed;

/// Sets every default that the Kubernetes API sets for this kind. Applying it twice changes
/// nothing more.
pub fn default(_typed: &mut Typed) {}
