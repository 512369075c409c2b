use std::net::IpAddr;

use hickory_proto::op::{Message as Decoded, MessageType, OpCode};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, RecordType};

use super::*;
use crate::dns::zone::{RrSet, RrSets};

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn zone(n_names: u32) -> Zone {
    let mut zone = Zone::new(name("z."), SOA::new(name("ns.z."), name("me.z."), 1, 2, 3, 4, 5), 9);
    for n in 0..n_names {
        let address = IpAddr::from(n.to_be_bytes());
        let sets = RrSets::of([RrSet::of_addresses(RecordType::A, 5, [&address])]);
        zone.set(&WireName::of(&name(&format!("n{n}.z."))), &sets);
    }
    zone.set_serial(2);
    zone
}

fn messages(zone: Zone, since: Option<u32>) -> Vec<Decoded> {
    let mut header = Metadata::new(7, MessageType::Response, OpCode::Query);
    header.authoritative = true;
    let clock = Clock::manual(crate::clock::Timestamp::UNIX_EPOCH);
    let mut transfer =
        Transfer::new(zone, since, header, clock).beginning_with(b"\x01z\0\0\xfc\0\x01".to_vec(), None);
    let octets = std::iter::from_fn(|| transfer.next_message());
    octets.map(|octets| Decoded::from_vec(&octets).unwrap()).collect()
}

/// Serials of SOA records and how many other records follow each.
fn seen(messages: &[Decoded]) -> Vec<(u32, usize)> {
    let mut seen: Vec<(u32, usize)> = Vec::new();
    for record in messages.iter().flat_map(|message| &message.answers) {
        match (&record.data, seen.last_mut()) {
            (RData::SOA(soa), _) => seen.push((soa.serial, 0)),
            (_, Some((_, n))) => *n += 1,
            (_, None) => panic!("the first record is the SOA"),
        }
    }
    seen
}

#[test]
fn a_whole_zone_lies_between_two_soa_records_in_messages_of_16_kib() {
    let messages = messages(zone(5000), None);
    assert_eq!(seen(&messages), [(2, 5000), (2, 0)]);
    assert!(messages.len() > 3);
    for (position, message) in messages.iter().enumerate() {
        assert_eq!(message.queries.len(), usize::from(position == 0));
        assert!(message.metadata.authoritative);
    }
}

#[test]
fn a_transfer_that_begins_has_not_looked_at_the_names_yet() {
    let header = Metadata::new(7, MessageType::Response, OpCode::Query);
    let clock = Clock::manual(crate::clock::Timestamp::UNIX_EPOCH);
    let mut transfer = Transfer::new(zone(9), None, header, clock);
    assert!(matches!(transfer.rest, Rest::Zone));
    assert!(transfer.next_message().is_some());
    assert!(matches!(transfer.rest, Rest::Nothing));
}

#[test]
fn an_empty_zone_is_one_message() {
    assert_eq!(seen(&messages(zone(0), None)), [(2, 0), (2, 0)]);
}

#[test]
fn differences_are_sent_where_they_are_known() {
    let mut zone = zone(10);
    zone.remove(&WireName::of(&name("n3.z.")));
    zone.set_serial(3);
    assert_eq!(seen(&messages(zone.clone(), Some(2))), [(3, 0), (2, 1), (3, 0), (3, 0)]);
    assert_eq!(seen(&messages(zone, Some(77))), [(3, 9), (3, 0)]);
}
