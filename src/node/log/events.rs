//! Events as lines of a log.

use k8s_openapi::api::core::v1::Event;

use crate::objects::Object;
use crate::streaming::LogLine;

/// The line that an event is; `None` if it is about another pod.
pub(super) fn line(object: &Object, pod_uid: &str) -> Option<LogLine> {
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
    Some(LogLine { at, text })
}

/// The lines about one pod, the oldest first. Within a second the names of events tell the order:
/// they end in the nanosecond of the first.
pub(super) fn lines(events: &[Object], pod_uid: &str) -> Vec<LogLine> {
    let named = |event| line(event, pod_uid).map(|line| (line.at, event.name(), line.text));
    let mut lines: Vec<_> = events.iter().filter_map(named).collect();
    lines.sort();
    lines.into_iter().map(|(at, _, text)| LogLine { at, text }).collect()
}
