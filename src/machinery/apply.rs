//! Three-way merge of what was applied last, what is applied now, and the live object.
//!
//! As `kubectl apply` without a schema: fields that were applied before and no longer are get
//! removed, fields that are applied now are set, everything else is left to its other writers.
//! Lists are replaced as a whole (RFC 7386).

use serde_json::{Map, Value};

/// The object that results from applying `wanted` over `live`, when `last` was applied before.
pub fn three_way_merge(live: &Value, last: &Value, wanted: &Value) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            let nothing = Map::new();
            Value::Object(merge_maps(live, last.as_object().unwrap_or(&nothing), wanted))
        }
        _ => wanted.clone(),
    }
}

fn merge_maps(
    live: &Map<String, Value>,
    last: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Map<String, Value> {
    let mut merged = live.clone();
    merged.retain(|key, _| !last.contains_key(key) || wanted.contains_key(key));
    for (key, value) in wanted {
        let live = live.get(key).unwrap_or(&Value::Null);
        let last = last.get(key).unwrap_or(&Value::Null);
        merged.insert(key.clone(), three_way_merge(live, last, value));
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn removed_fields_go_and_fields_of_others_stay() {
        let last = json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"replicas": 2}});
        let live = json!({
            "metadata": {"labels": {"a": "1", "b": "2", "other": "x"}, "uid": "u"},
            "spec": {"replicas": 2, "clusterIP": "10.96.0.9"},
        });
        let wanted = json!({"metadata": {"labels": {"a": "9"}}, "spec": {"ports": [1]}});
        let expected = json!({
            "metadata": {"labels": {"a": "9", "other": "x"}, "uid": "u"},
            "spec": {"clusterIP": "10.96.0.9", "ports": [1]},
        });
        assert_eq!(three_way_merge(&live, &last, &wanted), expected);
    }

    #[test]
    fn applying_the_same_again_changes_nothing() {
        let wanted = json!({"spec": {"replicas": 2}});
        let live = json!({"spec": {"replicas": 2, "serviceName": ""}});
        assert_eq!(three_way_merge(&live, &wanted, &wanted), live);
    }
}
