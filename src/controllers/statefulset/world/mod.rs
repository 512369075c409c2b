//! What is: the set's spec, its pods and revisions as the store has them, and whose they are.
//!
//! ```text
//!   history ─► census ─► record per pod ─► roster (pods by ordinal) ─┐
//!                                          spec ─────────────────────┴─► observed ─► decide
//! ```
//!
//! Only [`census`] reads the store; everything else is pure. Nothing here decides what to write.

pub(super) mod census;
pub(super) mod identity;
mod observed;
pub(super) mod ownership;
mod record;
mod roster;
mod spec;

pub(crate) use census::Census;
pub(crate) use identity::{
    LABEL_POD_INDEX, LABEL_POD_NAME, LABEL_REVISION, identity_matches, storage_matches,
};
pub(crate) use observed::{Lookup, Observed, TemplateRevision};
pub(crate) use ownership::{Claimed, claim_pods, claim_revisions, refusal};
pub(crate) use record::{Record, is_same_to_plans};
pub(crate) use roster::{Member, Roster};
pub(crate) use spec::{
    Ordinals, RetentionPolicy, is_parallel, is_rolling, max_unavailable, min_ready_s, rolling_update,
    templates,
};
