//! How many may wait, for whom others are asked, and what a response becomes once they have said
//! something. `tests/dns/forward.rs` has real upstreams.

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::*;
use crate::dns::service::policy::Conduct;
use crate::dns::service::respond::{Asker, Reply, Transport, reply};
use crate::dns::zone::Zones;
use crate::dns::zonefile::master;

const ZONE: &str = "$ORIGIN example.\n@ 5 SOA ns root 1 2 3 4 5\nthere 5 A 192.0.2.1\n\
                    out 5 CNAME WWW.test.\nloop 5 CNAME loop\n";

fn asked(name: &str, is_recursion_desired: bool, client: &str) -> Reply {
    let zones = Zones::new([master::parse_zone("test", ZONE, None).unwrap()]);
    let conduct =
        Conduct { recursion: Some(Clients(vec!["127.0.0.0/8".parse().unwrap()])), ..Conduct::default() };
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = is_recursion_desired;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
    let asker = Asker { address: client.parse().unwrap(), transport: Transport::Datagram };
    reply(&zones, &conduct, &message.to_vec().unwrap(), asker, 0).unwrap()
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

#[test]
fn no_more_wait_than_may_and_places_are_given_back() {
    let waiting = Arc::default();
    let client = |n: u8| IpAddr::from([127, 0, 0, n]);
    let mut slots: Vec<Slot> =
        (0..WAITING_PER_CLIENT_MAX).map(|_| Slot::take(&waiting, client(1)).unwrap()).collect();
    assert!(Slot::take(&waiting, client(1)).is_none(), "one client has its share");
    let others = (WAITING_PER_CLIENT_MAX..WAITING_MAX).map(|n| client(2 + (n % 50) as u8));
    slots.extend(others.map(|client| Slot::take(&waiting, client).unwrap()));
    assert!(Slot::take(&waiting, client(99)).is_none(), "all are taken");
    drop(slots.swap_remove(0));
    let last = Slot::take(&waiting, client(99)).unwrap();
    drop((slots, last));
    let left = waiting.lock().unwrap();
    assert_eq!((left.n, left.by_client.len()), (0, 0));
}
