//! Causes: why a pod of a set does not serve at the end, in the words of `dullahan explain`.
//!
//! It judges nothing. What keeps a pod from serving is in its status and in Events. Events expire after
//! an hour, less than a run may wait, so what they said is remembered here.

use k8s_openapi::api::apps::v1::StatefulSet;

use super::rest::Unfinished;
use crate::clock::Timestamp;
use crate::names::explain::{Landscape, explain_member};
use crate::names::options::ZoneOptions;
use crate::objects::Kind;
use crate::store::{Change, Event};

/// The pods and sets, and what was said of them.
pub(crate) struct Memory(Landscape);

impl Default for Memory {
    fn default() -> Self {
        Self(Landscape::new(ZoneOptions::default()))
    }
}

impl Memory {
    /// Applies an event.
    pub(crate) fn take(&mut self, event: &Event) {
        let key = event.object.key();
        if matches!(key.kind, Kind::StatefulSet | Kind::Pod | Kind::Event) {
            let is_gone = event.change == Change::Deleted;
            self.0.put(key, (!is_gone).then(|| event.object.clone()));
        }
    }

    /// All differences with their causes, one a line.
    pub(crate) fn of_all(&self, unfinished: &[Unfinished], now: Timestamp) -> String {
        let lines: Vec<String> = unfinished.iter().map(|one| self.of(one, now)).collect();
        lines.join("\n  ")
    }

    fn of(&self, unfinished: &Unfinished, now: Timestamp) -> String {
        let member = unfinished.member.as_ref();
        let member = member.and_then(|(set, ordinal)| Some((set.get::<StatefulSet>()?, *ordinal)));
        let why = member.and_then(|(set, ordinal)| explain_member(&self.0, set, ordinal, now));
        why.unwrap_or_else(|| unfinished.what.clone())
    }
}
