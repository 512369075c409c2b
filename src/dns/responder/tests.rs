//! What depends on who asks, over a zone of one name and somebody who knows why others are absent.

use std::num::NonZeroU32;

use arc_swap::ArcSwap;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};

use super::*;
use crate::clock::Timestamp;
use crate::dns::limit::LimitOptions;
use crate::dns::zone::{Reason, Reasons, master};

const ZONE: &str =
    "$ORIGIN example.\n@ 5 SOA ns root 1 2 3 4 5\nthere 5 A 192.0.2.1\nalias 5 CNAME missing\n";

#[derive(Debug)]
struct Knows;

impl Reasons for Knows {
    fn reason(&self, name: &Name, record_type: RecordType) -> Option<Reason> {
        let text = format!("{name} {record_type}");
        name.to_string().starts_with("missing").then_some(Reason { cause: "test", text })
    }
}

fn responder(policy: Policy) -> Responder {
    let zone = master::parse_zone("test", ZONE, None).unwrap();
    let mut zones = Zones::new([zone]);
    zones.set_reasons(Arc::new(Knows));
    Responder::new(Arc::new(ArcSwap::from_pointee(zones)), policy, Clock::manual(Timestamp::UNIX_EPOCH))
}

fn request(name: &str, has_edns: bool) -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
    message.edns = has_edns.then(Edns::new);
    message.to_vec().unwrap()
}

fn reply(responder: &Responder, name: &str, client: &str, transport: Transport) -> Option<Message> {
    let octets = responder.respond(&request(name, true), client.parse().unwrap(), transport, 0)?;
    Some(Message::from_vec(&octets).unwrap())
}

fn told(message: &Message) -> Option<String> {
    match message.edns.as_ref()?.option(EdnsCode::Unknown(15))? {
        EdnsOption::Unknown(_, option) => {
            assert_eq!(option[..2], [0, 0], "the info code is Other");
            Some(String::from_utf8(option[2..].to_vec()).unwrap())
        }
        _ => None,
    }
}

#[test]
fn reasons_are_told_to_whom_they_may_be() {
    let missing = Some("missing.example. A");
    for (explain, name, client, expected) in [
        (Explain::Loopback, "missing.example.", "127.0.0.1", missing),
        (Explain::Loopback, "missing.example.", "127.3.2.1", missing),
        (Explain::Loopback, "missing.example.", "::1", missing),
        (Explain::Loopback, "missing.example.", "::ffff:127.0.0.1", missing),
        (Explain::Loopback, "missing.example.", "192.0.2.7", None),
        (Explain::On, "missing.example.", "192.0.2.7", missing),
        (Explain::Off, "missing.example.", "127.0.0.1", None),
        (Explain::On, "unknown.example.", "127.0.0.1", None),
        (Explain::On, "there.example.", "127.0.0.1", None),
        // The end of a chain of aliases is what is missing.
        (Explain::On, "alias.example.", "127.0.0.1", missing),
    ] {
        let responder = responder(Policy { explain, ..Policy::default() });
        for transport in [Transport::Datagram, Transport::Stream] {
            let reply = reply(&responder, name, client, transport).unwrap();
            assert_eq!(told(&reply).as_deref(), expected, "{explain:?} {name} {client} {transport:?}");
        }
    }
}

#[test]
fn a_client_without_edns_is_told_nothing() {
    let responder = responder(Policy { explain: Explain::On, ..Policy::default() });
    let client = "127.0.0.1".parse().unwrap();
    let octets =
        responder.respond(&request("missing.example.", false), client, Transport::Datagram, 0).unwrap();
    assert_eq!(Message::from_vec(&octets).unwrap().edns, None);
}

#[test]
fn datagrams_are_limited_by_kind_and_streams_are_not() {
    let options =
        LimitOptions { per_second: NonZeroU32::MIN, exempt: vec!["198.51.100.0/24".parse().unwrap()] };
    let metrics = Arc::new(Metrics::default());
    let responder = responder(Policy {
        limiter: Some(Arc::new(Limiter::new(options))),
        metrics: Some(metrics.clone()),
        ..Policy::default()
    });
    let outcome = |name: &str, client: &str, transport| match reply(&responder, name, client, transport) {
        None => "dropped",
        Some(reply) if reply.metadata.truncation && reply.answers.is_empty() => "slipped",
        Some(_) => "answered",
    };
    for (name, client, transport, expected) in [
        ("there.example.", "192.0.2.1", Transport::Datagram, "answered"),
        ("there.example.", "192.0.2.1", Transport::Datagram, "dropped"),
        ("there.example.", "192.0.2.2", Transport::Datagram, "slipped"),
        ("there.example.", "192.0.2.1", Transport::Stream, "answered"),
        ("unknown.example.", "192.0.2.1", Transport::Datagram, "answered"),
        ("unknown.example.", "192.0.2.1", Transport::Datagram, "dropped"),
        ("there.example.", "198.51.100.1", Transport::Datagram, "answered"),
        ("there.example.", "198.51.100.1", Transport::Datagram, "answered"),
    ] {
        assert_eq!(outcome(name, client, transport), expected, "{name} {client} {transport:?}");
    }
    let page = metrics.page();
    for line in [
        "dullahan_dns_rate_limited_total{network=\"192.0.2.0/24\"} 3",
        "dullahan_dns_dropped_total{reason=\"rate_limited\"} 2",
        "dullahan_dns_queries_total{transport=\"udp\",type=\"A\",rcode=\"NOERROR\"} 4",
        "dullahan_dns_queries_total{transport=\"tcp\",type=\"A\",rcode=\"NOERROR\"} 1",
    ] {
        assert!(page.lines().any(|other| other == line), "{line} in\n{page}");
    }
}

#[test]
fn what_is_not_answered_is_counted() {
    let metrics = Arc::new(Metrics::default());
    let responder = responder(Policy { metrics: Some(metrics.clone()), ..Policy::default() });
    let client = "127.0.0.1".parse().unwrap();
    assert_eq!(responder.respond(b"short", client, Transport::Datagram, 0), None);
    assert!(metrics.page().contains("dullahan_dns_dropped_total{reason=\"unanswerable\"} 1\n"));
}
