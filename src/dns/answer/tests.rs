//! Questions and whole answers, over one zone that has everything and a few small ones beside it.

use hickory_proto::rr::rdata::NULL;

use super::*;

/// A record in presentation form. DNAME, which the codec knows only as octets, is made by hand, and
/// CNAME, which the codec's parser would lower-case.
pub(super) fn record(line: &str) -> Record {
    let mut fields = line.splitn(4, ' ');
    let owner = Name::from_ascii(fields.next().unwrap()).unwrap();
    let ttl = fields.next().unwrap().parse().unwrap();
    let record_type: RecordType = fields.next().unwrap().parse().unwrap();
    let rest = fields.next().unwrap();
    let rdata = match record_type {
        RecordType::DNAME => {
            let target = WireName::of(&Name::from_ascii(rest).unwrap());
            RData::Unknown { code: record_type, rdata: NULL::with(target.as_bytes().to_vec()) }
        }
        RecordType::CNAME => RData::CNAME(CNAME(Name::from_ascii(rest).unwrap())),
        _ => RData::try_from_str(record_type, rest).unwrap(),
    };
    Record::from_rdata(owner, ttl, rdata)
}

fn zone(apex: &str, lines: &[&str]) -> Zone {
    Zone::from_records(Name::from_ascii(apex).unwrap(), lines.iter().map(|line| record(line))).unwrap()
}

const SOA: &str = "example. 30 SOA ns.example. hostmaster.example. 1 7200 1800 86400 5";

fn zones() -> Zones {
    let example = zone(
        "example.",
        &[
            SOA,
            "example. 30 NS ns.example.",
            "ns.example. 30 A 192.0.2.53",
            "Web.example. 30 A 192.0.2.1",
            "web.example. 30 AAAA 2001:db8::1",
            "alias.example. 30 CNAME Web.example.",
            "chain.example. 30 CNAME alias.example.",
            "abroad.example. 30 CNAME www.elsewhere.",
            "dangling.example. 30 CNAME nowhere.example.",
            "textless.example. 30 CNAME other.example.",
            "other.example. 30 TXT hello",
            "loop-a.example. 30 CNAME loop-b.example.",
            "loop-b.example. 30 CNAME loop-a.example.",
            "next-door.example. 30 CNAME a.deep.neighbour.",
            "into-child.example. 30 CNAME host.child.example.",
            "a.b.c.example. 30 A 192.0.2.2",
            "*.wild.example. 30 A 192.0.2.3",
            "*.wild.example. 30 MX 10 web.example.",
            "there.wild.example. 30 TXT there",
            "x.ent.wild.example. 30 TXT below",
            "*.wild-alias.example. 30 CNAME web.example.",
            "_http._tcp.example. 30 SRV 0 50 80 web.example.",
            "_http._tcp.example. 30 SRV 0 50 80 ns.example.",
            "_http._tcp.example. 30 SRV 0 50 80 there.elsewhere.",
            "child.example. 30 NS ns.child.example.",
            "child.example. 30 NS ns.elsewhere.",
            "ns.child.example. 30 A 192.0.2.99",
            "renamed.example. 20 DNAME target.example.",
            "below.target.example. 30 A 192.0.2.7",
            "www.elsewhere-long.example. 30 TXT x",
        ],
    );
    let long = "a234567890123456789012345678901234567890123456789012345678901."; // 62 octets
    let stretched = format!("stretch.long. 30 DNAME {long}{long}{long}long.");
    let long = zone("long.", &["long. 30 SOA ns.example. h.example. 1 1 1 1 5", &stretched]);
    let neighbour = zone(
        "neighbour.",
        &["neighbour. 3 SOA ns.example. h.example. 1 1 1 1 60", "a.deep.neighbour. 9 A 192.0.2.8"],
    );
    Zones::new([example, long, neighbour])
}

/// What `answer` says, one line per item: rcode, AA, records by section, EDE code.
fn said(zones: &Zones, name: &str, record_type: RecordType) -> Vec<String> {
    let answer = answer(zones, &Query { name: Name::from_ascii(name).unwrap(), record_type });
    let mut lines = vec![format!("{:?}{}", answer.rcode, if answer.is_authoritative { " AA" } else { "" })];
    for (section, records) in [("", answer.answers), ("^ ", answer.authority), ("+ ", answer.additional)] {
        for record in records {
            let data = match &record.data {
                RData::SOA(_) => String::new(),
                RData::Unknown { .. } => "...".to_owned(),
                data => data.to_string(),
            };
            let line = format!("{section}{} {} {} {data}", record.name, record.ttl, record.record_type());
            lines.push(line.trim_end().to_owned());
        }
    }
    lines.extend(answer.extended_error.map(|(code, _)| format!("EDE {code}")));
    lines
}

