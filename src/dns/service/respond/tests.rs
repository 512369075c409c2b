use hickory_proto::op::Message;
use proptest::prelude::*;

use super::*;
use crate::dns::message::protocol::PADDING_BLOCK;

/// A request by its parts, each of which a case may break.
#[derive(Clone)]
struct Asked {
    flags: u16,
    counts: [u16; 4],
    body: Vec<u8>,
}

const NAME: &[u8] = b"\x03WeB\x07cluster\x05local\0";
const OPT: &[u8] = &[0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0];

fn ask() -> Asked {
    Asked { flags: 0, counts: [1, 0, 0, 0], body: [NAME, &[0, 1, 0, 1]].concat() }
}

impl Asked {
    fn flags(mut self, flags: u16) -> Self {
        self.flags |= flags;
        self
    }

    fn opcode(self, opcode: u16) -> Self {
        self.flags(opcode << 11)
    }

    fn counts(mut self, counts: [u16; 4]) -> Self {
        self.counts = counts;
        self
    }

    fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    fn of(self, record_type: u16, class: u16) -> Self {
        self.body(&[NAME, &record_type.to_be_bytes(), &class.to_be_bytes()].concat())
    }

    fn and(mut self, octets: &[u8]) -> Self {
        self.body.extend(octets);
        self
    }

    fn edns(self, opt: &[u8]) -> Self {
        self.counts([1, 0, 0, 1]).and(opt)
    }

    fn octets(&self) -> Vec<u8> {
        let header = [[0x12, 0x34], self.flags.to_be_bytes()].concat();
        let counts = self.counts.iter().flat_map(|count| count.to_be_bytes()).collect();
        [header, counts, self.body.clone()].concat()
    }
}

fn opt(version: u8, flags: u16, options: &[u8]) -> Vec<u8> {
    let length = (options.len() as u16).to_be_bytes();
    [&[0, 0, 41, 0x10, 0, 0, version], &flags.to_be_bytes()[..], &length, options].concat()
}

fn respond_to(request: &[u8], transport: Transport) -> Option<Response> {
    let asker = Asker { address: [127, 0, 0, 1].into(), transport };
    respond(&Zones::default(), &Policy::default(), request, asker, 0)
}

/// rcode, opcode if not QUERY, flags, counts, OPT: what is seen of a reply at a glance.
fn seen(request: &[u8], transport: Transport) -> String {
    let Some(response) = respond_to(request, transport) else { return "silence".into() };
    let octets = response.to_octets();
    let reply = Message::from_vec(&octets).unwrap();
    assert_eq!(octets[..2], request[..2], "id");
    assert_eq!(octets[2] & 0x80, 0x80, "QR");
    assert_eq!(octets[2] & 0x78, request[2] & 0x78, "opcode");
    if !response.question.is_empty() {
        assert!(request[12..].starts_with(&response.question), "the question's octets");
    }
    let flags = [(octets[2], 4, "aa"), (octets[2], 2, "tc"), (octets[2], 1, "rd")];
    let more =
        [(octets[3], 0x80, "ra"), (octets[3], 0x40, "z"), (octets[3], 0x20, "ad"), (octets[3], 0x10, "cd")];
    let flags: Vec<_> =
        flags.iter().chain(&more).filter(|(octet, bit, _)| octet & bit != 0).map(|flag| flag.2).collect();
    let edns = reply.edns.as_ref().map_or(String::new(), |edns| {
        let of_do = if edns.flags().dnssec_ok { ",do" } else { "" };
        assert_eq!((edns.version(), edns.flags().z), (0, 0));
        let options: Vec<u16> = edns.options().as_ref().iter().map(|(code, _)| u16::from(*code)).collect();
        format!(" opt({}{of_do}) {options:?}", edns.max_payload())
    });
    let n_questions = reply.queries.len();
    let rcode = match u16::from(reply.metadata.response_code) {
        // hickory reads 16, which is BADVERS in an OPT record and BADSIG in TSIG, as the latter.
        16 => "BADVERS".to_owned(),
        _ => format!("{:?}", reply.metadata.response_code),
    };
    format!("{rcode} {} {n_questions}q{edns}", flags.join(","))
}

fn check(name: &str, request: &Asked, expected: &str) {
    assert_eq!(seen(&request.octets(), Transport::Udp), expected, "{name}");
}

#[test]
fn responses_and_fragments_of_a_header_are_met_with_silence() {
    let response = ask().flags(0x8000);
    check("response", &response, "silence");
    check("malformed response", &response.clone().body(b"\x3fx"), "silence");
    check("response of two questions", &response.clone().counts([2, 0, 0, 0]), "silence");
    check("response of opcode 15", &response.clone().opcode(15), "silence");
    check("response with two OPT", &response.counts([1, 0, 0, 2]).and(OPT).and(OPT), "silence");
    for length in 0..12 {
        assert!(respond_to(&ask().octets()[..length], Transport::Tcp).is_none());
    }
}

