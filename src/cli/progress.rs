//! Progress: store events and published names, turned into lines a person can follow. Pure.
//!
//! A pod gives a line whenever its state, as `kubectl get pods` would show it, has changed.
//! One that no node takes gives one only when it has waited for a while ([`Unschedulable`]).
//! Names of one publication beyond [`NAMES_MAX`] are counted, not listed.

use std::collections::HashMap;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Event as KubeEvent, Pod};

use serde_json::Value;

use super::output::{Line, PROBLEM, Tone};
use super::unschedulable::{self, Unschedulable};
use crate::clock::Timestamp;
use crate::files::report::{Change as FileChange, Outcome, Report};
use crate::machinery::manifest::Skipped;
use crate::names::publisher::Publication;
use crate::objects::{Kind, Object, ObjectKey, pod};
use crate::rules::columns::PodCells;
use crate::store::{Change, Event};

/// How many names of one publication are listed.
const NAMES_MAX: usize = 20;

/// What has been said of each object so far.
#[derive(Default)]
pub(super) struct Progress {
    pods: HashMap<ObjectKey, Shown>,
    unschedulable: Unschedulable,
    sets: HashMap<ObjectKey, bool>,
}

/// What has been said of a pod.
struct Shown {
    state: String,
    has_node: bool,
}

impl Progress {
    /// The line for one store event, if it is worth one.
    pub(super) fn event(&mut self, event: &Event) -> Option<Line> {
        let object = &event.object;
        if let Some(pod) = object.get::<Pod>() {
            return self.pod(event.change, object, pod);
        }
        if let Some(set) = object.get::<StatefulSet>() {
            return self.set(event.change, object, set);
        }
        let warning = object.get::<KubeEvent>().filter(|_| event.change == Change::Added)?;
        let line = warning_line(warning)?;
        if warning.reason.as_deref() != Some(unschedulable::REASON) {
            return Some(line);
        }
        let about = &warning.involved_object;
        let [namespace, name] =
            [&about.namespace, &about.name].map(|text| text.as_deref().unwrap_or_default());
        let key = ObjectKey::new(Kind::Pod, namespace, name);
        // The pod may have found a node while the event was being written.
        if !self.pods.get(&key).is_some_and(|shown| shown.has_node) {
            self.unschedulable.note(key, line, event.at);
        }
        None
    }

    /// When there are lines to be had from [`Self::due`].
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.unschedulable.next_due()
    }

    /// The lines that were held back until now.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Line> {
        self.unschedulable.due(now)
    }

    /// Whether every StatefulSet that was seen has all its pods Ready; none is also all.
    pub(super) fn is_complete(&self) -> bool {
        self.sets.values().all(|is_complete| *is_complete)
    }

    fn pod(&mut self, change: Change, object: &Object, pod: &Pod) -> Option<Line> {
        let (state, tone) = if change == Change::Deleted { gone() } else { pod_state(pod) };
        let fields = if change == Change::Deleted { gone_fields() } else { pod_fields(pod) };
        let has_node = pod::node_name(pod).is_some();
        if has_node || change == Change::Deleted {
            self.unschedulable.forget(object.key());
        }
        let before = if change == Change::Deleted {
            self.pods.remove(object.key())
        } else {
            self.pods.insert(object.key().clone(), Shown { state: state.clone(), has_node })
        };
        if before.is_some_and(|before| before.state == state) {
            return None;
        }
        Some(Line { fields, ..Line::new("pod", path(object), state, tone) })
    }

    fn set(&mut self, change: Change, object: &Object, set: &StatefulSet) -> Option<Line> {
        if change == Change::Deleted {
            self.sets.remove(object.key());
            let line = Line::new("set", path(object), gone().0, Tone::Fading);
            return Some(Line { fields: gone_fields(), ..line });
        }
        let wanted = set.spec.replicas.unwrap_or(1);
        let status = set.status.clone().unwrap_or_default();
        let ready = status.ready_replicas.unwrap_or_default();
        let is_observed = status.observed_generation == set.metadata.generation;
        let is_complete = is_observed && ready == wanted && status.replicas == wanted;
        let was_complete = self.sets.insert(object.key().clone(), is_complete);
        (is_complete && was_complete != Some(true)).then(|| {
            Line::new("set", path(object), format!("{ready} of {wanted} pods Ready"), Tone::Good)
                .with("state", "Complete")
                .with("ready", ready)
                .with("replicas", wanted)
        })
    }
}

/// The lines for names that a publication brought or took away.
pub(super) fn publication(publication: &Publication) -> Vec<Line> {
    let added = publication.added.iter().map(|name| (name, "published", Tone::Good));
    let removed = publication.removed.iter().map(|name| (name, "withdrawn", Tone::Fading));
    let all: Vec<_> = added.chain(removed).filter(|(name, _, _)| is_worth_a_line(name)).collect();
    let listed = all
        .iter()
        .take(NAMES_MAX)
        .map(|(name, state, tone)| Line::new("name", name.to_string().trim_end_matches('.'), *state, *tone));
    let mut lines: Vec<Line> = listed.collect();
    if all.len() > NAMES_MAX {
        let n_more = all.len() - NAMES_MAX;
        let line = Line::new("name", format!("and {n_more} more"), "changed", Tone::Neutral);
        lines.push(line.with("count", n_more));
    }
    lines
}

