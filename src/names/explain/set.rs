//! Labels of a StatefulSet's pods: ordinals, and the service that the set names.
//!
//! Under OrderedReady a set waits for the first earlier pod that is not Ready; otherwise the API may
//! have refused the pod.

use k8s_openapi::api::apps::v1::StatefulSet;

use super::cause::Cause;
use super::explanation::Explanation;
use super::pod;
use super::question::Question;
use super::subject::Subject;
use crate::objects::beyond::{RESERVED_ORDINALS, Wishes};
use crate::objects::{Kind, ObjectKey};

impl Question<'_> {
    /// Why the pod `label` does not exist, if a StatefulSet would create a pod of that name.
    pub(super) fn member(&self, subject: &Subject<'_>, label: &str) -> Option<Explanation> {
        let (name, ordinal) = split(label)?;
        let set = self.view.set(subject.namespace, name)?;
        let title = format!("StatefulSet {}/{name}", subject.namespace);
        let key = ObjectKey::new(Kind::StatefulSet, subject.namespace, name);
        let found = match set.spec.service_name.as_deref() {
            Some(service) if service == subject.name => self.ordinal(set, &title, label, ordinal),
            Some(service) if !service.is_empty() => {
                let text = format!(
                    "{title} has serviceName {service}: ask for {label}.{service}.{}",
                    subject.namespace
                );
                Explanation::new(Cause::OtherService, text)
            }
            _ => {
                let text = format!("{title} has no serviceName, so its pods have no names");
                Explanation::new(Cause::SubdomainUnset, text)
            }
        };
        Some(found.after(&[key]))
    }

    pub(super) fn ordinal(&self, set: &StatefulSet, title: &str, label: &str, ordinal: i32) -> Explanation {
        let start = set.spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or(0);
        let replicas = set.spec.replicas.unwrap_or(1);
        let reserved = Wishes::of(&set.metadata).reserved_ordinals;
        if reserved.contains(&ordinal) {
            let text = format!("{title} leaves ordinal {ordinal} out (annotation {RESERVED_ORDINALS})");
            return Explanation::new(Cause::OrdinalReserved, text);
        }
        let is_between = |one: &&i32| (start..ordinal).contains(*one);
        let n_left_out = reserved.iter().filter(is_between).count();
        let position = i64::from(ordinal) - i64::from(start) - n_left_out as i64;
        if !(0..i64::from(replicas)).contains(&position) {
            let begins = if start == 0 { String::new() } else { format!(", ordinals start at {start}") };
            let text = format!("{title} has no ordinal {ordinal}: replicas={replicas}{begins}");
            return Explanation::new(Cause::OrdinalOutOfRange, text);
        }
        if !self.has_controllers() {
            let text = format!("there is no pod {label}, and nothing here makes the pods of {title}");
            return Explanation::new(Cause::NoControllers, text);
        }
        let (namespace, name) = (&set.metadata.namespace, &set.metadata.name);
        let failed = namespace.as_deref().zip(name.as_deref());
        let failed = failed.and_then(|(namespace, set)| self.view.failed_creation(namespace, set, label));
        let waits =
            self.waits_for(set, start, ordinal).or_else(|| failed.map(|failed| format!(": {failed}")));
        let text = format!("{title} has not made pod {label} yet{}", waits.unwrap_or_default());
        Explanation::new(Cause::PodMissing, text)
    }

    /// Why a service has no pods, if a StatefulSet would create pods that it selects.
    pub(super) fn set_without_pods(&self, subject: &Subject<'_>) -> Option<Explanation> {
        let set = self.view.set_selected_by(subject.namespace, &subject.selector()?)?;
        let key = ObjectKey::new(Kind::StatefulSet, subject.namespace, set.metadata.name.as_deref()?);
        let (title, of_set) = (subject.title(), format!("StatefulSet {}/{}", key.namespace, key.name));
        let (cause, text) = match set.spec.replicas.unwrap_or(1) {
            0 => (Cause::OrdinalOutOfRange, format!("{title} has no pods: {of_set} has replicas=0")),
            _ if !self.has_controllers() => {
                let text = format!("{title} has no pods, and nothing here makes those of {of_set}");
                (Cause::NoControllers, text)
            }
            _ => (Cause::PodMissing, format!("{title} has no pods: {of_set} has not made one yet")),
        };
        Some(Explanation::new(cause, text).after(&[key]))
    }

    /// The earlier pod that is not Ready, for which an OrderedReady set waits.
    fn waits_for(&self, set: &StatefulSet, start: i32, ordinal: i32) -> Option<String> {
        if set.spec.pod_management_policy.as_deref() == Some("Parallel") {
            return None;
        }
        let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
        let name = set.metadata.name.as_deref().unwrap_or_default();
        let names = (start..ordinal).map(|earlier| format!("{name}-{earlier}"));
        let mut pods = self.view.pods_named(namespace, names);
        let (pod, (_, state)) = pods.find_map(|pod| Some((pod, self.state(pod)?)))?;
        Some(format!(": {} {state}", pod::title(pod)))
    }
}

/// `web` and 2 of `web-2`; ordinals are written without leading zeros.
fn split(label: &str) -> Option<(&str, i32)> {
    let (name, digits) = label.rsplit_once('-')?;
    let ordinal: i32 = digits.parse().ok().filter(|_| digits.bytes().all(|octet| octet.is_ascii_digit()))?;
    (ordinal.to_string() == digits).then_some((name, ordinal))
}
