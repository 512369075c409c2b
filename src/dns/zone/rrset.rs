//! RRsets, packed: all records of a name are one allocation.
//!
//! A server keeps hundreds of thousands of names, most with one or two small RRsets; hickory's own
//! types would take several times the memory. RDATA is kept in uncompressed wire form with the case of
//! its names, in canonical order and without duplicates (RFC 2181 section 5), so that two RRsets are
//! equal if their octets are.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecoder, BinEncodable, BinEncoder, NameEncoding, Restrict};
use smallvec::SmallVec;

use crate::dns::message::name::{Octets, WireName};

/// All records of one type at one name, owned or borrowed from [`RrSets`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RrSet<'a> {
    /// Per record: two octets of length, then the RDATA.
    packed: Cow<'a, [u8]>,
    ttl_s: u32,
    record_type: RecordType,
}

/// The RRsets of one name, at most one per type, ordered by type. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RrSets(
    /// Per RRset: two octets of type, four of TTL, four of length, then what [`RrSet`] packs.
    Arc<[u8]>,
);

/// The RRsets of one name, where they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RrSetsRef<'a>(&'a [u8]);

/// Octets of a SRV record's RDATA before its target: priority, weight and port (RFC 2782).
pub(crate) const SRV_FIXED_LENGTH: usize = 6;
/// Octets of a SOA record's RDATA after its names: five numbers, the serial first (RFC 1035 section
/// 3.3.13).
pub(crate) const SOA_FIXED_LENGTH: usize = 20;
/// Octets before an RRset among others.
const HEADER_OCTETS: usize = 10;

impl RrSets {
    /// These RRsets, empty ones left out.
    pub fn of<'a>(sets: impl IntoIterator<Item = RrSet<'a>>) -> Self {
        let mut octets = Octets::new();
        for set in sets.into_iter().filter(|set| !set.is_empty()) {
            // Sets usually come in order of type, so this is usually the end.
            let at = RrSetsRef(&octets).n_octets_up_to(set.record_type);
            octets.insert_from_slice(at, &set.header());
            octets.insert_from_slice(at + HEADER_OCTETS, &set.packed);
        }
        RrSetsRef(&octets).to_owned()
    }

    /// The same, borrowed.
    pub fn as_ref(&self) -> RrSetsRef<'_> {
        RrSetsRef(&self.0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many octets they take.
    pub(super) fn n_octets(&self) -> usize {
        self.0.len()
    }

    /// The RRsets.
    pub fn iter(&self) -> impl Iterator<Item = RrSet<'_>> {
        self.as_ref().iter()
    }

    /// All records, with this owner.
    pub fn records(&self, owner: &Name) -> Vec<Record> {
        self.as_ref().records(owner)
    }
}

impl<'a> RrSetsRef<'a> {
    /// None.
    pub(crate) const EMPTY: Self = Self(&[]);

    /// What was packed as [`RrSets`].
    pub(super) fn packed(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// See [`RrSetsRef::packed`].
    pub(super) fn octets(self) -> &'a [u8] {
        self.0
    }

    /// The same, owned.
    pub(super) fn to_owned(self) -> RrSets {
        if self.is_empty() { RrSets::default() } else { RrSets(self.0.into()) }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// How many octets the RRsets of the types up to this one take.
    fn n_octets_up_to(self, record_type: RecordType) -> usize {
        let up_to = self.iter().take_while(|set| u16::from(set.record_type) <= record_type.into());
        up_to.map(|set| HEADER_OCTETS + set.packed.len()).sum()
    }

    /// The RRsets.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = RrSet<'a>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (header, after) = rest.split_first_chunk::<HEADER_OCTETS>()?;
            let [t0, t1, ttl @ .., l0, l1, l2, l3] = *header;
            let (packed, after) = after.split_at(u32::from_be_bytes([l0, l1, l2, l3]) as usize);
            rest = after;
            let record_type = RecordType::from(u16::from_be_bytes([t0, t1]));
            Some(RrSet { packed: Cow::Borrowed(packed), ttl_s: u32::from_be_bytes(ttl), record_type })
        })
    }

    /// All records, with this owner.
    pub fn records(self, owner: &Name) -> Vec<Record> {
        let mut records = Vec::new();
        for set in self.iter() {
            records.extend(set.records(owner));
        }
        records
    }

    /// The RRset of a type.
    #[inline]
    pub fn get(self, record_type: RecordType) -> Option<RrSet<'a>> {
        self.iter().find(|set| set.record_type == record_type)
    }
}

