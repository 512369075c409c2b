//! What was observed of a set: all that a plan is made from.
//!
//! Pure data. [`plan`](super::super::decide::plan) turns it into a
//! [`Plan`](super::super::action::Plan); nothing else may influence a plan.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::record::Record;
use crate::controllers::statefulset::settings::Settings;
use crate::objects::Object;

/// Finds an object by its name: a claim of the set's namespace, or a storage class.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Object>;

/// A pod template with the name of its ControllerRevision.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TemplateRevision {
    /// The name, which is also the pods' revision label.
    pub(crate) name: String,
    /// The template.
    pub(crate) template: PodTemplateSpec,
}

/// All that a plan is made from.
pub(crate) struct Observed<'a> {
    /// The set.
    pub(crate) set: &'a StatefulSet,
    /// What it does beyond Kubernetes.
    pub(crate) settings: &'a Settings,
    /// The revision of pods that no update has reached.
    pub(crate) current: &'a TemplateRevision,
    /// The revision of the set's template.
    pub(crate) update: &'a TemplateRevision,
    /// How often revision names have collided.
    pub(crate) collision_count: i32,
    /// The set's pods, ordered by ordinal.
    pub(crate) pods: &'a [Record],
    /// Finds claims.
    pub(crate) claims: Lookup<'a>,
    /// Finds storage classes.
    pub(crate) classes: Lookup<'a>,
}
