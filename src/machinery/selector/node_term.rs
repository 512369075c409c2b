//! One term of a node selector: what a node's labels and its name must be.
//!
//! Parsed once, then asked of many nodes. A term that is empty or invalid selects no node, as in
//! Kubernetes' `component-helpers/scheduling/corev1/nodeaffinity`.

use k8s_openapi::api::core::v1::{NodeSelectorRequirement, NodeSelectorTerm};

use super::requirement::{Labels, Operator, Requirement};

/// The only field of a node that a term can select by.
const NAME_FIELD: &str = "metadata.name";

/// A parsed term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTerm {
    labels: Vec<Requirement>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    key: String,
    is_wanted: bool,
    value: String,
}

impl NodeTerm {
    /// The parsed form; `None` if the term selects no node at all.
    pub fn parse(term: &NodeSelectorTerm) -> Option<Self> {
        let expressions = term.match_expressions.as_deref().unwrap_or_default();
        let fields = term.match_fields.as_deref().unwrap_or_default();
        if expressions.is_empty() && fields.is_empty() {
            return None;
        }
        let requirement = |wanted: &NodeSelectorRequirement| {
            Some(Requirement { key: wanted.key.clone(), operator: operator(wanted)? })
        };
        Some(Self {
            labels: expressions.iter().map(requirement).collect::<Option<_>>()?,
            fields: fields.iter().map(field).collect::<Option<_>>()?,
        })
    }

    /// Whether it selects the node of this name and these labels.
    pub fn matches(&self, name: &str, labels: Option<&Labels>) -> bool {
        let is_met = |field: &Field| {
            let value = if field.key == NAME_FIELD { name } else { "" };
            (value == field.value) == field.is_wanted
        };
        self.labels.iter().all(|one| one.is_met_by(labels)) && self.fields.iter().all(is_met)
    }

    /// The names that a node must have, all of them; none if the term does not restrict names.
    pub fn names(&self) -> Vec<&str> {
        let wanted = self.fields.iter().filter(|field| field.is_wanted && field.key == NAME_FIELD);
        wanted.map(|field| field.value.as_str()).collect()
    }
}

/// The operator, if it has as many values as it needs.
fn operator(wanted: &NodeSelectorRequirement) -> Option<Operator> {
    let values = wanted.values.clone().unwrap_or_default();
    Some(match (wanted.operator.as_str(), values.as_slice()) {
        ("In", [_, ..]) => Operator::In(values),
        ("NotIn", [_, ..]) => Operator::NotIn(values),
        ("Exists", []) => Operator::Exists,
        ("DoesNotExist", []) => Operator::DoesNotExist,
        ("Gt", [bound]) => Operator::GreaterThan(bound.parse().ok()?),
        ("Lt", [bound]) => Operator::LessThan(bound.parse().ok()?),
        _ => return None,
    })
}

fn field(wanted: &NodeSelectorRequirement) -> Option<Field> {
    let is_wanted = match wanted.operator.as_str() {
        "In" => true,
        "NotIn" => false,
        _ => return None,
    };
    match wanted.values.as_deref() {
        Some([value]) => Some(Field { key: wanted.key.clone(), is_wanted, value: value.clone() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(key: &str, operator: &str, values: &[&str]) -> NodeSelectorRequirement {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        NodeSelectorRequirement { key: key.into(), operator: operator.into(), values: Some(values) }
    }

    fn selects(labels: Vec<NodeSelectorRequirement>, fields: Vec<NodeSelectorRequirement>) -> bool {
        let term = NodeSelectorTerm { match_expressions: Some(labels), match_fields: Some(fields) };
        let node = [("zone", "a"), ("cpus", "8")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        NodeTerm::parse(&term).is_some_and(|term| term.matches("node-1", Some(&node.into())))
    }

    #[test]
    fn labels_are_selected_by_every_operator() {
        let cases = [
            (requirement("zone", "In", &["a", "b"]), true),
            (requirement("zone", "In", &["b"]), false),
            (requirement("zone", "In", &[]), false),
            (requirement("zone", "NotIn", &["b"]), true),
            (requirement("rack", "NotIn", &["b"]), true),
            (requirement("zone", "Exists", &[]), true),
            (requirement("zone", "Exists", &["a"]), false),
            (requirement("zone", "DoesNotExist", &[]), false),
            (requirement("cpus", "Gt", &["7"]), true),
            (requirement("cpus", "Gt", &["8"]), false),
            (requirement("cpus", "Lt", &["9"]), true),
            (requirement("cpus", "Lt", &["many"]), false),
            (requirement("zone", "Gt", &["1"]), false),
            (requirement("zone", "Like", &["a"]), false),
        ];
        for (wanted, expected) in cases {
            assert_eq!(selects(vec![wanted.clone()], vec![]), expected, "{wanted:?}");
        }
    }

    #[test]
    fn names_are_selected_by_a_field_and_an_empty_term_selects_nothing() {
        let name = |operator: &str, values: &[&str]| requirement("metadata.name", operator, values);
        let cases = [
            (vec![], false),
            (vec![name("In", &["node-1"])], true),
            (vec![name("In", &["node-2"])], false),
            (vec![name("NotIn", &["node-2"])], true),
            (vec![name("In", &["node-1", "node-2"])], false),
            (vec![name("Exists", &[])], false),
            (vec![requirement("spec.podCIDR", "In", &["node-1"])], false),
        ];
        for (fields, expected) in cases {
            assert_eq!(selects(vec![], fields.clone()), expected, "{fields:?}");
        }
        let both = vec![requirement("zone", "In", &["b"])];
        assert!(!selects(both, vec![name("In", &["node-1"])]), "all of a term must hold");
    }
}
