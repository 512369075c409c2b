//! What must hold for any input: the functions behind the fuzz targets, which `tests/tools/fuzzing.rs` runs
//! without a fuzzer.
//!
//! Nothing here may depend on the time or on chance, so that an input that fails does so again.

#![allow(dead_code, reason = "each target uses a part of it")]
#![allow(clippy::unwrap_used, reason = "what cannot be read is a finding")]

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use dullahan::clock::{Clock, Timestamp};
use dullahan::dns::message::cookie::Cookies;
use dullahan::dns::message::protocol::DATAGRAM_LENGTH_MAX;
use dullahan::dns::message::response::Response;
use dullahan::dns::message::tsig::{Key, Keys};
use dullahan::dns::service::access::{Access, Clients};
use dullahan::dns::service::asker::{Asker, Transport};
use dullahan::dns::service::fast::{self, Terms};
use dullahan::dns::service::forward::{Failure, Forwarder, Outcome};
use dullahan::dns::service::policy::{Policy, Recursion};
use dullahan::dns::service::respond::{Reply, reply, respond};
use dullahan::dns::transport::begin_transfer;
use dullahan::dns::zone::{Zone, Zones};
use dullahan::dns::zonefile::master;
use dullahan::machinery::manifest::{self, Manifest, Strictness};
use dullahan::rules::{defaulting, dry_run, validation};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, Record};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};
use ring::hmac;

const HEADER_LENGTH: usize = 12;
const NOW_S: i64 = 1_800_000_000;
const CLIENT: [u8; 4] = [127, 0, 0, 1];
const WITHOUT_EDNS_MAX: usize = 512;
/// As base64, what 32 times the letter k is.
const SECRET: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
/// What a signature that is good is met with.
const GOOD: [u8; 2] = [0, 0];
/// How many messages of a transfer are looked at.
const MESSAGES_MAX: usize = 8;
/// How many records of a zone file are asked for.
const RECORDS_MAX: usize = 64;
/// Longer zone files and manifests find nothing that shorter ones do not.
const TEXT_MAX: usize = 4096;

/// Zones in which everything occurs that is looked up in a way of its own.
static ZONES: LazyLock<Zones> = LazyLock::new(|| {
    let mut cluster = "$ORIGIN cluster.local.\n@ 30 SOA ns.dns hostmaster 7 7200 1800 86400 5\n@ 5 NS ns.dns\n\
                       ns.dns 5 A 127.0.0.1\nns.dns 5 AAAA ::1\nweb.default.svc 5 A 10.0.0.1\n\
                       web.default.svc 5 A 10.0.0.2\nweb-0.web.default.svc 5 A 10.0.0.1\n\
                       web-1.web.default.svc 5 A 10.0.0.2\n_http._tcp.web.default.svc 5 SRV 0 50 80 web-0.web.default.svc\n\
                       _http._tcp.web.default.svc 5 SRV 0 50 80 web-1.web.default.svc\next.svc 5 CNAME www.example.com.\n\
                       one.svc 5 CNAME two.svc\ntwo.svc 5 CNAME web.default.svc\nloop.svc 5 CNAME pool.svc\n\
                       pool.svc 5 CNAME loop.svc\n*.wild.svc 5 A 10.0.0.9\nMixed.svc 5 TXT \"text\"\n\
                       mail.svc 5 MX 10 web.default.svc\nhttps.svc 5 HTTPS 1 . alpn=h2\n"
        .to_owned();
    for n in 0..200 {
        cluster += &format!("big.svc 5 A 10.1.0.{n}\nn{n}.big.svc 5 A 10.1.0.{n}\n");
        cluster += &format!("_p._tcp.big.svc 5 SRV 0 1 {} n{n}.big.svc\n", 1000 + n);
    }
    let cuts = "$ORIGIN cuts.test.\n@ 30 SOA ns root 7 7200 1800 86400 5\n@ 5 NS ns\nns 5 A 127.0.0.1\n\
                sub 5 NS ns.sub\nns.sub 5 A 127.0.0.2\nd 5 DNAME web.default.svc.cluster.local.\n";
    let reverse = "$ORIGIN 10.in-addr.arpa.\n@ 30 SOA ns.dns.cluster.local. h.cluster.local. 7 7200 1800 86400 5\n\
                   1.0.0 5 PTR web-0.web.default.svc.cluster.local.\n";
    Zones::new([&cluster, cuts, reverse].map(|text| master::parse_zone("fuzz", text, None).unwrap()))
});

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy {
    nsid: Some("fuzz".to_owned()),
    dns_id: Some("fuzz".to_owned()),
    cookies: Some(Cookies::new([7; 16])),
    keys: Keys::new([Key::new("fuzz", "hmac-sha256", SECRET).unwrap()]),
    transfers: Access(vec!["127.0.0.0/8".parse().unwrap()]),
    // Nobody is asked: what is left is completed here.
    recursion: Some(Recursion {
        clients: Clients(vec!["127.0.0.0/8".parse().unwrap()]),
        forwarder: Arc::new(Forwarder::new(&["192.0.2.53:53".parse().unwrap()], None, clock()).unwrap()),
    }),
    clock: clock(),
    ..Policy::default()
});

