//! What depends on who asks, over a zone of one name and somebody who knows why others are absent.

use std::num::NonZeroU32;

use arc_swap::ArcSwap;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};

use super::*;
use crate::clock::Clock;
use crate::dns::service::limit::{LimitOptions, Limiter};
use crate::dns::service::policy::Explain;
use crate::dns::zone::{Reason, Reasons};
use crate::dns::zonefile::master;
use crate::metrics::Metrics;

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
    let policy = Policy { clock: Clock::manual(Timestamp::UNIX_EPOCH), ..policy };
    Responder::new(Arc::new(ArcSwap::from_pointee(zones)), Arc::new(ArcSwap::from_pointee(policy)))
}

fn request(name: &str, has_edns: bool) -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
    message.edns = has_edns.then(Edns::new);
    message.to_vec().unwrap()
}

/// The octets that are sent at once.
fn respond(responder: &Responder, request: &[u8], client: &str, transport: Transport) -> Option<Vec<u8>> {
    let asker = Asker { address: client.parse().unwrap(), transport };
    match responder.converse(request, asker, 0)? {
        Reply::Message(response) => Some(response.to_octets()),
        other => panic!("{other:?}"),
    }
}

fn reply(responder: &Responder, name: &str, client: &str, transport: Transport) -> Option<Message> {
    let octets = respond(responder, &request(name, true), client, transport)?;
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
        for transport in [Transport::Udp, Transport::Tcp] {
            let reply = reply(&responder, name, client, transport).unwrap();
            assert_eq!(told(&reply).as_deref(), expected, "{explain:?} {name} {client} {transport:?}");
        }
    }
}

#[test]
fn a_client_without_edns_is_told_nothing() {
    let responder = responder(Policy { explain: Explain::On, ..Policy::default() });
    let request = request("missing.example.", false);
    let octets = respond(&responder, &request, "127.0.0.1", Transport::Udp).unwrap();
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
        ("there.example.", "192.0.2.1", Transport::Udp, "answered"),
        ("there.example.", "192.0.2.1", Transport::Udp, "dropped"),
        ("there.example.", "192.0.2.2", Transport::Udp, "slipped"),
        ("there.example.", "192.0.2.1", Transport::Tcp, "answered"),
        ("unknown.example.", "192.0.2.1", Transport::Udp, "answered"),
        ("unknown.example.", "192.0.2.1", Transport::Udp, "dropped"),
        ("there.example.", "198.51.100.1", Transport::Udp, "answered"),
        ("there.example.", "198.51.100.1", Transport::Udp, "answered"),
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
    assert_eq!(respond(&responder, b"short", "127.0.0.1", Transport::Udp), None);
    assert!(metrics.page().contains("dullahan_dns_dropped_total{reason=\"unanswerable\"} 1\n"));
}

/// What a responder sends to each request of a batch.
fn sent(responder: &Responder, requests: &[Vec<u8>]) -> Vec<Vec<u8>> {
    sent_with(responder, requests, requests.len())
}

/// The same with room for so many of them.
fn sent_with(responder: &Responder, requests: &[Vec<u8>], n_rooms: usize) -> Vec<Vec<u8>> {
    let client = "192.0.2.1".parse().unwrap();
    let requests: Vec<(&[u8], IpAddr)> =
        requests.iter().map(|request| (request.as_slice(), client)).collect();
    let (mut ends, mut replies) = (vec![0], Vec::new());
    let mut room = NameBuffers::new(n_rooms);
    responder.reply_all(&requests, 0, &mut room, &mut replies, |index, end, pending| {
        assert_eq!((index + 1, pending.is_none()), (ends.len(), true));
        ends.push(end);
    });
    ends.windows(2).map(|ends| replies[ends[0]..ends[1]].to_vec()).collect()
}

