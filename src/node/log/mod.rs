//! Logs: which there are, and the log of a container that writes none.
//!
//! A simulated container writes nothing; its log is what happened to its pod, one line per event.
//! The run before the last restart is told from the container's status.

mod events;
mod follow;
mod status;

pub(super) use follow::of_events;
pub(super) use status::check;
