//! Settings: what one set does beyond Kubernetes.
//!
//! Pure. Everything is off unless the set's annotations (see [`beyond`](crate::objects::beyond)) or
//! the server's [`Options`] switch it on; an annotation overrides an option. An invalid annotation is
//! ignored and recorded once as an event.

use k8s_openapi::api::apps::v1::StatefulSet;

use super::note::Note;
use crate::objects::beyond::Wishes;

/// What the controller does beyond Kubernetes for sets that do not say. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Under OrderedReady, replace an unready pod of an abandoned revision instead of waiting for it
    /// (Kubernetes issue 67250).
    pub unstick: bool,
    /// Existing claims grow with their templates (Kubernetes issue 68737).
    pub grow_claims: bool,
}

/// The settings of one set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// See [`Options::unstick`].
    pub(crate) unstick: bool,
    /// See [`Options::grow_claims`].
    pub(crate) grow_claims: bool,
    /// Ordinals that no pod has, ascending, each once (Kubernetes issue 83224).
    pub(crate) reserved_ordinals: Vec<i32>,
}

impl Settings {
    /// The settings of `set`, and events about its invalid annotations.
    pub(crate) fn of(set: &StatefulSet, options: Options) -> (Self, Vec<Note>) {
        let wishes = Wishes::of(&set.metadata);
        let notes = wishes.unreadable.iter().map(|annotation| Note::unreadable(&annotation.to_string()));
        let settings = Self {
            unstick: wishes.unstick.unwrap_or(options.unstick),
            grow_claims: wishes.grow_claims.unwrap_or(options.grow_claims),
            reserved_ordinals: wishes.reserved_ordinals,
        };
        (settings, notes.collect())
    }
}
