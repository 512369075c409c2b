//! A landscape seen through a budget, so that one negative answer has a bounded cost.
//!
//! Every object looked at and every name compared takes one of [`LOOKS_MAX`] looks. Walks and hints end
//! when only [`KEPT`] looks are left, which are for single objects looked up by name, of which a question
//! needs a handful. A walk that ended early [has spent](View::is_spent) the budget: an object that it did
//! not find may exist.

use std::cell::Cell;

use hickory_proto::rr::Name;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::landscape::Landscape;
use super::said::Said;
use crate::machinery::selector::Selector;
use crate::names::options::{PodNames, ZoneOptions};
use crate::objects::{Kind, KubeObject, Object, ObjectKey};

/// How many objects one explanation looks at, compared names included.
pub const LOOKS_MAX: usize = 64;
/// How many looks walks leave for single objects.
const KEPT: usize = 8;
/// A slice takes one more look for each of so many endpoints, as many as Kubernetes puts into a slice.
const ENDPOINTS_PER_LOOK: usize = 100;
/// How similar a name must be to be suggested (Jaro-Winkler, 0 to 1).
const ALIKE_MIN: f64 = 0.8;

/// A landscape, and how much of it may still be looked at.
pub(super) struct View<'v> {
    landscape: &'v Landscape,
    n_left: Cell<usize>,
    is_spent: Cell<bool>,
    lacks_slices: Cell<bool>,
}

impl<'v> View<'v> {
    pub(super) fn new(landscape: &'v Landscape) -> Self {
        Self {
            landscape,
            n_left: Cell::new(LOOKS_MAX),
            is_spent: Cell::new(false),
            lacks_slices: Cell::new(false),
        }
    }

    /// How many looks were taken.
    #[cfg(test)]
    pub(super) fn n_looks(&self) -> usize {
        LOOKS_MAX - self.n_left.get()
    }

