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

mod violation;

pub use violation::Violation;
pub(super) use violation::ensure;
