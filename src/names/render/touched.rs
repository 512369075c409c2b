//! Which endpoints of a service have changed: their labels, addresses and ports.
//!
//! Only names and records with one of these are rendered again.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;

use super::port::Port;

/// The labels, addresses and ports of endpoints that have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    pub(super) labels: BTreeSet<Rc<str>>,
    pub(super) addresses: BTreeSet<IpAddr>,
    pub(super) ports: BTreeSet<Rc<[Port]>>,
}

impl Touched {
    /// Adds those of others.
    pub fn extend(&mut self, others: Self) {
        self.labels.extend(others.labels);
        self.addresses.extend(others.addresses);
        self.ports.extend(others.ports);
    }

    pub(super) fn has_label(&self, label: &str) -> bool {
        self.labels.contains(label)
    }

    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
    }
}
