//! Histories of namespaces, services, slices and pods made at random, and what must hold after every
//! step: the publisher that followed them has the very zones that one has which starts now; a name
//! is answered exactly if an endpoint that is ready has it; an empty name exists exactly as long as
//! something below it does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use dullahan::clock::Clock;
use dullahan::dns::answer::{Query, answer};
use dullahan::dns::message::name::WireName;
use dullahan::dns::zone::{Zone, Zones};
use dullahan::names::options::{PodNames, ZoneOptions};
use dullahan::names::publisher::Publisher;
use dullahan::objects::{Kind, ObjectKey, Typed};
use dullahan::store::{Store, StoreOptions};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, RecordType};
use proptest::prelude::*;
use serde_json::{Value, json};

const NAMESPACES: [&str; 2] = ["default", "other"];
const SERVICES: [&str; 3] = ["web", "db", "front"];
const SLICES: [&str; 4] = ["a", "b", "c", "d"];

/// One change of the world. Numbers choose from the tables above.
#[derive(Clone, Debug)]
enum Step {
    Namespace { index: usize, exists: bool },
    Service { namespace: usize, name: usize, form: Option<Form> },
    Slice { namespace: usize, name: usize, content: Option<Slice> },
    Pod { namespace: usize, address: u8, is_there: bool },
}

#[derive(Clone, Debug)]
enum Form {
    Headless,
    Cluster(u8),
    External(usize),
}

#[derive(Clone, Debug)]
struct Slice {
    service: usize,
    endpoints: Vec<Endpoint>,
    has_ports: bool,
}

#[derive(Clone, Debug)]
struct Endpoint {
    address: u8,
    is_ipv6: bool,
    hostname: Option<u8>,
    ready: Option<bool>,
}

fn step() -> impl Strategy<Value = Step> {
    let namespace = 0..NAMESPACES.len();
    let form = prop_oneof![
        3 => Just(Form::Headless),
        2 => (1..5u8).prop_map(Form::Cluster),
        1 => (0..SERVICES.len()).prop_map(Form::External),
    ];
    let endpoint = (1..6u8, any::<bool>(), proptest::option::of(0..3u8), any::<Option<bool>>())
        .prop_map(|(address, is_ipv6, hostname, ready)| Endpoint { address, is_ipv6, hostname, ready });
    let content = (0..SERVICES.len(), proptest::collection::vec(endpoint, 0..4), any::<bool>())
        .prop_map(|(service, endpoints, has_ports)| Slice { service, endpoints, has_ports });
    prop_oneof![
        1 => (namespace.clone(), proptest::bool::weighted(0.7))
            .prop_map(|(index, exists)| Step::Namespace { index, exists }),
        3 => (namespace.clone(), 0..SERVICES.len(), proptest::option::weighted(0.8, form))
            .prop_map(|(namespace, name, form)| Step::Service { namespace, name, form }),
        6 => (namespace.clone(), 0..SLICES.len(), proptest::option::weighted(0.8, content))
            .prop_map(|(namespace, name, content)| Step::Slice { namespace, name, content }),
        1 => (namespace, 1..4u8, any::<bool>())
            .prop_map(|(namespace, address, is_there)| Step::Pod { namespace, address, is_there }),
    ]
}

fn options() -> impl Strategy<Value = ZoneOptions> {
    let pods = prop_oneof![Just(PodNames::Disabled), Just(PodNames::Insecure), Just(PodNames::Verified)];
    (pods, any::<[bool; 4]>()).prop_map(
        |(pods, [ignore_empty_service, implied_namespaces, has_network, is_filtered])| ZoneOptions {
            pods,
            ignore_empty_service,
            implied_namespaces,
            networks: if has_network { vec!["10.0.0.0/16".parse().unwrap()] } else { Vec::new() },
            namespaces: if is_filtered { vec!["default".to_owned()] } else { Vec::new() },
            server_addresses: vec!["10.0.0.1".parse().unwrap()],
            ..ZoneOptions::default()
        },
    )
}

impl Endpoint {
    fn address(&self) -> IpAddr {
        let text =
            if self.is_ipv6 { format!("fd00::{}", self.address) } else { format!("10.0.0.{}", self.address) };
        text.parse().unwrap()
    }

    fn is_ready(&self) -> bool {
        self.ready != Some(false)
    }

    fn json(&self) -> Value {
        let mut value = json!({"addresses": [self.address().to_string()]});
        if let Some(hostname) = self.hostname {
            value["hostname"] = json!(format!("host-{hostname}"));
        }
        if let Some(ready) = self.ready {
            value["conditions"] = json!({"ready": ready});
        }
        value
    }
}

