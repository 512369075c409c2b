//! Mistakes that are valid: objects that the API takes and that do not do what they are meant to.
//!
//! Each rule looks at one object and at what is around it, and says what will happen and how to
//! mend it. A rule that needs an object which the other order of creation would have brought later
//! speaks all the same: the text says what is still missing. Rules are looked up from both sides,
//! so a service is told of a set it does not fit, and the set of the service.

mod governing;
mod pod;
mod service;
mod set;
mod storage;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::machinery::selector::{Labels, Selector};
use crate::objects::Typed;

/// Marks the class that claims without one get.
const DEFAULT_CLASS_ANNOTATION: &str = "storageclass.kubernetes.io/is-default-class";

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The field it is about (`spec.serviceName`).
    pub path: String,
    /// What will happen, and how to mend it.
    pub text: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

/// What there is besides the object that is looked at.
#[derive(Clone, Debug, Default)]
pub struct LintWorld<'a> {
    services: Vec<&'a Service>,
    sets: Vec<&'a StatefulSet>,
    pods: Vec<&'a Pod>,
    /// `None`: classes are not known, and nothing is said of them.
    classes: Option<Vec<&'a StorageClass>>,
}

impl<'a> LintWorld<'a> {
    /// The world that `objects` make. Only services, sets, pods and storage classes matter.
    pub fn of(objects: impl IntoIterator<Item = &'a Typed>) -> Self {
        let mut world = Self { classes: Some(Vec::new()), ..Self::default() };
        for object in objects {
            match object {
                Typed::Service(service) => world.services.push(service),
                Typed::StatefulSet(set) => world.sets.push(set),
                Typed::Pod(pod) => world.pods.push(pod),
                Typed::StorageClass(class) => world.classes.get_or_insert_default().push(class),
                _ => {}
            }
        }
        world
    }

    /// The same world, of whose storage classes nothing is known.
    pub fn without_classes(self) -> Self {
        Self { classes: None, ..self }
    }

    fn service(&self, namespace: &str, name: &str) -> Option<&'a Service> {
        let mut services = self.services.iter().copied();
        services.find(|service| is_named(&service.metadata, namespace, name))
    }

    fn sets_in(&self, namespace: &str) -> impl Iterator<Item = &'a StatefulSet> {
        self.sets.iter().copied().filter(move |set| namespace_of(&set.metadata) == namespace)
    }

    fn services_in(&self, namespace: &str) -> impl Iterator<Item = &'a Service> {
        self.services.iter().copied().filter(move |service| namespace_of(&service.metadata) == namespace)
    }
}

/// What is likely to be wrong with an object that is valid and defaulted.
pub fn lint(typed: &Typed, around: &LintWorld<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    match typed {
        Typed::StatefulSet(object) => {
            set::check(object, &mut warnings);
            storage::check_templates(object, around, &mut warnings);
            governing::check_set(object, around, &mut warnings);
            service::check_ports_of_set(object, around, &mut warnings);
        }
        Typed::Service(object) => {
            service::check(object, around, &mut warnings);
            governing::check_service(object, around, &mut warnings);
        }
        Typed::Pod(object) => pod::check(object, around, &mut warnings),
        Typed::PersistentVolumeClaim(claim) => storage::check_claim(claim, around, &mut warnings),
        _ => {}
    }
    warnings
}

fn warn(warnings: &mut Vec<Warning>, path: &str, text: String) {
    warnings.push(Warning { path: path.to_owned(), text });
}

fn name_of(meta: &ObjectMeta) -> &str {
    meta.name.as_deref().unwrap_or_default()
}

fn namespace_of(meta: &ObjectMeta) -> &str {
    meta.namespace.as_deref().unwrap_or_default()
}

fn is_named(meta: &ObjectMeta, namespace: &str, name: &str) -> bool {
    name_of(meta) == name && namespace_of(meta) == namespace
}

fn is_headless(service: &Service) -> bool {
    service.spec.as_ref().is_some_and(|spec| spec.cluster_ip.as_deref() == Some("None"))
}

/// The service's selector, unless it has none and selects nothing.
fn selector_of(service: &Service) -> Option<&Labels> {
    service.spec.as_ref()?.selector.as_ref().filter(|selector| !selector.is_empty())
}

fn selects(service: &Service, labels: Option<&Labels>) -> bool {
    selector_of(service).is_some_and(|selector| Selector::from_labels(selector).matches(labels))
}

fn template_labels(set: &StatefulSet) -> Option<&Labels> {
    set.spec.template.metadata.as_ref()?.labels.as_ref()
}

/// Labels as manifests of other tools write them: `app=web,tier=db`.
fn written(labels: Option<&Labels>) -> String {
    labels.map_or_else(String::new, |labels| Selector::from_labels(labels).to_string())
}

#[cfg(test)]
mod tests;
