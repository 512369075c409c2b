//! Both ways give the same octets, whatever is asked and whatever has changed in between.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use hickory_proto::rr::rdata::{CNAME, MX, NS, SOA, SRV, TXT};
use hickory_proto::rr::{Name, RData};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::*;
use crate::dns::message::name::WireName;
use crate::dns::service::asker::{Asker, Transport};
use crate::dns::service::policy::{Paths, Policy};
use crate::dns::service::respond::respond;
use crate::dns::zone::{RrSet, RrSets};
use crate::dns::zonefile::load_folder;

/// Each is asked twice.
const QUERIES: usize = 50_000;
/// So often the zones change.
const QUERIES_PER_CHANGE: usize = 50;
const SERVICES: u32 = 12;
const PODS_PER_SERVICE_MAX: u32 = 40;
const DOMAIN: &str = "default.svc.cluster.local.";

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn key(text: &str) -> WireName {
    WireName::of(&name(text))
}

fn zone(apex: &str, mname: &str, rname: &str) -> Zone {
    Zone::new(name(apex), SOA::new(name(mname), name(rname), 1, 7200, 1800, 86400, 1), 30)
}

fn set(record_type: RecordType, rdata: &[RData]) -> RrSet<'static> {
    RrSet::from_rdata(record_type, 5, rdata).unwrap()
}

fn addresses(rng: &mut SmallRng, n: u32) -> RrSets {
    let v4: Vec<IpAddr> = (0..n).map(|_| Ipv4Addr::from(rng.random::<u32>()).into()).collect();
    let v6: Vec<IpAddr> = (0..n % 3).map(|_| std::net::Ipv6Addr::from(rng.random::<u128>()).into()).collect();
    RrSets::of([RrSet::of_addresses(RecordType::A, 5, &v4), RrSet::of_addresses(RecordType::AAAA, 5, &v6)])
}

/// Zones under change, as a publisher would make them.
struct World {
    rng: SmallRng,
    cluster: Zone,
    zones: Zones,
}

