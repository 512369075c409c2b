//! Which secondary is notified of which zone, and when: a state machine per secondary and zone. Pure.
//!
//! [`Notifier::step`] takes what has happened and the instant, and returns what is to be done; `sender`
//! carries that out. The bounds are the constants below.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::clock::Timestamp;
use crate::dns::message::name::WireName;
use crate::dns::message::tsig::Key;

/// How many secondaries may be configured.
pub const TARGETS_MAX: usize = 64;
/// The least time between two messages about one zone to one secondary.
const SPACING: Duration = Duration::from_millis(250);
/// How long to wait for the answer to the first message. RFC 1996 section 3.6 suggests a minute, but
/// names of pods are outdated by then.
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// How many messages are sent before the secondary counts as silent, after half a minute. RFC 1996
/// section 3.6 leaves the number to the implementation.
pub(super) const ATTEMPTS_MAX: u32 = 6;
/// The least time between two messages to a silent secondary.
const SILENT_SPACING: Duration = Duration::from_secs(16);
/// How many messages are sent at once, and how long the next ones wait then.
const BURST_MAX: usize = 64;
const BURST_PAUSE: Duration = Duration::from_millis(20);

/// A secondary to be notified.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it answers DNS.
    pub address: SocketAddr,
    /// The TSIG key of messages to it and of its answers.
    pub key: Option<Arc<Key>>,
}

/// What happens to a notifier. Targets are named by their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// These zones are served, at these serials.
    Serials(BTreeMap<WireName, u32>),
    /// A target has answered the message with this id.
    Answered { target: usize, zone: WireName, id: u16, rcode: ResponseCode },
    /// Time has passed.
    Tick,
}

/// What the sender must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Notify a target of a zone, in a message with this id.
    Send { target: usize, zone: WireName, id: u16 },
    /// A target has acknowledged a notification.
    Taken { target: usize, zone: WireName },
    /// A target has begun to refuse notifications of a zone.
    Refused { target: usize, zone: WireName, rcode: ResponseCode },
    /// A target counts as silent from now on.
    GivenUp { target: usize, zone: WireName },
    /// A silent target has answered.
    AnswersAgain { target: usize, zone: WireName },
}

/// The states of all secondaries and zones.
pub(super) struct Notifier {
    n_targets: usize,
    courses: BTreeMap<(WireName, usize), Course>,
    /// Nothing is sent until then, after a burst.
    held_until: Option<Timestamp>,
    ids: StdRng,
}

/// How far one target is with one zone.
struct Course {
    state: State,
    /// The newest serial.
    serial: u32,
    sent_at: Option<Timestamp>,
    is_silent: bool,
    is_refused: bool,
}

enum State {
    /// It is up to date, or silent, and hears of the next change.
    Quiet,
    /// It is to be notified.
    Due { at: Timestamp },
    /// It was notified and has not answered.
    Waiting { id: u16, told: u32, n_sent: u32, again_at: Timestamp },
}

impl Notifier {
    /// Knows of no zone yet. `seed` is that of message ids.
    pub(super) fn new(n_targets: usize, seed: u64) -> Self {
        let ids = StdRng::seed_from_u64(seed);
        Self { n_targets, courses: BTreeMap::new(), held_until: None, ids }
    }

