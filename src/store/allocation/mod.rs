//! Cluster addresses and node ports of services.
//!
//! ```text
//!   services in the store ──► InUse ──┐
//!   wanted (and old) service ─────────┼──► allocate ──► service with addresses and ports, or why not
//!   ServiceNetwork ───────────────────┘
//! ```
//!
//! [`allocate::allocate`] is pure. The allocated numbers are those of the present services, so
//! deleting a service releases them. [`ledger::Ledger`] follows the store's history; its lock is held
//! from the choice of a number to the commit.
//!
//! Cost: each event of a service is read once; the search for a free number scans the allocated ones
//! in order, some tens of microseconds with 10,000 services.

mod band;
mod spec;

mod in_use;
pub(super) mod ledger;
pub(super) mod network;

pub(super) mod request;

mod carry;
mod families;
mod numbers;

pub(super) mod allocate;

#[cfg(test)]
mod tests;
