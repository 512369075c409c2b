//! The scheduler: finds a node for each pod that has none, or reports why there is none.
//!
//! ```text
//!   pods, nodes, claims, ... ──► Snapshot ──► attempt: filters, scores, preemption (pure) ──► bind (writes)
//!                                    └──► hints: which waiting pods a change may help
//! ```
//!
//! It behaves as kube-scheduler 1.37 does with its default profile, over all Node objects: required
//! things are met exactly, preferred ones by score, and a pod that does not fit is reported with the
//! same words. It watches, decides and writes; the nodes' agents see a binding as an event like
//! everybody else. A pod that waits is looked at again when a change may help it; nothing is polled.
//!
//! Left out of the default profile: ImageLocality, NodeVolumeLimits, DynamicResources,
//! NodeDeclaredFeatures, the disk conflicts of VolumeRestrictions, disruption budgets in preemption,
//! and that of many nodes only some are looked at.

mod active;
mod attempt;
mod bind;
mod claims;
mod condition;
mod controller;
mod filter;
#[cfg(test)]
mod fixture;
mod hint;
mod message;
mod preemption;
mod score;
mod snapshot;

pub use controller::Scheduler;