impl World {
    fn new(seed: u64) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zones");
        let mut zones = Zones::new(load_folder(&folder).zones);
        let cluster = zone("cluster.local.", "ns.dns.cluster.local.", "hostmaster.cluster.local.");
        let mut mixed = zone("Mixed.Example.", "Ns.Mixed.example.", "Admin.NS.Mixed.Example.");
        mixed.set(&key("www.mixed.example."), &addresses(&mut SmallRng::seed_from_u64(1), 2));
        zones.insert(mixed);
        zones.insert(zone("reverse.", "x.reverse.", "a\\.b.x.reverse."));
        let mut world = Self { rng: SmallRng::seed_from_u64(seed), cluster, zones };
        for service in 0..SERVICES {
            world.change_service(service);
        }
        world.publish();
        world
    }

    fn publish(&mut self) {
        self.cluster.set_serial(self.cluster.serial() + 1);
        self.zones.insert(self.cluster.clone());
    }

    /// A service with its pods, SRV records at two names, TXT and an alias.
    fn change_service(&mut self, service: u32) {
        let owner = format!("svc{service}.{DOMAIN}");
        let n_pods = self.rng.random_range(0..=PODS_PER_SERVICE_MAX >> (service % 4 * 2));
        let mut sets: Vec<RrSet<'static>> =
            vec![set(RecordType::TXT, &[RData::TXT(TXT::new(vec![owner.clone()]))])];
        // Every other service has targets in lower case, and those of some have two ports.
        let word = if service.is_multiple_of(2) { "Web" } else { "web" };
        let ports: &[u16] = if self.rng.random_ratio(1, 4) { &[80, 443] } else { &[80] };
        let target =
            |pod: u32, port: u16| RData::SRV(SRV::new(0, 1, port, name(&format!("{word}-{pod}.{owner}"))));
        let targets: Vec<RData> =
            (0..n_pods).flat_map(|pod| ports.iter().map(move |port| target(pod, *port))).collect();
        sets.push(set(RecordType::SRV, &targets));
        let own = addresses(&mut self.rng, n_pods);
        sets.extend(own.iter().map(|set| RrSet::union([set]).unwrap()));
        self.cluster.set(&key(&owner), &RrSets::of(sets));
        self.cluster.set(&key(&format!("_x._tcp.{owner}")), &RrSets::of([set(RecordType::SRV, &targets)]));
        let itself = RData::SRV(SRV::new(0, 1, 80, name(&owner)));
        self.cluster.set(&key(&format!("_own._tcp.{owner}")), &RrSets::of([set(RecordType::SRV, &[itself])]));
        self.cluster.set(
            &key(&format!("alias{service}.{DOMAIN}")),
            &RrSets::of([set(RecordType::CNAME, &[RData::CNAME(CNAME(name(&owner)))])]),
        );
        for pod in 0..n_pods {
            self.change_pod(service, pod);
        }
        let pods = (0..1 + n_pods % 2).map(|pod| key(&format!("web-{pod}.{owner}"))).collect::<Vec<_>>();
        let pointers = RrSet::of_names(RecordType::PTR, 5, &pods);
        self.cluster.set(&key(&format!("{service}.ptr.cluster.local.")), &RrSets::of([pointers]));
        let elsewhere = RrSet::of_names(RecordType::PTR, 5, [&key(&format!("p{service}.example."))]);
        self.cluster.set(&key(&format!("{service}.far.cluster.local.")), &RrSets::of([elsewhere]));
    }

    fn change_pod(&mut self, service: u32, pod: u32) {
        let n = self.rng.random_range(1..=2);
        let rrsets = addresses(&mut self.rng, n);
        self.cluster.set(&key(&format!("web-{pod}.svc{service}.{DOMAIN}")), &rrsets);
    }

    /// One change of the kind that a publisher or an operator makes.
    fn change(&mut self) {
        // What sends a whole zone the ordinary way lasts until the next change.
        self.cluster.remove(&key("cut.cluster.local."));
        self.cluster.set_synced(true);
        let service = self.rng.random_range(0..SERVICES);
        let pod = self.rng.random_range(0..4);
        let pod_name = key(&format!("web-{pod}.svc{service}.{DOMAIN}"));
        let below = format!("svc{service}.{DOMAIN}");
        match self.rng.random_range(0..14) {
            0..5 => self.change_pod(service, pod),
            5 => drop(self.cluster.remove(&pod_name)),
            6 => self.change_service(service),
            7 => drop(self.cluster.remove(&key(&format!("*.svc{service}.{DOMAIN}")))),
            8 => {
                let rrsets = addresses(&mut self.rng, 2);
                self.cluster.set(&key(&format!("*.svc{service}.{DOMAIN}")), &rrsets);
            }
            9 => {
                let mut own = zone(&below, &format!("ns.{below}"), &format!("web-1.{below}"));
                own.set(&pod_name, &addresses(&mut self.rng, 1));
                self.zones.insert(own);
            }
            10 => (0..SERVICES).for_each(|any| self.zones.remove(&key(&format!("svc{any}.{DOMAIN}")))),
            11 => self.cluster.set_synced(false),
            12 => {
                let servers =
                    set(RecordType::NS, &[RData::NS(NS(name("web-0.svc0.default.svc.cluster.local.")))]);
                self.cluster.set(&key("cut.cluster.local."), &RrSets::of([servers]));
            }
            _ => {
                let exchange = RData::MX(MX::new(1, name(&format!("web-{pod}.{below}"))));
                self.cluster
                    .set(&key("mail.cluster.local."), &RrSets::of([set(RecordType::MX, &[exchange])]));
            }
        }
        self.publish();
    }

    fn name(&mut self) -> Vec<u8> {
        let service = self.rng.random_range(0..SERVICES + 1);
        let pod = self.rng.random_range(0..6);
        let text = match self.rng.random_range(0..16) {
            0..4 => format!("web-{pod}.svc{service}.{DOMAIN}"),
            4 | 5 => format!("svc{service}.{DOMAIN}"),
            6 => format!("_x._tcp.svc{service}.{DOMAIN}"),
            7 => format!("_own._tcp.svc{service}.{DOMAIN}"),
            8 => format!("{service}.{}.cluster.local.", if pod < 3 { "ptr" } else { "far" }),
            9 => format!("alias{service}.{DOMAIN}"),
            10 => "ns.dns.cluster.local.".to_owned(),
            11 => ["cluster.local.", "mail.cluster.local.", "cut.cluster.local.", ".", "example."]
                .choose(&mut self.rng)
                .unwrap()
                .to_string(),
            12 => "www.mixed.example.".to_owned(),
            13 => ["ns.mixed.example.", "x.reverse.", "reverse.", "dns.cluster.local."]
                .choose(&mut self.rng)
                .unwrap()
                .to_string(),
            _ => String::new(),
        };
        let mut name = if text.is_empty() { self.any_name() } else { name(&text) };
        for _ in 0..self.rng.random_range(0..8_usize).saturating_sub(5) {
            // The last two end, within a label, as names in SOA records do.
            let label = ["nope", "a", "*", "10-0-0-1", "y\x01x", "a\x03dns"].choose(&mut self.rng).unwrap();
            name = Name::from_labels(std::iter::once(label.as_bytes()).chain(name.iter())).unwrap_or(name);
        }
        let mut wire = WireName::of(&name).as_bytes().to_vec();
        self.change_case(&mut wire);
        wire
    }

    fn any_name(&mut self) -> Name {
        let zones: Vec<&Zone> = self.zones.iter().collect();
        let zone = zones.choose(&mut self.rng).unwrap();
        let skipped = self.rng.random_range(0..zone.n_names().min(200));
        WireName::from(zone.nodes().nth(skipped).unwrap().name()).to_name()
    }

    fn change_case(&mut self, wire: &mut [u8]) {
        let start = self.rng.random_range(0..wire.len());
        match self.rng.random_range(0..8) {
            0 => wire.make_ascii_uppercase(),
            1 => wire[start..].make_ascii_uppercase(),
            2 => wire[..start].make_ascii_uppercase(),
            3 => wire.iter_mut().filter(|_| self.rng.random()).for_each(u8::make_ascii_uppercase),
            _ => {}
        }
    }

    fn request(&mut self) -> Vec<u8> {
        const TYPES: [u16; 24] =
            [1, 1, 1, 1, 33, 33, 33, 28, 28, 16, 12, 12, 2, 5, 6, 15, 64, 65, 255, 43, 39, 41, 252, 999];
        let mut request: Vec<u8> = self.rng.random::<u16>().to_be_bytes().to_vec();
        let flags = *[0, 0x0100, 0x0120, 0x0110, 0x8000, 0x2800, 0x0200, 0x0400, 0x0080, 0x000f]
            [..if self.rng.random_ratio(1, 8) { 10 } else { 4 }]
            .choose(&mut self.rng)
            .unwrap();
        request.extend_from_slice(&u16::to_be_bytes(flags));
        request.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        request.extend(self.name());
        request.extend_from_slice(&TYPES.choose(&mut self.rng).unwrap().to_be_bytes());
        let class: u16 = if self.rng.random_ratio(1, 50) { self.rng.random_range(0..256) } else { 1 };
        request.extend_from_slice(&class.to_be_bytes());
        self.add_opt(&mut request);
        if self.rng.random_ratio(1, 20) {
            let at = self.rng.random_range(2..request.len());
            request[at] = self.rng.random();
        }
        if self.rng.random_ratio(1, 40) {
            request.truncate(self.rng.random_range(0..request.len()));
        }
        if self.rng.random_ratio(1, 40) {
            request.push(self.rng.random());
        }
        request
    }

    fn add_opt(&mut self, request: &mut Vec<u8>) {
        const SIZES: [u16; 10] = [0, 511, 512, 513, 600, 695, 1000, 1232, 1233, 65535];
        const OPTIONS: [&[u8]; 4] =
            [&[0, 10, 0, 2, 1, 2], &[0, 12, 0, 0], &[0xfd, 0xe9, 0, 1, 7], &[0, 3, 0, 0]];
        let n_records = *[0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2].choose(&mut self.rng).unwrap();
        request[11] = n_records;
        for _ in 0..n_records {
            request.extend_from_slice(&[0, 0, 41]);
            request.extend_from_slice(&SIZES.choose(&mut self.rng).unwrap().to_be_bytes());
            let is_odd = self.rng.random_ratio(1, 10);
            let version = if is_odd { self.rng.random_range(0..2) } else { 0 };
            let flags = *[0, 0, 0x80, 0x80, if is_odd { 0x41 } else { 0 }].choose(&mut self.rng).unwrap();
            request.extend_from_slice(&[0, version, flags, 0]);
            let options: &[u8] = match self.rng.random_ratio(1, 10) {
                true => OPTIONS.choose(&mut self.rng).unwrap(),
                false => &[],
            };
            request.extend_from_slice(&(options.len() as u16).to_be_bytes());
            request.extend_from_slice(options);
        }
    }
}

