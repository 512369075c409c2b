//! Cluster addresses and node ports of services.
//!
//! ```text
//!   services in the store ──► InUse ──┐
//!   wanted (and old) service ─────────┼──► allocate ──► service with addresses and ports, or why not
//!   ServiceNetwork ───────────────────┘
//! ```
//!
//! [`allocate::allocate`] is pure. What is taken follows from the services that are present alone, so that
//! deleting a service releases what it held. [`ledger::Ledger`] keeps that knowledge up to date from the
//! store's own history; it is guarded by the lock that is held from the choice of an address to
//! the commit that takes it.
//!
//! Cost: each event of the store is looked at once; the search for a free number walks the taken
//! ones in order, which for 10,000 services is some tens of microseconds per created service.

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
