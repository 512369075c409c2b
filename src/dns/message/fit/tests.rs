use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::op::{Message as Decoded, MessageType, Metadata, OpCode};
use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, NULL, SOA, SRV, TXT};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};

use super::*;
use crate::dns::message::protocol::OPTION_EXTENDED_ERROR;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn question(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    name(text).emit(&mut BinEncoder::new(&mut octets)).unwrap();
    octets.extend([0, 1, 0, 1]);
    octets
}

fn response(asked: &str) -> Response {
    let mut header = Metadata::new(7, MessageType::Response, OpCode::Query);
    header.authoritative = true;
    Response {
        header,
        question: question(asked),
        answers: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        edns: None,
        tsig: None,
        is_to_known_client: false,
        is_padded: false,
        length_max: 512,
    }
}

fn a(owner: &str, n: u32) -> Record {
    Record::from_rdata(name(owner), 5, RData::A(A(Ipv4Addr::from(0x0a01_0000 + n))))
}

fn aaaa(owner: &str, n: u128) -> Record {
    Record::from_rdata(name(owner), 5, RData::AAAA(AAAA(Ipv6Addr::from(n))))
}

fn srv(owner: &str, target: &str) -> Record {
    Record::from_rdata(name(owner), 5, RData::SRV(SRV::new(0, 33, 80, name(target))))
}

fn soa(owner: &str) -> Record {
    let data = SOA::new(name("ns.dns.Cluster.local."), name("hostmaster.cluster.local."), 1, 2, 3, 4, 5);
    Record::from_rdata(name(owner), 5, RData::SOA(data))
}

fn edns(error: Option<(u16, &str)>) -> Option<Edns> {
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    if let Some((code, text)) = error {
        let mut option = code.to_be_bytes().to_vec();
        option.extend(text.as_bytes());
        edns.options_mut().insert(EdnsOption::Unknown(OPTION_EXTENDED_ERROR, option));
    }
    Some(edns)
}

/// Encodes, and makes sure that an independent decoder reads what was meant, names' case included.
fn decoded(response: &Response) -> (Vec<u8>, Decoded) {
    let octets = response.to_octets();
    assert!(octets.len() <= response.length_max, "{} octets", octets.len());
    let decoded = Decoded::from_vec(&octets).unwrap();
    assert_eq!(decoded.metadata.id, response.header.id);
    for (sent, meant) in [(&decoded.answers, &response.answers), (&decoded.authorities, &response.authority)]
    {
        if !decoded.metadata.truncation {
            assert_eq!(sent, meant);
            let data = |records: &[Record]| records.iter().map(|r| r.data.to_string()).collect::<Vec<_>>();
            assert_eq!(data(sent), data(meant), "the case of names in RDATA");
        }
    }
    (octets, decoded)
}

const WEB: &str = "web.default.svc.cluster.local.";

#[test]
fn three_addresses_take_95_octets() {
    let mut response = response(WEB);
    response.answers = (1..=3).map(|n| a(WEB, n)).collect();
    let (octets, _) = decoded(&response);
    assert_eq!(octets.len(), 95);
}

#[test]
fn an_owner_is_a_pointer_to_the_question_whatever_its_case() {
    let mut response = response("wEb.DEFAULT.svc.ClUsTeR.lOcAl.");
    response.answers = vec![a(WEB, 1)];
    let (octets, decoded) = decoded(&response);
    assert_eq!(octets[12..12 + response.question.len()], response.question[..]);
    assert_eq!(octets[12 + response.question.len()..][..2], [0xc0, 0x0c]);
    assert_eq!(decoded.answers[0].name.to_ascii(), "wEb.DEFAULT.svc.ClUsTeR.lOcAl.");
}

#[test]
fn names_keep_their_case() {
    let mut response = response("ALIAS.cluster.local.");
    response.answers = vec![
        Record::from_rdata(
            name("alias.cluster.local."),
            5,
            RData::CNAME(CNAME(name("Web.Default.svc.CLUSTER.local."))),
        ),
        a("Web.Default.svc.CLUSTER.local.", 1),
    ];
    response.authority = vec![soa("CLUSTER.local.")];
    response.additional = vec![a("cluster.local.", 1)];
    let (_, decoded) = decoded(&response);
    assert_eq!(decoded.answers[1].name.to_ascii(), "Web.Default.svc.CLUSTER.local.");
    assert_eq!(decoded.authorities[0].name.to_ascii(), "CLUSTER.local.");
    assert_eq!(decoded.additionals[0].name.to_ascii(), "cluster.local.");
}

#[test]
fn names_of_the_zone_are_compressed_among_each_other() {
    let mut response = response("nothere.cluster.local.");
    response.authority = vec![soa("cluster.local.")];
    let (octets, _) = decoded(&response);
    // The owner is a pointer, "Cluster" is written out for its case alone.
    let mname = (3 + 4) + 8 + 2;
    let rname = 11 + 2;
    assert_eq!(octets.len(), 12 + response.question.len() + 2 + 10 + mname + rname + 20);
}

#[test]
fn srv_targets_are_written_in_full_and_serve_as_pointer_targets() {
    let owner = "_http._tcp.web.default.svc.cluster.local.";
    let target = "web-0.web.default.svc.cluster.local.";
    let mut response = response(owner);
    response.answers = vec![srv(owner, target)];
    response.additional = vec![a(target, 1)];
    let (octets, decoded) = decoded(&response);
    assert_eq!(decoded.additionals, response.additional);
    let srv_length = 2 + 10 + 6 + name_length(&name(target));
    assert_eq!(octets.len(), 12 + response.question.len() + srv_length + 16);
}

