//! A name that exists and its records, in one allocation.
//!
//! A lookup compares the name and finds the records beside it, so it waits for memory once. What is
//! encoded from the records is kept here too, see `ready`.

use hickory_proto::rr::RecordType;
use triomphe::ThinArc;

use super::ready::Ready;
use super::rrset::RrSetsRef;
use super::table::Named;
use crate::dns::message::name::Octets;

/// A name that exists. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Node(
    /// The name, then what [`RrSets`](super::RrSets) packs.
    ThinArc<Head, u8>,
);

#[derive(Debug)]
struct Head {
    ready: Ready,
    /// See [`Node::is_empty_non_terminal`].
    is_explicit: bool,
    n_name_octets: u8,
}

impl Node {
    pub(super) fn new(name: &[u8], rrsets: RrSetsRef<'_>, is_explicit: bool) -> Self {
        let n_name_octets = u8::try_from(name.len()).expect("a name has at most 255 octets");
        let head = Head { ready: Ready::default(), is_explicit, n_name_octets };
        let mut octets = Octets::from_slice(name);
        octets.extend_from_slice(rrsets.octets());
        Self(ThinArc::from_header_and_slice(head, &octets))
    }

    /// The lower-cased name in wire form.
    #[inline]
    pub fn name(&self) -> &[u8] {
        &self.0.slice[..usize::from(self.head().n_name_octets)]
    }

    /// The RRsets, none for an empty non-terminal.
    #[inline]
    pub fn rrsets(&self) -> RrSetsRef<'_> {
        RrSetsRef::packed(&self.0.slice[usize::from(self.head().n_name_octets)..])
    }

    /// The RRsets of a name that may not exist.
    pub(crate) fn rrsets_of(node: Option<&Self>) -> RrSetsRef<'_> {
        node.map_or(RrSetsRef::EMPTY, Self::rrsets)
    }

    /// Whether the name exists only because a name below it does (RFC 4592 section 2.2.2).
    pub fn is_empty_non_terminal(&self) -> bool {
        !self.head().is_explicit
    }

    /// What readers have made of this node's records.
    #[inline]
    pub(crate) fn ready(&self) -> &Ready {
        &self.head().ready
    }

    pub(super) fn has(&self, record_type: RecordType) -> bool {
        self.rrsets().get(record_type).is_some()
    }

    #[inline]
    fn head(&self) -> &Head {
        &self.0.header.header
    }
}

impl Named for Node {
    #[inline]
    fn name(&self) -> &[u8] {
        self.name()
    }
}
