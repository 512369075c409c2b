//! Label selectors: equality maps, `LabelSelector` with expressions, and texts of queries.
//!
//! The rules are those of the Kubernetes document "Labels and Selectors"; a selector is parsed
//! once and then only asked whether labels match.

mod text;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// Labels or an equality selector.
pub type Labels = BTreeMap<String, String>;

/// A parsed selector. The default matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    Equals(String),
    NotEquals(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
    GreaterThan(i64),
    LessThan(i64),
}

/// Why a selector cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// The operator is none of the four.
    #[error("\"{0}\" is not a valid label selector operator")]
    UnknownOperator(String),
    /// The text of a query is no selector.
    #[error("{0}")]
    Unreadable(String),
}

impl Selector {
    /// The selector that wants each of `labels`.
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

    /// The selector that a query writes: `a=b,c!=d,e in (x,y),f notin (z),g,!h`. The empty text
    /// matches everything.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        text::parse(text)
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

impl Requirement {
    fn is_met_by(&self, labels: Option<&Labels>) -> bool {
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

impl std::fmt::Display for Selector {
    /// As queries write it; reading it again gives the same selector.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, requirement) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
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
        let worlds = [labels(&[("app", "web")]), labels(&[("app", "db")]), labels(&[])];
        assert_eq!(worlds.map(|world| selector.matches(Some(&world))), expected, "{operator}");
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