impl<'a> From<&'a RrSets> for RrSetsRef<'a> {
    fn from(rrsets: &'a RrSets) -> Self {
        rrsets.as_ref()
    }
}

impl RrSet<'_> {
    /// No records.
    pub(crate) fn none(record_type: RecordType, ttl_s: u32) -> RrSet<'static> {
        RrSet { packed: Cow::Owned(Vec::new()), ttl_s, record_type }
    }

    /// An RRset of RDATA in uncompressed wire form; duplicates are dropped.
    pub fn from_wire<T: AsRef<[u8]>>(
        record_type: RecordType,
        ttl_s: u32,
        rdata: impl IntoIterator<Item = T>,
    ) -> Self {
        let mut sorted: Vec<T> = rdata.into_iter().collect();
        sorted.sort_unstable_by(|left, right| left.as_ref().cmp(right.as_ref()));
        sorted.dedup_by(|left, right| left.as_ref() == right.as_ref());
        let mut packed = Vec::with_capacity(sorted.iter().map(|rdata| rdata.as_ref().len() + 2).sum());
        sorted.iter().for_each(|rdata| pack(rdata.as_ref(), &mut packed));
        Self { packed: Cow::Owned(packed), ttl_s, record_type }
    }

    /// An RRset of decoded records; `None` if one is not of a type that a zone can hold.
    pub fn from_rdata<'a>(
        record_type: RecordType,
        ttl_s: u32,
        rdata: impl IntoIterator<Item = &'a RData>,
    ) -> Option<Self> {
        let rdata = rdata.into_iter().map(|rdata| storable(record_type, rdata));
        Some(Self::from_wire(record_type, ttl_s, rdata.collect::<Result<Vec<_>, _>>().ok()?))
    }

    /// The addresses of the family of `record_type`, which is A or AAAA.
    pub fn of_addresses<'a>(
        record_type: RecordType,
        ttl_s: u32,
        addresses: impl IntoIterator<Item = &'a IpAddr>,
    ) -> Self {
        let of_family = |address: &IpAddr| -> Option<SmallVec<[u8; 16]>> {
            match (record_type, address) {
                (RecordType::A, IpAddr::V4(address)) => Some(SmallVec::from_slice(&address.octets())),
                (RecordType::AAAA, IpAddr::V6(address)) => Some(SmallVec::from_slice(&address.octets())),
                _ => None,
            }
        };
        Self::from_wire(record_type, ttl_s, addresses.into_iter().filter_map(of_family))
    }

    /// An RRset whose RDATA is one name each: NS, CNAME, PTR, DNAME.
    pub fn of_names<'a>(
        record_type: RecordType,
        ttl_s: u32,
        names: impl IntoIterator<Item = &'a WireName>,
    ) -> Self {
        Self::from_wire(record_type, ttl_s, names.into_iter().map(WireName::as_bytes))
    }

    /// SRV records with these ports and targets, priority and weight 0.
    pub(crate) fn of_services(ttl_s: u32, mut services: Vec<(u16, WireName)>) -> Self {
        services.sort_unstable();
        services.dedup();
        let n_octets =
            services.iter().map(|(_, target)| 2 + SRV_FIXED_LENGTH + target.as_bytes().len()).sum();
        let mut packed = Vec::with_capacity(n_octets);
        for (port, target) in &services {
            pack_parts([&[0; 4], &port.to_be_bytes(), target.as_bytes()], &mut packed);
        }
        Self { packed: Cow::Owned(packed), ttl_s, record_type: RecordType::SRV }
    }

    /// The union of several RRsets of one type, with the lowest of their TTLs (RFC 2181 section 5.2:
    /// an RRset has one TTL). `None` if there are none.
    pub fn union<'a>(sets: impl IntoIterator<Item = RrSet<'a>>) -> Option<Self> {
        let sets: Vec<RrSet<'a>> = sets.into_iter().collect();
        let record_type = sets.first()?.record_type;
        let ttl_s = sets.iter().map(|set| set.ttl_s).min()?;
        let rdata = sets.iter().flat_map(RrSet::rdata);
        Some(Self::from_wire(record_type, ttl_s, rdata))
    }

    /// The records for which `keep` holds, and new ones, in the order of their keys. Of two records
    /// with one key the old one stays.
    pub(crate) fn revised(
        self,
        is_kept: impl Fn(&[u8]) -> bool,
        new: &RrSet<'_>,
        key: impl Fn(&[u8]) -> &[u8],
    ) -> RrSet<'static> {
        let mut packed = Vec::with_capacity(self.packed.len() + new.packed.len());
        let mut new = new.rdata().peekable();
        for rdata in self.rdata().filter(|rdata| is_kept(rdata)) {
            while let Some(order) = new.peek().map(|new| key(new).cmp(key(rdata)))
                && order.is_le()
            {
                let smaller = new.next().filter(|_| order.is_lt());
                smaller.into_iter().for_each(|smaller| pack(smaller, &mut packed));
            }
            pack(rdata, &mut packed);
        }
        new.for_each(|rdata| pack(rdata, &mut packed));
        RrSet { packed: Cow::Owned(packed), ttl_s: self.ttl_s, record_type: self.record_type }
    }

    /// The records that only this RRset has and those that only `other`, of the same type, has.
    pub(super) fn differences(&self, other: &RrSet<'_>) -> [RrSet<'static>; 2] {
        let (mut own_packed, mut others_packed) = (Vec::new(), Vec::new());
        let (mut own, mut others) = after_what_is_common(&self.packed, &other.packed);
        // Usually few records differ, so the common rest is skipped quickly.
        while own != others {
            let (first, first_other) = (split_first(own), split_first(others));
            let order = match (first, first_other) {
                (Some((rdata, _)), Some((other, _))) => rdata.cmp(other),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            if let (true, Some((rdata, rest))) = (order.is_le(), first) {
                own = rest;
                order.is_lt().then(|| pack(rdata, &mut own_packed));
            }
            if let (true, Some((rdata, rest))) = (order.is_ge(), first_other) {
                others = rest;
                order.is_gt().then(|| pack(rdata, &mut others_packed));
            }
        }
        [(own_packed, self), (others_packed, other)].map(|(packed, of)| RrSet {
            packed: Cow::Owned(packed),
            ttl_s: of.ttl_s,
            record_type: of.record_type,
        })
    }

    /// The header that precedes it in [`RrSets`].
    fn header(&self) -> [u8; HEADER_OCTETS] {
        let [t0, t1] = u16::from(self.record_type).to_be_bytes();
        let [s0, s1, s2, s3] = self.ttl_s.to_be_bytes();
        let length = u32::try_from(self.packed.len()).expect("an RRset is smaller than 4 GiB");
        let [l0, l1, l2, l3] = length.to_be_bytes();
        [t0, t1, s0, s1, s2, s3, l0, l1, l2, l3]
    }

    /// Changes the RDATA of every record; their order must not change by that.
    pub(crate) fn change_each(&mut self, change: impl Fn(&mut [u8])) {
        let mut rest: &mut [u8] = self.packed.to_mut();
        while let Some((length, after)) = rest.split_first_chunk_mut::<2>() {
            let (rdata, after) = after.split_at_mut(usize::from(u16::from_be_bytes(*length)));
            change(rdata);
            rest = after;
        }
    }

    /// The type.
    pub fn record_type(&self) -> RecordType {
        self.record_type
    }

    /// The TTL, in seconds.
    pub fn ttl_s(&self) -> u32 {
        self.ttl_s
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.rdata().count()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// Every record's RDATA in wire form, each after two octets of length.
    pub(crate) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// The RDATA of every record, in wire form.
    pub fn rdata(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest: &[u8] = &self.packed;
        std::iter::from_fn(move || {
            let (rdata, after) = split_first(rest)?;
            rest = after;
            Some(rdata)
        })
    }

    /// The records, with this owner.
    pub fn records(&self, owner: &Name) -> impl Iterator<Item = Record> {
        self.records_for(owner, self.ttl_s)
    }

    /// The records, with this owner and this TTL.
    pub fn records_for(&self, owner: &Name, ttl_s: u32) -> impl Iterator<Item = Record> {
        self.rdata().map(move |rdata| {
            let decoded =
                decode(self.record_type, rdata).expect("what an RRset holds was checked on its way in");
            Record::from_rdata(owner.clone(), ttl_s, decoded)
        })
    }
}

fn pack(rdata: &[u8], packed: &mut Vec<u8>) {
    pack_parts([rdata], packed);
}

fn pack_parts<const N: usize>(rdata: [&[u8]; N], packed: &mut Vec<u8>) {
    let length = rdata.iter().map(|part| part.len()).sum::<usize>();
    let length = u16::try_from(length).expect("RDATA is at most 65535 octets long");
    packed.extend_from_slice(&length.to_be_bytes());
    rdata.iter().for_each(|part| packed.extend_from_slice(part));
}

/// The first record's RDATA, and the records after it.
#[inline]
fn split_first(packed: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, after) = packed.split_first_chunk::<2>()?;
    Some(after.split_at(usize::from(u16::from_be_bytes(*length))))
}

