//! What a name of the zone is answered with: data, nothing, aliases, wildcards, referrals, and in which order.

use std::collections::HashSet;
use std::path::Path;

use super::fixture::{
    A, AAAA, ANY, APEX, CNAME, DNAME, DS, HTTPS, MX, NS, SOA, SRV, SVCB, TXT, WEB, check, reply, serve,
};
use crate::support::message::{ask, over_udp, seen, wire_name};
use crate::support::server;

#[test]
fn names_of_the_zone_have_what_the_zone_says() {
    check(&[
        ("apex SOA", ask(APEX, SOA), "NOERROR aa 1/1/0/0 [SOA||]"),
        ("RD is copied, RA is not set", ask(APEX, SOA).flags(0x100), "NOERROR aa,rd 1/1/0/0 [SOA||]"),
        ("apex NS", ask(APEX, NS), "NOERROR aa 1/2/0/3 [NS*2||A*2 AAAA]"),
        ("addresses of a headless service", ask(WEB, A), "NOERROR aa 1/3/0/0 [A*3||]"),
        ("of the other family", ask(WEB, AAAA), "NOERROR aa 1/3/0/0 [AAAA*3||]"),
        ("a pod", ask("web-0.web.default.svc.cluster.local", A), "NOERROR aa 1/1/0/0 [A||]"),
        (
            "SRV and the addresses of all targets",
            ask("_http._tcp.web.default.svc.cluster.local", SRV),
            "NOERROR aa 1/3/0/6 [SRV*3||A*3 AAAA*3]",
        ),
        ("reverse", ask("1.0.1.10.in-addr.arpa", 12), "NOERROR aa 1/1/0/0 [PTR||]"),
        ("a type without a name", ask("unk.cluster.local", 65400), "NOERROR aa 1/1/0/0 [TYPE65400||]"),
        ("HTTPS", ask("svcb.cluster.local", HTTPS), "NOERROR aa 1/1/0/6 [HTTPS||A*3 AAAA*3]"),
        ("SVCB in alias mode", ask("svcb.cluster.local", SVCB), "NOERROR aa 1/1/0/6 [SVCB||A*3 AAAA*3]"),
        ("a dot in a label", ask(r"esc\.dot.cluster.local", TXT), "NOERROR aa 1/1/0/0 [TXT||]"),
        ("a space in a label", ask(r"sp\032ace.cluster.local", TXT), "NOERROR aa 1/1/0/0 [TXT||]"),
        (
            "a label of 63 octets",
            ask(&format!("{}.{APEX}", "x".repeat(63)), TXT),
            "NOERROR aa 1/1/0/0 [TXT||]",
        ),
        ("another case", ask("mIxEd.clUSTER.LOCAL", TXT), "NOERROR aa 1/1/0/0 [TXT||]"),
        ("ANY is one RRset", ask(WEB, ANY), "NOERROR aa 1/3/0/0 [A*3||]"),
    ]);
}

#[test]
fn what_is_not_there_is_nodata_or_a_name_error() {
    let name_of_255_octets = format!("{0}.{0}.{0}.{1}.{APEX}", "a".repeat(63), "b".repeat(47));
    let nodata = "NOERROR aa 1/0/1/0 [|SOA|]";
    let missing = "NXDOMAIN aa 1/0/1/0 [|SOA|]";
    check(&[
        ("no such type", ask(WEB, MX), nodata),
        ("no such name", ask("nothere.default.svc.cluster.local", A), missing),
        ("only names below", ask("svc.cluster.local", A), nodata),
        ("only names below, of services", ask("_tcp.web.default.svc.cluster.local", SRV), nodata),
        ("below a name without children", ask("x.kubernetes.default.svc.cluster.local", A), missing),
        ("binary label", ask(r"\000\001\254\255.cluster.local", A), missing),
        ("name of 255 octets", ask(&name_of_255_octets, A), missing),
        ("unknown type", ask(APEX, 666), nodata),
        ("type 0", ask(APEX, 0), nodata),
        ("type 65535", ask(APEX, 65535), nodata),
        ("RRSIG of an unsigned zone", ask(APEX, 46), nodata),
        ("DNSKEY of an unsigned zone", ask(APEX, 48), nodata),
        ("OPT as type", ask(APEX, 41), nodata),
        ("MAILA", ask(APEX, 254), nodata),
        ("ANY of no name", ask("nope.cluster.local", ANY), missing),
    ]);
}

#[test]
fn other_zones_names_are_refused() {
    let refused = "REFUSED - 1/0/0/0 [||]";
    check(&[
        ("elsewhere", ask("example.com", A), refused),
        ("the root", ask(".", NS), refused),
        ("the parent", ask("local", SOA), refused),
        ("with the reason", ask("example.com", A).edns(), "REFUSED - 1/0/0/1 opt(1232,v0,ede) [||]"),
    ]);
}

