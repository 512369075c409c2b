//! What is on the wire: raw requests over UDP and TCP against a server of the fixture zones.
//!
//! `tests/zones/cluster.local.zone` holds headless services of 3, 5, 40 and 300 endpoints,
//! wildcards, delegations, chains of aliases, a DNAME, odd labels and unknown types.

use std::collections::HashSet;
use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::path::Path;

use crate::support::message::*;
use crate::support::server::{self, Server};
use hickory_proto::op::Message;

const A: u16 = 1;
const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const DNAME: u16 = 39;
const DS: u16 = 43;
const SVCB: u16 = 64;
const HTTPS: u16 = 65;
const IXFR: u16 = 251;
const AXFR: u16 = 252;
const ANY: u16 = 255;

const APEX: &str = "cluster.local";
const WEB: &str = "web.default.svc.cluster.local";
const BIG: &str = "big.prod.svc.cluster.local";
const HUGE: &str = "huge.prod.svc.cluster.local";

fn serve() -> Server {
    server::start(Path::new("tests/zones"))
}

/// Sends every request over UDP and TCP and compares what is seen of both replies.
fn check(cases: &[(&str, Ask, &str)]) {
    let server = serve();
    for (name, ask, expected) in cases {
        let request = ask.octets();
        for (transport, reply) in
            [("UDP", over_udp(server.address, &request)), ("TCP", over_tcp(server.address, &request))]
        {
            assert_eq!(seen(&request, reply.as_deref()), *expected, "{name} over {transport}");
        }
    }
}

fn reply(server: &Server, ask: &Ask) -> (Vec<u8>, Message) {
    let octets = over_udp(server.address, &ask.octets()).unwrap();
    let message = Message::from_vec(&octets).unwrap();
    (octets, message)
}

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
fn bits_that_mean_nothing_in_a_query_are_ignored() {
    let plain = "NOERROR aa 1/1/0/0 [SOA||]";
    let record = [&[0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4], &b"abcd"[..]].concat();
    check(&[
        ("rcode", ask(APEX, SOA).flags(5), plain),
        ("TC", ask(APEX, SOA).flags(0x200), plain),
        ("AA", ask(APEX, SOA).flags(0x400), plain),
        ("RA", ask(APEX, SOA).flags(0x80), plain),
        ("Z", ask(APEX, SOA).flags(0x40), plain),
        ("AD", ask(APEX, SOA).flags(0x20), plain),
        ("CD is copied", ask(APEX, SOA).flags(0x10), "NOERROR aa,cd 1/1/0/0 [SOA||]"),
        ("an answer in the query", ask(APEX, SOA).counts([1, 1, 0, 0]).and(&record), plain),
        ("octets after the message", ask(APEX, SOA).and(b"xyz"), plain),
    ]);
}

#[test]
fn broken_queries_are_format_errors_without_a_body() {
    let broken = "FORMERR - 0/0/0/0 [||]";
    let name = |name: &[u8]| Ask { body: [name, &[0, 1, 0, 1]].concat(), ..ask(APEX, A) };
    let long = format!("{0}.{0}.{0}.{1}.{APEX}", "a".repeat(63), "b".repeat(49));
    let with_opt = |opt: Opt| ask(APEX, SOA).opt(&opt);
    check(&[
        ("no question", header_only(), broken),
        ("no question but counted", header_only().counts([1, 0, 0, 0]), broken),
        ("two questions", ask(APEX, SOA).counts([2, 0, 0, 0]).and(&ask(APEX, A).body), broken),
        ("two questions counted", ask(APEX, SOA).counts([2, 0, 0, 0]), broken),
        ("short question", ask(APEX, SOA).cut(2), broken),
        ("pointer to itself", name(b"\xc0\x0c"), broken),
        ("pointer forwards", name(b"\xc0\x20"), broken),
        ("pointer into the header", name(b"\x01a\xc0\x00"), broken),
        ("label type 01", name(b"\x41aaaaaaaa\0"), broken),
        ("label type 10", name(b"\x81a\0"), broken),
        ("name of 257 octets", ask(&long, A), broken),
        ("fewer records than counted", ask(APEX, SOA).counts([1, 0, 0, 1]), broken),
        ("two OPT", ask(APEX, SOA).edns().edns(), broken),
        ("OPT with an owner", with_opt(Opt { owner: b"\x01a\0".to_vec(), ..Opt::default() }), broken),
        ("half an option", with_opt(Opt { options: vec![0, 3, 0], ..Opt::default() }), broken),
        ("option too long", with_opt(Opt { options: vec![0, 3, 0, 20, 1, 2], ..Opt::default() }), broken),
        ("OPT too long", with_opt(Opt { length: Some(50), ..Opt::default() }), broken),
        (
            "TSIG before OPT",
            ask(APEX, SOA).counts([1, 0, 0, 1]).and(b"\x03key\0\0\xfa\0\xff\0\0\0\0\0\x01x").edns(),
            broken,
        ),
    ]);
}