fn reply_by(zones: &Zones, request: &[u8], turn: usize, paths: Paths) -> Vec<u8> {
    let mut octets = Vec::new();
    let asker = Asker { address: Ipv4Addr::LOCALHOST.into(), transport: Transport::Udp };
    let is_taken =
        paths == Paths::FastFirst && reply(zones, request, turn, Terms::PLAIN, &mut octets).is_some();
    if !is_taken && let Some(response) = respond(zones, &Policy::default(), request, asker, turn) {
        octets = response.to_octets();
    }
    octets
}

/// Asks `n_queries` at random; returns how many of them the fast path took.
fn compare(seed: u64, n_queries: usize) -> usize {
    let mut world = World::new(seed);
    let mut n_taken = 0;
    for turn in 0..n_queries {
        if turn % QUERIES_PER_CHANGE == 0 {
            world.change();
        }
        let request = world.request();
        let ordinary = reply_by(&world.zones, &request, turn, Paths::OrdinaryOnly);
        // The first question makes what the second copies.
        for _ in 0..2 {
            let fast = reply_by(&world.zones, &request, turn, Paths::FastFirst);
            assert_eq!(fast, ordinary, "seed {seed}, query {turn}: {request:02x?}");
        }
        n_taken += usize::from(reply(&world.zones, &request, turn, Terms::PLAIN, &mut Vec::new()).is_some());
    }
    n_taken
}