#[test]
fn aliases_are_followed_within_the_zone() {
    check(&[
        ("chain", ask("alias2.default.svc.cluster.local", A), "NOERROR aa 1/5/0/0 [A*3 CNAME*2||]"),
        ("out of the zone", ask("ext.default.svc.cluster.local", A), "NOERROR aa 1/1/0/0 [CNAME||]"),
        ("to no name", ask("dangling.default.svc.cluster.local", A), "NXDOMAIN aa 1/1/1/0 [CNAME|SOA|]"),
        ("to no such type", ask("alias.default.svc.cluster.local", MX), "NOERROR aa 1/1/1/0 [CNAME|SOA|]"),
        ("asked for itself", ask("alias2.default.svc.cluster.local", CNAME), "NOERROR aa 1/1/0/0 [CNAME||]"),
        ("loop", ask("loop1.default.svc.cluster.local", A), "NOERROR aa 1/2/0/0 [CNAME*2||]"),
        ("DNAME", ask("web-0.dn.cluster.local", A), "NOERROR aa 1/3/0/0 [A CNAME DNAME||]"),
        ("DNAME asked for itself", ask("dn.cluster.local", DNAME), "NOERROR aa 1/1/0/0 [DNAME||]"),
    ]);
}

#[test]
fn wildcards_cover_what_does_not_exist() {
    let nodata = "NOERROR aa 1/0/1/0 [|SOA|]";
    check(&[
        ("one label", ask("x.wild.cluster.local", A), "NOERROR aa 1/1/0/0 [A||]"),
        ("two labels", ask("x.y.wild.cluster.local", A), "NOERROR aa 1/1/0/0 [A||]"),
        ("no such type", ask("x.wild.cluster.local", MX), nodata),
        ("a name that exists", ask("exists.wild.cluster.local", TXT), nodata),
        ("a name that has only names below", ask("ent.wild.cluster.local", A), nodata),
        ("below that", ask("x.ent.wild.cluster.local", A), "NXDOMAIN aa 1/0/1/0 [|SOA|]"),
        ("the asterisk itself", ask("*.wild.cluster.local", A), "NOERROR aa 1/1/0/0 [A||]"),
        ("an alias", ask("x.wc.cluster.local", A), "NOERROR aa 1/4/0/0 [A*3 CNAME||]"),
    ]);
}

#[test]
fn delegated_names_are_referred_with_glue() {
    let referral = "NOERROR - 1/0/1/1 [|NS|A]";
    check(&[
        ("below the cut", ask("x.sub.cluster.local", A), referral),
        ("at the cut", ask("sub.cluster.local", NS), referral),
        ("the glue itself", ask("ns.sub.cluster.local", A), referral),
        ("DS is the parent's", ask("sub.cluster.local", DS), "NOERROR aa 1/0/1/0 [|SOA|]"),
        ("a server elsewhere", ask("x.sub2.cluster.local", A), "NOERROR - 1/0/1/0 [|NS|]"),
    ]);
}

#[test]
fn the_example_zone_is_served() {
    let server = server::start(Path::new("zones"));
    for (name, record_type, expected) in [
        ("www.example.test", A, "NOERROR aa 1/2/0/0 [A*2||]"),
        ("blog.example.test", AAAA, "NOERROR aa 1/3/0/0 [AAAA*2 CNAME||]"),
        ("db.example.test", A, "NOERROR aa 1/1/0/0 [CNAME||]"),
        ("example.test", MX, "NOERROR aa 1/2/0/2 [MX*2||A*2]"),
        ("_ldap._tcp.example.test", SRV, "NOERROR aa 1/2/0/2 [SRV*2||A*2]"),
        ("_dmarc.example.test", TXT, "NOERROR aa 1/1/0/0 [TXT||]"),
        ("any.name.apps.example.test", A, "NOERROR aa 1/1/0/0 [A||]"),
        ("host.branch.example.test", A, "NOERROR - 1/0/1/1 [|NS|A]"),
    ] {
        let request = ask(name, record_type).octets();
        assert_eq!(seen(&request, over_udp(server.address, &request).as_deref()), expected, "{name}");
    }
}

#[test]
fn the_question_comes_back_octet_by_octet_and_its_name_owns_the_answer() {
    let server = serve();
    let ask = ask("wEb.DeFaUlT.sVc.ClUsTeR.lOcAl", A);
    let (octets, message) = reply(&server, &ask);
    assert_eq!(octets[12..12 + ask.body.len()], ask.body[..]);
    assert_eq!(octets[12 + ask.body.len()..][..2], [0xc0, 0x0c]);
    assert_eq!(octets.len(), 95);
    assert_eq!(message.answers[0].name.to_string(), "wEb.DeFaUlT.sVc.ClUsTeR.lOcAl.");
}

#[test]
fn a_negative_answer_is_remembered_for_the_soa_minimum_not_its_ttl() {
    let server = serve();
    let (_, message) = reply(&server, &ask("nothere.cluster.local", A));
    assert_eq!(message.authorities[0].ttl, 5);
    assert_eq!(reply(&server, &ask(APEX, SOA)).1.answers[0].ttl, 30);
}

#[test]
fn srv_targets_are_not_compressed() {
    let server = serve();
    let ask = ask("_pg._tcp.db.prod.svc.cluster.local", SRV);
    let (octets, _) = reply(&server, &ask);
    let length_at = 12 + ask.body.len() + 2 + 8;
    let length = u16::from_be_bytes([octets[length_at], octets[length_at + 1]]);
    assert_eq!(usize::from(length), 6 + wire_name("db-0.db.prod.svc.cluster.local").len());
}

#[test]
fn every_address_comes_first_in_turn() {
    let server = serve();
    let first = |_| reply(&server, &ask(WEB, A)).1.answers[0].data.to_string();
    let firsts: HashSet<String> = (0..3).map(first).collect();
    assert_eq!(firsts.len(), 3);
}