fn check(name: &str, record_type: RecordType, expected: &[&str]) {
    assert_eq!(said(&zones(), name, record_type), expected, "{name} {record_type}");
}

use RecordType as T;

const NODATA: &[&str] = &["NoError AA", "^ example. 5 SOA"];
const NXDOMAIN: &[&str] = &["NXDomain AA", "^ example. 5 SOA"];

#[test]
fn the_owner_is_the_name_as_asked_and_positive_answers_are_minimal() {
    check("web.example.", T::A, &["NoError AA", "web.example. 30 A 192.0.2.1"]);
    check("wEb.eXample.", T::AAAA, &["NoError AA", "wEb.eXample. 30 AAAA 2001:db8::1"]);
    check("example.", T::SOA, &["NoError AA", "example. 30 SOA"]);
    check("example.", T::NS, &["NoError AA", "example. 30 NS ns.example.", "+ ns.example. 30 A 192.0.2.53"]);
}

#[test]
fn a_negative_answer_has_the_soa_with_the_lesser_of_its_ttl_and_minimum() {
    check("web.example.", T::TXT, NODATA);
    check("nope.example.", T::A, NXDOMAIN);
    check("nope.eXample.", T::A, &["NXDomain AA", "^ eXample. 5 SOA"]);
    check("nope.neighbour.", T::A, &["NXDomain AA", "^ neighbour. 3 SOA"]);
    check("below.web.example.", T::A, NXDOMAIN);
}

#[test]
fn an_empty_non_terminal_exists_for_every_type() {
    for record_type in [T::A, T::TXT, T::NS, T::SOA, T::ANY, T::Unknown(65280), T::DNSKEY, T::RRSIG, T::DS] {
        check("c.example.", record_type, NODATA);
        check("b.c.example.", record_type, NODATA);
        check("_tcp.example.", record_type, NODATA);
        check("x.c.example.", record_type, NXDOMAIN);
    }
}

#[test]
fn outside_the_zones_is_refused_with_an_extended_error() {
    for name in [".", "elsewhere.", "notexample.", "com."] {
        check(name, T::A, &["Refused", "EDE 20"]);
    }
    check("example.", T::AXFR, &["Refused"]);
}

#[test]
fn aliases_are_followed_within_our_zones_and_the_last_name_decides() {
    let web = "Web.example. 30 A 192.0.2.1";
    check("alias.example.", T::A, &["NoError AA", "alias.example. 30 CNAME Web.example.", web]);
    check("alias.example.", T::CNAME, &["NoError AA", "alias.example. 30 CNAME Web.example."]);
    let chain = "chain.example. 30 CNAME alias.example.";
    check("chain.example.", T::A, &["NoError AA", chain, "alias.example. 30 CNAME Web.example.", web]);
    check("abroad.example.", T::A, &["NoError AA", "abroad.example. 30 CNAME www.elsewhere."]);
    let dangling = "dangling.example. 30 CNAME nowhere.example.";
    check("dangling.example.", T::A, &["NXDomain AA", dangling, "^ example. 5 SOA"]);
    let textless = "textless.example. 30 CNAME other.example.";
    check("textless.example.", T::A, &["NoError AA", textless, "^ example. 5 SOA"]);
    let next_door = "next-door.example. 30 CNAME a.deep.neighbour.";
    check("next-door.example.", T::A, &["NoError AA", next_door, "a.deep.neighbour. 9 A 192.0.2.8"]);
    check("next-door.example.", T::TXT, &["NoError AA", next_door, "^ neighbour. 3 SOA"]);
}

#[test]
fn a_loop_of_aliases_ends_with_each_alias_once() {
    let [a, b] = ["loop-a.example. 30 CNAME loop-b.example.", "loop-b.example. 30 CNAME loop-a.example."];
    check("loop-a.example.", T::A, &["NoError AA", a, b]);
    check("loop-b.example.", T::A, &["NoError AA", b, a]);
}

#[test]
fn a_chain_has_a_bound() {
    let mut lines = vec![SOA.to_owned()];
    lines.extend((0..40).map(|i| format!("n{i}.example. 30 CNAME n{}.example.", i + 1)));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let zones = Zones::new([zone("example.", &lines)]);
    assert_eq!(said(&zones, "n0.example.", T::A).len(), 1 + CHAIN_NAMES_MAX);
}