/// Both without (most of) the records that they begin with in common.
fn after_what_is_common<'l, 'r>(mut left: &'l [u8], mut right: &'r [u8]) -> (&'l [u8], &'r [u8]) {
    const STEP: usize = 64;
    let steps = std::iter::zip(left.chunks(STEP), right.chunks(STEP));
    let mut n_common = steps.take_while(|(left, right)| left == right).count() * STEP;
    while let Some((rdata, rest)) = split_first(left)
        && n_common >= rdata.len() + 2
    {
        n_common -= rdata.len() + 2;
        (left, right) = (rest, &right[rdata.len() + 2..]);
    }
    (left, right)
}

/// The wire form of `rdata`, or why the codec does not read it back as it was.
pub(super) fn storable(record_type: RecordType, rdata: &RData) -> Result<Vec<u8>, String> {
    let encoded = encode(rdata)?;
    match encode(&decode(record_type, &encoded)?)? == encoded {
        true => Ok(encoded),
        false => Err("it would be given out otherwise than it was given in".to_owned()),
    }
}

fn encode(rdata: &RData) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    rdata.emit(&mut encoder).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// RDATA from its uncompressed wire form, or what is wrong with it.
pub(crate) fn decode(record_type: RecordType, rdata: &[u8]) -> Result<RData, String> {
    let length = u16::try_from(rdata.len()).map_err(|_| "it is longer than 65535 octets".to_owned())?;
    let read = RData::read(&mut BinDecoder::new(rdata), record_type, Restrict::new(length));
    read.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::rdata::{CNAME, NULL, SRV};

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    #[test]
    fn what_is_packed_comes_back_with_its_case() {
        let srv = RData::SRV(SRV::new(0, 50, 80, name("Web.Example.")));
        let set = RrSet::from_rdata(RecordType::SRV, 5, [&srv]).unwrap();
        let records: Vec<Record> = set.records(&name("_http._tcp.example.")).collect();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].data.to_string(), srv.to_string());
        let unknown = RData::Unknown { code: RecordType::Unknown(65400), rdata: NULL::with(vec![0, 255, 7]) };
        let set = RrSet::from_rdata(RecordType::Unknown(65400), 5, [&unknown]).unwrap();
        assert_eq!(set.records(&name("x.")).map(|record| record.data).collect::<Vec<_>>(), [unknown]);
    }

    #[test]
    fn equal_sets_are_equal_whatever_the_order_and_the_repetitions() {
        let [one, two]: [IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let set = RrSet::of_addresses(RecordType::A, 5, [&two, &one, &two]);
        assert_eq!(set, RrSet::of_addresses(RecordType::A, 5, [&one, &two]));
        assert_eq!(set.len(), 2);
        assert!(RrSet::of_addresses(RecordType::AAAA, 5, [&one]).is_empty());
    }

    #[test]
    fn a_union_has_every_record_once_and_the_lowest_ttl() {
        let targets = ["a.", "b.", "c."].map(|target| WireName::of(&name(target)));
        let left = RrSet::of_names(RecordType::PTR, 9, &targets[..2]);
        let right = RrSet::of_names(RecordType::PTR, 5, &targets[1..]);
        let union = RrSet::union([left, right]).unwrap();
        assert_eq!(union, RrSet::of_names(RecordType::PTR, 5, &targets));
        assert_eq!(RrSet::union([]), None);
    }

    /// An RRset of these RDATA, in this order.
    fn set(rdata: &[&[u8]]) -> RrSet<'static> {
        let mut packed = Vec::new();
        rdata.iter().for_each(|rdata| pack(rdata, &mut packed));
        RrSet { packed: packed.into(), ttl_s: 5, record_type: RecordType::SRV }
    }

    #[test]
    fn what_is_revised_is_in_order_and_of_one_key_what_was_there_is_kept() {
        let check = |before: &[&[u8]], gone: &[u8], new: &[&[u8]], expected: &[&[u8]]| {
            let revised = set(before).revised(|rdata| rdata != gone, &set(new), |rdata| &rdata[1..]);
            assert_eq!(revised, set(expected), "{before:?}");
        };
        check(&[], b"", &[], &[]);
        check(&[b"1a", b"1c"], b"", &[b"2b"], &[b"1a", b"2b", b"1c"]);
        check(&[b"1b"], b"", &[b"2a", b"2b", b"2c"], &[b"2a", b"1b", b"2c"]);
        check(&[b"1b", b"1c"], b"1b", &[b"2b", b"2d"], &[b"2b", b"1c", b"2d"]);
        check(&[], b"", &[b"2a"], &[b"2a"]);
        check(&[b"1a"], b"1a", &[], &[]);
    }

    #[test]
    fn what_only_one_of_two_sets_has_is_found_wherever_they_differ() {
        let all: Vec<[u8; 7]> = (0..40).map(|n| [b'a', b'b', b'c', b'd', b'e', b'f', n]).collect();
        let without = |places: &[usize]| -> Vec<&[u8]> {
            let kept = all.iter().enumerate().filter(|(place, _)| !places.contains(place));
            kept.map(|(_, rdata)| rdata.as_slice()).collect()
        };
        let lacking: [&[usize]; 9] =
            [&[], &[0], &[1], &[7, 8], &[39], &[0, 39], &[3, 20, 38], &[12, 13, 14, 30], &[5, 6]];
        for (left, right) in lacking.iter().flat_map(|left| lacking.map(|right| (*left, right))) {
            let differences = set(&without(left)).differences(&set(&without(right)));
            let expected = [(right, left), (left, right)].map(|(lacking, others)| {
                let only = lacking.iter().filter(|place| !others.contains(place));
                set(&only.map(|place| all[*place].as_slice()).collect::<Vec<_>>())
            });
            assert_eq!(differences, expected, "{left:?} {right:?}");
        }
        let (empty, full) = (set(&[]), set(&without(&[])));
        assert_eq!(full.differences(&empty), [full.clone(), empty.clone()]);
        assert_eq!(empty.differences(&full), [empty, full]);
    }

    #[test]
    fn types_that_are_no_data_are_not_taken() {
        let cname = RData::CNAME(CNAME(name("a.")));
        assert!(RrSet::from_rdata(RecordType::ANY, 5, [&cname]).is_none());
        assert!(RrSet::from_rdata(RecordType::A, 5, [&cname]).is_none());
    }
}