#[test]
fn both_ways_give_the_same_octets_across_changes() {
    let n_taken: usize = (0..4).map(|seed| compare(seed, QUERIES / 4)).sum();
    assert!(n_taken > QUERIES / 3, "only {n_taken} of {QUERIES} were ordinary questions");
}

fn ask(owner: &str, record_type: RecordType, has_edns: bool) -> Vec<u8> {
    let mut request = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(has_edns)];
    request.extend_from_slice(key(owner).as_bytes());
    request.extend_from_slice(&u16::from(record_type).to_be_bytes());
    request.extend_from_slice(&[0, 1]);
    if has_edns {
        request.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    }
    request
}

#[test]
fn what_clients_ask_most_is_taken() {
    let mut world = World::new(7);
    world.change_service(0);
    world.change_pod(0, 0);
    world.publish();
    for (owner, record_type) in [
        (format!("web-0.svc0.{DOMAIN}"), RecordType::A),
        (format!("web-0.svc0.{DOMAIN}"), RecordType::MX),
        (format!("svc0.{DOMAIN}"), RecordType::A),
        (format!("_x._tcp.svc3.{DOMAIN}"), RecordType::SRV),
        (format!("nope.svc0.{DOMAIN}"), RecordType::AAAA),
        ("0.ptr.cluster.local.".to_owned(), RecordType::PTR),
        ("cluster.local.".to_owned(), RecordType::TXT),
    ] {
        for has_edns in [false, true] {
            let taken =
                reply(&world.zones, &ask(&owner, record_type, has_edns), 0, Terms::PLAIN, &mut Vec::new());
            assert!(
                taken.is_some() || (!has_edns && record_type == RecordType::SRV),
                "{owner} {record_type}"
            );
        }
    }
}

fn address(last: u8) -> RrSets {
    RrSets::of([RrSet::of_addresses(RecordType::A, 5, [&IpAddr::from([10, 0, 0, last])])])
}

/// A world with an address at each of these owners and a SRV record with the target
/// `p.q.cluster.local`, and the request for that.
fn world_with_target(owners: &[&str]) -> (World, Vec<u8>) {
    let mut world = World::new(3);
    let srv = set(RecordType::SRV, &[RData::SRV(SRV::new(0, 1, 80, name("p.q.cluster.local.")))]);
    for owner in owners {
        world.cluster.set(&key(owner), &address(1));
    }
    world.cluster.set(&key("_x._tcp.q.cluster.local."), &RrSets::of([srv]));
    world.publish();
    (world, ask("_x._tcp.q.cluster.local.", RecordType::SRV, true))
}

#[test]
fn an_additional_address_that_changes_is_not_answered_from_before() {
    let (mut world, request) = world_with_target(&["p.q.cluster.local."]);
    let before = reply_by(&world.zones, &request, 0, Paths::FastFirst);
    let old = world.zones.clone();
    world.cluster.set(&key("p.q.cluster.local."), &address(2));
    world.publish();
    let after = reply_by(&world.zones, &request, 0, Paths::FastFirst);
    assert_ne!(before, after);
    assert_eq!(after, reply_by(&world.zones, &request, 0, Paths::OrdinaryOnly));
    assert_eq!(before, reply_by(&old, &request, 0, Paths::FastFirst), "who holds the old version sees it");
}

#[test]
fn a_target_that_comes_to_be_made_up_is_not_answered_from_before() {
    let (mut world, request) = world_with_target(&["a.p.q.cluster.local.", "*.q.cluster.local."]);
    let before = reply_by(&world.zones, &request, 0, Paths::FastFirst);
    world.cluster.remove(&key("a.p.q.cluster.local."));
    world.publish();
    let after = reply_by(&world.zones, &request, 0, Paths::FastFirst);
    assert_ne!(before, after, "the target is what the wildcard says, once nothing is below it");
    assert_eq!(after, reply_by(&world.zones, &request, 0, Paths::OrdinaryOnly));
}
