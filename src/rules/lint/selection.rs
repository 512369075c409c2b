//! Which pods a service selects, by their labels.
//!
//! A service without a selector selects nothing: somebody else makes its endpoints.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Service;

use crate::machinery::selector::{Labels, Selector};
use crate::objects::service;

/// Whether the service is headless.
pub(super) fn is_headless(object: &Service) -> bool {
    object.spec.as_ref().is_some_and(service::is_headless)
}

/// The service's selector; `None` if it has none or an empty one, which selects nothing.
pub(super) fn selector_of(service: &Service) -> Option<&Labels> {
    service.spec.as_ref()?.selector.as_ref().filter(|selector| !selector.is_empty())
}

pub(super) fn selects(service: &Service, labels: Option<&Labels>) -> bool {
    selector_of(service).is_some_and(|selector| Selector::from_labels(selector).matches(labels))
}

pub(super) fn template_labels(set: &StatefulSet) -> Option<&Labels> {
    set.spec.template.metadata.as_ref()?.labels.as_ref()
}

/// Labels as kubectl prints them: `app=web,tier=db`.
pub(super) fn written(labels: Option<&Labels>) -> String {
    labels.map_or_else(String::new, |labels| Selector::from_labels(labels).to_string())
}