#[test]
fn a_broken_query_is_a_format_error_of_twelve_octets() {
    let long = [&[63; 1][..], &[b'a'; 63]].concat().repeat(4);
    let half_option = opt(0, 0, &[0, 3, 0]);
    for (name, request) in [
        ("no question", ask().counts([0; 4]).body(b"")),
        ("two questions", ask().counts([2, 0, 0, 0]).and(NAME).and(&[0, 1, 0, 1])),
        ("question missing", ask().body(b"")),
        ("question cut", ask().body(NAME)),
        ("pointer to itself", ask().body(&[0xc0, 0x0c, 0, 1, 0, 1])),
        ("pointer into the header", ask().body(&[1, b'a', 0xc0, 0, 0, 1, 0, 1])),
        ("label type 01", ask().body(b"\x41aaaaaaaa\0\0\x01\0\x01")),
        ("label type 10", ask().body(b"\x81a\0\0\x01\0\x01")),
        ("name of 257 octets", ask().body(&[&long[..], b"\0\0\x01\0\x01"].concat())),
        ("fewer records than counted", ask().counts([1, 0, 0, 1])),
        ("two OPT", ask().counts([1, 0, 0, 2]).and(OPT).and(OPT)),
        ("OPT not at the root", ask().edns(&[&b"\x01a"[..], OPT].concat())),
        ("OPT among the answers", ask().counts([1, 1, 0, 0]).and(OPT)),
        ("half an option", ask().edns(&half_option)),
        ("option longer than OPT", ask().edns(&opt(0, 0, &[0, 3, 0, 20, 1]))),
        ("OPT longer than the message", ask().edns(&[&OPT[..9], &[0, 50]].concat())),
    ] {
        let broken = seen(&request.octets(), Transport::Udp);
        let rcode_and_questions = broken.trim_end_matches(" opt(1232) []");
        assert_eq!(rcode_and_questions, "FormErr  0q", "{name}");
    }
}

#[test]
fn tsig_must_be_the_last_record() {
    let tsig = b"\x03key\0\0\xfa\0\xff\0\0\0\0\0\x01x";
    check("OPT after TSIG", &ask().counts([1, 0, 0, 2]).and(tsig).and(OPT), "FormErr  0q");
    check("TSIG among answers", &ask().counts([1, 1, 0, 0]).and(tsig), "FormErr  0q");
}

#[test]
fn bits_that_mean_nothing_in_a_query_are_ignored() {
    for (name, flags, seen) in [
        ("rd", 0x0100, "Refused rd 1q"),
        ("tc", 0x0200, "Refused  1q"),
        ("aa", 0x0400, "Refused  1q"),
        ("ra", 0x0080, "Refused  1q"),
        ("z", 0x0040, "Refused  1q"),
        ("ad", 0x0020, "Refused  1q"),
        ("cd", 0x0010, "Refused cd 1q"),
        ("rcode", 0x0005, "Refused  1q"),
    ] {
        check(name, &ask().flags(flags), seen);
    }
    check("octets after the message", &ask().and(b"xyz"), "Refused  1q");
}

#[test]
fn other_opcodes_than_query_are_not_implemented() {
    for opcode in [1, 2, 3, 6, 7, 8, 15] {
        check(&format!("opcode {opcode}"), &ask().opcode(opcode), "NotImp  1q");
    }
    check("header alone", &ask().opcode(15).counts([0; 4]).body(b""), "NotImp  0q");
    check("unreadable body", &ask().opcode(6).body(b"\x3fx"), "NotImp  0q");
    check("with OPT", &ask().opcode(2).edns(OPT), "NotImp  1q opt(1232) []");
    check("NOTIFY", &ask().opcode(4).flags(0x0400), "NotAuth  1q");
    let add = [&b"\x03new\xc0\x0c"[..], &[0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 0, 0, 1]].concat();
    check("UPDATE", &ask().opcode(5).counts([1, 0, 1, 0]).and(&add), "NotImp  1q");
}

#[test]
fn classes_other_than_internet_are_refused() {
    for class in [0, 3, 4, 99, 254, 255] {
        check(&format!("class {class}"), &ask().of(16, class), "Refused  1q");
    }
}

#[test]
fn transfers_are_refused() {
    for record_type in [251, 252] {
        check("without OPT", &ask().of(record_type, 1), "Refused  1q");
        let request = ask().of(record_type, 1).edns(OPT).octets();
        assert_eq!(seen(&request, Transport::Tcp), "Refused  1q opt(1232) [15]");
    }
}

