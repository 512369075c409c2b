//! `--forward` over TLS, HTTPS and QUIC: whoever asks for names of others there is answered as over
//! UDP and TCP.

use hickory_proto::op::Message;

use crate::support::encrypted::Encrypted;
use crate::support::message::{Ask, ask, seen};
use crate::support::upstream::Upstream;

const RD: u16 = 0x0100;
const OWN: &str = "web-0.web.default.svc.cluster.local";
const RECORDS: &[&str] = &[
    "www.test. 300 IN A 192.0.2.80",
    "alias.test. 200 IN CNAME www.test.",
    "www.example.com. 60 IN A 192.0.2.53",
];

fn start(upstream: &Upstream) -> Encrypted {
    Encrypted::start(&["--zones=tests/zones", &upstream.flag()])
}

/// With the id that QUIC has (RFC 9250, 4.2.1).
fn question(name: &str, record_type: u16) -> Ask {
    Ask { id: 0, ..ask(name, record_type).flags(RD) }
}

#[tokio::test]
async fn names_of_others_are_asked_of_an_upstream_and_ours_are_not() {
    let upstream = Upstream::of(RECORDS);
    let server = start(&upstream);
    for (name, record_type, expected) in [
        ("www.test", 1, "NOERROR rd,ra 1/1/0/1 opt(1232,v0) [A||]"),
        ("alias.test", 1, "NOERROR rd,ra 1/2/0/1 opt(1232,v0) [A CNAME||]"),
        ("www.test", 15, "NOERROR rd,ra 1/0/1/1 opt(1232,v0) [|SOA|]"),
        ("gone.test", 1, "NXDOMAIN rd,ra 1/0/1/1 opt(1232,v0) [|SOA|]"),
        ("ext.default.svc.cluster.local", 1, "NOERROR aa,rd,ra 1/2/0/1 opt(1232,v0) [A CNAME||]"),
        (OWN, 1, "NOERROR aa,rd,ra 1/1/0/1 opt(1232,v0) [A||]"),
    ] {
        let request = question(name, record_type).edns().octets();
        let n_before = upstream.n_asked();
        for (transport, reply) in server.over_each(&request).await {
            assert_eq!(seen(&request, Some(&reply)), expected, "{name} {record_type} over {transport}");
        }
        // The answer is remembered, whatever the next one asks by.
        let n_asked = upstream.n_asked() - n_before;
        assert_eq!(n_asked, usize::from(name != OWN), "{name} {record_type}");
    }
}

#[tokio::test]
async fn each_transport_asks_by_itself_what_is_not_remembered() {
    let upstream = Upstream::of(&[
        "tls.test. 9 IN A 192.0.2.1",
        "https.test. 9 IN A 192.0.2.2",
        "quic.test. 9 IN A 192.0.2.3",
    ]);
    let server = start(&upstream);
    let request = |name| question(name, 1).octets();
    for (reply, expected) in [
        (server.over_tls(&request("tls.test")).await, "tls.test. 9 IN A 192.0.2.1"),
        (server.over_https(&request("https.test")).await, "https.test. 9 IN A 192.0.2.2"),
        (server.over_quic(&request("quic.test")).await, "quic.test. 9 IN A 192.0.2.3"),
    ] {
        let answers = Message::from_vec(&reply).unwrap().answers;
        assert_eq!(answers.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }
    assert_eq!(upstream.n_asked(), 3);
}

#[tokio::test]
async fn a_silent_upstream_is_told() {
    let silent = Upstream::start(|_, _| None);
    let server = start(&silent);
    let request = question("www.test", 1).edns().octets();
    for (transport, reply) in server.over_each(&request).await {
        let expected = "SERVFAIL rd,ra 1/0/0/1 opt(1232,v0,ede) [||]";
        assert_eq!(seen(&request, Some(&reply)), expected, "{transport}");
    }
}
