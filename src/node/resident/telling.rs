//! What a kubelet records on its pods, in its words.
//!
//! Nothing here decides anything; a record that cannot be written is the store's to log.

use k8s_openapi::api::core::v1::Pod;

use super::Site;
use crate::node::containers::Happening;
use crate::objects::Object;
use crate::store::Severity::{self, Normal, Warning};

const COMPONENT: &str = "kubelet";

async fn tell(site: &Site, object: &Object, severity: Severity, reason: &str, message: &str) {
    site.store.record(COMPONENT, object, severity, reason, message).await;
}

/// Settings of the pod that its runtime cannot use.
pub(super) async fn complaints(site: &Site, object: &Object, pod: &Pod) {
    for complaint in site.runtime.complaints(pod) {
        tell(site, object, Warning, "InvalidAnnotation", &complaint).await;
    }
}

/// No addresses are left.
pub(super) async fn failed_sandbox(site: &Site, object: &Object) {
    let networks = site.addresses.full_networks();
    let message = format!("Failed to create pod sandbox: no free address is left in pod network {networks}");
    tell(site, object, Warning, "FailedCreatePodSandBox", &message).await;
}

/// A container is asked to stop.
pub(super) async fn stopping(site: &Site, object: &Object, container: &str, is_replaced: bool) {
    let message = match is_replaced {
        true => format!("Container {container} definition changed, will be restarted"),
        false => format!("Stopping container {container}"),
    };
    tell(site, object, Normal, "Killing", &message).await;
}

/// What was observed or decided about containers.
pub(super) async fn happenings(site: &Site, object: &Object, happenings: Vec<Happening>) {
    for happening in happenings {
        match happening {
            Happening::Started { container, image } => {
                let pulled = format!("Container image \"{image}\" already present on machine");
                tell(site, object, Normal, "Pulled", &pulled).await;
                tell(site, object, Normal, "Created", &format!("Created container: {container}")).await;
                tell(site, object, Normal, "Started", &format!("Started container {container}")).await;
            }
            Happening::Unhealthy { message } => {
                let message = format!("Readiness probe failed: {message}");
                tell(site, object, Warning, "Unhealthy", &message).await;
            }
            Happening::BackingOff { container } => {
                let (namespace, name, uid) = (object.namespace(), object.name(), object.uid());
                let message = format!(
                    "Back-off restarting failed container {container} in pod {name}_{namespace}({uid})"
                );
                tell(site, object, Warning, "BackOff", &message).await;
            }
            Happening::Refused { message } => {
                tell(site, object, Warning, "Failed", &format!("Error: {message}")).await;
            }
        }
    }
}
