//! What the status of a container says of its logs: whether there is one, and how a run ended.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};

use crate::objects::pod;
use crate::streaming::{LogLine, LogQuery};

/// Fails if there is no such log, in the kubelet's words (`validateContainerLogStatus`).
pub(in crate::node) fn check(pod: &Pod, container: &str, query: LogQuery) -> Result<(), String> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let status = pod::container_status(pod, container);
    let has_run_before = status.is_some_and(|status| last_run(status).is_some());
    if query.is_previous {
        let missing = format!("previous terminated container \"{container}\" in pod \"{name}\" not found");
        return if has_run_before { Ok(()) } else { Err(missing) };
    }
    let waiting = status.and_then(|status| status.state.as_ref()?.waiting.as_ref());
    let Some(waiting) = waiting.filter(|_| !has_run_before) else { return Ok(()) };
    let reason = waiting.reason.as_deref().unwrap_or_default();
    Err(format!("container \"{container}\" in pod \"{name}\" is waiting to start: {reason}"))
}

/// Whether the present run of a container has ended.
pub(super) fn has_ended(pod: &Pod, container: &str) -> bool {
    let state = pod::container_status(pod, container).and_then(|status| status.state.as_ref());
    pod::has_ended(pod) || state.is_some_and(|state| state.terminated.is_some())
}

/// What is known of the run before the last restart.
pub(super) fn previous(pod: &Pod, container: &str) -> Vec<LogLine> {
    let Some(run) = pod::container_status(pod, container).and_then(last_run) else { return Vec::new() };
    let reason = run.reason.as_deref().unwrap_or("Error");
    let message = run.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    let ended = format!("Container {container} ended ({reason}), exit code {}{message}", run.exit_code);
    let lines = [
        (run.started_at.as_ref(), format!("Started container {container}")),
        (run.finished_at.as_ref(), ended),
    ];
    lines.into_iter().filter_map(|(at, text)| Some(LogLine { at: at?.0, text })).collect()
}

/// How the run before the present one ended.
fn last_run(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    status.last_state.as_ref()?.terminated.as_ref()
}