#[test]
fn edns_is_answered_by_edns_alone_and_only_in_version_0() {
    let of_options =
        opt(0, 0, &[0xfd, 0xe9, 0, 1, b'x', 0, 12, 0, 2, 0, 0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    let plain = ask().of(16, 3);
    check("without", &plain, "Refused  1q");
    check("with", &plain.clone().edns(OPT), "Refused  1q opt(1232) []");
    check("options are not echoed", &plain.clone().edns(&of_options), "Refused  1q opt(1232) []");
    check("DO is copied, Z is not", &plain.clone().edns(&opt(0, 0xffff, &[])), "Refused  1q opt(1232,do) []");
    check("version 1", &ask().edns(&opt(1, 0x8000, &[])), "BADVERS  1q opt(1232,do) []");
    check("version 255", &plain.edns(&opt(255, 0, &[0, 100, 0, 0])), "BADVERS  1q opt(1232) []");
}

#[test]
fn datagrams_are_limited_by_the_client_and_by_1232_octets() {
    let size = |size: u16| ClientEdns {
        size,
        version: 0,
        is_dnssec_ok: false,
        wants_nsid: false,
        wants_keepalive: false,
        is_padded: false,
        cookie: None,
    };
    for (edns, expected) in [
        (None, 512),
        (Some(size(512)), 512),
        (Some(size(900)), 900),
        (Some(size(1400)), 1232),
        (Some(size(65535)), 1232),
    ] {
        assert_eq!(length_max(Transport::Udp, edns), expected);
        assert_eq!(length_max(Transport::Tcp, edns), 65535);
    }
    let tiny = ask().edns(&[0, 0, 41, 0, 100, 0, 0, 0, 0, 0, 0]).octets();
    let response = respond_to(&tiny, Transport::Udp).unwrap();
    assert_eq!(response.length_max, 512);
}

#[test]
fn every_address_of_an_rrset_comes_first_in_turn() {
    use hickory_proto::rr::rdata::{A, CNAME};
    use hickory_proto::rr::{Name, RData};
    let alias = Record::from_rdata(Name::root(), 5, RData::CNAME(CNAME(Name::root())));
    let address = |n| Record::from_rdata(Name::root(), 5, RData::A(A::new(10, 0, 0, n)));
    let answers = [alias, address(1), address(2), address(3)];
    for turn in 0..6 {
        let mut rotated = answers.clone();
        rotate_addresses(&mut rotated, turn);
        assert_eq!(rotated[0], answers[0]);
        assert_eq!(rotated[1], answers[1 + turn % 3]);
        assert_eq!(rotated[3], answers[1 + (turn + 2) % 3]);
    }
}

proptest! {
    #[test]
    fn no_request_whatsoever_is_answered_by_something_unreadable(
        flags in any::<u16>(), counts in any::<[u8; 4]>(), tail in prop::collection::vec(any::<u8>(), 0..80),
        is_named in any::<bool>(),
    ) {
        let body = if is_named { ask().of(1, 1).edns(OPT).and(&tail).body } else { tail };
        let counts = counts.map(|count| u16::from(count % 4));
        let request = Asked { flags, counts, body }.octets();
        for transport in [Transport::Udp, Transport::Tcp] {
            let response = respond_to(&request, transport);
            prop_assert_eq!(response.is_none(), flags & 0x8000 != 0);
            if let Some(response) = response {
                let octets = response.to_octets();
                prop_assert!(Message::from_vec(&octets).is_ok());
                prop_assert!(octets.len() <= request.len().max(12) + OPT.len() + 64);
            }
        }
    }
}

#[test]
fn responses_are_padded_where_only_their_length_is_seen_and_the_client_has_padded_too() {
    let padding: &[u8] = &[0, 12, 0, 3, 0, 0, 0];
    let nothing: &[u8] = &[];
    for (transport, options, expected) in [
        (Transport::Dot, padding, true),
        (Transport::Doh, padding, true),
        (Transport::Doq, padding, true),
        (Transport::Dot, nothing, false),
        (Transport::Tcp, padding, false),
        (Transport::Udp, padding, false),
    ] {
        let request = ask().edns(&opt(0, 0, options)).octets();
        let octets = respond_to(&request, transport).unwrap().to_octets();
        Message::from_vec(&octets).unwrap();
        assert_eq!(octets.len().is_multiple_of(PADDING_BLOCK), expected, "{transport:?} {}", octets.len());
    }
    let request = ask().edns(&opt(0, 0, padding)).octets();
    let whole = respond_to(&request, Transport::Dot).unwrap();
    let unpadded = Response { is_padded: false, ..whole.clone() }.to_octets().len();
    // Where a whole block is too much it is as much as fits, and at last nothing.
    for (length_max, expected) in
        [(unpadded + 9, unpadded + 9), (unpadded + 4, unpadded + 4), (unpadded + 3, unpadded)]
    {
        let response = Response { length_max, ..whole.clone() };
        assert_eq!(response.to_octets().len(), expected);
    }
}
