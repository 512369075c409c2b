//! Equality as the API server means it when it checks whether something has changed.
//!
//! An absent list or map equals an empty one, and quantities are compared by value (apimachinery's
//! `equality.Semantic`). Objects are compared as JSON, without their empty parts. Defaulting has
//! already unset the flags for which Kubernetes does not distinguish false from absent.

use serde::Serialize;
use serde_json::Value;

use crate::objects::quantity::Amount;

/// Fields in which an empty object has another meaning than an absent one.
const MEANINGFUL_WHEN_EMPTY: &[&str] =
    &["emptyDir", "labelSelector", "namespaceSelector", "preference", "rollingUpdate", "securityContext"];

/// Fields whose maps hold quantities.
const QUANTITIES: &[&str] = &["capacity", "limits", "requests", "overhead"];

/// Whether `a` and `b` mean the same.
pub fn equal<T: Serialize + PartialEq>(a: &T, b: &T) -> bool {
    a == b || meaning(a) == meaning(b)
}

/// Whether the lists mean the same, item by item: only items that differ are compared by meaning, up
/// to the first that has another one.
pub fn equal_lists<T: Serialize + PartialEq>(a: Option<&[T]>, b: Option<&[T]>) -> bool {
    let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
}

fn meaning(form: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(form).expect("the types of the table serialize to JSON");
    prune(&mut value);
    value
}

/// Removes what is empty, innermost first.
fn prune(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if QUANTITIES.contains(&name.as_str()) {
                    weigh(field);
                }
                prune(field);
            }
            fields.retain(|name, field| !is_empty(field) || MEANINGFUL_WHEN_EMPTY.contains(&name.as_str()));
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn weigh(quantities: &mut Value) {
    for quantity in quantities.as_object_mut().into_iter().flatten().map(|(_, quantity)| quantity) {
        if let Some(amount) = quantity.as_str().and_then(|text| Amount::parse(text).ok()) {
            *quantity = Value::from(format!("{amount:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empty_equals_absent_and_quantities_are_weighed() {
        let cases = [
            (json!({"a": []}), json!({}), true),
            (json!({"a": {"b": {}}}), json!({}), true),
            (json!({"hostUsers": false}), json!({}), false),
            (json!({"a": ""}), json!({}), false),
            (json!({"replicas": 0}), json!({}), false),
            (json!({"emptyDir": {}}), json!({}), false),
            (json!({"requests": {"storage": "1024Mi"}}), json!({"requests": {"storage": "1Gi"}}), true),
            (json!({"requests": {"storage": "1Gi"}}), json!({"requests": {"storage": "1G"}}), false),
            (json!({"command": ["a"]}), json!({"command": ["a", "b"]}), false),
        ];
        for (a, b, expected) in cases {
            assert_eq!(equal(&a, &b), expected, "{a} {b}");
            assert_eq!(equal_lists(Some(&[a.clone(), a.clone()]), Some(&[a, b])), expected);
        }
        assert!(equal_lists::<Value>(None, Some(&[])));
        assert!(!equal_lists(None, Some(&[json!({})])));
    }
}
