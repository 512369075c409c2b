//! CoreDNS' own test tables once more, as messages over UDP and TCP.
//!
//! `tests/conformance.rs` puts the cases to `answer()`; here they go through the server, so that
//! encoding, limits and transports cannot change what is answered.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "conformance/cases.rs"]
mod cases;
mod support;

use std::net::SocketAddr;

use cases::{Case, CaseFile, Reply, compare, load_cases, typed};
use dullahan::clock::{Clock, Timestamp};
use dullahan::dns::publisher::Publisher;
use dullahan::dns::server::DnsServer;
use dullahan::store::{Store, StoreOptions};
use hickory_proto::op::Message;
use support::message::{ask, over_tcp, over_udp};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_is_answered_over_udp_and_tcp_as_by_answer() {
    let mut n_run = 0;
    let mut failures = Vec::new();
    for file in load_cases() {
        n_run += run_file(&file, &mut failures).await;
    }
    assert!(failures.is_empty(), "{} of {n_run}:\n{}", failures.len(), failures.join("\n"));
    assert!(n_run >= 100, "the cases are there");
}

/// Serves the file's objects and asks its cases; returns how many.
async fn run_file(file: &CaseFile, failures: &mut Vec<String>) -> usize {
    let store = Store::in_memory(Clock::starting_at(Timestamp::UNIX_EPOCH), StoreOptions::default());
    for object in file.objects() {
        store.mirror(object).await.unwrap();
    }
    let mut publisher = Publisher::new(store.clone(), file.zone_options(), Vec::new());
    let server = DnsServer::bind(&["127.0.0.1:0".parse().unwrap()], publisher.zones()).await.unwrap();
    let address = server.addresses()[0];
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    let mut n_run = 0;
    for case in file.cases.iter().filter(|case| case.missing_features().is_empty()) {
        for object in case.apply.iter().filter_map(typed) {
            store.mirror(object).await.unwrap();
        }
        publisher.catch_up();
        n_run += 1;
        let case = case.ours();
        failures.extend(tokio::task::block_in_place(|| failures_of(&case, address)));
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    n_run
}

fn failures_of(case: &Case, server: SocketAddr) -> Vec<String> {
    let request = ask(&case.qname, case.query_type().into()).edns().octets();
    let replies = [("UDP", over_udp(server, &request)), ("TCP", over_tcp(server, &request))];
    let failed = replies.into_iter().filter_map(|(transport, reply)| {
        let Some(message) = reply.and_then(|reply| Message::from_vec(&reply).ok()) else {
            return Some(format!("{} over {transport}: no reply that can be read", case.name));
        };
        if message.metadata.truncation && transport == "UDP" {
            return None;
        }
        compare_message(case, &message).err().map(|why| format!("{} over {transport}: {why}", case.name))
    });
    failed.collect()
}

fn compare_message(case: &Case, message: &Message) -> Result<(), String> {
    let reply = Reply {
        rcode: message.metadata.response_code,
        is_authoritative: message.metadata.authoritative,
        answers: &message.answers,
        authority: &message.authorities,
        additional: &message.additionals,
    };
    compare(case, &reply)
}
