//! Requests that are odd or wrong: flags, opcodes, classes, and octets that are no message.

use std::io::Write;

use super::fixture::{A, APEX, AXFR, IXFR, SOA, TXT, WEB, check, serve};
use crate::support::message::{
    Ask, Opt, ask, ask_class, framed, header_only, read_framed, receive, seen, tcp, udp,
};

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
