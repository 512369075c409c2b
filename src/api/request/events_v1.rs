//! `events.k8s.io/v1` Event and core/v1 Event: one object, two sets of names.

use serde_json::{Map, Value};

/// Fields that are only named differently: in core/v1, in events.k8s.io/v1.
const RENAMED: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// The core/v1 form of an events.k8s.io/v1 Event.
pub(crate) fn to_core(event: &mut Value) {
    rename(event, "v1", |(core, other)| (other, core));
}

/// The events.k8s.io/v1 form of a core/v1 Event.
pub(crate) fn from_core(event: &mut Value) {
    rename(event, "events.k8s.io/v1", |pair| pair);
    if let Some(fields) = event.as_object_mut() {
        // Its reader wants to see when the event happened, even if nobody has said it exactly.
        fields.entry("eventTime").or_insert(Value::Null);
    }
}

fn rename(
    event: &mut Value,
    api_version: &str,
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) {
    let Some(fields) = event.as_object_mut() else { return };
    let mut renamed = Map::new();
    for pair in RENAMED {
        let (from, to) = direction(pair);
        renamed.extend(fields.remove(from).map(|value| (to.to_owned(), value)));
    }
    fields.append(&mut renamed);
    if fields.contains_key("apiVersion") {
        fields.insert("apiVersion".into(), api_version.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_names_of_an_event_hold_the_same() {
        let core = json!({"apiVersion": "v1", "kind": "Event", "involvedObject": {"kind": "Pod"}, "message": "m",
            "reason": "r", "count": 2, "type": "Normal", "reportingComponent": "c", "eventTime": null});
        let mut event = core.clone();
        from_core(&mut event);
        assert_eq!(
            event,
            json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "regarding": {"kind": "Pod"}, "note": "m",
                "reason": "r", "deprecatedCount": 2, "type": "Normal", "reportingController": "c", "eventTime": null})
        );
        to_core(&mut event);
        assert_eq!(event, core);
    }
}
