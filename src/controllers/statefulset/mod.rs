//! The StatefulSet controller: decides with a pure planner, then acts.
//!
//! ```text
//!   events ─► controller ─► key ─► sync ─► world ─► decide ─► act ─► store
//!                                                     └────────► status
//! ```
//!
//! `world` says what is there, `decide` plans what one sync may do, `act` does it, and `sync` joins
//! the three and writes status and history. None of them knows who runs the pods; they see a pod's
//! phase and its `Ready` condition.
//!
//! # Beyond Kubernetes
//!
//! Two things are always so, since nobody can want the opposite. No plan makes a pod that the next one
//! deletes for its revision (`decide::rollout`), and pods of one identity that do not last are made and
//! deleted ever more slowly (`backoff`).
//!
//! What else Kubernetes' controller cannot do is off unless [`Options`] or a set's annotations (see
//! [`beyond`](crate::objects::beyond)) switch it on. `decide::plan` replaces pods that a rollout
//! would wait for for ever (Kubernetes issue 67250), `world::spec` leaves reserved ordinals out
//! (83224) and `decide::growth` lets claims follow their templates (68737).

mod act;
mod action;
mod backoff;
mod controller;
mod decide;
mod naming;
mod note;
mod settings;
mod sync;
#[cfg(test)]
mod tests;
mod world;

pub use controller::StatefulSets;
pub use settings::Options;

pub(crate) use action::{Action, Cause, Plan};
pub(crate) use decide::{Planner, plan};
pub(crate) use world::{Observed, Record};
