//! CoreDNS' own tests of zone transfers, put to the program over TCP.
//!
//! The cases are data (`tests/conformance/transfer`). A transfer is compared as its rules want: a SOA
//! first and last, what is between them in any order, TTLs left out. `transfer-differences.json`
//! beside them lists per case which records are here and not there, with the reason; nothing else may differ.
//! Every record that is transferred must be what a question for it is answered with.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record};
use serde::Deserialize;

use super::cases::{Case, CaseFile, load_files};
use crate::support::binary;
use crate::support::message::{Ask, ask, framed, over_tcp, rcode, read_framed};

const IXFR: u16 = 251;
const AXFR: u16 = 252;
/// How long a transfer may take.
const TRANSFER_MAX: Duration = Duration::from_secs(10);

/// Where a transfer has other records than the case, or why there is none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    case: String,
    why: String,
    /// Records of the case that are not here, in order, in the form in which they are compared.
    #[serde(default)]
    missing: Vec<String>,
    /// Records that are here alone, likewise.
    #[serde(default)]
    extra: Vec<String>,
    /// The case needs what this server has not got.
    #[serde(default)]
    is_left_out: bool,
}

fn differences() -> Vec<Difference> {
    serde_json::from_str(include_str!("../../conformance/transfer-differences.json")).unwrap()
}

#[test]
fn every_transfer_has_what_coredns_sends_or_what_is_listed() {
    let differences = differences();
    let mut failures = Vec::new();
    let mut n_run = 0;
    for file in load_files("transfer") {
        for case in &file.cases {
            let difference = differences.iter().find(|difference| difference.case == case.name);
            match difference {
                Some(Difference { is_left_out: true, why, .. }) => println!("left out: {}: {why}", case.name),
                _ => {
                    n_run += 1;
                    failures.extend(run(&file, case, difference).err());
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {n_run}:\n{}", failures.len(), failures.join("\n"));
    assert!(n_run >= 4, "the cases are there");
}

fn run(file: &CaseFile, case: &Case, difference: Option<&Difference>) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    file.write_manifest(folder.path());
    let flags = [file.flags(), vec!["--allow-transfer=127.0.0.1".to_owned()]].concat();
    let program = binary::start("dns", folder.path(), &flags);
    let records = transfer(program.address, case).map_err(|why| format!("{}: {why}", case.name))?;
    let is_soa = |record: &Record| matches!(record.data, RData::SOA(_));
    let n_soa = records.iter().filter(|record| is_soa(record)).count();
    let expected_soa = case.answer.iter().filter(|line| line.contains(" IN SOA ")).count();
    if n_soa != expected_soa || !is_soa(&records[0]) || !is_soa(&records[records.len() - 1]) {
        return Err(format!("{}: {n_soa} SOA records, expected {expected_soa}, first and last", case.name));
    }
    if let Some(record) = records.iter().find(|record| !is_answered(program.address, record)) {
        return Err(format!("{}: {record} is transferred, but not what is answered", case.name));
    }
    let here: Vec<String> = records.iter().map(|record| comparable(case, &record.to_string())).collect();
    let (here, n_here) = (here.iter().cloned().collect::<BTreeSet<_>>(), here.len());
    if here.len() + usize::from(n_soa == 2) != n_here {
        return Err(format!("{}: a record comes twice", case.name));
    }
    let there: BTreeSet<String> = case.answer.iter().map(|line| comparable(case, line)).collect();
    let listed = |lines: fn(&Difference) -> &Vec<String>| -> Vec<String> {
        difference.into_iter().flat_map(lines).cloned().collect()
    };
    let (missing, extra) = (listed(|one| &one.missing), listed(|one| &one.extra));
    let found: [Vec<String>; 2] =
        [there.difference(&here).cloned().collect(), here.difference(&there).cloned().collect()];
    if found != [missing, extra] {
        return Err(format!("{}: missing {:#?}, extra {:#?}", case.name, found[0], found[1]));
    }
    Ok(())
}

/// Whether a question for the name and type of a record has it in its answer.
fn is_answered(server: SocketAddr, record: &Record) -> bool {
    let request = ask(&record.name.to_ascii(), record.record_type().into()).octets();
    let reply = over_tcp(server, &request).and_then(|reply| Message::from_vec(&reply).ok());
    reply.is_some_and(|message| message.answers.iter().any(|other| other.data == record.data))
}

/// Owner, class, type and data in lower case; of a SOA the name server alone, of SRV perhaps not the weight.
fn comparable(case: &Case, line: &str) -> String {
    let line = line.to_ascii_lowercase();
    let mut fields: Vec<&str> = line.split_whitespace().collect();
    fields.remove(1);
    if fields[2] == "soa" {
        fields.truncate(4);
    }
    if fields[2] == "srv" && case.ignores("answer.srv.weight") {
        fields.remove(4);
    }
    fields.join(" ").replace('"', "")
}

fn transfer(server: SocketAddr, case: &Case) -> Result<Vec<Record>, String> {
    let request = request(server, case).octets();
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(TRANSFER_MAX)).unwrap();
    stream.write_all(&framed(&request)).unwrap();
    let n_soa = case.answer.iter().filter(|line| line.contains(" IN SOA ")).count();
    let mut records: Vec<Record> = Vec::new();
    while records.iter().filter(|record| matches!(record.data, RData::SOA(_))).count() < n_soa {
        let octets = read_framed(&mut stream).ok_or("the transfer ends early")?;
        let message = Message::from_vec(&octets).map_err(|error| error.to_string())?;
        if rcode(&message) != case.rcode || message.answers.is_empty() {
            return Err(format!("it is answered {}", rcode(&message)));
        }
        records.extend(message.answers);
    }
    Ok(records)
}

fn request(server: SocketAddr, case: &Case) -> Ask {
    let record_type = if case.qtype == "IXFR" { IXFR } else { AXFR };
    let request = ask(case.qname.trim_end_matches('.'), record_type);
    let serial = match &case.ixfr_serial {
        serde_json::Value::Null => return request,
        serde_json::Value::Number(serial) => serial.as_u64().unwrap() as u32,
        _ => current_serial(server, case),
    };
    let fixed = [&b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x16\0\0"[..], &serial.to_be_bytes(), &[0; 16]].concat();
    request.counts([1, 0, 1, 0]).and(&fixed)
}

fn current_serial(server: SocketAddr, case: &Case) -> u32 {
    let reply = over_tcp(server, &ask(case.qname.trim_end_matches('.'), 6).octets()).unwrap();
    match &Message::from_vec(&reply).unwrap().answers[0].data {
        RData::SOA(soa) => soa.serial,
        other => panic!("no SOA: {other}"),
    }
}

#[test]
fn a_zone_that_is_not_served_is_not_transferred() {
    let flags = ["--allow-transfer=127.0.0.1".to_owned()];
    let program = binary::start_with("dns", &flags);
    let reply = over_tcp(program.address, &ask("example.com", AXFR).octets()).unwrap();
    assert_eq!(rcode(&Message::from_vec(&reply).unwrap()), "NOTAUTH");
}

#[test]
fn every_listed_difference_belongs_to_a_case() {
    let names: Vec<String> = load_files("transfer")
        .iter()
        .flat_map(|file| file.cases.iter().map(|case| case.name.clone()))
        .collect();
    for difference in differences() {
        assert!(names.contains(&difference.case), "{}", difference.case);
        assert!(!difference.why.is_empty());
    }
}