impl Step {
    /// The key of the object, and the object unless it is to go.
    fn object(&self) -> (ObjectKey, Option<Value>) {
        match self {
            Step::Namespace { index, exists } => {
                let key = ObjectKey::new(Kind::Namespace, "", NAMESPACES[*index]);
                (key, exists.then(|| json!({})))
            }
            Step::Service { namespace, name, form } => {
                let spec = form.as_ref().map(|form| match form {
                    Form::Headless => json!({"clusterIP": "None"}),
                    Form::Cluster(n) => json!({
                        "clusterIPs": [format!("10.0.0.{n}"), format!("fd00::{n}")],
                        "ports": [{"name": "http", "port": 80}],
                    }),
                    Form::External(target) => json!({
                        "type": "ExternalName",
                        "externalName": format!("{}.default.svc.cluster.local", SERVICES[*target]),
                    }),
                });
                let key = ObjectKey::new(Kind::Service, NAMESPACES[*namespace], SERVICES[*name]);
                (key, spec.map(|spec| json!({"spec": spec})))
            }
            Step::Slice { namespace, name, content } => {
                let key = ObjectKey::new(Kind::EndpointSlice, NAMESPACES[*namespace], SLICES[*name]);
                (key, content.as_ref().map(Slice::json))
            }
            Step::Pod { namespace, address, is_there } => {
                let key = ObjectKey::new(Kind::Pod, NAMESPACES[*namespace], &format!("pod-{address}"));
                // Two pods may have one address, as pods in the host's network do.
                let address = format!("10.0.0.{}", address.min(&2));
                (key, is_there.then(|| json!({"status": {"phase": "Running", "podIP": address}})))
            }
        }
    }

    async fn apply(&self, store: &Store) {
        let (key, object) = self.object();
        match object {
            Some(mut value) => {
                value["metadata"]["name"] = json!(key.name);
                value["metadata"]["namespace"] = json!(key.namespace);
                store.mirror(Typed::from_value(key.kind, value).unwrap()).await.unwrap();
            }
            // Removing what is not there is not a step.
            None => drop(store.unmirror(&key).await),
        }
    }
}

impl Slice {
    fn json(&self) -> Value {
        let endpoints: Vec<Value> = self.endpoints.iter().map(Endpoint::json).collect();
        let ports =
            if self.has_ports { json!([{"name": "http", "port": 8080}, {"port": 81}]) } else { json!([]) };
        json!({
            "metadata": {"labels": {"kubernetes.io/service-name": SERVICES[self.service]}},
            "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
        })
    }
}

/// The world as the steps have left it, kept without the store.
#[derive(Default)]
struct Model {
    namespaces: BTreeSet<usize>,
    services: BTreeMap<(usize, usize), Form>,
    slices: BTreeMap<(usize, usize), Slice>,
}

impl Model {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Namespace { index, exists: true } => drop(self.namespaces.insert(*index)),
            Step::Namespace { index, exists: false } => drop(self.namespaces.remove(index)),
            Step::Service { namespace, name, form } => {
                put(&mut self.services, (*namespace, *name), form.clone())
            }
            Step::Slice { namespace, name, content } => {
                put(&mut self.slices, (*namespace, *name), content.clone())
            }
            Step::Pod { .. } => {}
        }
    }

    /// Names and IPv4 addresses of the ready endpoints of a service, by hostname; the service's own
    /// under the empty name.
    fn ready(&self, service: (usize, usize)) -> BTreeMap<String, BTreeSet<IpAddr>> {
        let mut names: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
        let of_service =
            self.slices.iter().filter(|((namespace, _), slice)| (*namespace, slice.service) == service);
        for endpoint in
            of_service.flat_map(|(_, slice)| &slice.endpoints).filter(|endpoint| endpoint.is_ready())
        {
            let hostname = endpoint.hostname.map(|hostname| format!("host-{hostname}."));
            for name in hostname.into_iter().chain([String::new()]) {
                let addresses = names.entry(name).or_default();
                addresses.extend(Some(endpoint.address()).filter(IpAddr::is_ipv4));
            }
        }
        names
    }
}