    /// Whether something was not looked at because the budget was spent.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent.get()
    }

    /// Whether that was a slice.
    pub(super) fn lacks_slices(&self) -> bool {
        self.lacks_slices.get()
    }

    pub(super) fn options(&self) -> &'v ZoneOptions {
        self.landscape.options()
    }

    pub(super) fn domain(&self) -> String {
        self.landscape.domain()
    }

    /// The labels of `name` below the cluster's zone, lower-cased; `None` outside of it.
    pub(super) fn labels_below(&self, name: &Name) -> Option<Vec<String>> {
        self.landscape.labels_below(name)
    }

    pub(super) fn exposes(&self, namespace: &str) -> bool {
        let exposed = &self.options().namespaces;
        exposed.is_empty() || exposed.iter().any(|name| name == namespace)
    }

    pub(super) fn has_namespace(&self, name: &str) -> bool {
        let has_pods = self.options().pods == PodNames::Verified;
        let kinds = [Some(Kind::Service), Some(Kind::Pod).filter(|_| has_pods)];
        let is_implied = || {
            self.options().implied_namespaces
                && kinds.iter().flatten().any(|kind| self.walk(*kind, name).next().is_some())
        };
        self.get(Kind::Namespace, "", name).is_some() || is_implied()
    }

    /// The published namespaces that have an object. The caller takes the looks.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &'v str> {
        self.names(Kind::Namespace, "").filter(|name| self.exposes(name))
    }

    /// The names of the objects of a kind in a namespace. The caller takes the looks.
    pub(super) fn names(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &'v str> {
        self.landscape.range(kind, namespace).map(Object::name)
    }

    /// Another published namespace that has a service of this name.
    pub(super) fn namespace_with_service(&self, service: &str, but: &str) -> Option<&'v str> {
        let others = self.namespaces().filter(|namespace| *namespace != but);
        let mut others = others.take_while(|_| self.may_look());
        others.find(|other| self.landscape.get(&ObjectKey::new(Kind::Service, other, service)).is_some())
    }

    /// A StatefulSet that names a service.
    pub(super) fn set_with_service(&self, namespace: &str, service: &str) -> Option<&'v str> {
        let names_it = |set: &&Object| {
            set.get::<StatefulSet>().is_some_and(|set| set.spec.service_name.as_deref() == Some(service))
        };
        self.walk(Kind::StatefulSet, namespace).find(names_it).map(Object::name)
    }

    /// A StatefulSet whose pods have labels that a selector matches.
    pub(super) fn set_selected_by(&self, namespace: &str, selector: &Selector) -> Option<&'v StatefulSet> {
        let labels = |set: &StatefulSet| set.spec.template.metadata.as_ref()?.labels.clone();
        let mut sets = self.walk(Kind::StatefulSet, namespace).filter_map(Object::get::<StatefulSet>);
        sets.find(|set| selector.matches(labels(set).as_ref()))
    }

    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<&'v Service> {
        self.find(namespace, name)
    }

    pub(super) fn pod(&self, namespace: &str, name: &str) -> Option<&'v Pod> {
        self.find(namespace, name)
    }

    pub(super) fn set(&self, namespace: &str, name: &str) -> Option<&'v StatefulSet> {
        self.find(namespace, name)
    }

    /// The pods of a namespace, by name.
    pub(super) fn pods(&self, namespace: &str) -> impl Iterator<Item = &'v Pod> {
        self.walk(Kind::Pod, namespace).filter_map(Object::get)
    }

    /// The pods of these names that exist.
    pub(super) fn pods_named(
        &self,
        namespace: &str,
        names: impl Iterator<Item = String>,
    ) -> impl Iterator<Item = &'v Pod> {
        let names = names.take_while(|_| self.may_look());
        names.filter_map(move |name| self.landscape.get(&ObjectKey::new(Kind::Pod, namespace, &name))?.get())
    }

    /// The slices that carry a service's name. Looks are taken once, however often they are read.
    pub(super) fn slices(&self, namespace: &str, service: &str) -> Vec<&'v EndpointSlice> {
        let all = self.landscape.slices(namespace, service);
        let slices = all.iter().filter_map(Object::get::<EndpointSlice>);
        let n_looks =
            |slice: &EndpointSlice| 1 + slice.endpoints.as_ref().map_or(0, Vec::len) / ENDPOINTS_PER_LOOK;
        let slices = slices.take_while(|slice| (0..n_looks(slice)).all(|_| self.may_look()));
        let slices: Vec<&EndpointSlice> = slices.collect();
        self.lacks_slices.set(slices.len() < all.len());
        slices
    }

    /// What was last said of a pod.
    pub(super) fn said_of_pod(&self, said: Said, pod: &Pod) -> Option<&'v str> {
        let text = |value: &'_ Option<String>| value.clone().unwrap_or_default();
        self.landscape.said(said, &text(&pod.metadata.namespace), &text(&pod.metadata.name))
    }

    /// Why a set could not make this pod, if it said so last.
    pub(super) fn failed_creation(&self, namespace: &str, set: &str, pod: &str) -> Option<&'v str> {
        let said = self.landscape.said(Said::Creation, namespace, set)?;
        let (what, why) = said.split_once(" failed error: ")?;
        let is_it = what.split(' ').any(|word| word == pod);
        is_it.then_some(why)
    }

    /// `; did you mean X?` for the most similar name, if one is similar enough.
    pub(super) fn did_you_mean<'n>(&self, wrong: &str, names: impl Iterator<Item = &'n str>) -> String {
        let others = names.take_while(|_| self.may_look()).filter(|name| *name != wrong);
        let compared = others.map(|name| (strsim::jaro_winkler(wrong, name), name));
        let best = compared.max_by(|(left, _), (right, _)| left.total_cmp(right));
        match best.filter(|(similarity, _)| *similarity > ALIKE_MIN) {
            Some((_, name)) => format!("; did you mean {name}?"),
            None => String::new(),
        }
    }

    fn find<T: KubeObject>(&self, namespace: &str, name: &str) -> Option<&'v T> {
        self.get(T::KIND, namespace, name)?.get()
    }

    /// A single object; takes a look even from those kept.
    fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&'v Object> {
        self.n_left.set(self.n_left.get().saturating_sub(1));
        self.landscape.get(&ObjectKey::new(kind, namespace, name))
    }

    /// The objects of a kind in a namespace, ordered by name, as many as may be looked at.
    fn walk(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &'v Object> {
        self.landscape.range(kind, namespace).take_while(|_| self.may_look())
    }

    /// Takes a look for a walk or a hint, if one is left.
    fn may_look(&self) -> bool {
        let is_there = self.n_left.get() > KEPT;
        match is_there {
            true => self.n_left.set(self.n_left.get() - 1),
            false => self.is_spent.set(true),
        }
        is_there
    }
}
