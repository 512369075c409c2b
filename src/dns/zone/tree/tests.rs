//! Existence: names, empty non-terminals and what holds them.

use std::net::IpAddr;

use hickory_proto::rr::RData;

use super::*;
use crate::dns::zone::RrSet;

fn name(text: &str) -> WireName {
    WireName::of(&Name::from_ascii(text).unwrap())
}

fn zone() -> Zone {
    let apex = Name::from_ascii("example.").unwrap();
    let soa = SOA::new(apex.clone(), apex.clone(), 1, 7200, 1800, 86400, 5);
    Zone::new(apex, soa, 30)
}

fn address() -> RrSets {
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    RrSets::of([RrSet::of_addresses(RecordType::A, 5, [&address])])
}

/// Every name but the apex, `~` before those that exist only for what is below.
fn names(zone: &Zone) -> Vec<String> {
    let shown = |node: &Node| {
        format!("{}{}", if node.is_empty_non_terminal() { "~" } else { "" }, WireName::from(node.name()))
    };
    let mut names: Vec<String> =
        zone.nodes().filter(|node| node.name() != zone.key().as_bytes()).map(shown).collect();
    names.sort_by_key(|name| {
        name.trim_start_matches('~').split('.').rev().map(str::to_owned).collect::<Vec<_>>()
    });
    names
}

#[test]
fn ancestors_exist_as_long_as_something_below_them_does() {
    let mut zone = zone();
    zone.set(&name("a.b.c.example."), &address());
    zone.set(&name("d.b.c.example."), &address());
    assert_eq!(names(&zone), ["~c.example.", "~b.c.example.", "a.b.c.example.", "d.b.c.example."]);
    zone.set(&name("b.c.example."), &address());
    zone.remove(&name("a.b.c.example."));
    assert_eq!(names(&zone), ["~c.example.", "b.c.example.", "d.b.c.example."]);
    zone.remove(&name("b.c.example."));
    assert_eq!(names(&zone), ["~c.example.", "~b.c.example.", "d.b.c.example."]);
    zone.remove(&name("d.b.c.example."));
    assert_eq!(names(&zone), Vec::<String>::new());
    assert_eq!(zone.n_names(), 1);
}

#[test]
fn a_name_may_exist_without_records() {
    let mut zone = zone();
    zone.set(&name("empty.example."), &RrSets::default());
    zone.set(&name("empty.example."), &RrSets::default());
    assert_eq!(names(&zone), ["empty.example."]);
    zone.set(&name("a.empty.example."), &address());
    zone.remove(&name("a.empty.example."));
    assert_eq!(names(&zone), ["empty.example."]);
}

#[test]
fn removing_what_is_not_there_changes_nothing() {
    let mut zone = zone();
    zone.set(&name("a.b.example."), &address());
    let before = names(&zone);
    zone.remove(&name("b.example."));
    zone.remove(&name("x.example."));
    zone.remove(&name("elsewhere."));
    zone.set(&name("elsewhere."), &address());
    assert_eq!(names(&zone), before);
}

#[test]
fn the_soa_stays_whatever_happens_to_the_apex() {
    let mut zone = zone();
    zone.set(&name("example."), &address());
    zone.set_serial(7);
    zone.remove(&name("example."));
    let soas: Vec<_> = zone.records().into_iter().filter(|r| r.record_type() == RecordType::SOA).collect();
    assert_eq!(soas.len(), 1);
    assert_eq!(zone.records().len(), 1);
    let RData::SOA(soa) = &soas[0].data else { panic!("not a SOA") };
    assert_eq!((soa.serial, zone.serial()), (7, 7));
}

#[test]
fn a_changed_copy_leaves_the_old_version_as_it_was() {
    let mut old = zone();
    old.set(&name("a.b.example."), &address());
    let mut new = old.clone();
    new.remove(&name("a.b.example."));
    new.set(&name("c.example."), &address());
    assert_eq!(names(&old), ["~b.example.", "a.b.example."]);
    assert_eq!(names(&new), ["c.example."]);
}

#[test]
fn cuts_are_counted() {
    let mut zone = zone();
    let ns: RrSets = RrSets::of([RrSet::of_names(RecordType::NS, 5, [&name("ns.elsewhere.")])]);
    zone.set(&name("example."), &ns);
    assert!(!zone.has_cuts());
    for _ in 0..2 {
        zone.set(&name("child.example."), &ns);
        assert!(zone.has_cuts());
    }
    zone.set(&name("child.example."), &address());
    assert!(!zone.has_cuts());
    zone.set(&name("child.example."), &ns);
    zone.remove(&name("child.example."));
    assert!(!zone.has_cuts());
}

#[test]
fn wildcards_are_counted() {
    let mut zone = zone();
    for owner in ["*.x.example.", "a.*.y.example."] {
        for _ in 0..2 {
            zone.set(&name(owner), &address());
            assert!(zone.has_synthesized_names(), "{owner}");
        }
        zone.remove(&name(owner));
        assert!(!zone.has_synthesized_names(), "{owner}");
    }
    let apex = Name::from_ascii("*.example.").unwrap();
    let mut below =
        Zone::new(apex.clone(), SOA::new(apex.clone(), apex.clone(), 1, 7200, 1800, 86400, 5), 30);
    below.set(&WireName::of(&apex), &address());
    assert!(below.has_synthesized_names(), "an apex is counted too");
}