fn clock() -> Clock {
    Clock::manual(Timestamp::from_second(NOW_S).unwrap())
}

/// An octet that says by what a request comes, and the request: whatever is asked is answered by
/// the rules, and both ways answer the same.
pub(crate) fn query(data: &[u8]) {
    let Some((how, request)) = data.split_first() else { return };
    let turn = usize::from(*how);
    both_ways(request, turn);
    let transports = [Transport::Udp, Transport::Tcp, Transport::Dot, Transport::Doh, Transport::Doq];
    let transport = transports[turn % transports.len()];
    let asker = Asker { address: IpAddr::from(CLIENT), transport };
    if let Some(response) = respond(&ZONES, &POLICY, request, asker, turn) {
        check(request, &response, transport);
    }
    match reply(&ZONES, &POLICY, request, asker, turn) {
        None => {}
        Some(Reply::Message(response)) => check(request, &response, transport),
        Some(Reply::Pending(pending)) => {
            check(request, &pending.complete(Outcome::Failed(Failure::Remembered)), transport);
        }
        Some(Reply::Transfer(admitted)) => {
            let mut transfer = begin_transfer(*admitted);
            assert!(matches!(transport, Transport::Tcp | Transport::Dot));
            let messages = std::iter::from_fn(|| transfer.next_message()).take(MESSAGES_MAX);
            for octets in messages {
                assert!(octets.len() <= usize::from(u16::MAX));
                assert_eq!(octets[..2], request[..2]);
            }
        }
    }
}

fn both_ways(request: &[u8], turn: usize) {
    let asker = Asker { address: IpAddr::from(CLIENT), transport: Transport::Udp };
    let ordinary = respond(&ZONES, &Policy::default(), request, asker, turn);
    let ordinary = ordinary.map(|response| response.to_octets());
    // The first question makes what the second copies.
    for _ in 0..2 {
        let mut octets = Vec::new();
        if fast::reply(&ZONES, request, turn, Terms::PLAIN, &mut octets).is_some() {
            assert_eq!(Some(&octets), ordinary.as_ref(), "the fast way differs");
        } else {
            assert!(octets.is_empty());
        }
    }
}

fn check(request: &[u8], response: &Response, transport: Transport) {
    assert!(request.len() >= HEADER_LENGTH, "less than a header is answered");
    assert!(request[2] & 0x80 == 0, "a response is answered");
    let octets = response.to_octets();
    let length_max = match (transport, &response.edns) {
        (Transport::Udp, None) => WITHOUT_EDNS_MAX,
        (Transport::Udp, Some(_)) => usize::from(DATAGRAM_LENGTH_MAX),
        _ => usize::from(u16::MAX),
    };
    assert!(octets.len() <= length_max, "{} octets, {length_max} allowed", octets.len());
    assert_eq!(octets[..2], request[..2], "another id");
    assert_eq!(octets[2] & 0xF8, request[2] & 0x78 | 0x80, "another opcode, or no response");
    assert_eq!(octets[3] & 0x60, 0, "Z or AD is set");
    if response.header.response_code == ResponseCode::FormErr {
        assert!(octets.len() <= request.len().max(HEADER_LENGTH + 11), "FORMERR is longer than its cause");
    }
    // A record that hickory cannot read is the other one's: only TSIG is not among what it knows.
    if response.tsig.is_none() {
        match Message::from_vec(&octets) {
            // Types that it does not know may have no data (RFC 3597, 5), which hickory does not take.
            Err(DecodeError::InvalidEmptyRecord) => assert!(response.answers.iter().any(is_empty)),
            read => {
                let message = read.unwrap();
                assert_eq!(message.metadata.truncation, octets[2] & 2 != 0);
                assert!(message.queries.len() <= 1);
            }
        }
    }
}

fn is_empty(record: &Record) -> bool {
    matches!(&record.data, RData::Unknown { rdata, .. } | RData::NULL(rdata) if rdata.anything.is_empty())
}

