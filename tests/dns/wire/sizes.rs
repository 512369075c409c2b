//! EDNS, and how much a message holds over each transport.

use std::net::Ipv4Addr;

use hickory_proto::op::Message;

use super::fixture::{A, APEX, BIG, HUGE, SOA, SRV, check, reply, serve};
use crate::support::message::{Opt, ask, option, over_tcp, over_udp, seen};
use crate::support::server;

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
    let zone = dullahan::dns::zonefile::master::parse_zone("endless", &text, Some(origin)).unwrap();
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
