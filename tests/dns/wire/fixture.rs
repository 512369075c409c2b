//! The server of the fixture zones, and how it is asked.
//!
//! `tests/zones/cluster.local.zone` holds headless services of 3, 5, 40 and 300 endpoints,
//! wildcards, delegations, chains of aliases, a DNAME, odd labels and unknown types.

use std::path::Path;

use hickory_proto::op::Message;

use crate::support::message::{Ask, over_tcp, over_udp, seen};
use crate::support::server::{self, Server};

pub(super) const A: u16 = 1;
pub(super) const NS: u16 = 2;
pub(super) const CNAME: u16 = 5;
pub(super) const SOA: u16 = 6;
pub(super) const MX: u16 = 15;
pub(super) const TXT: u16 = 16;
pub(super) const AAAA: u16 = 28;
pub(super) const SRV: u16 = 33;
pub(super) const DNAME: u16 = 39;
pub(super) const DS: u16 = 43;
pub(super) const SVCB: u16 = 64;
pub(super) const HTTPS: u16 = 65;
pub(super) const IXFR: u16 = 251;
pub(super) const AXFR: u16 = 252;
pub(super) const ANY: u16 = 255;

pub(super) const APEX: &str = "cluster.local";
pub(super) const WEB: &str = "web.default.svc.cluster.local";
pub(super) const BIG: &str = "big.prod.svc.cluster.local";
pub(super) const HUGE: &str = "huge.prod.svc.cluster.local";

pub(super) fn serve() -> Server {
    server::start(Path::new("tests/zones"))
}

/// Sends every request over UDP and TCP and compares what is seen of both replies.
pub(super) fn check(cases: &[(&str, Ask, &str)]) {
    let server = serve();
    for (name, ask, expected) in cases {
        let request = ask.octets();
        for (transport, reply) in
            [("UDP", over_udp(server.address, &request)), ("TCP", over_tcp(server.address, &request))]
        {
            assert_eq!(seen(&request, reply.as_deref()), *expected, "{name} over {transport}");
        }
    }
}

pub(super) fn reply(server: &Server, ask: &Ask) -> (Vec<u8>, Message) {
    let octets = over_udp(server.address, &ask.octets()).unwrap();
    let message = Message::from_vec(&octets).unwrap();
    (octets, message)
}

#[test]
#[ignore = "serves the fixture zones at DULLAHAN_TEST_LISTEN for DULLAHAN_TEST_SECONDS, to be asked by hand"]
fn serve_the_fixture_zones() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let zones = dullahan::dns::zonefile::load_folder(Path::new("tests/zones")).zones;
    let _server = server::serve(zones, variable("DULLAHAN_TEST_LISTEN").parse().unwrap());
    let seconds = variable("DULLAHAN_TEST_SECONDS").parse().unwrap();
    std::thread::park_timeout(std::time::Duration::from_secs(seconds));
}