/// A message, its length before it, and where a bit of it is changed after it was signed: what
/// was signed is let in, and what was changed since is not.
pub(crate) fn tsig(data: &[u8]) {
    let Some(([at_high, at_low, bit], message)) = data.split_first_chunk::<3>() else { return };
    if message.len() < HEADER_LENGTH || message.len() > TEXT_MAX {
        return;
    }
    query(data);
    let mut request = sign(message);
    let asker = Asker { address: IpAddr::from(CLIENT), transport: Transport::Tcp };
    // The error of the signature of the response, behind which there is nothing but a length.
    let told = |request: &[u8]| {
        let response = respond(&ZONES, &POLICY, request, asker, 0)?;
        let octets = response.to_octets();
        assert_eq!(octets[..2], request[..2]);
        response.tsig.and_then(|_| octets.last_chunk::<4>().map(|[high, low, ..]| [*high, *low]))
    };
    // If the message ends where the signature begins, a signature that is read is good.
    let mut decoder = BinDecoder::new(message);
    if Message::read(&mut decoder).is_ok() && decoder.is_empty() {
        assert!(matches!(told(&request), None | Some(GOOD)), "what was signed is not let in");
    }
    // The id on the way may be another (RFC 8945, 5.1).
    let at = 2 + usize::from(u16::from_be_bytes([*at_high, *at_low])) % (message.len() - 2);
    request[at] ^= 1 << (bit % 8);
    assert_ne!(told(&request), Some(GOOD), "octet {at} was changed");
}

/// Appends the TSIG record that signs `message` (RFC 8945, 4.2 and 4.3).
fn sign(message: &[u8]) -> Vec<u8> {
    const KEY: &[u8] = b"\x04fuzz\0";
    const ALGORITHM: &[u8] = b"\x0bhmac-sha256\0";
    const FUDGE_S: [u8; 2] = 300_u16.to_be_bytes();
    let time = &(NOW_S as u64).to_be_bytes()[2..];
    let mut digest = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &[b'k'; 32]));
    for part in [message, KEY, &[0, 255, 0, 0, 0, 0], ALGORITHM, time, &FUDGE_S, &[0, 0, 0, 0]] {
        digest.update(part);
    }
    let mac = digest.sign();
    let mac_length = (mac.as_ref().len() as u16).to_be_bytes();
    let rdata = [ALGORITHM, time, &FUDGE_S, &mac_length, mac.as_ref(), &message[..2], &[0, 0, 0, 0]].concat();
    let length = (rdata.len() as u16).to_be_bytes();
    let mut signed = [message, KEY, &[0, 250, 0, 255, 0, 0, 0, 0], &length, &rdata].concat();
    let n_additional = u16::from_be_bytes([signed[10], signed[11]]).wrapping_add(1);
    signed[10..12].copy_from_slice(&n_additional.to_be_bytes());
    signed
}

/// A zone file: it is refused, or every record of it can be asked for.
pub(crate) fn master(data: &[u8]) {
    let text = String::from_utf8_lossy(&data[..data.len().min(TEXT_MAX)]);
    let origin = Name::from_ascii("fuzz.test.").ok();
    let Ok(zone) = master::parse_zone("fuzz.zone", &text, origin) else { return };
    ask_for_all(zone);
}

fn ask_for_all(zone: Zone) {
    let records = zone.records();
    let zones = Zones::new([zone]);
    let policy = Policy::default();
    for record in records.iter().take(RECORDS_MAX) {
        let mut request = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in record.name.iter() {
            request.push(label.len() as u8);
            request.extend_from_slice(label);
        }
        request.push(0);
        request.extend_from_slice(&u16::from(record.record_type()).to_be_bytes());
        request.extend_from_slice(&[0, 1]);
        for transport in [Transport::Udp, Transport::Tcp] {
            let asker = Asker { address: IpAddr::from(CLIENT), transport };
            let response = respond(&zones, &policy, &request, asker, 1).unwrap();
            assert_ne!(response.header.response_code, ResponseCode::FormErr);
            check(&request, &response, transport);
        }
    }
}

/// A manifest: mistakes are told within bounds, the same ones each time, and what has none can be
/// worked with.
pub(crate) fn manifest(data: &[u8]) {
    let text = String::from_utf8_lossy(&data[..data.len().min(TEXT_MAX)]);
    for strictness in [Strictness::Strict(dry_run::create), Strictness::AsIs] {
        let read = manifest::parse("fuzz.yaml", &text, "default", strictness);
        assert_eq!(read, manifest::parse("fuzz.yaml", &text, "default", strictness), "not the same twice");
        look_at(read);
    }
}

fn look_at(read: Manifest) {
    assert!(read.mistakes.len() <= manifest::MISTAKES_MAX + 1, "{} mistakes", read.mistakes.len());
    for mistake in &read.mistakes {
        assert!(mistake.message.len() <= manifest::MESSAGE_LENGTH_MAX, "{} octets", mistake.message.len());
        assert!(mistake.line >= 1 && mistake.document >= 1);
    }
    for located in read.objects {
        let mut typed = located.typed;
        defaulting::default(&mut typed);
        let _ = validation::validate_create(&typed);
        let mut again = typed.clone();
        defaulting::default(&mut again);
        assert_eq!(typed, again, "defaults of defaults are others");
    }
}

/// A target's name, and what it does with its input.
type Target = (&'static str, fn(&[u8]));

/// All targets by name.
pub(crate) const TARGETS: [Target; 4] =
    [("query", query), ("tsig", tsig), ("master", master), ("manifest", manifest)];
