//! CoreDNS' own test tables once more, as messages over UDP and TCP.
//!
//! `answers` puts the cases to `answer()`; here they go through the server, so that
//! encoding, limits and transports cannot change what is answered.

use std::net::SocketAddr;

use hickory_proto::op::Message;

use super::cases::{Case, CaseFile, Reply, compare, load_cases};
use crate::support::binary;
use crate::support::message::{ask, over_tcp, over_udp};
use crate::support::upstream::Upstream;

const RD: u16 = 0x0100;
/// What `dullahan dns` answers negatively with, unless told otherwise.
const NEGATIVE_TTL_S: u32 = 1;

#[test]
fn every_case_is_answered_by_the_program_over_udp_and_tcp() {
    let mut n_run = 0;
    let mut failures = Vec::new();
    for file in load_cases() {
        n_run += run_file(&file, &mut failures);
    }
    assert!(failures.is_empty(), "{} of {n_run}:\n{}", failures.len(), failures.join("\n"));
    assert!(n_run >= 100, "the cases are there");
}

/// Serves the file's objects and asks its cases; returns how many. Objects that a case adds are
/// there from the start of a program of its own.
fn run_file(file: &CaseFile, failures: &mut Vec<String>) -> usize {
    let cases: Vec<&Case> = file.cases.iter().filter(|case| case.missing_features().is_empty()).collect();
    let folder = tempfile::tempdir().unwrap();
    file.write_manifest(folder.path());
    let upstream = upstream(file);
    let mut flags = file.flags();
    flags.push(upstream.flag());
    if let Some(zone) = file.fallback_zone() {
        let zones = folder.path().join("zones");
        std::fs::create_dir(&zones).unwrap();
        std::fs::write(zones.join("fallback.zone"), zone).unwrap();
        flags.push(format!("--zones={}", zones.display()));
    }
    let program = binary::start("dns", folder.path(), &flags);
    for case in &cases {
        let extended = (!case.apply.is_empty()).then(|| {
            let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": case.apply});
            std::fs::write(folder.path().join("applied.json"), list.to_string()).unwrap();
            binary::start("dns", folder.path(), &flags)
        });
        let address = extended.as_ref().unwrap_or(&program).address;
        let mut case = case.ours();
        case.negative_ttl_s = Some(NEGATIVE_TTL_S);
        failures.extend(failures_of(&case, address));
    }
    cases.len()
}

/// Somebody who knows what the file says that upstreams know.
fn upstream(file: &CaseFile) -> Upstream {
    let of_cases = file.cases.iter().filter_map(|case| case.upstream.as_ref());
    let is_truncated = of_cases.clone().any(|upstream| upstream.truncated);
    let lines = file.upstream_records.iter().chain(of_cases.flat_map(|upstream| &upstream.answer));
    let lines: Vec<&str> = lines.map(String::as_str).collect();
    Upstream::truncating(&lines, is_truncated)
}

fn failures_of(case: &Case, server: SocketAddr) -> Vec<String> {
    let request = ask(&case.qname, case.query_type().into()).flags(RD).edns().octets();
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
