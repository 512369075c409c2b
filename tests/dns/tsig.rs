//! Transaction signatures at the socket (RFC 8945): requests signed well and badly over UDP and TCP,
//! every reply verified; transfers of many messages, whose signatures are a chain.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::RData;
use tempfile::TempDir;

use crate::support::binary::Program;
use crate::support::message::{Ask, ask, framed, over_tcp, over_udp, rcode, read_framed};
use crate::support::tsig::{self, ALL, BADKEY, BADSIG, BADTIME, BADTRUNC, Before, Key, Record, now_s};
use crate::support::wait;

const OTHER_SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const A: u16 = 1;
const SOA: u16 = 6;
const IXFR: u16 = 251;
const AXFR: u16 = 252;
const APEX: &str = "cluster.local";
const BIG: &str = "big.prod.svc.cluster.local";

fn serve(zones: &Path) -> (Program, TempDir) {
    tsig::serve(zones, &["--allow-transfer=key:xfr."])
}

fn key() -> Key {
    Key::new("xfr.", tsig::SECRET)
}

/// The replies over UDP and TCP.
fn replies(server: SocketAddr, request: &[u8]) -> [(&'static str, Vec<u8>); 2] {
    let reply = |reply: Option<Vec<u8>>| reply.expect("there is a reply");
    [("UDP", reply(over_udp(server, request))), ("TCP", reply(over_tcp(server, request)))]
}

fn rcode_of(reply: &[u8]) -> String {
    rcode(&Message::from_vec(reply).unwrap())
}

/// The MAC of a request that is signed.
fn mac_of(key: &Key, request: &[u8]) -> Vec<u8> {
    key.read(request).unwrap().mac
}

#[test]
fn whatever_is_asked_with_a_good_signature_is_answered_with_one() {
    let (server, _folder) = serve(Path::new("tests/zones"));
    for (name, ask, expected) in [
        ("data", ask(APEX, SOA), "NOERROR"),
        ("with EDNS", ask(APEX, SOA).edns(), "NOERROR"),
        ("no such name", ask("nothere.cluster.local", A), "NXDOMAIN"),
        ("not ours", ask("example.com", A).edns(), "REFUSED"),
        ("more than a datagram holds", ask(BIG, A), "NOERROR"),
        ("another opcode", ask(APEX, SOA).opcode(2), "NOTIMP"),
        ("a transfer of what is no zone", ask("nothere.cluster.local", AXFR), "NOTAUTH"),
    ] {
        let request = key().sign(&ask.octets(), Before::Nothing, now_s(), ALL);
        for (transport, reply) in replies(server.address, &request) {
            let verified = key().verify(&reply, Before::Request(&mac_of(&key(), &request)));
            assert_eq!(verified.unwrap().error, 0, "{name} over {transport}");
            assert_eq!(rcode_of(&reply), expected, "{name} over {transport}");
            assert!(transport == "TCP" || reply.len() <= 1232, "{name}: {}", reply.len());
            assert!(key().verify(&reply, Before::Nothing).is_err(), "the request is part of what is signed");
        }
    }
}

/// A request that is not signed as it should be, and what the reply says.
struct Bad {
    name: &'static str,
    request: Vec<u8>,
    rcode: &'static str,
    /// The error of the TSIG record; `None` if there is to be none.
    error: Option<u16>,
    /// Whether the reply is signed: a client that shares the key is told in earnest.
    is_signed: bool,
}

fn bad_requests() -> Vec<Bad> {
    let octets = ask(APEX, SOA).octets();
    let signed = |key: &Key, time_s, length| key.sign(&octets, Before::Nothing, time_s, length);
    let good = signed(&key(), now_s(), ALL);
    let mut changed = good.clone();
    changed[13] ^= 0x20;
    let mut cut = good.clone();
    cut.truncate(good.len() - 4);
    let mut not_last = [&good[..], b"\0\0\x29\x04\xd0\0\0\0\0\0\0"].concat();
    not_last[11] += 1;
    let of_time = |time_s| signed(&key(), time_s, ALL);
    let bad = |name, request, rcode, error, is_signed| Bad { name, request, rcode, error, is_signed };
    let other = Key::new("xfr.", OTHER_SECRET);
    vec![
        bad(
            "a key of that name is not known",
            signed(&Key::new("no.", tsig::SECRET), now_s(), ALL),
            "NOTAUTH",
            Some(BADKEY),
            false,
        ),
        bad("another secret", signed(&other, now_s(), ALL), "NOTAUTH", Some(BADSIG), false),
        bad("the message was changed", changed, "NOTAUTH", Some(BADSIG), false),
        bad("too old", of_time(now_s() - 1000), "NOTAUTH", Some(BADTIME), true),
        bad("too new", of_time(now_s() + 1000), "NOTAUTH", Some(BADTIME), true),
        bad(
            "another secret, and too old",
            signed(&other, now_s() - 1000, ALL),
            "NOTAUTH",
            Some(BADSIG),
            false,
        ),
        bad("a MAC that is shortened", signed(&key(), now_s(), 16), "NOTAUTH", Some(BADTRUNC), true),
        bad("a MAC of another key, shortened", signed(&other, now_s(), 16), "NOTAUTH", Some(BADSIG), false),
        bad("a MAC that is too short to be one", signed(&key(), now_s(), 9), "FORMERR", None, false),
        bad("no MAC", signed(&key(), now_s(), 0), "FORMERR", None, false),
        bad("the record is cut", cut, "FORMERR", None, false),
        bad("the record is not the last", not_last, "FORMERR", None, false),
    ]
}

#[test]
fn a_bad_signature_is_told_what_is_wrong_with_it() {
    let (server, _folder) = serve(Path::new("tests/zones"));
    for Bad { name, request, rcode, error, is_signed } in bad_requests() {
        for (transport, reply) in replies(server.address, &request) {
            let name = format!("{name} over {transport}");
            assert_eq!(rcode_of(&reply), rcode, "{name}");
            assert!(Message::from_vec(&reply).unwrap().answers.is_empty(), "{name}");
            let signer = if error == Some(BADKEY) { Key::new("no.", tsig::SECRET) } else { key() };
            let record = signer.read(&reply);
            assert_eq!(record.as_ref().map(|record| record.error), error, "{name}");
            let Some(Record { mac, other, .. }) = record else { continue };
            assert_eq!(!mac.is_empty(), is_signed, "{name}");
            if is_signed {
                key().verify(&reply, Before::Request(&mac_of(&key(), &request))).unwrap();
            }
            let time = other.iter().fold(0, |time, octet| time << 8 | u64::from(*octet));
            assert_eq!(error == Some(BADTIME), time.abs_diff(now_s()) < 60, "{name}: its own time");
        }
    }
}

/// The messages of a transfer, each verified as the next of the chain.
fn transfer(server: SocketAddr, ask: &Ask) -> Vec<Message> {
    let request = key().sign(&ask.octets(), Before::Nothing, now_s(), ALL);
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(&framed(&request)).unwrap();
    let mut mac = mac_of(&key(), &request);
    let (mut messages, mut serials): (Vec<Message>, Vec<u32>) = (Vec::new(), Vec::new());
    while !is_over(&serials) {
        let octets = read_framed(&mut stream).expect("the transfer goes on");
        let before = if messages.is_empty() { Before::Request(&mac) } else { Before::Message(&mac) };
        let record =
            key().verify(&octets, before).unwrap_or_else(|why| panic!("message {}: {why}", messages.len()));
        let mut changed = octets;
        changed[20] ^= 1;
        assert!(key().verify(&changed, before).is_err(), "all of it is signed");
        mac = record.mac;
        let message = Message::from_vec(&record.message).unwrap();
        serials.extend(message.answers.iter().filter_map(|record| match &record.data {
            RData::SOA(soa) => Some(soa.serial),
            _ => None,
        }));
        messages.push(message);
    }
    messages
}

/// Whether the newest SOA has come for the last time: the second, or in differences the third.
fn is_over(serials: &[u32]) -> bool {
    let n_newest = serials.iter().filter(|serial| **serial == serials[0]).count();
    let is_whole = serials.get(1).is_none_or(|second| *second == serials[0]);
    n_newest == if is_whole { 2 } else { 3 }
}

fn write_zone(folder: &Path, serial: u32, n_names: u32) {
    let mut text =
        format!("@ 5 IN SOA ns.z.test. me.z.test. {serial} 60 60 600 1\n@ NS ns\nns A 192.0.2.1\n");
    for n in 0..n_names {
        writeln!(text, "a-name-of-some-length-{n} A 10.0.{}.{}", n / 256, n % 256).unwrap();
    }
    // Renamed into place, so that the server never reads half of it.
    std::fs::write(folder.join("new"), text).unwrap();
    std::fs::rename(folder.join("new"), folder.join("z.test.zone")).unwrap();
}

#[test]
fn every_message_of_a_transfer_is_signed_over_the_one_before() {
    const N_NAMES: u32 = 4000;
    let zones = tempfile::tempdir().unwrap();
    write_zone(zones.path(), 1, N_NAMES);
    let (server, _folder) = serve(zones.path());
    let whole = transfer(server.address, &ask("z.test", AXFR));
    let n_records: usize = whole.iter().map(|message| message.answers.len()).sum();
    assert_eq!(n_records, N_NAMES as usize + 4);
    assert!(whole.len() > 4, "{} messages", whole.len());
    write_zone(zones.path(), 2, N_NAMES - 1);
    let request = ask("z.test", IXFR).counts([1, 0, 1, 0]);
    let soa = [&b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x16\0\0"[..], &1_u32.to_be_bytes(), &[0; 16]].concat();
    let is_changed = || {
        let reply = over_tcp(server.address, &ask("z.test", SOA).octets()).unwrap();
        matches!(&Message::from_vec(&reply).unwrap().answers[0].data, RData::SOA(soa) if soa.serial == 2)
    };
    wait::until("the changed file is served", is_changed);
    let changes = transfer(server.address, &request.and(&soa));
    let n_records: usize = changes.iter().map(|message| message.answers.len()).sum();
    assert_eq!(n_records, 5, "four SOA records and the one that is gone");
}

#[test]
fn a_transfer_needs_the_key_that_is_named() {
    let (server, _folder) = serve(Path::new("tests/zones"));
    let plain = over_tcp(server.address, &ask(APEX, AXFR).octets()).unwrap();
    assert_eq!(rcode_of(&plain), "REFUSED");
    let other = Key::new("xfr.", OTHER_SECRET).sign(&ask(APEX, AXFR).octets(), Before::Nothing, now_s(), ALL);
    assert_eq!(rcode_of(&over_tcp(server.address, &other).unwrap()), "NOTAUTH");
}
