use super::*;
use crate::dns::zone::journal::{OCTETS_MAX, VOLUME_VERSIONS, VOLUMES_MAX};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData};
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
    const KEPT: usize = VOLUMES_MAX * VOLUME_VERSIONS;
    let n_versions = KEPT + VOLUME_VERSIONS + 3;
    for serial in 2..n_versions as u32 + 2 {
        zone.set(&wire("a.z."), &addresses(&[(serial % 200) as u8]));
        zone.set_serial(serial);
    }
    let last = zone.serial();
    let kept: Vec<u32> = zone.journal.deltas().map(|delta| delta.before.serial()).collect();
    assert_eq!(kept.len(), KEPT + 3);
    assert!(kept.into_iter().eq(last - (KEPT as u32 + 3)..last));
    assert!(zone.changes_since(last - 100).is_some());
    assert!(zone.changes_since(last - 1000).is_none(), "longer than the zone");
    assert!(zone.changes_since(1).is_none(), "forgotten");
}

#[test]
fn versions_that_are_too_large_go_early() {
    let delta = |serial: u32, n_octets: usize| {
        let soa = zone().soa;
        let (before, after) = (soa.with_serial(serial), soa.with_serial(serial + 1));
        Delta { before, after, removed: Vec::new(), added: Vec::new(), n_records: 1, n_octets }
    };
    let mut journal = Journal::default();
    let n_versions = 2 * VOLUME_VERSIONS as u32 + 5;
    (0..n_versions).for_each(|serial| journal.push(delta(serial, OCTETS_MAX / 100)));
    let n_kept = |journal: &Journal| journal.deltas().count();
    assert_eq!(n_kept(&journal), 69);
    let before = journal.clone();
    journal.push(delta(n_versions, OCTETS_MAX / 2));
    assert_eq!(n_kept(&journal), 70 - VOLUME_VERSIONS, "one volume is enough");
    journal.push(delta(n_versions + 1, OCTETS_MAX * 97 / 100));
    assert_eq!(n_kept(&journal), 1, "the last one alone has room");
    journal.push(delta(n_versions + 2, OCTETS_MAX + 1));
    assert_eq!((n_kept(&journal), journal.n_octets), (0, 0));
    assert_eq!(n_kept(&before), 69, "in a copy they stay");
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
    let mut same = zone();
    same.set(&wire("b.z."), &addresses(&[1, 2]));
    same.set_serial(2);
    let mut other = same.clone();
    same.succeed(&after);
    assert_eq!(seen(&same, 1), seen(&after, 1), "read again as it was");
    other.set(&wire("b.z."), &addresses(&[1, 3]));
    other.succeed(&after);
    assert_eq!(seen(&other, 1), "whole", "the same serial stands for something else");
    let mut older = zone();
    older.succeed(&after);
    assert_eq!(seen(&older, 1), "whole");
}

#[test]
fn what_one_set_has_and_another_has_not_is_found_whatever_the_order() {
    let check = |own: &[u8], others: &[u8], expected: &[u8]| {
        let [own_set, others_set] = [own, others].map(addresses);
        let [rest, _] = own_set.as_ref().differences(others_set.as_ref());
        assert_eq!(rest, addresses(expected), "{own:?} without {others:?}");
        let [_, rest] = others_set.as_ref().differences(own_set.as_ref());
        assert_eq!(rest, addresses(expected), "{own:?} without {others:?}");
    };
    check(&[], &[1], &[]);
    check(&[1, 2], &[], &[1, 2]);
    check(&[1, 2, 3], &[1, 2, 3], &[]);
    check(&[1, 2, 3, 9], &[2, 4], &[1, 3, 9]);
    check(&[5, 6], &[1, 2, 6, 7], &[5]);
    check(&[6], &[1, 2, 3, 6], &[]);
}
