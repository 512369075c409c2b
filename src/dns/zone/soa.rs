//! A zone's SOA record, kept apart from the other records because every version has a new one.
//!
//! It is kept in wire form, in which a new serial is four octets written in place.

use std::sync::Arc;

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::rrset::{RrSet, SOA_FIXED_LENGTH};

/// A SOA's RDATA in uncompressed wire form. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Soa(Arc<[u8]>);

impl Soa {
    pub(super) fn of(soa: &SOA) -> Self {
        let soa = RData::SOA(soa.clone());
        let soa = RrSet::from_rdata(RecordType::SOA, 0, [&soa]).expect("a SOA can be stored");
        Self(soa.rdata().next().unwrap_or_default().into())
    }

    pub(super) fn serial(&self) -> u32 {
        self.number(0)
    }

    /// MINIMUM, the last number, which bounds the TTL of negative answers (RFC 2308 section 4).
    pub(super) fn minimum_s(&self) -> u32 {
        self.number(SOA_FIXED_LENGTH - size_of::<u32>())
    }

    /// The same with another serial.
    pub(super) fn with_serial(&self, serial: u32) -> Self {
        let mut octets: Arc<[u8]> = Arc::from(&*self.0);
        let at = self.place(0);
        Arc::make_mut(&mut octets)[at..at + size_of::<u32>()].copy_from_slice(&serial.to_be_bytes());
        Self(octets)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As the RRset that it is.
    pub(super) fn rrset(&self, ttl_s: u32) -> RrSet<'static> {
        RrSet::from_wire(RecordType::SOA, ttl_s, [&self.0])
    }

    pub(super) fn record(&self, owner: &Name, ttl_s: u32) -> Record {
        self.rrset(ttl_s).records(owner).next().expect("it is one record")
    }

    fn number(&self, offset: usize) -> u32 {
        let octets = self.0[self.place(offset)..].first_chunk().expect("a SOA ends with five numbers");
        u32::from_be_bytes(*octets)
    }

    fn place(&self, offset: usize) -> usize {
        self.0.len() - SOA_FIXED_LENGTH + offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_was_given_but_for_the_serial() {
        let name = |text| Name::from_ascii(text).unwrap();
        let with = |serial| SOA::new(name("Ns.z."), name("me.z."), serial, 2, 3, 4, 5);
        let first = Soa::of(&with(0x0102_0304));
        let second = first.with_serial(u32::MAX);
        for (soa, serial) in [(&first, 0x0102_0304), (&second, u32::MAX)] {
            assert_eq!((soa.serial(), soa.minimum_s()), (serial, 5));
            assert_eq!(
                soa.record(&name("z."), 9),
                Record::from_rdata(name("z."), 9, RData::SOA(with(serial)))
            );
            assert_eq!(*soa, Soa::of(&with(serial)));
        }
    }
}
