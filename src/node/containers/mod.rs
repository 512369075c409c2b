//! What each container of a pod does, and what must happen next.
//!
//! Pure: reports and probe results go in, orders and observations come out. Init containers run one
//! after the other before the main ones; a sidecar has started before the next container starts and
//! stops last; restart policy, back-off and probe thresholds are the kubelet's. A container that a
//! report does not name any more counts as killed; without a report nothing is concluded.

mod all;
mod observation;
mod phase;
mod probes;
mod restored;
mod track;

pub(super) use all::Containers;
pub(super) use observation::{Action, Observation, StopReason};
pub(super) use phase::Phase;
pub(super) use track::{Past, State, Track};
