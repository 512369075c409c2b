//! Looking up a name in a zone: RFC 1034 section 4.3.2 step 3, RFC 4592 and RFC 6672. Pure.
//!
//! An existing name is found with all its RRsets; the caller distinguishes data from NODATA. Walks go
//! from the name towards the apex and are bounded by the 127 labels that a name can have.

use hickory_proto::rr::RecordType;

use super::address_names::AddressName;
use super::node::Node;
use super::rrset::{RrSet, RrSets, RrSetsRef};
use super::tree::Zone;
use crate::dns::message::name::{self, NAME_OCTETS_MAX};

/// What a zone has for a name within it.
#[derive(Debug)]
pub(crate) enum Found<'z> {
    /// The name exists, has a wildcard, or stands for another name; with its RRsets, perhaps none.
    Exists(RrSetsRef<'z>),
    /// The name has no node, but is answered as if it had one with these RRsets.
    Synthesized(RrSets),
    /// The name is at or below a delegation.
    Delegated {
        /// How many labels the delegated name has.
        n_labels: usize,
        /// The NS RRset.
        servers: RrSet<'z>,
    },
    /// The name is below a DNAME.
    Redirected {
        /// How many labels the DNAME's owner has.
        n_labels: usize,
        /// The DNAME RRset.
        dname: RrSet<'z>,
    },
    /// Neither the name nor anything below it exists.
    Missing,
}

impl Zone {
    /// Looks up a lower-cased wire name, which must be in this zone. `record_type` matters only at a
    /// delegation, where the parent zone is authoritative for DS (RFC 4035 section 3.1.4.1).
    pub(crate) fn look_up(&self, name: &[u8], record_type: RecordType) -> Found<'_> {
        if let Some(stop) = self.first_cut(name, record_type) {
            return stop;
        }
        if let Some(node) = self.node(name) {
            return Found::Exists(node.rrsets());
        }
        let encloser = name::ancestors(name).skip(1).find(|ancestor| self.node(ancestor).is_some());
        let encloser = encloser.unwrap_or(self.key().as_bytes());
        if let Some(found) = self.address_name(name, encloser) {
            return found;
        }
        match self.wildcard(encloser) {
            Some(node) => Found::Exists(node.rrsets()),
            None => Found::Missing,
        }
    }

    /// The delegation at or above the name, or the DNAME above it, that is nearest to the apex. A DNAME
    /// does not redirect its own owner (RFC 6672 section 2.3).
    fn first_cut(&self, name: &[u8], record_type: RecordType) -> Option<Found<'_>> {
        if !self.has_cuts() {
            return None;
        }
        let depth = name::ancestors(self.key().as_bytes()).count();
        let mut path: Vec<&[u8]> = name::ancestors(name).collect();
        path.reverse();
        path.iter().enumerate().skip(depth - 1).find_map(|(n_labels, ancestor)| {
            let node = self.node(ancestor)?;
            let is_apex = *ancestor == self.key().as_bytes();
            let is_name = *ancestor == name;
            let is_own = is_apex || (is_name && record_type == RecordType::DS);
            if let Some(servers) = node.rrsets().get(RecordType::NS).filter(|_| !is_own) {
                return Some(Found::Delegated { n_labels, servers });
            }
            let dname = node.rrsets().get(RecordType::DNAME).filter(|_| !is_name)?;
            Some(Found::Redirected { n_labels, dname })
        })
    }

    /// The source of synthesis: the asterisk below the closest encloser (RFC 4592 section 3.3.1).
    fn wildcard(&self, encloser: &[u8]) -> Option<&Node> {
        let mut buffer = [0; NAME_OCTETS_MAX + 2];
        buffer[..2].copy_from_slice(b"\x01*");
        buffer[2..2 + encloser.len()].copy_from_slice(encloser);
        self.node(&buffer[..2 + encloser.len()])
    }

    fn address_name(&self, name: &[u8], encloser: &[u8]) -> Option<Found<'_>> {
        match self.address_names()?.apply(name, encloser)? {
            AddressName::Synthesized(set) => Some(Found::Synthesized(RrSets::of([set]))),
            AddressName::SameAs(other) => {
                self.node(other.as_bytes()).map(|node| Found::Exists(node.rrsets()))
            }
        }
    }
}
