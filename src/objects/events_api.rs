//! Events of `events.k8s.io/v1`: the same objects as core events, under other names.
//!
//! The store has one kind of event; this converts it to and from the form of the other group
//! (`pkg/apis/events/v1/conversion.go`). Nothing is lost in either direction.

use k8s_openapi::api::core::v1::{Event, EventSeries};
use k8s_openapi::api::events::v1 as events;

/// `apiVersion` of the other form.
pub const API_VERSION: &str = "events.k8s.io/v1";

/// Fields that can be selected by: as this group names them, and the core group.
pub const SELECTABLE: &[(&str, &str)] = &[
    ("regarding.kind", "involvedObject.kind"),
    ("regarding.namespace", "involvedObject.namespace"),
    ("regarding.name", "involvedObject.name"),
    ("regarding.uid", "involvedObject.uid"),
    ("regarding.apiVersion", "involvedObject.apiVersion"),
    ("regarding.resourceVersion", "involvedObject.resourceVersion"),
    ("regarding.fieldPath", "involvedObject.fieldPath"),
    ("reportingController", "reportingComponent"),
];

/// The form that `events.k8s.io/v1` gives a core event.
pub fn from_core(event: Event) -> events::Event {
    events::Event {
        action: event.action,
        deprecated_count: event.count,
        deprecated_first_timestamp: event.first_timestamp,
        deprecated_last_timestamp: event.last_timestamp,
        deprecated_source: event.source,
        event_time: event.event_time,
        metadata: event.metadata,
        note: event.message,
        reason: event.reason,
        regarding: Some(event.involved_object),
        related: event.related,
        reporting_controller: event.reporting_component,
        reporting_instance: event.reporting_instance,
        series: event.series.and_then(series_from_core),
        type_: event.type_,
    }
}

/// The core event that an event of `events.k8s.io/v1` is.
pub fn into_core(event: events::Event) -> Event {
    Event {
        action: event.action,
        count: event.deprecated_count,
        event_time: event.event_time,
        first_timestamp: event.deprecated_first_timestamp,
        involved_object: event.regarding.unwrap_or_default(),
        last_timestamp: event.deprecated_last_timestamp,
        message: event.note,
        metadata: event.metadata,
        reason: event.reason,
        related: event.related,
        reporting_component: event.reporting_controller,
        reporting_instance: event.reporting_instance,
        series: event.series.map(series_into_core),
        source: event.deprecated_source,
        type_: event.type_,
    }
}

/// This form requires the time of the last observation; a series without it is left out.
fn series_from_core(series: EventSeries) -> Option<events::EventSeries> {
    Some(events::EventSeries {
        count: series.count.unwrap_or_default(),
        last_observed_time: series.last_observed_time?,
    })
}

fn series_into_core(series: events::EventSeries) -> EventSeries {
    EventSeries { count: Some(series.count), last_observed_time: Some(series.last_observed_time) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_the_same_after_a_way_through_the_other_group() {
        let core: Event = serde_json::from_value(json!({
            "metadata": {"name": "web-0.1", "namespace": "default"},
            "involvedObject": {"kind": "Pod", "name": "web-0", "namespace": "default"},
            "message": "Started container nginx", "reason": "Started", "type": "Normal", "count": 2,
            "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:10Z",
            "source": {"component": "kubelet", "host": "node-1"},
            "series": {"count": 3, "lastObservedTime": "2026-01-01T00:00:10.000000Z"},
            "reportingComponent": "kubelet", "reportingInstance": "node-1", "action": "Starting",
            "eventTime": "2026-01-01T00:00:00.000000Z", "related": {"kind": "Node", "name": "node-1"},
        }))
        .unwrap();
        let other = from_core(core.clone());
        let form = serde_json::to_value(&other).unwrap();
        let fields = [
            ("apiVersion", json!(API_VERSION)),
            ("note", json!("Started container nginx")),
            ("regarding", json!({"kind": "Pod", "name": "web-0", "namespace": "default"})),
            ("deprecatedCount", json!(2)),
            ("reportingController", json!("kubelet")),
        ];
        for (field, expected) in fields {
            assert_eq!(form[field], expected, "{field}");
        }
        assert_eq!(into_core(other), core);
    }
}