/// The lines for what a reading of the files changed, and for what is wrong with them.
pub(super) fn report(report: &Report) -> Vec<Line> {
    let mut lines: Vec<Line> = report.changes.iter().map(applied).collect();
    lines.extend(report.taken.iter().map(|taken| {
        about(Line::new("applied", taken.to_string(), "", Tone::Neutral), &taken.key)
            .with("manager", taken.manager.clone())
            .with("fields", taken.fields.clone())
    }));
    lines.extend(report.problems.iter().map(|problem| problem_line(&problem.to_string())));
    if !report.problems.is_empty() {
        lines.push(problem_line("what these files said before stays in force"));
    }
    let mended = "nothing is wrong with it any more";
    lines.extend(report.mended.iter().map(|file| Line::new("mended", file.clone(), mended, Tone::Good)));
    lines.extend(report.remarks.iter().map(|remark| {
        let (file, line) = (&remark.source.file, remark.source.line);
        about(warning(format!("{file}:{line}: {}", remark.message())), &remark.key)
            .with("path", remark.warning.path.clone())
    }));
    lines.extend(skipped(&report.skipped));
    if lines.is_empty() && report.is_asked && report.n_files > 0 {
        lines.push(Line::new("read", "manifests", "unchanged", Tone::Good));
    }
    lines
}

fn applied(change: &FileChange) -> Line {
    let file = &change.source.file;
    let (state, words, tone) = match change.outcome {
        Outcome::Created => ("created", "created".to_owned(), Tone::Good),
        Outcome::Configured => ("configured", "configured".to_owned(), Tone::Good),
        Outcome::Deleted => ("deleted", format!("deleted, no longer in {file}"), Tone::Fading),
    };
    let line = Line::new("applied", change.key.to_string(), words, tone);
    about(line, &change.key).with("state", state).with("file", file.clone())
}

fn about(line: Line, key: &ObjectKey) -> Line {
    line.with("kind", key.kind.to_string())
        .with("namespace", key.namespace.to_string())
        .with("name", key.name.to_string())
}

/// The lines for objects of kinds that are not served, and how many there are.
pub(super) fn skipped(skipped: &[Skipped]) -> Vec<Line> {
    let mut lines: Vec<Line> = skipped.iter().map(|skipped| warning(skipped.to_string())).collect();
    let count = match skipped.len() {
        0 => return lines,
        1 => "1 object was skipped".to_owned(),
        n => format!("{n} objects were skipped"),
    };
    lines.push(warning(format!("{count}; --strict refuses kinds that are not served")));
    lines
}

fn warning(text: String) -> Line {
    Line::new("warning", text, "", Tone::Neutral)
}

/// A line for something that is wrong.
pub(super) fn problem_line(problem: &str) -> Line {
    Line::new(PROBLEM, problem, "", Tone::Bad)
}

/// Reverse names and the names of ports follow from the others.
fn is_worth_a_line(name: &hickory_proto::rr::Name) -> bool {
    let text = name.to_ascii();
    !text.starts_with('_') && !text.ends_with(".arpa.")
}

fn path(object: &Object) -> String {
    format!("{}/{}", object.namespace(), object.name())
}

fn gone() -> (String, Tone) {
    ("gone".into(), Tone::Fading)
}

fn gone_fields() -> Vec<(&'static str, Value)> {
    vec![("state", "Deleted".into())]
}

