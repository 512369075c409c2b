//! The bytes of a revision: a template as Kubernetes encodes it.
//!
//! Kubernetes' encoder omits zero values of optional fields, but keeps embedded structures even when
//! they are empty. [`template`] brings a template to that form; [`encode`] writes keys in order,
//! without spaces, with Go's escapes. A field that is in neither table is written as given, which at
//! worst gives a revision another name than in a cluster; within one server the same template always
//! has the same bytes.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::{Map, Value, json};

/// Fields that are omitted when they are false, zero, an empty string or an empty map.
const OMITTED_WHEN_ZERO: &[&str] = &[
    "annotations",
    "args",
    "command",
    "generateName",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostPort",
    "hostname",
    "initialDelaySeconds",
    "labels",
    "limits",
    "matchLabels",
    "nodeName",
    "nodeSelector",
    "overhead",
    "priorityClassName",
    "readOnly",
    "requests",
    "restartPolicy",
    "schedulerName",
    "serviceAccount",
    "serviceAccountName",
    "stdin",
    "stdinOnce",
    "subPath",
    "subPathExpr",
    "subdomain",
    "tty",
    "value",
    "workingDir",
];

/// A template in the form that Kubernetes encodes.
pub(crate) fn template(template: &PodTemplateSpec) -> Value {
    let mut value = serde_json::to_value(template).expect("a template serializes to JSON");
    prune(&mut value);
    let root = object(&mut value);
    root.entry("metadata").or_insert_with(|| json!({}));
    let spec = object(root.entry("spec").or_insert_with(|| json!({})));
    spec.entry("securityContext").or_insert_with(|| json!({}));
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        spec.entry("serviceAccount").or_insert(account);
    }
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            object(container).entry("resources").or_insert_with(|| json!({}));
        }
    }
    value
}

/// JSON with sorted keys, without spaces, escaped as Go does.
pub(crate) fn encode(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<(&String, &Value)> = map.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (n, (key, value)) in fields.into_iter().enumerate() {
                text.push_str(if n == 0 { "" } else { "," });
                write_leaf(&Value::String(key.clone()), text);
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (n, item) in items.iter().enumerate() {
                text.push_str(if n == 0 { "" } else { "," });
                write(item, text);
            }
            text.push(']');
        }
        leaf => write_leaf(leaf, text),
    }
}

/// Go's encoder escapes what could end a script in HTML.
fn write_leaf(leaf: &Value, text: &mut String) {
    for letter in leaf.to_string().chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            other => text.push(other),
        }
    }
}

/// Omits what Go omits, at every depth.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for field in map.values_mut() {
                prune(field);
            }
            map.retain(|key, field| !is_omitted(key, field));
            complete(map);
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

fn is_omitted(key: &str, field: &Value) -> bool {
    match field {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty() && OMITTED_WHEN_ZERO.contains(&key),
        Value::String(text) => text.is_empty() && OMITTED_WHEN_ZERO.contains(&key),
        Value::Bool(is_set) => !is_set && OMITTED_WHEN_ZERO.contains(&key),
        Value::Number(number) => number.as_i64() == Some(0) && OMITTED_WHEN_ZERO.contains(&key),
    }
}

/// Adds the embedded structures that Go writes even when they are empty.
fn complete(map: &mut Map<String, Value>) {
    if let Some(Value::Object(reference)) = map.get_mut("resourceFieldRef") {
        reference.entry("divisor").or_insert_with(|| json!("0"));
    }
    if let Some(Value::Object(claim)) = map.get_mut("volumeClaimTemplate") {
        claim.entry("metadata").or_insert_with(|| json!({}));
        if let Some(Value::Object(spec)) = claim.get_mut("spec") {
            spec.entry("resources").or_insert_with(|| json!({}));
        }
    }
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was made an object just now")
}
