//! Zones from given records, checked against RFC 1034, 1035, 2181 and 6672.
//!
//! Anything that makes a zone ambiguous is an error that names owner and type; nothing is repaired
//! silently. Records below a delegation or a DNAME are kept: they are glue, or occluded.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::rrset::{self, RrSet, RrSets};
use super::tree::{self, Zone};
use crate::dns::message::name::{self, WireName};

/// Why records do not make a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// There must be exactly one SOA, at the apex.
    #[error("zone {0} has no SOA record at its apex")]
    NoSoa(Name),
    /// A second SOA, or one below the apex.
    #[error("{owner} SOA: zone {apex} has exactly one SOA record, at its apex; remove this one")]
    ExtraSoa {
        /// The zone.
        apex: Box<Name>,
        /// Where the SOA is that should not be.
        owner: Name,
    },
    /// The owner is not at or below the apex.
    #[error("{owner} {record_type}: the name is not in zone {apex}")]
    OutOfZone {
        /// The zone.
        apex: Box<Name>,
        /// The record's owner.
        owner: Name,
        /// The record's type.
        record_type: RecordType,
    },
    /// The class is not IN.
    #[error("{owner} {record_type}: the class must be IN")]
    NotInternet {
        /// The record's owner.
        owner: Name,
        /// The record's type.
        record_type: RecordType,
    },
    /// A CNAME with other data at its name (RFC 2181 section 10.1).
    #[error("{owner} CNAME: a name with a CNAME record must have no other data, but it has {other} too")]
    CnameAndOther {
        /// The name.
        owner: Name,
        /// A type that is there as well.
        other: RecordType,
    },
    /// More than one record of a type of which a name has one at most.
    #[error("{owner} {record_type}: a name has one such record at most")]
    NotSingle {
        /// The name.
        owner: Name,
        /// CNAME or DNAME.
        record_type: RecordType,
    },
    /// The same record twice (RFC 2181 section 5).
    #[error("{owner} {record_type}: the same record is there twice; remove one")]
    Duplicate {
        /// The record's owner.
        owner: Name,
        /// The record's type.
        record_type: RecordType,
    },
    /// Records of one RRset with different TTLs (RFC 2181 section 5.2).
    #[error(
        "{owner} {record_type}: the records of one RRset must have one TTL, but these have {first} and {other}"
    )]
    TtlsDiffer {
        /// The owner of the RRset.
        owner: Name,
        /// The type of the RRset.
        record_type: RecordType,
        /// The TTL of the first record, in seconds.
        first: u32,
        /// The TTL that differs, in seconds.
        other: u32,
    },
    /// A type that only messages have, or RDATA that is not what its type wants.
    #[error("{owner} {record_type}: a zone cannot hold such a record: {reason}")]
    NotStorable {
        /// The record's owner.
        owner: Name,
        /// The record's type.
        record_type: RecordType,
        /// Why not.
        reason: String,
    },
}

impl Zone {
    /// A zone with these records, SOA included.
    ///
    /// Reports the first mistake, by the order of the records. Records are packed name by name, because
    /// the unpacked form is several times as large.
    pub fn from_records(apex: Name, records: impl IntoIterator<Item = Record>) -> Result<Zone, ZoneError> {
        Self::from_records_in_order(apex, records).map_err(|(_, error)| error)
    }

    /// Like [`Zone::from_records`]; an error comes with the index of the record that it is about: of two
    /// records that cannot stand together, the later one.
    pub(crate) fn from_records_in_order(
        apex: Name,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Zone, Misplaced> {
        let (placed, mut mistake) = by_name(&apex, records);
        let apex_key = WireName::of(&apex);
        let (mut names, mut soa) = (Vec::new(), None);
        for records in placed.chunk_by(|left, right| left.key == right.key) {
            let key = records[0].key.clone();
            match Owner::of(records) {
                Ok(owner) => {
                    soa = if key == apex_key { Some(find_soa(&apex, &owner)) } else { soa };
                    let cased = tree::cased(&owner.name, &key);
                    names.push((key, cased, owner.pack()));
                }
                Err(other) => mistake = mistake.into_iter().chain([other]).min_by_key(|(index, _)| *index),
            }
        }
        if let Some(mistake) = mistake {
            return Err(mistake);
        }
        let (soa, ttl_s) = soa.unwrap_or_else(|| Err((0, ZoneError::NoSoa(apex.clone()))))?;
        let mut zone = Zone::new(absolute(apex), soa, ttl_s);
        for (key, cased, sets) in names {
            zone.put(&key, sets?.as_ref(), cased);
        }
        zone.pending.clear();
        Ok(zone)
    }
}

/// A record, its owner as a key, and its index among all.
struct Placed {
    key: WireName,
    index: usize,
    record: Record,
}

/// What is wrong with a record, and the record's index among all.
pub(super) type Misplaced = (usize, ZoneError);

/// The records sorted by name, stable within a name, up to the first that may not be in the zone.
fn by_name(apex: &Name, records: impl IntoIterator<Item = Record>) -> (Vec<Placed>, Option<Misplaced>) {
    let (mut placed, mut mistake) = (Vec::new(), None);
    for (index, record) in records.into_iter().enumerate() {
        match check_place(apex, &record) {
            Ok(key) => placed.push(Placed { key, index, record }),
            Err(error) => {
                mistake = Some((index, error));
                break;
            }
        }
    }
    placed.sort_by(|left, right| left.key.cmp(&right.key));
    (placed, mistake)
}

/// What one name has, while it is collected.
#[derive(Default)]
struct Owner {
    name: Name,
    sets: BTreeMap<u16, RawSet>,
}

struct RawSet {
    owner: Name,
    record_type: RecordType,
    ttl_s: u32,
    /// With the record's place among all.
    rdata: HashMap<RData, usize>,
}

impl Owner {
    /// The records of one name together, or what is wrong with the first that does not fit.
    fn of(records: &[Placed]) -> Result<Self, Misplaced> {
        let mut owner = Self::default();
        for Placed { index, record, .. } in records {
            owner.take(*index, record.clone()).map_err(|error| (*index, error))?;
        }
        Ok(owner)
    }

