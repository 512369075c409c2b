//! The values of an applied object that its types do not allow.
//!
//! The messages are those of Kubernetes' structured-merge-diff (`typed/validate.go`), which shows
//! wrong values as Go prints them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::field_set::{Step, path_text};
use super::structure::{MaybeShape, field_shape, named_items};
use crate::machinery::merge_keys::{Form, Scalar, Shape};

/// The most faults that are reported.
const FAULTS_MAX: usize = 64;
/// The most octets of all faults together: paths and values are as long as a client makes them.
const TEXT_OCTETS_MAX: usize = 64 * 1024;

/// The faults of an object, each with its path, within the bounds; null fits everywhere.
pub(super) fn faults(value: &Value, shape: Shape) -> Vec<String> {
    let mut search = Search::default();
    search.visit(value, Some(shape));
    search.faults
}

#[derive(Default)]
struct Search {
    at: Vec<Step>,
    faults: Vec<String>,
    n_octets: usize,
}

impl Search {
    fn visit(&mut self, value: &Value, shape: MaybeShape) {
        let Some(known) = shape.filter(|_| !self.is_full()) else { return };
        match (known.form(), value) {
            (_, Value::Null) => {}
            (Form::Struct | Form::Map, Value::Object(fields)) => {
                for (name, value) in fields {
                    self.at.push(Step::Field(name.clone()));
                    if known.form() == Form::Struct && known.field(name).is_none() {
                        self.add("field not declared in schema");
                    }
                    self.visit(value, field_shape(shape, name));
                    self.at.pop();
                }
            }
            (Form::List, Value::Array(items)) => self.visit_list(items, known),
            (Form::Struct | Form::Map, value) => {
                self.add(&format!("expected map, got &{{{}}}", as_go_prints(value)));
            }
            (Form::List, value) => self.add(&format!("expected list, got &{{{}}}", as_go_prints(value))),
            (Form::Scalar, value) => {
                if let Some(told) = known.scalar().and_then(|wanted| wrong_scalar(value, wanted)) {
                    self.add(&told);
                }
            }
        }
    }

    fn visit_list(&mut self, items: &[Value], known: Shape) {
        match named_items(items, known.strategy()) {
            Ok(items) => self.visit_items(&items, known.item()),
            Err(Some(key)) => self.add(&format!(
                "associative list with keys has an element that omits key field {key:?} (and doesn't have default value)"
            )),
            Err(None) => {
                let items: Vec<_> = items.iter().enumerate().map(|(i, item)| (Step::Index(i), item)).collect();
                self.visit_items(&items, known.item());
            }
        }
    }

    fn visit_items(&mut self, items: &[(Step, &Value)], shape: MaybeShape) {
        let mut seen = BTreeSet::new();
        for (step, item) in items {
            if !seen.insert(step) {
                self.add(&format!("duplicate entries for key {step}"));
            }
            self.at.push(step.clone());
            self.visit(item, shape);
            self.at.pop();
        }
    }

    fn add(&mut self, fault: &str) {
        if self.is_full() {
            return;
        }
        let fault = format!("{}: {fault}", path_text(&self.at));
        self.n_octets += fault.len();
        self.faults.push(fault);
    }

    fn is_full(&self) -> bool {
        self.faults.len() >= FAULTS_MAX || self.n_octets >= TEXT_OCTETS_MAX
    }
}

fn wrong_scalar(value: &Value, wanted: Scalar) -> Option<String> {
    match (wanted, value) {
        (Scalar::Numeric, Value::Number(_))
        | (Scalar::Text, Value::String(_))
        | (Scalar::Boolean, Value::Bool(_)) => None,
        (Scalar::Numeric, value) => Some(format!("expected numeric (int or float), got {}", go_type(value))),
        (Scalar::Text, value) => {
            let value = as_go_writes(value);
            Some(format!("expected string, got &value.valueUnstructured{{Value:{value}}}"))
        }
        (Scalar::Boolean, value) => Some(format!("expected boolean, got &{{{}}}", as_go_prints(value))),
    }
}

/// `%T` of a decoded value.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// `%v` of a decoded value.
fn as_go_prints(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(as_go_prints).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name}:{}", as_go_prints(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// `%#v` of a decoded value.
fn as_go_writes(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(as_go_writes).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name:?}:{}", as_go_writes(value))).collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        Value::String(_) | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Kind;
    use serde_json::json;

    #[test]
    fn values_of_the_wrong_type_are_told_as_kubernetes_tells_them() {
        let cases = [
            (json!({"replicas": "3"}), ".spec.replicas: expected numeric (int or float), got string"),
            (
                json!({"serviceName": 5}),
                ".spec.serviceName: expected string, got &value.valueUnstructured{Value:5}",
            ),
            (
                json!({"serviceName": {"a": ["b", true]}}),
                ".spec.serviceName: expected string, got &value.valueUnstructured{Value:\
                 map[string]interface {}{\"a\":[]interface {}{\"b\", true}}}",
            ),
            (json!({"template": [1, "a"]}), ".spec.template: expected map, got &{[1 a]}"),
            (
                json!({"template": {"spec": {"containers": {"name": "c", "image": "i"}}}}),
                ".spec.template.spec.containers: expected list, got &{map[image:i name:c]}",
            ),
            (
                json!({"template": {"spec": {"hostNetwork": "yes"}}}),
                ".spec.template.spec.hostNetwork: expected boolean, got &{yes}",
            ),
        ];
        for (spec, expected) in cases {
            assert_eq!(faults(&json!({"spec": spec}), Shape::of(Kind::StatefulSet)), [expected]);
        }
    }

    #[test]
    fn a_client_does_not_decide_how_much_is_told() {
        let unknown = (0..10_000).map(|number| (format!("a{number}"), json!(0)));
        let many: serde_json::Map<_, _> = unknown.clone().collect();
        let pod = |container: Value| json!({"spec": {"containers": [container]}});
        let found = faults(&pod(Value::Object(many)), Shape::of(Kind::Pod));
        assert!(!found.is_empty() && found.len() <= FAULTS_MAX, "{}", found.len());
        let long: serde_json::Map<_, _> =
            unknown.chain([("name".to_owned(), json!("x".repeat(100_000)))]).collect();
        let found = faults(&pod(Value::Object(long)), Shape::of(Kind::Pod));
        assert_eq!(found.len(), 1, "each is longer than all may be");
    }

    #[test]
    fn what_may_be_a_number_or_a_text_is_either() {
        let container = |limit: Value, port: Value| {
            json!({"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": limit}},
                "livenessProbe": {"httpGet": {"port": port}}}]}})
        };
        for pod in
            [container(json!(1), json!("http")), container(json!("1"), json!(80)), json!({"spec": null})]
        {
            assert_eq!(faults(&pod, Shape::of(Kind::Pod)), Vec::<String>::new());
        }
    }
}
