//! Label selectors: equality maps, `LabelSelector` with expressions, and the text form of queries.
//!
//! The rules are those of the Kubernetes document "Labels and Selectors"; a selector is parsed
//! once and then only asked whether labels match.

mod node_term;
mod requirement;
mod text;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

pub use node_term::NodeTerm;
pub use requirement::Labels;
use requirement::{Operator, Requirement};

/// A parsed selector. The default matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector(Vec<Requirement>);

/// Why a selector cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// The operator is unknown.
    #[error("\"{0}\" is not a valid label selector operator")]
    UnknownOperator(String),
    /// The text of a query is not a selector.
    #[error("{0}")]
    Unreadable(String),
}

impl Selector {
    /// The selector that requires each of `labels`.
    pub fn from_labels(labels: &Labels) -> Self {
        let requirement = |(key, value): (&String, &String)| Requirement {
            key: key.clone(),
            operator: Operator::Equals(value.clone()),
        };
        Self(labels.iter().map(requirement).collect())
    }

    /// The selector that `selector` describes: all its labels and all its expressions.
    pub fn from_label_selector(selector: &LabelSelector) -> Result<Self, SelectorError> {
        let mut parsed = Self::from_labels(selector.match_labels.as_ref().unwrap_or(&BTreeMap::new()));
        for expression in selector.match_expressions.iter().flatten() {
            let values = expression.values.clone().unwrap_or_default();
            let operator = match expression.operator.as_str() {
                "In" => Operator::In(values),
                "NotIn" => Operator::NotIn(values),
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(SelectorError::UnknownOperator(other.to_owned())),
            };
            parsed.0.push(Requirement { key: expression.key.clone(), operator });
        }
        Ok(parsed)
    }

    /// This selector, which also requires the label.
    #[must_use]
    pub fn and_label(mut self, key: &str, value: &str) -> Self {
        let operator = Operator::In(vec![value.to_owned()]);
        self.0.push(Requirement { key: key.to_owned(), operator });
        self
    }

    /// This selector, which also refuses the label.
    #[must_use]
    pub fn and_not_label(mut self, key: &str, value: &str) -> Self {
        let operator = Operator::NotIn(vec![value.to_owned()]);
        self.0.push(Requirement { key: key.to_owned(), operator });
        self
    }

    /// What both selectors require.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Parses the text form: `a=b,c!=d,e in (x,y),f notin (z),g,!h`. The empty text
    /// matches everything.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        text::parse(text).map(Self).map_err(SelectorError::Unreadable)
    }

    /// Whether there is no requirement, so that everything matches.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `labels` satisfy every requirement. Absent labels are an empty map.
    pub fn matches(&self, labels: Option<&Labels>) -> bool {
        self.0.iter().all(|requirement| requirement.is_met_by(labels))
    }
}

impl std::fmt::Display for Selector {
    /// The text form; parsing it gives the same selector.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, requirement) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn check(key: &str, operator: &str, values: &[&str], expected: [bool; 3]) {
        let selector = LabelSelector {
            match_labels: None,
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: key.to_owned(),
                operator: operator.to_owned(),
                values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
            }]),
        };
        let selector = Selector::from_label_selector(&selector).unwrap();
        let sets = [labels(&[("app", "web")]), labels(&[("app", "db")]), labels(&[])];
        assert_eq!(sets.map(|labels| selector.matches(Some(&labels))), expected, "{operator}");
    }

    #[test]
    fn operators_follow_the_kubernetes_document() {
        check("app", "In", &["web"], [true, false, false]);
        check("app", "NotIn", &["web"], [false, true, true]);
        check("app", "Exists", &[], [true, true, false]);
        check("app", "DoesNotExist", &[], [false, false, true]);
    }

    #[test]
    fn an_unknown_operator_is_an_error() {
        let selector = LabelSelector {
            match_labels: None,
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: "app".into(),
                operator: "Like".into(),
                values: None,
            }]),
        };
        let error = Selector::from_label_selector(&selector).unwrap_err();
        assert_eq!(error, SelectorError::UnknownOperator("Like".into()));
    }
}
