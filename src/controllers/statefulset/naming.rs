//! Names: of pods and claims by ordinal, and the owner reference that belongs to a set.
//!
//! ```text
//!   StatefulSet web, template data, ordinal 2 ──► Pod web-2, PersistentVolumeClaim data-web-2
//! ```
//!
//! Pure. Kubernetes reads leading zeros (`web-01` has ordinal 1) but never writes them; such a pod is
//! a member of the set whose identity is wrong.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

/// A pod's name, split at its last hyphen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PodName<'a> {
    /// What comes before the ordinal; empty if the name does not end in `-<digits>`.
    pub(crate) parent: &'a str,
    /// The ordinal; `None` if there is none or if it does not fit 31 bits.
    pub(crate) ordinal: Option<i32>,
}

impl<'a> PodName<'a> {
    /// Splits `name`.
    pub(crate) fn parse(name: &'a str) -> Self {
        match name.rsplit_once('-') {
            Some((parent, digits)) if !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()) => {
                Self { parent, ordinal: digits.parse().ok() }
            }
            _ => Self { parent: "", ordinal: None },
        }
    }
}

/// Whether `name` is exactly `<set>-<ordinal>`; false for leading zeros. Allocates nothing, since it
/// is called for every version of every pod.
pub(crate) fn is_canonical(name: &str, set_name: &str, ordinal: i32) -> bool {
    let parsed = PodName::parse(name);
    let digits = name.strip_prefix(parsed.parent).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
    parsed.parent == set_name && parsed.ordinal == Some(ordinal) && !has_leading_zero
}

/// The name of the pod of an ordinal.
pub(crate) fn pod_name(set_name: &str, ordinal: i32) -> String {
    format!("{set_name}-{ordinal}")
}

/// Whether the pod's name makes it a member of this set.
pub(crate) fn is_member(set: &StatefulSet, pod_name: &str) -> bool {
    !pod_name.is_empty() && PodName::parse(pod_name).parent == name_of(&set.metadata)
}

/// The name of a template's claim for an ordinal.
pub(crate) fn claim_name(template: &str, set_name: &str, ordinal: i32) -> String {
    format!("{template}-{set_name}-{ordinal}")
}

/// Whether `claim` is exactly what [`claim_name`] gives; allocates nothing either.
pub(crate) fn is_claim_name(claim: &str, template: &str, set_name: &str, ordinal: i32) -> bool {
    let rest = claim.strip_prefix(template).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|rest| is_canonical(rest, set_name, ordinal))
}

/// The name of the pod that a claim of this set belongs to; `None` if the set gives no claim this
/// name.
pub(crate) fn pod_name_of<'a>(set_name: &str, claim: &'a str) -> Option<&'a str> {
    let parsed = PodName::parse(claim);
    let template = parsed.parent.strip_suffix(set_name)?.strip_suffix('-')?;
    (parsed.ordinal.is_some() && !template.is_empty()).then(|| &claim[template.len() + 1..])
}

/// The controller reference of everything that belongs to the set.
pub(crate) fn owner_reference(set: &StatefulSet) -> OwnerReference {
    OwnerReference {
        api_version: "apps/v1".to_owned(),
        kind: "StatefulSet".to_owned(),
        name: name_of(&set.metadata).to_owned(),
        uid: uid_of(&set.metadata).to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// An object's name; empty if it has none yet.
pub(crate) fn name_of(meta: &ObjectMeta) -> &str {
    meta.name.as_deref().unwrap_or_default()
}

/// An object's uid; empty if it has none yet.
pub(crate) fn uid_of(meta: &ObjectMeta) -> &str {
    meta.uid.as_deref().unwrap_or_default()
}