#[test]
fn a_wildcard_stands_in_only_where_nothing_exists() {
    check("any.wild.example.", T::A, &["NoError AA", "any.wild.example. 30 A 192.0.2.3"]);
    check("deep.down.wild.example.", T::A, &["NoError AA", "deep.down.wild.example. 30 A 192.0.2.3"]);
    check("any.wild.example.", T::TXT, NODATA);
    check("there.wild.example.", T::A, NODATA);
    check("below.there.wild.example.", T::A, NXDOMAIN);
    check("ent.wild.example.", T::A, NODATA);
    check("y.ent.wild.example.", T::A, NXDOMAIN);
    check("*.wild.example.", T::A, &["NoError AA", "*.wild.example. 30 A 192.0.2.3"]);
    check("wild.example.", T::A, NODATA);
    let alias = "any.wild-alias.example. 30 CNAME web.example.";
    check("any.wild-alias.example.", T::A, &["NoError AA", alias, "web.example. 30 A 192.0.2.1"]);
}

#[test]
fn a_delegation_is_answered_with_a_referral_and_its_glue() {
    let referral = [
        "NoError",
        "^ child.example. 30 NS ns.child.example.",
        "^ child.example. 30 NS ns.elsewhere.",
        "+ ns.child.example. 30 A 192.0.2.99",
    ];
    check("host.child.example.", T::A, &referral);
    check("child.example.", T::A, &referral);
    check("ns.child.example.", T::A, &referral);
    check("child.example.", T::NS, &referral);
    check("host.child.example.", T::DS, &referral);
    check("child.example.", T::DS, NODATA);
    let mut through_alias = vec!["NoError AA", "into-child.example. 30 CNAME host.child.example."];
    through_alias.extend(&referral[1..]);
    check("into-child.example.", T::A, &through_alias);
}

#[test]
fn ds_is_answered_by_the_zone_above_if_we_have_it() {
    let child = zone("child.example.", &["child.example. 7 SOA ns.example. h.example. 1 1 1 1 7"]);
    let mut zones = zones();
    zones.insert(child);
    assert_eq!(said(&zones, "child.example.", T::DS), NODATA);
    assert_eq!(said(&zones, "child.example.", T::A), ["NoError AA", "^ child.example. 7 SOA"]);
    assert_eq!(said(&zones, "example.", T::DS), NODATA);
}

#[test]
fn below_a_dname_a_cname_is_made_up() {
    let dname = "renamed.example. 20 DNAME ...";
    let alias = "below.renamed.example. 20 CNAME below.target.example.";
    let found = "below.target.example. 30 A 192.0.2.7";
    check("below.renamed.example.", T::A, &["NoError AA", dname, alias, found]);
    check("below.renamed.example.", T::CNAME, &["NoError AA", dname, alias]);
    let other = "x.renamed.example. 20 CNAME x.target.example.";
    check("x.renamed.example.", T::A, &["NXDomain AA", dname, other, "^ example. 5 SOA"]);
    check("renamed.example.", T::A, NODATA);
    check("renamed.example.", T::DNAME, &["NoError AA", dname]);
    let label = "b".repeat(63);
    check(&format!("{label}.stretch.long."), T::A, &["YXDomain AA", "stretch.long. 30 DNAME ..."]);
}

#[test]
fn any_gets_one_rrset() {
    check("web.example.", T::ANY, &["NoError AA", "web.example. 30 A 192.0.2.1"]);
    check("alias.example.", T::ANY, &["NoError AA", "alias.example. 30 CNAME Web.example."]);
}

#[test]
fn every_target_of_ours_brings_its_addresses() {
    check(
        "_http._tcp.example.",
        T::SRV,
        &[
            "NoError AA",
            "_http._tcp.example. 30 SRV 0 50 80 ns.example.",
            "_http._tcp.example. 30 SRV 0 50 80 web.example.",
            "_http._tcp.example. 30 SRV 0 50 80 there.elsewhere.",
            "+ ns.example. 30 A 192.0.2.53",
            "+ web.example. 30 A 192.0.2.1",
            "+ web.example. 30 AAAA 2001:db8::1",
        ],
    );
    check(
        "mail.wild.example.",
        T::MX,
        &[
            "NoError AA",
            "mail.wild.example. 30 MX 10 web.example.",
            "+ web.example. 30 A 192.0.2.1",
            "+ web.example. 30 AAAA 2001:db8::1",
        ],
    );
}

#[test]
fn before_all_is_read_a_name_error_is_servfail() {
    let mut example = zone("example.", &[SOA, "web.example. 30 A 192.0.2.1"]);
    example.set_synced(false);
    let zones = Zones::new([example]);
    assert_eq!(said(&zones, "nope.example.", T::A), ["ServFail AA", "^ example. 5 SOA", "EDE 14"]);
    assert_eq!(said(&zones, "web.example.", T::A), ["NoError AA", "web.example. 30 A 192.0.2.1"]);
    assert_eq!(said(&zones, "web.example.", T::TXT), NODATA);
}