#[test]
fn responses_and_fragments_of_a_header_are_met_with_silence() {
    let server = serve();
    // Whatever comes by one socket is answered in its order: what is answered first was answered alone.
    let next = Ask { id: 0x4321, ..ask(APEX, SOA) }.octets();
    let check = |name: &str, transport: &str, reply: Option<Vec<u8>>| {
        assert_eq!(seen(&next, reply.as_deref()), "NOERROR aa 1/1/0/0 [SOA||]", "{name} over {transport}");
    };
    let over_udp = |name: &str, octets: &[u8]| {
        let socket = udp(server.address);
        socket.send(octets).unwrap();
        socket.send(&next).unwrap();
        check(name, "UDP", receive(&socket));
    };
    for (name, ask) in [
        ("response", ask(APEX, SOA).flags(0x8000)),
        ("response of opcode 15", ask(APEX, SOA).flags(0x8000).opcode(15)),
        (
            "response of EDNS version 9",
            ask(APEX, SOA).flags(0x8000).opt(&Opt { version: 9, ..Opt::default() }),
        ),
    ] {
        over_udp(name, &ask.octets());
        let mut stream = tcp(server.address);
        stream.write_all(&[framed(&ask.octets()), framed(&next)].concat()).unwrap();
        check(name, "TCP", read_framed(&mut stream));
    }
    for length in [0, 1, 11] {
        over_udp(&format!("{length} octets"), &ask(APEX, SOA).octets()[..length]);
    }
}

#[test]
fn other_opcodes_than_query_are_not_implemented() {
    let not_implemented = "NOTIMP - 1/0/0/0 [||]";
    let add = [&b"\x03new\xc0\x0c"[..], &[0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 0, 0, 1]].concat();
    check(&[
        ("IQUERY", ask(APEX, SOA).opcode(1), not_implemented),
        ("STATUS", ask(APEX, SOA).opcode(2), not_implemented),
        ("3", ask(APEX, SOA).opcode(3), not_implemented),
        ("DSO", ask(APEX, SOA).opcode(6), not_implemented),
        ("15", ask(APEX, SOA).opcode(15), not_implemented),
        ("15 without a body", header_only().opcode(15), "NOTIMP - 0/0/0/0 [||]"),
        ("with OPT", ask(APEX, SOA).opcode(2).edns(), "NOTIMP - 1/0/0/1 opt(1232,v0) [||]"),
        ("NOTIFY", ask(APEX, SOA).opcode(4).flags(0x400), "NOTAUTH - 1/0/0/0 [||]"),
        ("NOTIFY of another zone", ask("example.com", SOA).opcode(4), "NOTAUTH - 1/0/0/0 [||]"),
        ("UPDATE", ask(APEX, SOA).opcode(5), not_implemented),
        ("UPDATE that adds", ask(APEX, SOA).opcode(5).counts([1, 0, 1, 0]).and(&add), not_implemented),
        ("UPDATE of another zone", ask("example.com", SOA).opcode(5), not_implemented),
    ]);
}

#[test]
fn other_classes_and_transfers_are_refused() {
    let refused = "REFUSED - 1/0/0/0 [||]";
    let serial = [&b"\xc0\x0c\0\x06\0\x01\0\0\0\x05\0\x16\0\0"[..], &[0; 20]].concat();
    check(&[
        ("CH", ask_class(APEX, SOA, 3), refused),
        ("HS", ask_class(APEX, SOA, 4), refused),
        ("NONE", ask_class(APEX, SOA, 254), refused),
        ("ANY", ask_class(APEX, SOA, 255), refused),
        ("0", ask_class(APEX, SOA, 0), refused),
        ("99", ask_class(APEX, SOA, 99), refused),
        ("version.bind", ask_class("version.bind", TXT, 3), refused),
        ("id.server", ask_class("id.server", TXT, 3), refused),
        ("AXFR", ask(APEX, AXFR), refused),
        ("IXFR", ask(APEX, IXFR).counts([1, 0, 1, 0]).and(&serial), refused),
        ("AXFR below the apex", ask(WEB, AXFR), refused),
    ]);
}

