//! Writes: the StatefulSet controller writes no more for a set in a minute than its pods and its users
//! give reason for.
//!
//! Whatever undoes its own work does so without end, and far above these bounds: a pod that is made and
//! deleted at once costs thousands of writes in a minute. What counts are the controller's writes of
//! the set's pods, claims and revisions, and of its status.

use std::collections::BTreeMap;

use super::claims;
use super::violation::{Violation, ensure};
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, controller_of};
use crate::simulation::stage::Role;
use crate::simulation::view::View;
use crate::store::Event;

/// The rule.
pub(crate) const STORM: &str = "the controller does not write without end";

/// How many writes a set may cost in a minute whatever it is: a pod that always fails costs about 60, more
/// while writes are outrun and fail.
const WRITES_MAX: usize = 120;
/// So many more for each of its pods.
const WRITES_PER_POD_MAX: usize = 30;
/// So many more for each deed of this minute and the one before.
const WRITES_PER_DEED_MAX: usize = 10;
const MINUTE_S: i64 = 60;

/// The writes of the present minute.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Since the epoch of the clock.
    minute: i64,
    by_set: BTreeMap<(String, String), Tally>,
    n_deeds: usize,
    n_deeds_before: usize,
}

/// The writes for one set.
#[derive(Default)]
struct Tally {
    n_writes: usize,
    /// The most pods that it wanted or had.
    n_pods: usize,
}

impl Ledger {
    /// A user or a misfortune does something.
    pub(crate) fn note_deed(&mut self, now: Timestamp) {
        self.turn(now);
        self.n_deeds += 1;
    }

    /// Counts an event against the state right before it.
    pub(crate) fn check(
        &mut self,
        view: &View,
        event: &Event,
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<(), Violation> {
        let object = &event.object;
        if role != Some(Role::StatefulSets) || object.kind() == Kind::Event {
            return Ok(());
        }
        let Some(set) = set_of(view, object) else { return Ok(()) };
        self.turn(now);
        let key = (object.namespace().to_owned(), set.name().to_owned());
        let tally = self.by_set.entry(key).or_default();
        tally.n_writes += 1;
        tally.n_pods = tally.n_pods.max(n_pods(view, set, now));
        let n_deeds = self.n_deeds + self.n_deeds_before;
        let n_max = WRITES_MAX + WRITES_PER_POD_MAX * tally.n_pods + WRITES_PER_DEED_MAX * n_deeds;
        ensure(tally.n_writes <= n_max, STORM, || {
            let (n_writes, n_pods) = (tally.n_writes, tally.n_pods);
            format!("{}: {n_writes} writes in a minute for {n_pods} pods and {n_deeds} deeds", set.key())
        })
    }

    fn turn(&mut self, now: Timestamp) {
        let minute = now.as_second().div_euclid(MINUTE_S);
        if minute != self.minute {
            let is_next = minute == self.minute + 1;
            let n_deeds = std::mem::take(&mut self.n_deeds);
            self.n_deeds_before = if is_next { n_deeds } else { 0 };
            self.minute = minute;
            self.by_set.clear();
        }
    }
}

fn n_pods(view: &View, set: &Object, now: Timestamp) -> usize {
    let spec = set.get::<k8s_openapi::api::apps::v1::StatefulSet>().map(|set| set.spec.replicas);
    let n_wanted = usize::try_from(spec.flatten().unwrap_or(1)).unwrap_or_default();
    n_wanted.max(view.members(set, now).len())
}

/// The set that an object belongs to.
fn set_of<'a>(view: &'a View, object: &Object) -> Option<&'a Object> {
    let named = |name: &str| view.get(Kind::StatefulSet, object.namespace(), name);
    if object.kind() == Kind::StatefulSet {
        return named(object.name());
    }
    if let Some(owner) = controller_of(object.meta()).filter(|owner| owner.kind == "StatefulSet") {
        return named(&owner.name);
    }
    let is_claim = object.kind() == Kind::PersistentVolumeClaim;
    view.list(Kind::StatefulSet).find(|set| is_claim && claims::is_of(set, object))
}