    /// Takes in what has happened; returns what must be done now.
    pub(super) fn step(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Serials(serials) => self.take_up(&serials, now),
            Event::Answered { target, zone, id, rcode } => {
                self.answered((zone, target), id, rcode, now, &mut actions);
            }
            Event::Tick => {}
        }
        self.act(now, &mut actions);
        actions
    }

    /// When to step with [`Event::Tick`]; `None` if nothing is waited for.
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        let next = self.courses.values().filter_map(Course::wake_at).min()?;
        Some(self.held_until.map_or(next, |held_until| next.max(held_until)))
    }

    fn take_up(&mut self, serials: &BTreeMap<WireName, u32>, now: Timestamp) {
        self.courses.retain(|(zone, _), _| serials.contains_key(zone));
        for (zone, serial) in serials {
            for target in 0..self.n_targets {
                let course = self.courses.entry((zone.clone(), target)).or_insert_with(|| Course::new(now));
                course.has_serial(*serial, now);
            }
        }
    }

    fn answered(
        &mut self,
        key: (WireName, usize),
        id: u16,
        rcode: ResponseCode,
        now: Timestamp,
        actions: &mut Vec<Action>,
    ) {
        let Some(course) = self.courses.get_mut(&key) else { return };
        let State::Waiting { id: expected, told, .. } = course.state else { return };
        if id != expected {
            return;
        }
        let (zone, target) = key;
        if std::mem::take(&mut course.is_silent) {
            actions.push(Action::AnswersAgain { target, zone: zone.clone() });
        }
        course.state = State::Quiet;
        if told != course.serial {
            course.is_due(now);
        }
        // A secondary that does not implement NOTIFY polls by REFRESH (RFC 1996 section 3.12).
        let is_refused = !matches!(rcode, ResponseCode::NoError | ResponseCode::NotImp);
        let was_refused = std::mem::replace(&mut course.is_refused, is_refused);
        match is_refused {
            true if was_refused => {}
            true => actions.push(Action::Refused { target, zone, rcode }),
            false => actions.push(Action::Taken { target, zone }),
        }
    }

    fn act(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        if self.held_until.is_some_and(|held_until| now < held_until) {
            return;
        }
        self.held_until = None;
        let mut n_sent = 0;
        for ((zone, target), course) in &mut self.courses {
            if course.wake_at().is_none_or(|at| now < at) {
                continue;
            }
            if course.has_been_told_in_vain() {
                course.state = State::Quiet;
                if !std::mem::replace(&mut course.is_silent, true) {
                    actions.push(Action::GivenUp { target: *target, zone: zone.clone() });
                }
                continue;
            }
            if n_sent == BURST_MAX {
                self.held_until = Some(now + BURST_PAUSE);
                return;
            }
            n_sent += 1;
            let id = course.is_sent(self.ids.random(), now);
            actions.push(Action::Send { target: *target, zone: zone.clone(), id });
        }
    }
}

impl Course {
    /// A target that is to be notified at once.
    fn new(now: Timestamp) -> Self {
        Self { state: State::Due { at: now }, serial: 0, sent_at: None, is_silent: false, is_refused: false }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Quiet => None,
            State::Due { at } => Some(at),
            State::Waiting { again_at, .. } => Some(again_at),
        }
    }

    fn has_serial(&mut self, serial: u32, now: Timestamp) {
        let is_new = std::mem::replace(&mut self.serial, serial) != serial;
        if is_new && matches!(self.state, State::Quiet) {
            self.is_due(now);
        }
    }

    fn is_due(&mut self, now: Timestamp) {
        let spacing = if self.is_silent { SILENT_SPACING } else { SPACING };
        let at = self.sent_at.map_or(now, |sent_at| now.max(sent_at + spacing));
        self.state = State::Due { at };
    }

    /// Returns the message's id: `new_id`, or that of the message before if it is a repetition.
    fn is_sent(&mut self, new_id: u16, now: Timestamp) -> u16 {
        let (n_before, id) = match self.state {
            State::Waiting { n_sent, told, id, .. } => {
                (n_sent, if told == self.serial { id } else { new_id })
            }
            // A silent target gets one message, and has as long to answer as the last attempt had.
            _ if self.is_silent => (ATTEMPTS_MAX - 1, new_id),
            _ => (0, new_id),
        };
        let again_at = now + RETRY_FIRST * 2_u32.pow(n_before);
        self.state = State::Waiting { id, told: self.serial, n_sent: n_before + 1, again_at };
        self.sent_at = Some(now);
        id
    }

    fn has_been_told_in_vain(&self) -> bool {
        matches!(self.state, State::Waiting { n_sent, .. } if n_sent >= ATTEMPTS_MAX)
    }
}

#[cfg(test)]
mod tests;
