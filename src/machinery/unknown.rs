//! Fields of a document that the schema of its kind does not have.
//!
//! A field is unknown whatever its value. Values of the wrong type are not searched: decoding reports
//! them.

use serde_json::Value;

use super::schema::{self, Type};
use crate::objects::Kind;

/// The most unknown fields that are reported.
const NAMED_MAX: usize = 64;

/// The paths of the fields of `document` that objects of `kind` do not have, in the order of the
/// document: `spec.containers[0].imagee`.
pub fn unknown_fields(kind: Kind, document: &Value) -> Vec<String> {
    against(schema::of(kind), document)
}

/// The same for a type that is no kind of the store, by the name of its definition
/// (`io.k8s.api.events.v1.Event`).
pub fn unknown_fields_of(definition: &str, document: &Value) -> Vec<String> {
    schema::definition(definition).map(|schema| against(schema, document)).unwrap_or_default()
}

fn against(schema: &Value, document: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    walk(document, &Type::of(schema), "", &mut unknown);
    unknown
}

fn walk(value: &Value, wanted: &Type<'_>, path: &str, unknown: &mut Vec<String>) {
    match (value, wanted) {
        (Value::Object(entries), Type::Fields(fields)) => {
            for (name, value) in entries {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match fields.get(name) {
                    Some(schema) => walk(value, &Type::of(schema), &path, unknown),
                    None if unknown.len() < NAMED_MAX => unknown.push(path),
                    None => {}
                }
            }
        }
        (Value::Object(entries), Type::MapOf(of)) => {
            for (key, value) in entries {
                walk(value, &Type::of(of), &format!("{path}.{key}"), unknown);
            }
        }
        (Value::Array(items), Type::ListOf(of)) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &Type::of(of), &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(spec: Value, expected: &[&str]) {
        let document =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {}}, "spec": spec});
        assert_eq!(unknown_fields(Kind::Pod, &document), expected);
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
                "volumes": null, "nodeSelector": {"disk": "fast"}}),
            &[],
        );
    }

    #[test]
    fn an_unknown_field_is_told_however_empty_it_is() {
        check(
            json!({"containers": [], "a": null, "b": [], "c": {}, "d": ""}),
            &["spec.a", "spec.b", "spec.c", "spec.d"],
        );
    }

    #[test]
    fn types_beside_the_kinds_have_their_own_fields() {
        let event = json!({"regarding": {"kind": "Pod"}, "involvedObject": {}, "note": "n"});
        assert_eq!(unknown_fields_of("io.k8s.api.events.v1.Event", &event), ["involvedObject"]);
    }
}
