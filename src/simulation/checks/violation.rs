//! A broken rule, and the functions by which checkers report one.
//!
//! Pure. A checker returns the first [`Violation`] it finds; the run ends with it.

use crate::objects::Object;
use crate::store::{Change, Event};

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// How it was broken.
    pub message: String,
}

/// Fails unless `holds`; only then is the message built.
pub(crate) fn ensure(
    holds: bool,
    rule: &'static str,
    message: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { rule, message: message() }) }
}

/// Whether the object's deletion begins with this event.
pub(crate) fn begins_to_go(event: &Event) -> bool {
    let was_going = event.previous.as_ref().is_some_and(Object::is_terminating);
    let goes = event.change == Change::Deleted || event.object.is_terminating();
    goes && !was_going
}
