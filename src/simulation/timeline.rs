//! The timeline: what happened, one readable line per change.
//!
//! A pod gets a line whenever its state, as `kubectl get pods` would show it, has changed. Names get
//! one when they are published or withdrawn, deeds when they are carried out.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::history::Deed;
use crate::clock::{Timestamp, until};
use crate::names::publisher::Publication;
use crate::objects::{Kind, Object, ObjectKey};
use crate::rules::columns::PodCells;
use crate::store::{Change, Event};

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Since the start.
    pub at: Duration,
    /// What it is about: `deed`, `pod`, `set`, `name`, `calm`.
    pub subject: &'static str,
    /// Its name; may be empty.
    pub name: String,
    /// Its new state.
    pub state: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_secs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let millis = self.at.subsec_millis();
        let Self { subject, name, state, .. } = self;
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}.{millis:03}  {subject:<5} {name}")?;
        if name.is_empty() { f.write_str(state) } else { write!(f, "  {state}") }
    }
}

/// Turns what happens into lines.
pub(super) struct Timeline<'a> {
    epoch: Timestamp,
    audience: &'a mut dyn FnMut(&Line),
    pods: BTreeMap<ObjectKey, String>,
}

impl<'a> Timeline<'a> {
    /// A timeline that begins at `epoch`.
    pub(super) fn new(epoch: Timestamp, audience: &'a mut dyn FnMut(&Line)) -> Self {
        Self { epoch, audience, pods: BTreeMap::new() }
    }

    /// A deed is carried out.
    pub(super) fn deed(&mut self, now: Timestamp, name: &str, deed: &Deed) {
        self.tell(now, "deed", name.to_owned(), deed.to_string());
    }

    /// A remark.
    pub(super) fn remark(&mut self, now: Timestamp, text: &str) {
        self.tell(now, "calm", String::new(), text.to_owned());
    }

    /// An object was written.
    pub(super) fn event(&mut self, now: Timestamp, event: &Event) {
        let object = &event.object;
        if let Some(pod) = object.get::<Pod>() {
            self.pod(now, event.change, object, pod);
        } else if object.kind() == Kind::StatefulSet && event.change != Change::Modified {
            let state = if event.change == Change::Added { "created" } else { "gone" };
            self.tell(now, "set", path(object), state.to_owned());
        }
    }

    /// Names were published or withdrawn.
    pub(super) fn publication(&mut self, now: Timestamp, publication: &Publication) {
        let serial = publication.serial;
        let all = [(&publication.added, "published"), (&publication.removed, "withdrawn")];
        for (names, state) in all {
            let mut names: Vec<String> = names.iter().map(|name| name.to_utf8()).collect();
            // Names of pods and services; SRV names only repeat them.
            names.retain(|name| !name.starts_with('_') && !name.ends_with(".arpa."));
            names.sort();
            for name in names {
                let name = name.trim_end_matches('.').to_owned();
                self.tell(now, "name", name, format!("{state} (serial {serial})"));
            }
        }
    }

    fn pod(&mut self, now: Timestamp, change: Change, object: &Object, pod: &Pod) {
        let state = match change {
            Change::Deleted => "gone".to_owned(),
            _ => {
                let cells = PodCells::of(pod);
                format!("{} {}/{}", cells.status, cells.n_ready, cells.n_total)
            }
        };
        if self.pods.get(object.key()) == Some(&state) {
            return;
        }
        if change == Change::Deleted {
            self.pods.remove(object.key());
        } else {
            self.pods.insert(object.key().clone(), state.clone());
        }
        self.tell(now, "pod", path(object), state);
    }

    fn tell(&mut self, now: Timestamp, subject: &'static str, name: String, state: String) {
        (self.audience)(&Line { at: until(self.epoch, now), subject, name, state });
    }
}

fn path(object: &Object) -> String {
    format!("{}/{}", object.namespace(), object.name())
}
