//! RRsets, packed: all that a name has is one allocation.
//!
//! Hundreds of thousands of names are kept, most with one or two small RRsets, so the codec's own
//! types would be several times too large. RDATA is kept in wire form, uncompressed and with the
//! case of its names, in canonical order and without duplicates (RFC 2181 section 5), so that two
//! RRsets are equal if their octets are. It is decoded when it is answered with.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecoder, BinEncodable, BinEncoder, NameEncoding, Restrict};

use super::name::WireName;

/// All records of one type at one name, owned or borrowed from [`RrSets`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RrSet<'a> {
    /// Per record: two octets of length, then the RDATA.
    packed: Cow<'a, [u8]>,
    ttl_s: u32,
    record_type: RecordType,
}

/// The RRsets of one name, at most one per type, ordered by type. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RrSets(
    /// Per RRset: two octets of type, four of TTL, four of length, then what [`RrSet`] packs.
    Arc<[u8]>,
);

/// The RRsets of one name, where they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RrSetsRef<'a>(&'a [u8]);

/// Octets before an RRset among others.
const HEADER_OCTETS: usize = 10;

impl RrSets {
    /// These RRsets, empty ones left out.
    pub fn of<'a>(sets: impl IntoIterator<Item = RrSet<'a>>) -> Self {
        let mut sets: Vec<RrSet<'a>> = sets.into_iter().filter(|set| !set.is_empty()).collect();
        sets.sort_by_key(|set| u16::from(set.record_type));
        let mut octets = Vec::with_capacity(sets.iter().map(|set| set.packed.len() + HEADER_OCTETS).sum());
        for set in sets {
            let length = u32::try_from(set.packed.len()).expect("an RRset is smaller than 4 GiB");
            octets.extend(u16::from(set.record_type).to_be_bytes());
            octets.extend(set.ttl_s.to_be_bytes());
            octets.extend(length.to_be_bytes());
            octets.extend_from_slice(&set.packed);
        }
        Self(octets.into())
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
    pub(super) const EMPTY: Self = Self(&[]);

    /// What was packed as [`RrSets`].
    pub(super) fn packed(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// See [`RrSetsRef::packed`].
    pub(super) fn octets(self) -> &'a [u8] {
        self.0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
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

impl Default for RrSets {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl RrSet<'_> {
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
        let rdata: Option<Vec<Vec<u8>>> =
            rdata.into_iter().map(|rdata| storable(record_type, rdata)).collect();
        Some(Self::from_wire(record_type, ttl_s, rdata?))
    }

    /// The addresses of the family of `record_type`, which is A or AAAA.
    pub fn of_addresses<'a>(
        record_type: RecordType,
        ttl_s: u32,
        addresses: impl IntoIterator<Item = &'a IpAddr>,
    ) -> Self {
        let addresses = addresses.into_iter();
        if record_type == RecordType::A {
            let of_family = |address: &IpAddr| match address {
                IpAddr::V4(address) => Some(address.octets()),
                IpAddr::V6(_) => None,
            };
            return Self::from_wire(record_type, ttl_s, addresses.filter_map(of_family));
        }
        let of_family = |address: &IpAddr| match address {
            IpAddr::V6(address) => Some(address.octets()),
            IpAddr::V4(_) => None,
        };
        Self::from_wire(record_type, ttl_s, addresses.filter_map(of_family))
    }

    /// An RRset whose RDATA is one name each: NS, CNAME, PTR, DNAME.
    pub fn of_names<'a>(
        record_type: RecordType,
        ttl_s: u32,
        names: impl IntoIterator<Item = &'a WireName>,
    ) -> Self {
        Self::from_wire(record_type, ttl_s, names.into_iter().map(WireName::as_bytes))
    }

    /// The records of several RRsets of one type; the lowest TTL, which RFC 2181 section 5.2 wants
    /// of those that differ. `None` if there are none.
    pub fn union<'a>(sets: impl IntoIterator<Item = RrSet<'a>>) -> Option<Self> {
        let sets: Vec<RrSet<'a>> = sets.into_iter().collect();
        let record_type = sets.first()?.record_type;
        let ttl_s = sets.iter().map(|set| set.ttl_s).min()?;
        let rdata = sets.iter().flat_map(RrSet::rdata);
        Some(Self::from_wire(record_type, ttl_s, rdata))
    }

    /// The records of two RRsets, both in the order of their keys; of two of one key, the left one.
    pub(super) fn merged<'r>(
        record_type: RecordType,
        ttl_s: u32,
        left: impl Iterator<Item = &'r [u8]>,
        right: impl Iterator<Item = &'r [u8]>,
        key: fn(&[u8]) -> &[u8],
    ) -> Self {
        let (mut left, mut right) = (left.peekable(), right.peekable());
        let mut packed = Vec::new();
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return Self { packed: Cow::Owned(packed), ttl_s, record_type },
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(left), Some(right)) => key(left).cmp(key(right)),
            };
            let right = if order.is_ge() { right.next() } else { None };
            let left = if order.is_le() { left.next() } else { None };
            pack(left.or(right).unwrap_or_default(), &mut packed);
        }
    }

    /// Changes the RDATA of every record. Their order must remain what it is.
    pub(super) fn change_each(&mut self, change: impl Fn(&mut [u8])) {
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
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (rdata, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
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
    let length = u16::try_from(rdata.len()).expect("RDATA is at most 65535 octets long");
    packed.extend_from_slice(&length.to_be_bytes());
    packed.extend_from_slice(rdata);
}

/// The wire form of `rdata`, if it is what comes back when it is read again.
fn storable(record_type: RecordType, rdata: &RData) -> Option<Vec<u8>> {
    let encoded = encode(rdata)?;
    let decoded = decode(record_type, &encoded)?;
    (encode(&decoded)? == encoded).then_some(encoded)
}

fn encode(rdata: &RData) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    rdata.emit(&mut encoder).ok()?;
    Some(bytes)
}

fn decode(record_type: RecordType, rdata: &[u8]) -> Option<RData> {
    let length = u16::try_from(rdata.len()).ok()?;
    RData::read(&mut BinDecoder::new(rdata), record_type, Restrict::new(length)).ok()
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

    #[test]
    fn what_is_merged_is_in_order_and_of_one_key_the_left_one_is_kept() {
        let keys = |octets: &[&'static [u8]]| -> Vec<&'static [u8]> { octets.to_vec() };
        let check = |left: &[&'static [u8]], right: &[&'static [u8]], expected: &[&[u8]]| {
            let (left, right) = (keys(left).into_iter(), keys(right).into_iter());
            let merged = RrSet::merged(RecordType::SRV, 5, left, right, |rdata| &rdata[1..]);
            assert_eq!(merged.rdata().collect::<Vec<_>>(), expected);
        };
        check(&[], &[], &[]);
        check(&[b"1a", b"1c"], &[b"2b"], &[b"1a", b"2b", b"1c"]);
        check(&[b"1b"], &[b"2a", b"2b", b"2c"], &[b"2a", b"1b", b"2c"]);
        check(&[], &[b"2a"], &[b"2a"]);
    }

    #[test]
    fn types_that_are_no_data_are_not_taken() {
        let cname = RData::CNAME(CNAME(name("a.")));
        assert!(RrSet::from_rdata(RecordType::ANY, 5, [&cname]).is_none());
        assert!(RrSet::from_rdata(RecordType::A, 5, [&cname]).is_none());
    }
}
