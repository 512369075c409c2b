//! Which endpoints of a service are not what they were: by label, by address, by their ports.
//!
//! What is rendered again is what has a part in one of these.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;

use super::port::Port;

/// The labels, addresses and ports of endpoints that are not what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    pub(super) labels: BTreeSet<Rc<str>>,
    pub(super) addresses: BTreeSet<IpAddr>,
    pub(super) ports: BTreeSet<Rc<[Port]>>,
}

impl Touched {
    /// These and those.
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