    fn pack(self) -> Result<RrSets, Misplaced> {
        self.check_cname()?;
        let sets: Result<Vec<RrSet<'_>>, Misplaced> = self.sets.into_values().map(RawSet::pack).collect();
        sets.map(RrSets::of)
    }

    fn take(&mut self, index: usize, record: Record) -> Result<(), ZoneError> {
        let record_type = record.record_type();
        if self.sets.is_empty() {
            self.name = record.name.clone();
        }
        let set = self.sets.entry(record_type.into()).or_insert_with(|| RawSet {
            owner: record.name.clone(),
            record_type,
            ttl_s: record.ttl,
            rdata: HashMap::new(),
        });
        set.take(index, record)
    }

    /// DNSSEC's own types may stand beside a CNAME (RFC 4034 section 3, RFC 4035 section 2.5).
    fn check_cname(&self) -> Result<(), Misplaced> {
        let Some(cname) = self.sets.get(&RecordType::CNAME.into()) else { return Ok(()) };
        let is_other = |set: &&RawSet| {
            !matches!(
                set.record_type,
                RecordType::CNAME | RecordType::RRSIG | RecordType::NSEC | RecordType::KEY
            )
        };
        match self.sets.values().find(is_other) {
            Some(set) => {
                let other = set.record_type;
                Err((cname.first(), ZoneError::CnameAndOther { owner: self.name.clone(), other }))
            }
            None => Ok(()),
        }
    }
}

impl RawSet {
    fn take(&mut self, index: usize, record: Record) -> Result<(), ZoneError> {
        let (owner, record_type) = (record.name, self.record_type);
        // RRSIGs differ in TTL with what they cover, so they are no RRset (RFC 4034 section 3).
        if record.ttl != self.ttl_s && record_type != RecordType::RRSIG {
            return Err(ZoneError::TtlsDiffer { owner, record_type, first: self.ttl_s, other: record.ttl });
        }
        let Entry::Vacant(vacant) = self.rdata.entry(record.data) else {
            return Err(ZoneError::Duplicate { owner, record_type });
        };
        vacant.insert(index);
        let is_single = matches!(record_type, RecordType::CNAME | RecordType::DNAME);
        if is_single && self.rdata.len() > 1 {
            return Err(ZoneError::NotSingle { owner, record_type });
        }
        Ok(())
    }

    /// The place of its first record among all.
    fn first(&self) -> usize {
        self.rdata.values().copied().min().unwrap_or_default()
    }

    fn pack(self) -> Result<RrSet<'static>, Misplaced> {
        let record_type = self.record_type;
        let storable = |(rdata, index): (&RData, &usize)| {
            let owner = self.owner.clone();
            rrset::storable(record_type, rdata)
                .map_err(|reason| (*index, ZoneError::NotStorable { owner, record_type, reason }))
        };
        let rdata: Vec<Vec<u8>> = self.rdata.iter().map(storable).collect::<Result<_, _>>()?;
        Ok(RrSet::from_wire(record_type, self.ttl_s, rdata))
    }
}

/// The owner as a key, if the record may be in the zone.
fn check_place(apex: &Name, record: &Record) -> Result<WireName, ZoneError> {
    let (owner, record_type) = (record.name.clone(), record.record_type());
    let (key, apex_key) = (WireName::of(&owner), WireName::of(apex));
    if !name::is_at_or_below(key.as_bytes(), apex_key.as_bytes()) {
        return Err(ZoneError::OutOfZone { apex: Box::new(apex.clone()), owner, record_type });
    }
    if record.dns_class != DNSClass::IN {
        return Err(ZoneError::NotInternet { owner, record_type });
    }
    if record_type == RecordType::SOA && key != apex_key {
        return Err(ZoneError::ExtraSoa { apex: Box::new(apex.clone()), owner });
    }
    Ok(key)
}

fn find_soa(apex: &Name, owner: &Owner) -> Result<(SOA, u32), Misplaced> {
    let none = || (0, ZoneError::NoSoa(apex.clone()));
    let set = owner.sets.get(&RecordType::SOA.into()).ok_or_else(none)?;
    if let Some(second) = set.rdata.values().filter(|index| **index != set.first()).min() {
        let extra = ZoneError::ExtraSoa { apex: Box::new(apex.clone()), owner: set.owner.clone() };
        return Err((*second, extra));
    }
    match set.rdata.keys().next() {
        Some(RData::SOA(soa)) => Ok((soa.clone(), set.ttl_s)),
        _ => Err(none()),
    }
}

fn absolute(mut name: Name) -> Name {
    name.set_fqdn(true);
    name
}

#[cfg(test)]
mod tests;
