//! The order in which pods are created, scaled down and updated.
//!
//! Each rule is checked at the event that could break it, against the state right before it.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::StatefulSet;

use super::violation::{Violation, begins_to_go, ensure};
use crate::clock::Timestamp;
use crate::objects::{Kind, Object};
use crate::simulation::stage::Role;
use crate::simulation::view::{Member, Rolling, View, Wish, ordinal_of};
use crate::store::{Change, Event};

const CREATION: &str = "OrderedReady creates a pod only when all before it are available";
const RANGE: &str = "only wanted ordinals are created, and only for a set that is not being deleted";
const REVISION: &str = "a new pod has the revision that the partition gives it";
const SCALE_DOWN: &str = "scaling down goes strictly from the highest ordinal";
const DOWNWARDS: &str = "a rolling update goes strictly downwards";
const BUDGET: &str = "a rolling update respects maxUnavailable";
const PARTITION: &str = "a rolling update respects the partition";
const REASON: &str = "a pod is only deleted for a reason";

/// An event, the part that caused it, and the state right before it.
pub(crate) struct Moment<'a> {
    pub(crate) view: &'a View,
    pub(crate) event: &'a Event,
    pub(crate) role: Option<Role>,
    pub(crate) now: Timestamp,
    /// Whether writes fail now: then a batch may have gaps.
    pub(crate) has_failures: bool,
}

/// Checks what the StatefulSet controller and the garbage controller do to pods.
pub(crate) fn check(moment: &Moment<'_>) -> Result<(), Violation> {
    let event = moment.event;
    if event.object.kind() != Kind::Pod {
        return Ok(());
    }
    match moment.role {
        Some(Role::StatefulSets) if event.change == Change::Added => creation(moment),
        Some(Role::StatefulSets) if begins_to_go(event) => deletion(moment),
        Some(Role::Garbage) if begins_to_go(event) => collection(moment),
        _ => Ok(()),
    }
}

/// The set of the event's pod, what it asks for, its pods and the ordinal.
struct Scene<'a> {
    set: &'a StatefulSet,
    wish: Wish,
    members: BTreeMap<i32, Member<'a>>,
    ordinal: i32,
}

impl<'a> Scene<'a> {
    fn of(moment: &Moment<'a>) -> Result<Self, Violation> {
        let pod = &moment.event.object;
        let no_owner = || Violation { rule: REASON, message: format!("{} has no set", pod.key()) };
        let object = moment.view.owner(pod).ok_or_else(no_owner)?;
        let set = object.get::<StatefulSet>().ok_or_else(no_owner)?;
        ensure(!object.is_terminating(), RANGE, || format!("{}: its set is being deleted", pod.key()))?;
        let members = moment.view.members(object, moment.now);
        let ordinal = ordinal_of(object, pod).ok_or_else(no_owner)?;
        Ok(Self { set, wish: Wish::of(set), members, ordinal })
    }

    fn serves(&self, ordinal: i32) -> bool {
        self.members.get(&ordinal).is_some_and(Member::serves)
    }

    /// How many wanted ordinals have no available pod.
    fn n_unavailable(&self) -> i32 {
        let n_missing = self.wish.ordinals().filter(|ordinal| !self.serves(*ordinal)).count();
        i32::try_from(n_missing).unwrap_or(i32::MAX)
    }
}

fn creation(moment: &Moment<'_>) -> Result<(), Violation> {
    let scene = Scene::of(moment)?;
    let (name, ordinal) = (moment.event.object.key(), scene.ordinal);
    ensure(scene.wish.ordinals().contains(&ordinal), RANGE, || format!("{name}: ordinal {ordinal}"))?;
    if scene.wish.is_ordered {
        let broken = (scene.wish.start..ordinal).find(|before| !scene.serves(*before));
        ensure(broken.is_none(), CREATION, || format!("{name}: {} is not available", broken.unwrap_or(-1)))?;
    }
    revision(moment, &scene)
}

