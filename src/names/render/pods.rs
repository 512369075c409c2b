//! Namespaces and pods to names: existence below `svc` and `pod`, and addresses of pods.
//!
//! Only verified pods have records in the zone; otherwise its rule for address labels answers.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Pod;

use super::draft::Draft;
use super::scheme::{Rendered, Scheme};
use crate::dns::zone::address_label;
use crate::names::label::is_label;
use crate::names::options::PodNames;
use crate::names::published::{addresses, has_released_addresses};

impl Scheme {
    /// The names of an existing, published namespace: below `svc`, and below `pod` if pods have names.
    pub fn namespace(&self, name: &str) -> Rendered {
        let mut rendered = Rendered::default();
        let mut draft = Draft::new(self);
        let has_pods = self.options.pods != PodNames::Disabled;
        let parents = [Some(&self.services), Some(&self.pods).filter(|_| has_pods)];
        if !is_label(name) {
            rendered.complaints.push(format!("{name:?} is no DNS label"));
            return rendered;
        }
        for parent in parents.into_iter().flatten() {
            match parent.child(name) {
                Ok(name) => drop(draft.at(&name)),
                Err(error) => rendered.complaints.push(error.to_string()),
            }
        }
        rendered.contribution = draft.finish();
        rendered
    }

    /// The names of a pod, if pods are verified: one below its namespace for each address, until the pod
    /// has ended or is deleted.
    pub fn pod(&self, pod: &Pod) -> Rendered {
        let mut rendered = Rendered::default();
        let mut draft = Draft::new(self);
        if self.options.pods != PodNames::Verified || has_released_addresses(pod) {
            return rendered;
        }
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        for text in addresses(pod) {
            let Ok(address) = text.parse::<IpAddr>() else {
                rendered.complaints.push(format!("status.podIPs: {text:?} is no IP address"));
                continue;
            };
            match self.pods.child(namespace).and_then(|parent| parent.child(&address_label(address))) {
                Ok(name) => draft.at(&name).addresses = vec![address],
                Err(error) => rendered.complaints.push(error.to_string()),
            }
        }
        rendered.contribution = draft.finish();
        rendered
    }
}
