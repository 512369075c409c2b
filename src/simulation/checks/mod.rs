//! Checkers: what must hold after every write, at every published serial, and whenever nothing is
//! left to do.
//!
//! | checker | when | what |
//! |---|---|---|
//! | [`order`] | a pod is created or begins to go | creation in order, scaling down from the top, the rolling update |
//! | [`claims`] | a claim begins to go | no claim is lost against the policy |
//! | [`names`] | something is published | DNS holds exactly the ready endpoints |
//! | [`rest`] | nothing is left to do | status and DNS equal the world; in the end, all is as it was asked for |

pub(super) mod claims;
pub(super) mod names;
pub(super) mod order;
pub(super) mod rest;

use crate::objects::Object;
use crate::store::{Change, Event};

/// What is wrong: which rule, and how it was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// How it was broken.
    pub message: String,
}

/// Fails unless `holds`; the message is only made then.
pub(super) fn ensure(
    holds: bool,
    rule: &'static str,
    message: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { rule, message: message() }) }
}

/// Whether the object begins to go with this event.
pub(super) fn begins_to_go(event: &Event) -> bool {
    let was_going = event.previous.as_ref().is_some_and(Object::is_terminating);
    let goes = event.change == Change::Deleted || event.object.is_terminating();
    goes && !was_going
}