#[test]
fn both_ways_are_limited_alike() {
    let limited = |paths| {
        let limiter = Limiter::new(LimitOptions { per_second: 2.try_into().unwrap(), exempt: vec![] });
        let metrics = Arc::new(Metrics::default());
        let (limiter, counted) = (Some(Arc::new(limiter)), Some(metrics.clone()));
        let responder = responder(Policy { paths, limiter, metrics: counted, ..Policy::default() });
        (responder, metrics)
    };
    let names = ["there.example.", "THERE.example.", "unknown.example.", "example.", "alias.example."];
    let requests: Vec<Vec<u8>> = (0..12)
        .flat_map(|_| names.map(|name| [request(name, true), request(name, false)]))
        .flatten()
        .collect();
    let (fast, fast_metrics) = limited(Paths::FastFirst);
    let (ordinary, ordinary_metrics) = limited(Paths::OrdinaryOnly);
    let (by_fast, by_ordinary) = (sent(&fast, &requests), sent(&ordinary, &requests));
    assert_eq!(by_fast, by_ordinary);
    let n = |keep: fn(&[u8]) -> bool| by_fast.iter().filter(|octets| keep(octets)).count();
    assert!(n(<[u8]>::is_empty) > 40, "half of what is limited is not sent");
    assert!(n(|octets| octets.len() > 2 && octets[2] & 2 != 0) > 40, "and half is truncated");
    let counted = |metrics: Arc<Metrics>| {
        let page = metrics.page();
        let lines = page.lines().filter(|line| line.contains("_total") && !line.starts_with('#'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(counted(fast_metrics), counted(ordinary_metrics));
}

#[test]
fn who_has_a_good_cookie_is_not_limited() {
    let limiter = Limiter::new(LimitOptions { per_second: NonZeroU32::MIN, exempt: vec![] });
    let cookies = crate::dns::message::cookie::Cookies::new([7; 16]);
    let responder =
        responder(Policy { limiter: Some(Arc::new(limiter)), cookies: Some(cookies), ..Policy::default() });
    let ask = |client: &str, cookie: &[u8]| {
        let mut message = Message::from_vec(&request("there.example.", true)).unwrap();
        let edns = message.edns.as_mut().unwrap();
        edns.options_mut().insert(EdnsOption::Unknown(10, cookie.to_vec()));
        let request = message.to_vec().unwrap();
        let octets = respond(&responder, &request, client, Transport::Udp)?;
        let reply = Message::from_vec(&octets).unwrap();
        let cookie = match reply.edns.as_ref()?.option(EdnsCode::Cookie)? {
            EdnsOption::Unknown(_, cookie) => cookie.clone(),
            _ => return None,
        };
        Some((reply.metadata.truncation, cookie))
    };
    let (is_truncated, cookie) = ask("192.0.2.1", b"12345678").unwrap();
    assert!(!is_truncated && cookie.len() == 24);
    assert_eq!(ask("192.0.2.1", b"12345678"), None, "a client's cookie alone proves nothing");
    assert!(ask("192.0.2.1", b"12345678").unwrap().0, "and the next is truncated");
    for _ in 0..10 {
        assert!(!ask("192.0.2.1", &cookie).unwrap().0, "a good one does");
    }
    assert_eq!(ask("192.0.2.2", &cookie), None, "for its own client");
}

#[test]
fn a_batch_is_answered_whole_whatever_is_in_it_and_however_little_room_there_is() {
    let responder = responder(Policy::default());
    let names = ["there.example.", "unknown.example.", "elsewhere.test.", "alias.example."];
    let mut requests: Vec<Vec<u8>> = names.map(|name| request(name, true)).to_vec();
    requests.insert(1, Vec::new());
    requests.insert(2, b"short".to_vec());
    let replies = sent(&responder, &requests);
    let are_empty: Vec<bool> = replies.iter().map(Vec::is_empty).collect();
    assert_eq!(are_empty, [false, true, true, false, false, false]);
    for n_rooms in [0, 1, 3] {
        assert_eq!(sent_with(&responder, &requests, n_rooms), replies, "room for {n_rooms}");
    }
}
