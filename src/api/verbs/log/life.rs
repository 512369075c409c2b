//! What is known of a container's life, in lines: from events, and from the status of its last run.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Event};

use crate::api::answer::status::Failure;
use crate::clock::Timestamp;
use crate::objects::Object;

/// One line of a log, without its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    /// Within a second the names of events tell the order: they end in the nanosecond of the first.
    name: String,
    pub(super) text: String,
}

impl Line {
    /// The line that an event is; `None` if it is about another pod.
    pub(super) fn of(object: &Object, pod_uid: &str) -> Option<Self> {
        let event = object.get::<Event>()?;
        if event.involved_object.uid.as_deref() != Some(pod_uid) {
            return None;
        }
        let last = event.last_timestamp.as_ref().map(|time| time.0);
        let at = last.or_else(|| object.meta().creation_timestamp.as_ref().map(|time| time.0))?;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let times = match event.count {
            Some(count) if count > 1 => format!(" (x{count})"),
            _ => String::new(),
        };
        let text = format!("{} {}: {}{times}", text(&event.type_), text(&event.reason), text(&event.message));
        Some(Self { at, name: object.name().to_owned(), text })
    }

    fn at(time: Option<&k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>, text: String) -> Option<Self> {
        Some(Self { at: time?.0, name: String::new(), text })
    }
}

/// The lines about one pod, the oldest first.
pub(super) fn lines(events: &[Object], pod_uid: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = events.iter().filter_map(|event| Line::of(event, pod_uid)).collect();
    lines.sort();
    lines
}

/// How the run before the present one ended.
pub(super) fn last_run(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    status.last_state.as_ref()?.terminated.as_ref()
}

/// The log of the run before the last restart.
pub(super) fn previous(
    pod: &str,
    container: &str,
    status: Option<&ContainerStatus>,
) -> Result<Vec<Line>, Failure> {
    let Some(run) = status.and_then(last_run) else {
        return Err(Failure::bad_request(format!(
            "previous terminated container \"{container}\" in pod \"{pod}\" not found"
        )));
    };
    let reason = run.reason.as_deref().unwrap_or("Error");
    let message = run.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    let started = Line::at(run.started_at.as_ref(), format!("Started container {container}"));
    let ended = format!("Container {container} ended ({reason}), exit code {}{message}", run.exit_code);
    Ok(started.into_iter().chain(Line::at(run.finished_at.as_ref(), ended)).collect())
}
