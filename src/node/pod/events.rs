//! The events that a kubelet records about a pod, with its exact texts.
//!
//! Pure: observations become events; recording them is the recorder's.

use crate::node::containers::{Observation, StopReason};
use crate::node::recorder::PodEvent;
use crate::node::runtime::ProbeKind;
use crate::objects::Object;
use crate::store::Severity::{Normal, Warning};

/// Why a container waits whose image cannot be meant.
pub(super) const INVALID_IMAGE_NAME: &str = "InvalidImageName";

/// A setting of the pod that its runtime cannot use.
pub(super) fn invalid_annotation(complaint: String) -> PodEvent {
    PodEvent { severity: Warning, reason: "InvalidAnnotation", message: complaint }
}

/// The sandbox could not be created.
pub(super) fn failed_sandbox(why: &str) -> PodEvent {
    let message = format!("Failed to create pod sandbox: {why}");
    PodEvent { severity: Warning, reason: "FailedCreatePodSandBox", message }
}

/// A volume cannot be mounted.
pub(super) fn failed_mount(why: String) -> PodEvent {
    PodEvent { severity: Warning, reason: "FailedMount", message: why }
}

/// These Secrets with credentials for images do not exist.
pub(super) fn missing_pull_secrets(names: &[&str]) -> PodEvent {
    let message = format!(
        "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
        names.join(", ")
    );
    PodEvent { severity: Warning, reason: "FailedToRetrieveImagePullSecret", message }
}

/// The events that one observation becomes, added to `events`.
pub(super) fn extend(events: &mut Vec<PodEvent>, object: &Object, observation: Observation) {
    let mut push = |severity, reason, message| events.push(PodEvent { severity, reason, message });
    match observation {
        Observation::Started { container, image } => {
            push(Normal, "Pulled", format!("Container image \"{image}\" already present on machine"));
            push(Normal, "Created", format!("Created container: {container}"));
            push(Normal, "Started", format!("Started container {container}"));
        }
        Observation::Unhealthy { kind, message } => {
            push(Warning, "Unhealthy", format!("{} probe failed: {message}", title(kind)));
        }
        Observation::ProbeErrored { kind, message } => {
            let kind = title(kind);
            push(
                Warning,
                "Unhealthy",
                format!("{kind} probe errored and resulted in unknown state: {message}"),
            );
        }
        Observation::BackingOff { container } => {
            let (namespace, name, uid) = (object.namespace(), object.name(), object.uid());
            let message =
                format!("Back-off restarting failed container {container} in pod {name}_{namespace}({uid})");
            push(Warning, "BackOff", message);
        }
        // Of an image the kubelet's error is the reason, and the message has an event of its own.
        Observation::Refused { reason, message } if reason == INVALID_IMAGE_NAME => {
            push(Warning, "InspectFailed", message);
            push(Warning, "Failed", format!("Error: {reason}"));
        }
        Observation::Refused { message, .. } => push(Warning, "Failed", format!("Error: {message}")),
        Observation::Stopping { container, reason } => {
            let message = match reason {
                StopReason::PodEnds => format!("Stopping container {container}"),
                StopReason::DefinitionChanged => {
                    format!("Container {container} definition changed, will be restarted")
                }
                StopReason::ProbeFailed(kind) => {
                    let kind = title(kind).to_lowercase();
                    format!("Container {container} failed {kind} probe, will be restarted")
                }
            };
            push(Normal, "Killing", message);
        }
    }
}

fn title(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::Startup => "Startup",
        ProbeKind::Readiness => "Readiness",
        ProbeKind::Liveness => "Liveness",
    }
}
