//! Which pods a term of pod affinity or a spread constraint means.
//!
//! A [`Term`] is parsed once per pod. It names its namespaces by name or by label; [`Selection`] is
//! the same with the names of the namespaces that exist now, and can be counted. `matchLabelKeys` and
//! `mismatchLabelKeys` become requirements of the selector, as the API server writes them into it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::PodAffinityTerm;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use crate::machinery::selector::{Labels, Selector};
use crate::objects::Object;

/// The labels of each namespace.
pub(in super::super) type Namespaces = BTreeMap<String, Labels>;

/// A term of pod affinity or anti-affinity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Term {
    namespaces: BTreeSet<String>,
    /// `None` selects no namespace.
    namespace_selector: Option<Selector>,
    /// `None` selects no pod.
    selector: Option<Selector>,
    /// The node label whose values are the topology domains.
    pub(in super::super) topology_key: String,
}

impl Term {
    /// The term of a pod with this metadata.
    pub(in super::super) fn parse(term: &PodAffinityTerm, pod: &ObjectMeta) -> Self {
        let mut namespaces: BTreeSet<String> = term.namespaces.iter().flatten().cloned().collect();
        if namespaces.is_empty() && term.namespace_selector.is_none() {
            namespaces.extend(pod.namespace.clone());
        }
        let mut selector = parse(term.label_selector.as_ref());
        for (keys, is_wanted) in [(&term.match_label_keys, true), (&term.mismatch_label_keys, false)] {
            for key in keys.iter().flatten() {
                let value = pod.labels.as_ref().and_then(|labels| labels.get(key));
                selector = match (selector, value) {
                    (Some(selector), Some(value)) if is_wanted => Some(selector.and_label(key, value)),
                    (Some(selector), Some(value)) => Some(selector.and_not_label(key, value)),
                    (selector, _) => selector,
                };
            }
        }
        let namespace_selector = parse(term.namespace_selector.as_ref());
        Self { namespaces, namespace_selector, selector, topology_key: term.topology_key.clone() }
    }

    /// Whether it means the pod, whose namespace has these labels.
    pub(in super::super) fn matches(&self, pod: &Object, namespace_labels: Option<&Labels>) -> bool {
        let is_in_namespace = self.namespaces.contains(pod.namespace())
            || self.namespace_selector.as_ref().is_some_and(|selector| selector.matches(namespace_labels));
        is_in_namespace && self.selector.as_ref().is_some_and(|one| one.matches(pod.meta().labels.as_ref()))
    }

    /// The pods that it means, given the namespaces that exist.
    pub(in super::super) fn selection(&self, present: &Namespaces) -> Selection {
        let namespaces = match &self.namespace_selector {
            Some(selector) if selector.is_empty() => None,
            Some(selector) => {
                let selected = present.iter().filter(|(_, labels)| selector.matches(Some(labels)));
                Some(self.namespaces.iter().cloned().chain(selected.map(|(name, _)| name.clone())).collect())
            }
            None => Some(self.namespaces.clone()),
        };
        Selection { namespaces, selector: self.selector.clone() }
    }
}

/// Pods of some namespaces, by their labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) struct Selection {
    /// `None` is every namespace.
    namespaces: Option<BTreeSet<String>>,
    /// `None` selects no pod.
    selector: Option<Selector>,
}

impl Selection {
    /// The pods of one namespace.
    pub(in super::super) fn within(namespace: &str, selector: Option<Selector>) -> Self {
        Self { namespaces: Some(BTreeSet::from([namespace.to_owned()])), selector }
    }

    /// Whether it is asked for pods of any labels.
    pub(in super::super) fn is_of_all_labels(&self) -> bool {
        self.selector.as_ref().is_some_and(Selector::is_empty)
    }

    /// Whether the pod is one of them.
    pub(in super::super) fn has(&self, pod: &Object) -> bool {
        self.namespaces.as_ref().is_none_or(|names| names.contains(pod.namespace()))
            && self.selector.as_ref().is_some_and(|one| one.matches(pod.meta().labels.as_ref()))
    }
}

/// An absent selector and an invalid one select nothing.
pub(in super::super) fn parse(selector: Option<&LabelSelector>) -> Option<Selector> {
    selector.and_then(|selector| Selector::from_label_selector(selector).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Pod;

    fn pod(namespace: &str, labels: &str) -> Object {
        let text = format!("{{metadata: {{name: p, namespace: {namespace}, labels: {labels}}}}}");
        Object::unversioned(serde_yaml::from_str::<Pod>(&text).unwrap().into())
    }

    #[track_caller]
    fn check(term: &str, other: (&str, &str), expected: bool) {
        let own = pod("one", "{app: web, rev: a}");
        let term = Term::parse(&serde_yaml::from_str(term).unwrap(), own.meta());
        let labels = |team: &str| Labels::from([("team".to_owned(), team.to_owned())]);
        let namespaces = Namespaces::from([("one".into(), labels("x")), ("two".into(), labels("y"))]);
        let other = pod(other.0, other.1);
        let found = term.selection(&namespaces).has(&other);
        assert_eq!(found, expected, "{term:?} and {other:?}");
        assert_eq!(term.matches(&other, namespaces.get(other.namespace())), found, "both ways agree");
    }

    #[test]
    fn a_term_means_pods_of_its_own_namespace_unless_it_names_others() {
        let web = "labelSelector: {matchLabels: {app: web}}, topologyKey: zone";
        check(&format!("{{{web}}}"), ("one", "{app: web}"), true);
        check(&format!("{{{web}}}"), ("one", "{app: db}"), false);
        check(&format!("{{{web}}}"), ("two", "{app: web}"), false);
        check(&format!("{{{web}, namespaces: [two]}}"), ("two", "{app: web}"), true);
        check(&format!("{{{web}, namespaces: [two]}}"), ("one", "{app: web}"), false);
        check(&format!("{{{web}, namespaceSelector: {{}}}}"), ("two", "{app: web}"), true);
        let by_label = format!("{{{web}, namespaceSelector: {{matchLabels: {{team: y}}}}}}");
        check(&by_label, ("two", "{app: web}"), true);
        check(&by_label, ("one", "{app: web}"), false);
        let both = format!("{{{web}, namespaces: [one], namespaceSelector: {{matchLabels: {{team: y}}}}}}");
        check(&both, ("one", "{app: web}"), true);
        check("{topologyKey: zone}", ("one", "{app: web}"), false);
        check("{topologyKey: zone, labelSelector: {}}", ("one", "{}"), true);
    }

    #[test]
    fn keys_of_labels_compare_with_the_own_pod() {
        let with = |keys: &str| format!("{{labelSelector: {{}}, topologyKey: zone, {keys}}}");
        check(&with("matchLabelKeys: [rev]"), ("one", "{rev: a}"), true);
        check(&with("matchLabelKeys: [rev]"), ("one", "{rev: b}"), false);
        check(&with("matchLabelKeys: [absent]"), ("one", "{rev: b}"), true);
        check(&with("mismatchLabelKeys: [rev]"), ("one", "{rev: a}"), false);
        check(&with("mismatchLabelKeys: [rev]"), ("one", "{rev: b}"), true);
    }
}
