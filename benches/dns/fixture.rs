//! A cluster zone of services with ten pods each, as a zone and as a zone file, and questions for it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use dullahan::dns::message::name::WireName;
use dullahan::dns::zone::{RrSet, RrSets, Zone};
use hickory_proto::rr::rdata::{SOA, SRV};
use hickory_proto::rr::{Name, RData, RecordType};
use rand::Rng;
use rand::rngs::SmallRng;

pub(crate) const APEX: &str = "cluster.local.";
const PODS: usize = 10;
/// Pods, the service, `_tcp` and `_x._tcp` below it.
const NAMES_PER_SERVICE: usize = PODS + 3;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    PodA,
    ServiceA,
    Srv,
    NameError,
    Mix,
}

impl Row {
    pub(crate) const ALL: [Row; 5] = [Row::PodA, Row::ServiceA, Row::Srv, Row::NameError, Row::Mix];
    /// Those that the mix is made of.
    pub(crate) const PLAIN: [Row; 4] = [Row::PodA, Row::ServiceA, Row::Srv, Row::NameError];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Row::PodA => "pod A",
            Row::ServiceA => "service A, 10",
            Row::Srv => "SRV, 10 + 10 A",
            Row::NameError => "NXDOMAIN",
            Row::Mix => "mix 60/15/5/20",
        }
    }

    /// The kind of one query of this row.
    pub(crate) fn choose(self, rng: &mut SmallRng) -> Row {
        match (self, rng.random_range(0..100)) {
            (Row::Mix, 0..60) => Row::PodA,
            (Row::Mix, 60..75) => Row::ServiceA,
            (Row::Mix, 75..80) => Row::Srv,
            (Row::Mix, _) => Row::NameError,
            (plain, _) => plain,
        }
    }
}

pub(crate) struct Fixture {
    n_services: usize,
    pub(crate) n_names: usize,
}

impl Fixture {
    pub(crate) fn new(n_names: usize) -> Self {
        Self { n_services: n_names.div_ceil(NAMES_PER_SERVICE), n_names }
    }

    pub(crate) fn zone(&self) -> Zone {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let soa = SOA::new(
            name("ns.dns.cluster.local."),
            name("hostmaster.cluster.local."),
            1,
            7200,
            1800,
            86400,
            1,
        );
        let mut zone = Zone::new(name(APEX), soa, 5);
        let parent = WireName::of(&name("default.svc.cluster.local."));
        for service in 0..self.n_services {
            let owner = parent.child(&format!("s{service:07}")).unwrap();
            let addresses: Vec<IpAddr> = (0..PODS).map(|pod| address(service, pod).into()).collect();
            let mut targets = Vec::new();
            for (pod, address) in addresses.iter().enumerate() {
                let pod = owner.child(&format!("p{pod}")).unwrap();
                zone.set(&pod, &RrSets::of([RrSet::of_addresses(RecordType::A, 5, [address])]));
                targets.push(RData::SRV(SRV::new(0, 10, 80, pod.to_name())));
            }
            zone.set(&owner, &RrSets::of([RrSet::of_addresses(RecordType::A, 5, &addresses)]));
            let port = owner.child("_tcp").and_then(|name| name.child("_x")).unwrap();
            zone.set(&port, &RrSets::of([RrSet::from_rdata(RecordType::SRV, 5, &targets).unwrap()]));
        }
        zone
    }

    pub(crate) fn zone_file(&self) -> String {
        let mut text = format!(
            "$ORIGIN {APEX}\n$TTL 5\n@ SOA ns.dns hostmaster 1 7200 1800 86400 1\n@ NS ns.dns\nns.dns A 127.0.0.1\n"
        );
        for service in 0..self.n_services {
            let owner = format!("s{service:07}.default.svc");
            for pod in 0..PODS {
                let address = address(service, pod);
                writeln!(text, "p{pod}.{owner} A {address}\n{owner} A {address}").unwrap();
                writeln!(text, "_x._tcp.{owner} SRV 0 10 80 p{pod}.{owner}").unwrap();
            }
        }
        text
    }

    /// A query of a plain row, its id 0, put in place of what `query` holds.
    pub(crate) fn query(&self, row: Row, rng: &mut SmallRng, query: &mut Vec<u8>) {
        let service = rng.random_range(0..self.n_services);
        query.clear();
        query.extend_from_slice(&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
        match row {
            Row::PodA => query.extend_from_slice(&[2, b'p', b'0' + rng.random_range(0..PODS) as u8]),
            Row::ServiceA => {}
            Row::Srv => query.extend_from_slice(b"\x02_x\x04_tcp"),
            Row::NameError => {
                query.extend_from_slice(b"\x08n");
                digits(rng.random_range(0..10_000_000), query);
            }
            Row::Mix => unreachable!("a mix is made of plain rows"),
        }
        query.extend_from_slice(b"\x08s");
        digits(service, query);
        query.extend_from_slice(b"\x07default\x03svc\x07cluster\x05local\0");
        let record_type = if row == Row::Srv { RecordType::SRV } else { RecordType::A };
        query.extend_from_slice(&u16::from(record_type).to_be_bytes());
        query.extend_from_slice(&[0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    }
}

fn digits(mut number: usize, text: &mut Vec<u8>) {
    let mut digits = [b'0'; 7];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text.extend_from_slice(&digits);
}

fn address(service: usize, pod: usize) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 + (service * PODS + pod) as u32)
}
