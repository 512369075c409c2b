//! Notes: Events about the set, with the reasons and messages that Kubernetes uses.
//!
//! Pure. Carrying out a plan collects notes; they are recorded after the sync.

use crate::store::{Severity, StoreError};

/// One event about the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// Normal or Warning.
    pub(crate) severity: Severity,
    /// The reason, in one word.
    pub(crate) reason: String,
    /// What happened.
    pub(crate) message: String,
}

/// What was done to a pod or claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Delete,
    Grow,
}

impl Note {
    /// A pod write, successful or not.
    pub(crate) fn pod<T>(verb: Verb, pod: &str, set: &str, result: &Result<T, String>) -> Self {
        let verb_name = verb.name();
        match result {
            Ok(_) => Self::new(verb, true, format!("{verb_name} Pod {pod} in StatefulSet {set} successful")),
            Err(error) => {
                let message = format!("{verb_name} Pod {pod} in StatefulSet {set} failed error: {error}");
                Self::new(verb, false, message)
            }
        }
    }

    /// The creation of a claim, successful or not.
    pub(crate) fn claim<T>(claim: &str, pod: &str, set: &str, result: &Result<T, StoreError>) -> Self {
        match result {
            Ok(_) => {
                let message = format!("Create Claim {claim} Pod {pod} in StatefulSet {set} success");
                Self::new(Verb::Create, true, message)
            }
            Err(error) => {
                let message =
                    format!("Create Claim {claim} for Pod {pod} in StatefulSet {set} failed error: {error}");
                Self::new(Verb::Create, false, message)
            }
        }
    }

    /// A pod is not created or deleted yet, since its predecessors did not last.
    pub(crate) fn backoff(verb: Verb, pod: &str, set: &str) -> Self {
        let doing = if verb == Verb::Create { "creating" } else { "deleting" };
        Self {
            severity: Severity::Warning,
            reason: "BackOff".to_owned(),
            message: format!(
                "Back-off {doing} Pod {pod} in StatefulSet {set}: \
                 Pods of this name were gone soon after their creation"
            ),
        }
    }

    /// The retention policy cannot be applied to a claim.
    pub(crate) fn conflicting(claim: &str) -> Self {
        Self {
            severity: Severity::Warning,
            reason: "ConflictingController".to_owned(),
            message: format!(
                "PersistentVolumeClaim {claim} has a conflicting OwnerReference that acts as a managing \
                 controller, the retention policy is ignored for this claim"
            ),
        }
    }

    /// A raised storage request, successful or not.
    pub(crate) fn growth<T>(
        claim: &str,
        pod: &str,
        set: &str,
        sizes: (&str, &str),
        result: &Result<T, StoreError>,
    ) -> Self {
        let (from, to) = sizes;
        let what = format!("Grow Claim {claim} Pod {pod} in StatefulSet {set} from {from} to {to}");
        match result {
            Ok(_) => Self::new(Verb::Grow, true, format!("{what} successful")),
            Err(error) => Self::new(Verb::Grow, false, format!("{what} failed error: {error}")),
        }
    }

    /// A claim cannot get the size that its template asks for.
    pub(crate) fn cannot_grow(claim: &str, pod: &str, set: &str, wanted: &str, reason: &str) -> Self {
        let message =
            format!("Grow Claim {claim} Pod {pod} in StatefulSet {set} to {wanted} failed error: {reason}");
        Self::new(Verb::Grow, false, message)
    }

    /// An annotation of the set is invalid.
    pub(crate) fn unreadable(message: &str) -> Self {
        Self {
            severity: Severity::Warning,
            reason: "InvalidAnnotation".to_owned(),
            message: message.to_owned(),
        }
    }

    fn new(verb: Verb, is_success: bool, message: String) -> Self {
        let (severity, outcome) =
            if is_success { (Severity::Normal, "Successful") } else { (Severity::Warning, "Failed") };
        Self { severity, reason: format!("{outcome}{}", verb.name()), message }
    }
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
            Self::Grow => "Grow",
        }
    }
}
