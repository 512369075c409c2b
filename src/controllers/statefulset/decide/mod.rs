//! What to do: from what was observed to a plan.
//!
//! ```text
//!   Observed ─► plan ─► growth, claims and their retention, pod, rollout ─► actions
//!                   └─► status
//!   set ─► revision (named by the hash of its encoding)
//! ```
//!
//! Pure: no store, no clock, no await. [`act`](super::act) carries a plan out.

pub(super) mod claims;
pub(super) mod encoding;
pub(super) mod growth;
pub(super) mod plan;
pub(super) mod pod;
pub(super) mod retention;
pub(super) mod revision;
pub(super) mod rollout;
pub(super) mod status;

pub(crate) use plan::{Planner, plan};
