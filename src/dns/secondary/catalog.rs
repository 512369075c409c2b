//! A catalog zone (RFC 9432): the list of the served zones, as a zone.
//!
//! ```text
//!   NAME                    SOA, NS invalid.
//!   version.NAME            TXT "2"
//!   LABEL.zones.NAME        PTR the member's apex
//! ```
//!
//! Secondaries that consume a catalog become secondaries of its members. RFC 9432 leaves the choice of
//! member labels to the producer; ours is a digest of the member's apex, so it is the same in every
//! version and after every restart. A changed label would make secondaries drop the zone and transfer it
//! again (RFC 9432 section 5.4).

use std::collections::BTreeSet;
use std::fmt::Write;

use hickory_proto::rr::rdata::{NS, PTR, SOA, TXT};
use hickory_proto::rr::{Name, RData, RecordType};
use ring::digest::{SHA256, digest};

use crate::dns::message::name::{NameTooLong, WireName};
use crate::dns::zone::{RrSet, RrSets, Zone};

/// The version of the schema (RFC 9432, 4.2.1).
const VERSION: &str = "2";
/// A label has so many octets of the digest, as twice as many hexadecimal digits.
const LABEL_OCTETS: usize = 16;
/// Catalog zones are not meant for resolvers, so their TTLs do not matter (RFC 9432 section 4.1).
const TTL_S: u32 = 0;
/// REFRESH, RETRY and EXPIRE of the SOA, in seconds. NOTIFY makes updates fast.
const TIMERS_S: (i32, i32, i32) = (60, 10, 1_209_600);

/// The catalog and its members.
#[derive(Clone, Debug)]
pub struct Catalog {
    zone: Zone,
    /// The name below which members are.
    zones: WireName,
    members: BTreeSet<WireName>,
}

impl Catalog {
    /// A catalog that lists nothing yet.
    pub fn new(apex: &Name) -> Result<Self, NameTooLong> {
        let key = WireName::of(apex);
        let (refresh, retry, expire) = TIMERS_S;
        // The NS and SOA names are never looked up; "invalid." is recommended (RFC 9432 section 4).
        let soa = SOA::new(invalid(), invalid(), 0, refresh, retry, expire, TTL_S);
        let mut zone = Zone::new(key.to_name(), soa, TTL_S);
        zone.set(&key, &one(RecordType::NS, RData::NS(NS(invalid()))));
        let version = RData::TXT(TXT::new(vec![VERSION.to_owned()]));
        zone.set(&key.child("version")?, &one(RecordType::TXT, version));
        let zones = key.child("zones")?;
        zones.child(&"0".repeat(2 * LABEL_OCTETS))?;
        Ok(Self { zone, zones, members: BTreeSet::new() })
    }

    /// The zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Lists exactly these zones, without the catalog itself. If that changes anything, or is the first
    /// list, the catalog gets a new version with a serial from `serial`.
    pub fn list(&mut self, zones: impl IntoIterator<Item = WireName>, serial: impl FnOnce() -> u32) {
        let mut members: BTreeSet<WireName> = zones.into_iter().collect();
        members.remove(self.zone.key());
        if members == self.members && self.zone.serial() != 0 {
            return;
        }
        for gone in self.members.difference(&members) {
            self.zone.remove(&self.owner(gone));
        }
        for new in members.difference(&self.members) {
            self.zone.set(&self.owner(new), &one(RecordType::PTR, RData::PTR(PTR(new.to_name()))));
        }
        self.zone.set_serial(serial());
        self.members = members;
    }

    fn owner(&self, member: &WireName) -> WireName {
        let digest = digest(&SHA256, member.as_bytes());
        let label = digest.as_ref()[..LABEL_OCTETS].iter().fold(String::new(), |mut label, octet| {
            write!(label, "{octet:02x}").expect("a string takes everything");
            label
        });
        self.zones.child(&label).expect("a name with such a label was made when the catalog was")
    }
}

fn invalid() -> Name {
    Name::from_ascii("invalid.").expect("a valid name")
}

fn one(record_type: RecordType, data: RData) -> RrSets {
    RrSets::of(RrSet::from_rdata(record_type, TTL_S, [&data]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn names(texts: &[&str]) -> Vec<WireName> {
        texts.iter().map(|text| WireName::of(&name(text))).collect()
    }

    fn records(catalog: &Catalog) -> Vec<String> {
        catalog.zone().records().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn members_are_listed_below_zones_by_labels_that_stay() {
        let mut catalog = Catalog::new(&name("Catalog.test.")).unwrap();
        catalog.list(names(&["b.", "catalog.test.", "A."]), || 7);
        let expected = [
            "catalog.test. 0 IN SOA invalid. invalid. 7 60 10 1209600 0",
            "catalog.test. 0 IN NS invalid.",
            "version.catalog.test. 0 IN TXT 2",
            "16b7de529da4f96b7610c3a1a2b6fe66.zones.catalog.test. 0 IN PTR a.",
            "35ed6d1a3bdf08740f1a5271a192f941.zones.catalog.test. 0 IN PTR b.",
        ];
        assert_eq!(records(&catalog), expected);
    }

    #[test]
    fn only_another_list_is_another_version() {
        let mut catalog = Catalog::new(&name("catalog.")).unwrap();
        catalog.list(names(&[]), || 1);
        assert_eq!(catalog.zone().serial(), 1, "the first one, of nothing");
        catalog.list(names(&["a.", "b."]), || 2);
        let before = records(&catalog);
        catalog.list(names(&["b.", "a.", "a."]), || panic!("it is the same"));
        catalog.list(names(&["b."]), || 3);
        assert_eq!(records(&catalog).len(), before.len() - 1);
        catalog.list(names(&["b.", "a."]), || 4);
        assert_eq!(records(&catalog)[1..], before[1..], "as it was, but for the serial");
        assert!(catalog.zone().changes_since(1).is_some(), "secondaries get the differences");
    }

    #[test]
    fn a_name_that_leaves_no_room_is_refused() {
        let long = format!("{}.{}.{}.", "a".repeat(63), "b".repeat(63), "c".repeat(63));
        assert!(Catalog::new(&name(&format!("{}.{long}", "d".repeat(20)))).is_ok());
        assert!(Catalog::new(&name(&format!("{}.{long}", "d".repeat(30)))).is_err());
    }
}
