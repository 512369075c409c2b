//! The controller against its law: pure tables, the planner, whole syncs on a real store in
//! virtual time, crashes between writes, and the scenarios Kubernetes' own tests describe.

mod api;
mod backoff;
mod beyond;
mod census;
mod cluster;
mod crash;
mod fixture;
mod invariants;
mod owners;
mod planner;
mod pure;
mod queue;
mod scenarios;
mod scripts;
mod storm;
mod tables;
mod updates;
mod whole;
