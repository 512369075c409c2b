//! CoreDNS' own test tables, put to `answer()`: objects into a store, a publisher over it, and every
//! question to the snapshot.
//!
//! The cases are data (`tests/conformance/dns`); where an RFC wins over CoreDNS the case is listed
//! in `tests/conformance/differences.json` with what is answered instead, and that is asserted.

use dullahan::clock::{Clock, Timestamp};
use dullahan::dns::answer::{Answer, Query, answer};
use dullahan::dns::zonefile::master;
use dullahan::names::publisher::Publisher;
use dullahan::store::{Store, StoreOptions};

use super::cases::{Case, CaseFile, Reply, compare, load_cases, typed};

/// What became of the cases.
#[derive(Default)]
struct Tally {
    n_run: usize,
    n_different: usize,
    /// Run in `network` alone.
    n_elsewhere: usize,
    needing_features: Vec<String>,
    failures: Vec<String>,
}

#[tokio::test(start_paused = true)]
async fn every_case_is_answered_as_coredns_does_or_as_the_listed_rfc_wants() {
    let mut tally = Tally::default();
    for file in load_cases() {
        run_file(&file, &mut tally).await;
    }
    println!(
        "{} cases, {} listed as RFC differences, {} need upstreams (run over the network), {} cannot be run:",
        tally.n_run + tally.n_elsewhere + tally.needing_features.len(),
        tally.n_different,
        tally.n_elsewhere,
        tally.needing_features.len()
    );
    println!("{}", tally.needing_features.join("\n"));
    assert!(
        tally.failures.is_empty(),
        "{} of {}:\n{}",
        tally.failures.len(),
        tally.n_run,
        tally.failures.join("\n")
    );
    assert!(tally.n_run >= 100, "the cases are there");
}

async fn run_file(file: &CaseFile, tally: &mut Tally) {
    let store = Store::in_memory(Clock::starting_at(Timestamp::UNIX_EPOCH), StoreOptions::default());
    for object in file.objects() {
        store.mirror(object).await.unwrap();
    }
    let fallback = file.fallback_zone().map(|text| master::parse_zone(&file.name, &text, None).unwrap());
    let static_zones = fallback.into_iter().collect();
    let mut publisher = Publisher::new(store.clone(), file.zone_options(), static_zones);
    for case in &file.cases {
        let missing = case.missing_features();
        if !missing.is_empty() {
            tally.needing_features.push(format!("  {}: {}", case.name, missing.join(", ")));
            continue;
        }
        if case.needs_network() {
            tally.n_elsewhere += 1;
            continue;
        }
        for object in case.apply.iter().filter_map(typed) {
            store.mirror(object).await.unwrap();
        }
        publisher.catch_up();
        tally.n_run += 1;
        let query = Query { name: case.query_name(), record_type: case.query_type() };
        check(case, &answer(&publisher.zones().load(), &query), tally);
    }
}

fn check(case: &Case, answer: &Answer, tally: &mut Tally) {
    let reply = Reply {
        rcode: answer.rcode,
        is_authoritative: answer.is_authoritative,
        answers: &answer.answers,
        authority: &answer.authority,
        additional: &answer.additional,
    };
    if case.difference().is_some() {
        tally.n_different += 1;
        if compare(case, &reply).is_ok() {
            tally.failures.push(format!("{}: listed as a difference, but there is none", case.name));
        }
    }
    if let Err(difference) = compare(&case.ours(), &reply) {
        tally.failures.push(format!("{}: {difference}", case.name));
    }
}
