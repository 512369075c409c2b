//! Checkers: what must hold after every write, at every published serial, and whenever all parts are
//! idle.
//!
//! | checker | when | what |
//! |---|---|---|
//! | [`order`] | a pod is created or its deletion begins | creation order, scale-down order, the rolling update |
//! | [`claims`] | a claim's deletion begins | no claim is deleted against the retention policy |
//! | [`names`] | something is published | DNS holds exactly the ready endpoints |
//! | [`writes`] | the StatefulSet controller writes | it does not write without end |
//! | [`rest`] | all parts are idle | status and DNS match the pods; at the end, the wanted state is reached |
//!
//! [`cause`] says why the wanted state is not reached.

pub(super) mod cause;
pub(super) mod claims;
pub(super) mod names;
pub(super) mod order;
pub(super) mod rest;
pub(super) mod writes;

mod violation;

pub use violation::Violation;
pub(super) use violation::ensure;