#[test]
fn how_long_a_connection_may_be_idle_is_told_where_there_is_one() {
    let server = serve();
    let request = ask(APEX, SOA).opt(&Opt { options: option(11, &[]), ..Opt::default() }).octets();
    // Ten seconds, in units of 100 ms.
    let told = option(11, &100_u16.to_be_bytes());
    assert!(over_tcp(server.address, &request).unwrap().ends_with(&told));
    let reply = over_udp(server.address, &request);
    assert_eq!(seen(&request, reply.as_deref()), "NOERROR aa 1/1/0/1 opt(1232,v0) [SOA||]");
}

#[test]
fn edns_is_answered_by_edns_and_by_nothing_else() {
    let soa = "NOERROR aa 1/1/0/1 opt(1232,v0) [SOA||]";
    let with = |opt: Opt| ask(APEX, SOA).opt(&opt);
    let options = |options: Vec<u8>| with(Opt { options, ..Opt::default() });
    let version = |version, flags| with(Opt { version, flags, ..Opt::default() });
    check(&[
        ("without", ask(APEX, SOA), "NOERROR aa 1/1/0/0 [SOA||]"),
        ("with", ask(APEX, SOA).edns(), soa),
        (
            "DO is copied",
            with(Opt { flags: 0x8000, ..Opt::default() }),
            "NOERROR aa 1/1/0/1 opt(1232,v0,do) [SOA||]",
        ),
        ("other flags are not", with(Opt { flags: 0x7fff, ..Opt::default() }), soa),
        ("a set extended rcode", with(Opt { rcode: 7, ..Opt::default() }), soa),
        ("unknown option", options(option(65001, b"abc")), soa),
        ("client subnet", options(option(8, &[0, 1, 24, 0, 10, 0, 0])), soa),
        ("padding", options(option(12, &[0; 20])), soa),
        ("version 1", version(1, 0), "BADVERS - 1/0/0/1 opt(1232,v0) [||]"),
        ("version 255 with DO", version(255, 0x8000), "BADVERS - 1/0/0/1 opt(1232,v0,do) [||]"),
        ("name error", ask("nope.cluster.local", A).edns(), "NXDOMAIN aa 1/0/1/1 opt(1232,v0) [|SOA|]"),
    ]);
}

#[test]
fn a_datagram_is_never_longer_than_the_client_and_1232_octets_allow() {
    let server = serve();
    let forty = |size| ask(BIG, A).opt(&Opt { size, ..Opt::default() });
    let truncated = "NOERROR aa,tc 1/0/0/1 opt(1232,v0) [||]";
    let whole = "NOERROR aa 1/40/0/1 opt(1232,v0) [A*40||]";
    for (name, ask, expected, length) in [
        ("size 0", forty(0), truncated, 55),
        ("size 511", forty(511), truncated, 55),
        ("size 512", forty(512), truncated, 55),
        ("size 600", forty(600), truncated, 55),
        ("size 695", forty(695), whole, 695),
        ("size 694", forty(694), truncated, 55),
        ("size 1232", forty(1232), whole, 695),
        ("size 65535", forty(65535), whole, 695),
        ("no EDNS", ask(BIG, A), "NOERROR aa,tc 1/0/0/0 [||]", 44),
        ("300 for 4096", ask(HUGE, A).opt(&Opt { size: 4096, ..Opt::default() }), truncated, 56),
        ("SRV", ask("_x._udp.big.prod.svc.cluster.local", SRV).edns(), truncated, 63),
    ] {
        let request = ask.octets();
        let reply = over_udp(server.address, &request);
        assert_eq!(seen(&request, reply.as_deref()), expected, "{name}");
        assert_eq!(reply.unwrap().len(), length, "{name}");
    }
}

#[test]
fn additional_records_that_do_not_fit_are_left_out_without_tc() {
    let server = serve();
    let ask = ask("_pg._tcp.db.prod.svc.cluster.local", SRV);
    let (octets, message) = reply(&server, &ask);
    assert!(octets.len() <= 512 && !message.metadata.truncation);
    assert_eq!((message.answers.len(), message.additionals.len()), (5, 5));
}

