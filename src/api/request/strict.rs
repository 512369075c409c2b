//! Fields that no kind has.
//!
//! What a client sends is decoded into its type and encoded again; what did not come back was not
//! understood. Empty lists and maps may be left out by the encoding and are no mistake.

use serde_json::Value;

/// How many unknown fields are named.
const NAMED_MAX: usize = 64;

/// The paths of the fields of `sent` that `understood` has not, in the order of the document.
pub(crate) fn unknown_fields(sent: &Value, understood: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    walk(sent, understood, "", &mut unknown);
    unknown
}

fn walk(sent: &Value, understood: &Value, path: &str, unknown: &mut Vec<String>) {
    match (sent, understood) {
        (Value::Object(sent), Value::Object(understood)) => {
            for (name, value) in sent {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match understood.get(name) {
                    Some(understood) => walk(value, understood, &path, unknown),
                    None if is_nothing(value) => {}
                    None if unknown.len() < NAMED_MAX => unknown.push(path),
                    None => {}
                }
            }
        }
        (Value::Array(sent), Value::Array(understood)) => {
            for (index, (sent, understood)) in sent.iter().zip(understood).enumerate() {
                walk(sent, understood, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::{Kind, Typed};
    use serde_json::json;

    fn check(spec: Value, expected: &[&str]) {
        let sent =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {}}, "spec": spec});
        let typed = Typed::from_value(Kind::Pod, sent.clone()).unwrap();
        let understood = serde_json::from_slice(&typed.to_json().unwrap()).unwrap();
        assert_eq!(unknown_fields(&sent, &understood), expected);
    }

    #[test]
    fn only_what_the_type_has_not_is_unknown() {
        check(json!({"containers": []}), &[]);
        check(json!({"containers": [], "nodeNamee": "n"}), &["spec.nodeNamee"]);
        check(
            json!({"containers": [{"name": "c", "imagee": "i", "ports": [{"containerPort": 80, "x": {"y": 1}}]}]}),
            &["spec.containers[0].imagee", "spec.containers[0].ports[0].x"],
        );
        check(
            json!({"containers": [{"name": "c", "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}],
                "volumes": null, "nodeSelector": {}}),
            &[],
        );
    }
}
