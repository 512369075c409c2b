//! Label and field selectors of list, watch and deletecollection.

use super::path::{Dialect, Resource};
use super::query::Query;
use crate::api::answer::status::Failure;
use crate::machinery::fields::FieldSelector;
use crate::machinery::selector::Selector;
use crate::objects::{Object, events_api};

/// The selectors of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    labels: Selector,
    fields: FieldSelector,
}

impl Filter {
    /// The selectors of a query.
    pub(crate) fn parse(resource: Resource, query: &Query) -> Result<Self, Failure> {
        let labels = query.get("labelSelector").unwrap_or_default();
        let labels = Selector::parse(labels).map_err(|error| Failure::bad_request(error.to_string()))?;
        let text = query.get("fieldSelector").unwrap_or_default();
        let renamed: &[(&str, &str)] = match resource.dialect {
            Dialect::Native => &[],
            Dialect::EventsV1 => events_api::SELECTABLE,
        };
        let fields = FieldSelector::parse_renamed(text, resource.kind, renamed)
            .map_err(|error| Failure::bad_request(error.to_string()))?;
        Ok(Self { labels, fields })
    }

    /// Whether an object matches.
    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.labels.matches(object.meta().labels.as_ref()) && self.fields.matches(object)
    }

    /// Whether every object matches.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels == Selector::default() && self.fields.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Kind;
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::json;

    fn pod() -> Object {
        let pod = json!({"metadata": {"name": "web-0", "namespace": "default", "labels": {"app": "web"}},
            "spec": {"nodeName": "n", "containers": []}, "status": {"phase": "Running"}});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        Object::at_revision(pod.into(), 1)
    }

    fn check(query: &str, expected: Result<bool, &str>) {
        let filter = Filter::parse(Resource::native(Kind::Pod), &Query::parse(query));
        match (filter, expected) {
            (Ok(filter), Ok(expected)) => assert_eq!(filter.matches(&pod()), expected, "{query}"),
            (Err(failure), Err(expected)) => {
                assert_eq!(failure.code, 400);
                assert!(failure.message.contains(expected), "{query}: {}", failure.message);
            }
            (other, expected) => panic!("{query}: {other:?}, not {expected:?}"),
        }
    }

    #[test]
    fn every_term_must_hold_and_unknown_fields_are_refused() {
        check("", Ok(true));
        check("fieldSelector=metadata.name%3Dweb-0", Ok(true));
        check("fieldSelector=metadata.name%3D%3Dweb-0,status.phase!%3DRunning", Ok(false));
        check("fieldSelector=status.phase!%3DSucceeded,spec.nodeName%3Dn", Ok(true));
        check("fieldSelector=spec.hostNetwork%3Dfalse", Ok(true));
        check("labelSelector=app%3Dweb&fieldSelector=metadata.namespace%3Dother", Ok(false));
        check("fieldSelector=spec.foo%3D1", Err("field label not supported: spec.foo"));
        check("fieldSelector=spec.foo", Err("invalid selector"));
    }
}
