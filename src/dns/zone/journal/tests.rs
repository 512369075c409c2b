use super::*;
use crate::dns::zone::RrSet;
use hickory_proto::rr::Name;
use std::net::IpAddr;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn wire(text: &str) -> WireName {
    WireName::of(&name(text))
}

fn zone() -> Zone {
    Zone::new(name("z."), SOA::new(name("ns.z."), name("me.z."), 1, 2, 3, 4, 5), 9)
}

fn addresses(last: &[u8]) -> RrSets {
    let addresses: Vec<IpAddr> = last.iter().map(|last| [10, 0, 0, *last].into()).collect();
    RrSets::of([RrSet::of_addresses(RecordType::A, 5, &addresses)])
}

/// What has changed since `serial`: serials of SOA records, other records by owner and address.
fn seen(zone: &Zone, serial: u32) -> String {
    let Some(deltas) = zone.changes_since(serial) else { return "whole".into() };
    let records = deltas.iter().flat_map(|delta| delta.records(zone));
    let shown = records.map(|record| match &record.data {
        RData::SOA(soa) => soa.serial.to_string(),
        other => format!("{}{other}", record.name),
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_version_tells_single_records_that_came_and_went() {
    let mut zone = zone();
    zone.set(&wire("a.z."), &addresses(&[1, 2]));
    zone.set_serial(2);
    zone.set(&wire("a.z."), &addresses(&[9]));
    zone.set(&wire("a.z."), &addresses(&[2, 3]));
    zone.set(&wire("b.z."), &addresses(&[4]));
    zone.set_serial(3);
    zone.remove(&wire("b.z."));
    zone.set_serial(4);
    let second = "2 a.z.10.0.0.1 3 a.z.10.0.0.3 b.z.10.0.0.4";
    assert_eq!(seen(&zone, 3), "3 b.z.10.0.0.4 4");
    assert_eq!(seen(&zone, 2), format!("{second} 3 b.z.10.0.0.4 4"));
    assert_eq!(seen(&zone, 1), format!("1 2 a.z.10.0.0.1 a.z.10.0.0.2 {second} 3 b.z.10.0.0.4 4"));
    assert_eq!(seen(&zone, 7), "whole");
}

#[test]
fn a_new_ttl_replaces_every_record() {
    let mut zone = zone();
    zone.set(&wire("a.z."), &addresses(&[1]));
    zone.set_serial(2);
    let address: IpAddr = [10, 0, 0, 1].into();
    zone.set(&wire("a.z."), &RrSets::of([RrSet::of_addresses(RecordType::A, 6, [&address])]));
    zone.set_serial(3);
    assert_eq!(seen(&zone, 2), "2 a.z.10.0.0.1 3 a.z.10.0.0.1");
}

#[test]
fn the_oldest_versions_go_and_many_differences_are_the_whole_zone() {
    let mut zone = zone();
    for serial in 2..VERSIONS_MAX as u32 + 3 {
        zone.set(&wire("a.z."), &addresses(&[(serial % 200) as u8]));
        zone.set_serial(serial);
    }
    let last = zone.serial();
    assert_eq!(zone.journal.deltas.len(), VERSIONS_MAX);
    assert!(zone.changes_since(last - 100).is_some());
    assert!(zone.changes_since(last - 1000).is_none(), "longer than the zone");
    assert!(zone.changes_since(1).is_none(), "forgotten");
}

#[test]
fn a_zone_that_is_read_again_goes_on_from_the_one_before() {
    let mut before = zone();
    before.set(&wire("a.z."), &addresses(&[1]));
    before.set(&wire("b.z."), &addresses(&[1]));
    let mut after = zone();
    after.set(&wire("b.z."), &addresses(&[1, 2]));
    after.set_serial(2);
    after.succeed(&before);
    assert_eq!(seen(&after, 1), "1 a.z.10.0.0.1 2 b.z.10.0.0.2");
    let mut older = zone();
    older.succeed(&after);
    assert_eq!(seen(&older, 1), "whole");
}

#[test]
fn what_one_set_has_and_another_has_not_is_found_whatever_the_order() {
    let check = |own: &[u8], others: &[u8], expected: &[u8]| {
        let rest = addresses(own).as_ref().without(addresses(others).as_ref());
        assert_eq!(rest, addresses(expected), "{own:?} without {others:?}");
    };
    check(&[], &[1], &[]);
    check(&[1, 2], &[], &[1, 2]);
    check(&[1, 2, 3], &[1, 2, 3], &[]);
    check(&[1, 2, 3, 9], &[2, 4], &[1, 3, 9]);
    check(&[5, 6], &[1, 2, 6, 7], &[5]);
    check(&[6], &[1, 2, 3, 6], &[]);
}