#[test]
fn a_stream_carries_what_a_datagram_cannot() {
    let server = serve();
    for (ask, expected) in [
        (ask(HUGE, A), "NOERROR aa 1/300/0/0 [A*300||]"),
        (ask("_x._tcp.huge.prod.svc.cluster.local", SRV), "NOERROR aa 1/300/0/300 [SRV*300||A*300]"),
    ] {
        let request = ask.octets();
        assert_eq!(seen(&request, over_tcp(server.address, &request).as_deref()), expected);
    }
}

#[test]
fn an_rrset_that_no_message_can_hold_is_answered_in_part_and_in_turn() {
    let soa = "@ 5 SOA ns hostmaster 1 2 3 4 5\n".to_owned();
    let addresses = (0..6000).map(|n| format!("endless 5 A {}\n", Ipv4Addr::from(0x0a00_0000 + n)));
    let text: String = std::iter::once(soa).chain(addresses).collect();
    let origin = "example.test.".parse().unwrap();
    let zone = dullahan::dns::zone::master::parse_zone("endless", &text, Some(origin)).unwrap();
    let server = server::serve(vec![zone], "127.0.0.1:0".parse().unwrap());
    let ask = ask("endless.example.test", A).edns();
    let parts = [(); 2].map(|()| {
        let reply = Message::from_vec(&over_tcp(server.address, &ask.octets()).unwrap()).unwrap();
        assert!(!reply.metadata.truncation && reply.metadata.authoritative && reply.edns.is_some());
        assert!((4000..6000).contains(&reply.answers.len()), "{} answers", reply.answers.len());
        reply.answers
    });
    assert_ne!(parts[0][0], parts[1][0]);
    let datagram = over_udp(server.address, &ask.octets()).unwrap();
    assert_eq!(seen(&ask.octets(), Some(&datagram)), "NOERROR aa,tc 1/0/0/1 opt(1232,v0) [||]");
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

#[test]
fn queries_in_one_segment_are_all_answered() {
    let server = serve();
    let mut stream = tcp(server.address);
    let asks = (100..120).map(|id| framed(&Ask { id, ..ask(WEB, A) }.octets()));
    stream.write_all(&asks.flatten().collect::<Vec<_>>()).unwrap();
    let mut answered = HashSet::new();
    for _ in 100..120 {
        let reply = read_framed(&mut stream).unwrap();
        answered.insert(u16::from_be_bytes([reply[0], reply[1]]));
    }
    assert_eq!(answered, (100..120).collect());
}

#[test]
fn a_query_that_comes_octet_by_octet_and_a_closed_sending_half_are_answered() {
    let server = serve();
    let mut stream = tcp(server.address);
    stream.set_nodelay(true).unwrap();
    let request = ask(APEX, SOA).octets();
    for octet in framed(&request) {
        stream.write_all(&[octet]).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let reply = read_framed(&mut stream);
    assert_eq!(seen(&request, reply.as_deref()), "NOERROR aa 1/1/0/0 [SOA||]");
}

#[test]
fn idle_connections_keep_nobody_else_waiting() {
    let server = serve();
    let _idle: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    let request = ask(APEX, SOA).octets();
    for reply in [over_udp(server.address, &request), over_tcp(server.address, &request)] {
        assert_eq!(seen(&request, reply.as_deref()), "NOERROR aa 1/1/0/0 [SOA||]");
    }
}

#[test]
fn a_connection_that_asks_and_never_reads_keeps_nobody_else_waiting() {
    let server = serve();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_nonblocking(true).unwrap();
    let query = framed(&ask(HUGE, A).octets());
    let n_sent = (0..3000).take_while(|_| stream.write_all(&query).is_ok()).count();
    assert!(n_sent > 100, "{n_sent}");
    let request = ask(APEX, SOA).octets();
    for reply in [over_udp(server.address, &request), over_tcp(server.address, &request)] {
        assert_eq!(seen(&request, reply.as_deref()), "NOERROR aa 1/1/0/0 [SOA||]");
    }
}

#[test]
#[ignore = "serves the fixture zones at DULLAHAN_TEST_LISTEN for DULLAHAN_TEST_SECONDS, to be asked by hand"]
fn serve_the_fixture_zones() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let zones = dullahan::dns::zone::load_folder(Path::new("tests/zones")).zones;
    let _server = server::serve(zones, variable("DULLAHAN_TEST_LISTEN").parse().unwrap());
    let seconds = variable("DULLAHAN_TEST_SECONDS").parse().unwrap();
    std::thread::park_timeout(std::time::Duration::from_secs(seconds));
}
