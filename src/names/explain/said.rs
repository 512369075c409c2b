//! What was last said in Events of why an object is not as it should be.
//!
//! Pure. Only what no status says is kept, one message for each sort and object, and only while the
//! object is known; the map is persistent as the landscape's others.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Event, Pod};

use crate::objects::pod;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Said {
    /// A probe of a pod has failed.
    Probe,
    /// A volume of a pod cannot be mounted.
    Mount,
    /// A claim of a pod gets no volume.
    Claim,
    /// A pod of a set could not be created.
    Creation,
}

impl Said {
    /// All that is said of pods.
    const OF_PODS: [Self; 3] = [Self::Probe, Self::Mount, Self::Claim];

    /// What an event is about, by the kind of its object and its reason.
    pub(super) fn of(event: &Event) -> Option<Self> {
        match (event.involved_object.kind.as_deref()?, event.reason.as_deref()?) {
            ("Pod", "Unhealthy") => Some(Self::Probe),
            ("Pod", "FailedMount") => Some(Self::Mount),
            ("PersistentVolumeClaim", "ProvisioningFailed" | "FailedBinding") => Some(Self::Claim),
            ("StatefulSet", "FailedCreate") => Some(Self::Creation),
            _ => None,
        }
    }
}

type Key = (Said, Arc<str>, Arc<str>);

/// The last messages, by the pod or set that they keep from being as it should be.
#[derive(Clone, Debug, Default)]
pub(super) struct Sayings(imbl::HashMap<Key, Arc<str>>);

impl Sayings {
    pub(super) fn put(&mut self, said: Said, namespace: &str, name: &str, message: &str) {
        self.0.insert((said, namespace.into(), name.into()), message.into());
    }

    pub(super) fn get(&self, said: Said, namespace: &str, name: &str) -> Option<&str> {
        self.0.get(&(said, namespace.into(), name.into())).map(AsRef::as_ref)
    }

    /// A pod is as it should be, or gone.
    pub(super) fn forget_pod(&mut self, namespace: &str, name: &str) {
        for said in Said::OF_PODS {
            self.0.remove(&(said, namespace.into(), name.into()));
        }
    }

    /// A set is gone, or has made a pod.
    pub(super) fn forget_set(&mut self, namespace: &str, name: &str) {
        self.0.remove(&(Said::Creation, namespace.into(), name.into()));
    }
}

/// The names that a pod with this claim could have: a set's claim ends with its pod's name.
pub(super) fn pods_of_claim(claim: &str) -> impl Iterator<Item = &str> {
    claim.match_indices('-').map(|(at, hyphen)| &claim[at + hyphen.len()..])
}

/// Whether a pod mounts the claim.
pub(super) fn mounts(pod: &Pod, claim: &str) -> bool {
    pod::claims(pod).any(|name| name == claim)
}