/// Below the partition pods keep the current revision; all others have the set's template.
fn revision(moment: &Moment<'_>, scene: &Scene<'_>) -> Result<(), Violation> {
    let Some(pod) = Member::look(&moment.event.object, 0, moment.now) else { return Ok(()) };
    let kept = scene.wish.rolling.filter(|rolling| rolling.is_stated && scene.ordinal < rolling.first);
    let current = scene.set.status.as_ref().and_then(|status| status.current_revision.as_deref());
    let namespace = moment.event.object.namespace();
    // A set that takes the place of one of its name may name a revision of that one, which is none of its
    // own; Kubernetes then has no current revision but the update revision.
    let current = current.filter(|current| {
        let revision = moment.view.get(Kind::ControllerRevision, namespace, current);
        revision.is_some_and(|revision| moment.view.owner(revision).is_some())
    });
    let (name, found) = (moment.event.object.key(), pod.revision());
    match (kept, current) {
        (Some(_), Some(current)) => ensure(found == current, REVISION, || {
            format!("{name}: below the partition with revision {found}, not {current}")
        }),
        _ if scene.wish.rolling.is_some_and(|rolling| !rolling.is_stated) => Ok(()),
        _ => ensure(pod.is_of(&scene.set.spec.template), REVISION, || {
            format!("{name}: revision {found} is not that of the set's template")
        }),
    }
}

fn deletion(moment: &Moment<'_>) -> Result<(), Violation> {
    let scene = Scene::of(moment)?;
    if !scene.wish.ordinals().contains(&scene.ordinal) {
        return scale_down(moment, &scene);
    }
    let Some(member) = scene.members.get(&scene.ordinal) else { return Ok(()) };
    if member.has_ended() {
        return Ok(());
    }
    match scene.wish.rolling {
        Some(rolling) if !member.is_of(&scene.set.spec.template) => update(moment, &scene, member, rolling),
        _ => Err(Violation {
            rule: REASON,
            message: format!("{} is wanted as it is", moment.event.object.key()),
        }),
    }
}

fn scale_down(moment: &Moment<'_>, scene: &Scene<'_>) -> Result<(), Violation> {
    let name = moment.event.object.key();
    let is_condemned = |ordinal: &&i32| !scene.wish.ordinals().contains(ordinal);
    let highest = scene.members.keys().rfind(is_condemned).copied().unwrap_or(scene.ordinal);
    if !scene.wish.is_ordered {
        let is_higher = |(ordinal, member): (&i32, &Member<'_>)| {
            is_condemned(&ordinal) && *ordinal > scene.ordinal && !member.is_terminating
        };
        let passed = scene.members.iter().any(is_higher);
        return ensure(!passed || moment.has_failures, SCALE_DOWN, || format!("{name} before a higher one"));
    }
    ensure(scene.ordinal == highest, SCALE_DOWN, || format!("{name} while {highest} is there"))?;
    let broken = scene.wish.ordinals().find(|ordinal| !scene.serves(*ordinal));
    ensure(broken.is_none(), SCALE_DOWN, || format!("{name} while {} is not available", broken.unwrap_or(-1)))
}

fn update(
    moment: &Moment<'_>,
    scene: &Scene<'_>,
    member: &Member<'_>,
    rolling: Rolling,
) -> Result<(), Violation> {
    let (name, ordinal) = (moment.event.object.key(), scene.ordinal);
    ensure(ordinal >= rolling.first, PARTITION, || {
        format!("{name}: the partition begins at {}", rolling.first)
    })?;
    let is_exempt = !scene.wish.is_ordered && !member.is_available;
    let template = &scene.set.spec.template;
    let is_passed_over = |other: &Member<'_>| {
        // Under Parallel unavailable pods go first, then available ones.
        !other.is_terminating
            && !other.is_of(template)
            && (scene.wish.is_ordered || other.is_available != is_exempt)
    };
    let above = scene.members.range(ordinal + 1..scene.wish.ordinals().end);
    let passed = above.filter(|(_, other)| is_passed_over(other)).map(|(ordinal, _)| *ordinal).next_back();
    let may_have_gaps = moment.has_failures && !scene.wish.is_ordered;
    ensure(passed.is_none() || may_have_gaps, DOWNWARDS, || {
        format!("{name} before {}", passed.unwrap_or(-1))
    })?;
    let n_unavailable = scene.n_unavailable() + i32::from(member.serves());
    ensure(is_exempt || n_unavailable <= rolling.n_unavailable_max, BUDGET, || {
        format!("{name}: {n_unavailable} are unavailable then, {} may be", rolling.n_unavailable_max)
    })
}

/// The garbage controller may only delete what has lost its owner, or what its owner waits for.
fn collection(moment: &Moment<'_>) -> Result<(), Violation> {
    let pod: &Object = &moment.event.object;
    let is_needed = moment.view.owner(pod).is_some_and(|set| !set.is_terminating());
    ensure(!is_needed, REASON, || format!("{} was collected although its set is there", pod.key()))
}