#[test]
fn pointers_never_point_beyond_what_they_can_express() {
    let mut response = response("big.cluster.local.");
    response.length_max = 65535;
    response.answers =
        (0..900).map(|n| srv("big.cluster.local.", &format!("big-{n}.x.cluster.local."))).collect();
    response.additional = (0..900).map(|n| a(&format!("big-{n}.x.cluster.local."), n)).collect();
    let (octets, decoded) = decoded(&response);
    assert!(octets.len() > 0x4000);
    assert_eq!(decoded.additionals, response.additional);
}

#[test]
fn four_thousand_addresses_fit_a_stream_message() {
    let mut response = response(WEB);
    response.length_max = 65535;
    response.answers = (0..4000).map(|n| a(WEB, n)).collect();
    let (octets, _) = decoded(&response);
    assert_eq!(octets.len(), 47 + 4000 * 16);
}

#[test]
fn a_truncated_response_is_the_question_and_opt_alone() {
    let mut response = response(WEB);
    response.answers = (0..40).map(|n| a(WEB, n)).collect();
    response.edns = edns(Some((15, "text")));
    let (octets, decoded) = decoded(&response);
    assert!(decoded.metadata.truncation && decoded.metadata.authoritative);
    assert!(decoded.answers.is_empty() && decoded.authorities.is_empty() && decoded.additionals.is_empty());
    assert!(decoded.edns.is_some());
    assert_eq!(octets.len(), 47 + 11);
}

#[test]
fn additional_rrsets_that_do_not_fit_are_left_out_whole_and_without_tc() {
    let mut response = response("_x._tcp.web.cluster.local.");
    response.answers = vec![srv("_x._tcp.web.cluster.local.", "web.cluster.local.")];
    response.additional = (0..25).map(|n| a("web.cluster.local.", n)).collect();
    response.additional.extend((0..6).map(|n| aaaa("web.cluster.local.", n)));
    response.additional.push(a("other.cluster.local.", 1));
    let (_, decoded) = decoded(&response);
    assert!(!decoded.metadata.truncation);
    assert_eq!(decoded.additionals.len(), 26, "the AAAA RRset does not fit, what comes after it does");
    assert!(decoded.additionals.iter().all(|record| record.record_type() == RecordType::A));
}

#[test]
fn glue_that_does_not_fit_sets_tc() {
    let ns = Record::from_rdata(name("sub.cluster.local."), 5, RData::NS(NS(name("ns.sub.cluster.local."))));
    let mut referral = response("x.sub.cluster.local.");
    referral.header.authoritative = false;
    referral.authority = vec![ns];
    referral.additional = (0..40).map(|n| a("ns.sub.cluster.local.", n)).collect();
    assert!(decoded(&referral).1.metadata.truncation);
    referral.additional = (0..40).map(|n| a("ns.elsewhere.cluster.local.", n)).collect();
    assert!(!decoded(&referral).1.metadata.truncation, "no glue: the name is outside the cut");
}

#[test]
fn the_text_of_an_extended_error_gives_way_to_records() {
    let mut response = response(WEB);
    response.edns = edns(Some((15, &"t".repeat(100))));
    response.answers = (0..26).map(|n| a(WEB, n)).collect();
    let (_, decoded) = decoded(&response);
    assert!(!decoded.metadata.truncation);
    let edns = decoded.edns.unwrap();
    assert_eq!(
        edns.option(OPTION_EXTENDED_ERROR.into()),
        Some(&EdnsOption::Unknown(OPTION_EXTENDED_ERROR, vec![0, 15]))
    );
}

#[test]
fn the_root_as_question_and_owner_is_one_octet() {
    let mut response = response(".");
    response.answers = vec![a(".", 1)];
    let (octets, _) = decoded(&response);
    assert_eq!(octets.len(), 12 + 5 + 15);
}

#[test]
fn an_rrset_that_no_message_can_hold_is_answered_in_part() {
    let mut response = response(WEB);
    response.length_max = 65535;
    response.answers = (0..6000).map(|n| a(WEB, n)).collect();
    response.additional = vec![a("other.cluster.local.", 1)];
    response.shorten(Response::length);
    let (octets, decoded) = decoded(&response);
    assert!(!decoded.metadata.truncation);
    assert!(decoded.answers.len() >= 4000, "{} answers", decoded.answers.len());
    assert!(octets.len() <= 65535);
}

#[test]
fn a_record_that_no_message_can_hold_is_a_failure() {
    for n_records in 1..3 {
        let mut response = response(WEB);
        response.length_max = 65535;
        let largest = RData::NULL(NULL::with(vec![0; 65535]));
        response.answers = vec![Record::from_rdata(name(WEB), 5, largest); n_records];
        response.shorten(Response::length);
        let (_, decoded) = decoded(&response);
        assert_eq!((decoded.metadata.response_code, decoded.answers.len()), (ResponseCode::ServFail, 0));
    }
}

#[test]
fn the_uncompressed_length_is_an_upper_bound() {
    let mut response = response("_x._tcp.web.cluster.local.");
    response.length_max = 65535;
    response.answers = vec![srv("_x._tcp.web.cluster.local.", "web.cluster.local.")];
    response.authority = vec![soa("cluster.local.")];
    response.additional = vec![Record::from_rdata(
        name("t.cluster.local."),
        5,
        RData::TXT(TXT::from_bytes(vec![&[b'x'; 200]])),
    )];
    response.edns = edns(Some((15, "why")));
    assert!(response.length() < response.length_uncompressed());
    assert_eq!(response.length(), decoded(&response).0.len());
}
