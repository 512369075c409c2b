//! For whom upstreams are asked, and what a response becomes once they have said something.
//! `tests/dns/forward.rs` has real upstreams.

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};

use super::*;
use crate::clock::Clock;
use crate::dns::service::access::Clients;
use crate::dns::service::forward::Failure;
use crate::dns::service::policy::{Policy, Recursion};
use crate::dns::service::respond::{Reply, reply};
use crate::dns::zone::Zones;
use crate::dns::zonefile::master;

const ZONE: &str = "$ORIGIN example.\n@ 5 SOA ns root 1 2 3 4 5\nthere 5 A 192.0.2.1\n\
                    out 5 CNAME WWW.test.\nloop 5 CNAME loop\n";

fn asked(name: &str, is_recursion_desired: bool, client: &str) -> Reply {
    let zones = Zones::new([master::parse_zone("test", ZONE, None).unwrap()]);
    let forwarder = Forwarder::new(&["192.0.2.53:53".parse().unwrap()], None, Clock::system()).unwrap();
    let clients = Clients(vec!["127.0.0.0/8".parse().unwrap()]);
    let recursion = Recursion { clients, forwarder: Arc::new(forwarder) };
    let policy = Policy { recursion: Some(recursion), ..Policy::default() };
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = is_recursion_desired;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
    let asker = Asker { address: client.parse().unwrap(), transport: Transport::Udp };
    reply(&zones, &policy, &message.to_vec().unwrap(), asker, 0).unwrap()
}

#[test]
fn others_are_asked_for_what_lies_beyond_if_the_client_wants_and_may() {
    for (name, is_recursion_desired, client, expected) in [
        ("www.test.", true, "127.0.0.1", Ok("www.test.")),
        ("www.test.", true, "::ffff:127.0.0.1", Ok("www.test.")),
        ("www.test.", false, "127.0.0.1", Err((ResponseCode::Refused, true))),
        ("www.test.", true, "192.0.2.1", Err((ResponseCode::Refused, false))),
        ("out.example.", true, "127.0.0.1", Ok("WWW.test.")),
        ("out.example.", true, "192.0.2.1", Err((ResponseCode::NoError, false))),
        ("there.example.", true, "127.0.0.1", Err((ResponseCode::NoError, true))),
        ("loop.example.", true, "127.0.0.1", Err((ResponseCode::NoError, true))),
        ("gone.example.", true, "127.0.0.1", Err((ResponseCode::NXDomain, true))),
        ("gone.example.", true, "192.0.2.1", Err((ResponseCode::NXDomain, false))),
    ] {
        let found = match asked(name, is_recursion_desired, client) {
            Reply::Pending(pending) => Ok(pending.name().to_string()),
            Reply::Message(response) => {
                Err((response.header.response_code, response.header.recursion_available))
            }
            Reply::Transfer(_) => panic!("{name} is no transfer"),
        };
        assert_eq!(found, expected.map(str::to_owned), "{name} {client}");
    }
}

fn pending(name: &str) -> Box<Pending> {
    match asked(name, true, "127.0.0.1") {
        Reply::Pending(pending) => pending,
        other => panic!("{other:?}"),
    }
}

fn record(owner: &str) -> Record {
    Record::from_rdata(Name::from_ascii(owner).unwrap(), 9, RData::A(A::new(192, 0, 2, 9)))
}

#[test]
fn what_others_say_is_put_behind_our_aliases() {
    let found = |rcode, answers| Outcome::Found { rcode, answers, authority: Vec::new() };
    let failed = Outcome::Failed(Failure::Remembered);
    for (name, outcome, rcode, is_authoritative, n_answers) in [
        (
            "www.test.",
            found(ResponseCode::NoError, vec![record("www.test.")]),
            ResponseCode::NoError,
            false,
            1,
        ),
        ("www.test.", found(ResponseCode::NXDomain, vec![]), ResponseCode::NXDomain, false, 0),
        ("www.test.", failed.clone(), ResponseCode::ServFail, false, 0),
        (
            "out.example.",
            found(ResponseCode::NoError, vec![record("WWW.test.")]),
            ResponseCode::NoError,
            true,
            2,
        ),
        ("out.example.", found(ResponseCode::NXDomain, vec![]), ResponseCode::NXDomain, true, 1),
        ("out.example.", failed, ResponseCode::ServFail, false, 0),
    ] {
        let response = pending(name).complete(outcome.clone());
        let header = response.header;
        assert_eq!(
            (header.response_code, header.authoritative, response.answers.len()),
            (rcode, is_authoritative, n_answers),
            "{name} {outcome:?}"
        );
        assert!(header.recursion_available && header.id == 7);
        Message::from_vec(&response.to_octets()).unwrap();
    }
}
