//! Records that make a zone, and records that do not.

use hickory_proto::rr::rdata::{A, CNAME, NS};

use super::*;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn record(line: &str) -> Record {
    let [owner, ttl, record_type, rdata] = line.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
    let record_type: RecordType = record_type.parse().unwrap();
    // The codec's parser lower-cases names.
    let rdata = match record_type {
        RecordType::CNAME => RData::CNAME(CNAME(name(rdata))),
        RecordType::NS => RData::NS(NS(name(rdata))),
        _ => RData::try_from_str(record_type, rdata).unwrap(),
    };
    Record::from_rdata(name(owner), ttl.parse().unwrap(), rdata)
}

const SOA: &str = "example. 30 SOA ns.example. hostmaster.example. 1 7200 1800 86400 5";

fn check(lines: &[&str], expected: &str) {
    let error = Zone::from_records(name("example."), lines.iter().map(|line| record(line))).unwrap_err();
    assert_eq!(error.to_string(), expected, "{lines:?}");
}

#[test]
fn mistakes_are_told_by_owner_and_type() {
    check(&["example. 5 NS ns.example."], "zone example. has no SOA record at its apex");
    check(
        &[SOA, "a.example. 30 SOA ns.example. h.example. 1 1 1 1 1"],
        "a.example. SOA: zone example. has exactly one SOA record, at its apex; remove this one",
    );
    check(
        &[SOA, "example. 30 SOA ns.example. h.example. 2 1 1 1 1"],
        "example. SOA: zone example. has exactly one SOA record, at its apex; remove this one",
    );
    check(&[SOA, "a.other. 5 A 192.0.2.1"], "a.other. A: the name is not in zone example.");
    check(
        &[SOA, "a.example. 5 CNAME b.example.", "A.example. 5 TXT x"],
        "a.example. CNAME: a name with a CNAME record must have no other data, but it has TXT too",
    );
    check(
        &[SOA, "a.example. 5 CNAME b.example.", "a.example. 5 CNAME c.example."],
        "a.example. CNAME: a name has one such record at most",
    );
    check(
        &[SOA, "a.example. 5 NS Ns.example.", "a.example. 5 NS ns.example."],
        "a.example. NS: the same record is there twice; remove one",
    );
    check(
        &[SOA, "a.example. 5 A 192.0.2.1", "a.example. 6 A 192.0.2.2"],
        "a.example. A: the records of one RRset must have one TTL, but these have 5 and 6",
    );
}

#[test]
fn of_several_mistakes_the_first_record_s_is_told() {
    const TWICE: [&str; 2] = ["z.example. 5 A 192.0.2.1"; 2];
    const DIFFERENT: [&str; 2] = ["a.example. 5 A 192.0.2.1", "a.example. 6 A 192.0.2.2"];
    const OUTSIDE: &str = "a.other. 5 A 192.0.2.1";
    let twice = "z.example. A: the same record is there twice; remove one";
    let different = "a.example. A: the records of one RRset must have one TTL, but these have 5 and 6";
    let [z0, z1] = TWICE;
    let [a0, a1] = DIFFERENT;
    check(&[SOA, z0, z1, a0, a1, OUTSIDE], twice);
    check(&[SOA, z0, a0, a1, z1, OUTSIDE], different);
    check(&[SOA, z0, a0, OUTSIDE, a1, z1], "a.other. A: the name is not in zone example.");
    // What a name is as a whole comes after what its records are.
    check(&["b.example. 5 CNAME c.example.", "b.example. 5 TXT x", z0, z1], twice);
    check(
        &["b.example. 5 CNAME c.example.", "b.example. 5 TXT x"],
        "zone example. has no SOA record at its apex",
    );
}

#[test]
fn another_class_and_a_type_that_is_no_data_are_mistakes() {
    let mut chaos = record("a.example. 5 A 192.0.2.1");
    chaos.dns_class = DNSClass::CH;
    let error = Zone::from_records(name("example."), [record(SOA), chaos]).unwrap_err();
    assert_eq!(error.to_string(), "a.example. A: the class must be IN");
    let meta = Record::update0(name("a.example."), 0, RecordType::ANY);
    let error = Zone::from_records(name("example."), [record(SOA), meta]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.example. ANY: a zone cannot hold such a record: record type value unknown: 255"
    );
}

#[test]
fn a_zone_gives_back_its_records_with_their_case_soa_first() {
    let lines =
        [SOA, "Web.example. 5 A 192.0.2.1", "a.b.example. 5 CNAME WEB.example.", "example. 5 NS Ns.example."];
    let zone = Zone::from_records(name("example."), lines.iter().map(|line| record(line))).unwrap();
    let text = |record: &Record| format!("{} {} {}", record.name, record.ttl, record.data);
    let records: Vec<String> = zone.records().iter().map(text).collect();
    assert_eq!(records[0], text(&record(SOA)));
    assert_eq!(
        records[1..],
        ["example. 5 Ns.example.", "a.b.example. 5 WEB.example.", "Web.example. 5 192.0.2.1"]
    );
}

#[test]
fn every_octet_is_legal_in_a_label() {
    let odd = Name::from_labels([&b"sp ace.\x00\xff"[..], b"example"]).unwrap();
    let record_odd = Record::from_rdata(odd.clone(), 5, RData::A(A::new(192, 0, 2, 1)));
    let zone = Zone::from_records(name("example."), [record(SOA), record_odd]).unwrap();
    assert!(zone.records().iter().any(|record| record.name.eq_case(&odd)));
}
