//! One requirement of a selector: a key, and what its value must be.
//!
//! Labels without the key only satisfy `!=`, `notin` and `!` (Kubernetes document "Labels and
//! Selectors").

use std::collections::BTreeMap;

/// Labels or an equality selector.
pub type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Operator {
    Equals(String),
    NotEquals(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
    GreaterThan(i64),
    LessThan(i64),
}

impl Requirement {
    pub(super) fn is_met_by(&self, labels: Option<&Labels>) -> bool {
        let value = labels.and_then(|labels| labels.get(&self.key));
        match (&self.operator, value) {
            (Operator::Equals(wanted), value) => value == Some(wanted),
            (Operator::NotEquals(unwanted), value) => value != Some(unwanted),
            (Operator::GreaterThan(bound), value) => number(value).is_some_and(|number| number > *bound),
            (Operator::LessThan(bound), value) => number(value).is_some_and(|number| number < *bound),
            (Operator::In(values), Some(value)) => values.contains(value),
            (Operator::In(_), None) => false,
            (Operator::NotIn(values), Some(value)) => !values.contains(value),
            (Operator::NotIn(_) | Operator::DoesNotExist, None) => true,
            (Operator::Exists, value) => value.is_some(),
            (Operator::DoesNotExist, Some(_)) => false,
        }
    }
}

fn number(value: Option<&String>) -> Option<i64> {
    value?.parse().ok()
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = &self.key;
        match &self.operator {
            Operator::Equals(value) => write!(f, "{key}={value}"),
            Operator::NotEquals(value) => write!(f, "{key}!={value}"),
            Operator::In(values) => write!(f, "{key} in ({})", values.join(",")),
            Operator::NotIn(values) => write!(f, "{key} notin ({})", values.join(",")),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan(bound) => write!(f, "{key}>{bound}"),
            Operator::LessThan(bound) => write!(f, "{key}<{bound}"),
        }
    }
}