fn put<V>(map: &mut BTreeMap<(usize, usize), V>, key: (usize, usize), value: Option<V>) {
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

/// Every name of every zone: its records but the SOA, whether it exists of itself, its children.
fn content(zones: &Zones) -> BTreeMap<(String, String), (Vec<String>, bool, u32)> {
    let mut content = BTreeMap::new();
    for zone in zones.iter() {
        for node in zone.nodes() {
            let name = WireName::from(node.name());
            let owner = name.to_name();
            let mut records = node.rrsets().records(&owner);
            records.retain(|record| record.record_type() != RecordType::SOA);
            let records = records.iter().map(ToString::to_string).collect();
            let value = (records, node.is_empty_non_terminal(), zone.n_below(node.name()));
            content.insert((zone.apex().to_string(), name.to_string()), value);
        }
    }
    content
}

/// Counts the children of every name anew.
fn check_existence(zone: &Zone) {
    let mut n_children: BTreeMap<WireName, u32> = BTreeMap::new();
    for node in zone.nodes() {
        let name = WireName::from(node.name());
        n_children.entry(name.clone()).or_default();
        if node.is_empty_non_terminal() {
            let is_held = zone.n_below(node.name()) > 0;
            assert!(node.rrsets().is_empty() && is_held, "{name} is held by nothing");
        }
        if name != *zone.key() {
            *n_children.entry(WireName::of(&name.to_name().base_name())).or_default() += 1;
        }
    }
    assert_eq!(n_children.len(), zone.n_names(), "every ancestor exists");
    for (name, n_children) in n_children {
        assert_eq!(zone.n_below(name.as_bytes()), n_children, "children of {name}");
    }
}

fn check_answers(zones: &Zones, model: &Model, options: &ZoneOptions) {
    for (namespace, name) in
        (0..NAMESPACES.len()).flat_map(|ns| (0..SERVICES.len()).map(move |name| (ns, name)))
    {
        let service = format!("{}.{}.svc.cluster.local.", SERVICES[name], NAMESPACES[namespace]);
        let form = model.services.get(&(namespace, name));
        let has_services = model.services.keys().any(|(of, _)| *of == namespace);
        let exists = model.namespaces.contains(&namespace) || (options.implied_namespaces && has_services);
        let is_exposed =
            options.namespaces.is_empty() || options.namespaces.contains(&NAMESPACES[namespace].into());
        let ready = match form {
            Some(Form::Headless) if exists && is_exposed => model.ready((namespace, name)),
            Some(Form::Headless) | None => BTreeMap::new(),
            Some(Form::Cluster(_) | Form::External(_)) => continue,
        };
        for below in ["", "host-0.", "host-1.", "host-2."] {
            // The endpoints at the server's own address make the name servers' names.
            let of_server = model
                .ready((namespace, name))
                .get(below)
                .is_some_and(|set| set.contains(&"10.0.0.1".parse().unwrap()));
            if of_server && !(exists && is_exposed) {
                continue;
            }
            check_answer(zones, &format!("{below}{service}"), ready.get(below));
        }
    }
}

fn check_answer(zones: &Zones, name: &str, expected: Option<&BTreeSet<IpAddr>>) {
    let query = Query { name: Name::from_ascii(name).unwrap(), record_type: RecordType::A };
    let answer = answer(zones, &query);
    let addresses: BTreeSet<IpAddr> =
        answer.answers.iter().filter_map(|record| record.data.ip_addr()).collect();
    assert_eq!(addresses.len(), answer.answers.len(), "no record twice: {name}");
    assert_eq!(addresses, expected.cloned().unwrap_or_default(), "{name}");
    let is_answered = answer.rcode == ResponseCode::NoError;
    assert_eq!(is_answered, expected.is_some(), "{name}: {:?}", answer.rcode);
}

/// Weights of one RRset are equal and divide 100 among its records.
fn check_weights(zone: &Zone) {
    for node in zone.nodes() {
        let name = WireName::from(node.name());
        for set in node.rrsets().iter().filter(|set| set.record_type() == RecordType::SRV) {
            let wanted = (100 / set.len()).max(1);
            for record in set.records(&name.to_name()) {
                let RData::SRV(srv) = record.data else { panic!("not SRV") };
                assert_eq!(usize::from(srv.weight), wanted, "{name}");
            }
        }
    }
}

async fn run(options: ZoneOptions, batches: Vec<Vec<Step>>) {
    let store = Store::in_memory(Clock::system(), StoreOptions::default());
    let mut publisher = Publisher::new(store.clone(), options.clone(), Vec::new());
    let mut model = Model::default();
    for batch in batches {
        for step in &batch {
            step.apply(&store).await;
            model.take(step);
        }
        publisher.catch_up();
        let followed = publisher.zones().load_full();
        let anew = Publisher::new(store.clone(), options.clone(), Vec::new()).zones().load_full();
        assert_eq!(content(&followed), content(&anew), "after {batch:?}");
        for zone in followed.iter() {
            check_existence(zone);
            check_weights(zone);
        }
        check_answers(&followed, &model, &options);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn following_every_step_gives_what_rendering_anew_gives(
        options in options(),
        batches in proptest::collection::vec(proptest::collection::vec(step(), 1..4), 1..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(options, batches));
    }
}