/// The state as `kubectl get pods` has it, and what the words say beyond.
fn pod_fields(pod: &Pod) -> Vec<(&'static str, Value)> {
    let status = pod.status.as_ref();
    let address = status.and_then(|status| status.pod_ip.as_deref());
    let mut fields: Vec<(&'static str, Value)> =
        vec![("state", PodCells::of(pod).status.into()), ("ready", pod::is_ready(pod).into())];
    fields.extend(address.map(|address| ("address", address.into())));
    fields
}

fn pod_state(pod: &Pod) -> (String, Tone) {
    let cells = PodCells::of(pod);
    let status = pod.status.as_ref();
    let is_ready = pod::is_ready(pod);
    match cells.status.as_str() {
        "Running" if is_ready => {
            let address = status.and_then(|status| status.pod_ip.as_deref()).unwrap_or("no address");
            (format!("Running and Ready, {address}"), Tone::Good)
        }
        "Running" => ("Running, not Ready".into(), Tone::Neutral),
        "Pending" | "ContainerCreating" | "PodInitializing" => (cells.status, Tone::Neutral),
        "Terminating" | "Completed" | "Succeeded" => (cells.status, Tone::Fading),
        _ => (cells.status, Tone::Bad),
    }
}

fn warning_line(event: &KubeEvent) -> Option<Line> {
    if event.type_.as_deref() != Some("Warning") {
        return None;
    }
    let about = &event.involved_object;
    let name = format!(
        "{} {}",
        about.kind.as_deref().unwrap_or_default(),
        about.name.as_deref().unwrap_or_default()
    );
    let reason = event.reason.as_deref().unwrap_or_default();
    let message = event.message.as_deref().unwrap_or_default();
    let namespace = about.namespace.as_deref().unwrap_or_default();
    let advice = unschedulable::advice(message);
    let advice = Some(advice).filter(|advice| reason == unschedulable::REASON && !advice.is_empty());
    let words = advice.as_ref().map(|advice| format!(" Hint: {advice}")).unwrap_or_default();
    let mut line = Line::new("warning", name, format!("{reason}: {message}{words}"), Tone::Bad);
    if let Some(advice) = advice {
        line = line.with("hint", advice);
    }
    let line = line.with("state", reason).with("message", message).with("namespace", namespace);
    let kind = about.kind.as_deref().unwrap_or_default();
    Some(line.with("kind", kind).with("name", about.name.as_deref().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(change: Change, status: &Value) -> Event {
        let pod = json!({"metadata": {"name": "web-0", "namespace": "default"}, "status": status});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        Event {
            revision: 1,
            change,
            object: Object::at_revision(pod.into(), 1),
            previous: None,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_pod_gives_one_line_per_state() {
        let creating = json!({"phase": "Pending", "containerStatuses": [{"name": "c", "image": "", "imageID": "", "ready": false,
            "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]});
        let ready = json!({"phase": "Running", "podIP": "10.244.0.2", "conditions": [{"type": "Ready", "status": "True"}]});
        let mut progress = Progress::default();
        let states: Vec<Option<String>> = [
            event(Change::Added, &json!({"phase": "Pending"})),
            event(Change::Modified, &json!({"phase": "Pending", "message": "x"})),
            event(Change::Modified, &creating),
            event(Change::Modified, &json!({"phase": "Running"})),
            event(Change::Modified, &ready),
            event(Change::Deleted, &ready),
        ]
        .iter()
        .map(|event| progress.event(event).map(|line| line.state))
        .collect();
        let expected = [
            Some("Pending"),
            None,
            Some("ContainerCreating"),
            Some("Running, not Ready"),
            Some("Running and Ready, 10.244.0.2"),
            Some("gone"),
        ];
        assert_eq!(states, expected.map(|state| state.map(str::to_owned)));
    }

    fn failed_scheduling(message: &str) -> Event {
        let warning = json!({"metadata": {"name": "e", "namespace": "default"}, "type": "Warning",
            "reason": "FailedScheduling", "message": message,
            "involvedObject": {"kind": "Pod", "name": "web-0", "namespace": "default"}});
        let warning: KubeEvent = serde_json::from_value(warning).unwrap();
        Event { object: Object::at_revision(warning.into(), 1), ..event(Change::Added, &json!({})) }
    }

    fn bound() -> Event {
        let pod = json!({"metadata": {"name": "web-0", "namespace": "default"},
            "spec": {"nodeName": "n", "containers": []}, "status": {"phase": "Pending"}});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        Event { object: Object::at_revision(pod.into(), 1), ..event(Change::Modified, &json!({})) }
    }

    #[test]
    fn a_pod_that_soon_finds_a_node_gives_no_warning_and_one_that_does_not_gives_a_hint() {
        let claims = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found";
        let full = "0/1 nodes are available: 1 Too many pods. preemption: none";
        let later = Timestamp::from_second(1).unwrap();
        let mut progress = Progress::default();
        progress.event(&event(Change::Added, &json!({"phase": "Pending"})));
        assert_eq!(progress.event(&failed_scheduling(claims)), None);
        assert_eq!(progress.next_due(), Some(later));
        progress.event(&bound());
        assert_eq!((progress.next_due(), progress.due(later)), (None, vec![]));
        assert_eq!(progress.event(&failed_scheduling(claims)), None);
        assert_eq!(progress.due(later), [], "the event came late");
        progress.event(&event(Change::Deleted, &json!({"phase": "Pending"})));
        assert_eq!(progress.event(&failed_scheduling(full)), None);
        let lines = progress.due(later);
        let hint = "--simulated-node-pods gives each node room for more pods";
        assert_eq!(lines[0].state, format!("FailedScheduling: {full} Hint: {hint}"));
        assert!(lines[0].fields.contains(&("message", full.into())), "{lines:?}");
        assert!(lines[0].fields.contains(&("hint", hint.into())), "{lines:?}");
    }

    #[test]
    fn many_names_are_counted_not_listed() {
        let name = |i: usize| hickory_proto::rr::Name::from_ascii(format!("web-{i}.nginx.")).unwrap();
        let publication = Publication {
            serial: 1,
            at: crate::clock::Timestamp::UNIX_EPOCH,
            added: (0..100).map(name).collect(),
            removed: vec![],
        };
        let lines = super::publication(&publication);
        assert_eq!(lines.len(), NAMES_MAX + 1);
        assert_eq!(lines.last().unwrap().name, "and 80 more");
    }
}
