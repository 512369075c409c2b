//! Tables for every rule of the controller, and the controller over a store in virtual time.

mod controller;
mod endpoints;
mod index;
mod ports;
mod slices;
mod triggers;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, Pod, PodCondition, PodIP, PodSpec, PodStatus, Service, ServicePort, ServiceSpec,
};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::plan::{Inputs, SliceAction, reconcile};
use crate::clock::Timestamp;
use crate::machinery::selector::Labels;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn at(second: i64) -> Time {
    Time(Timestamp::from_second(second).unwrap())
}

/// A headless service `nginx` that selects `app=nginx` and has the port `web`.
fn service() -> Service {
    Service {
        metadata: ObjectMeta {
            name: Some("nginx".into()),
            namespace: Some("default".into()),
            uid: Some("service-uid".into()),
            ..Default::default()
        },
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".into()),
            ip_families: Some(vec!["IPv4".into()]),
            selector: Some(labels(&[("app", "nginx")])),
            ports: Some(vec![service_port("web", 80, None)]),
            ..Default::default()
        }),
        status: None,
    }
}

fn service_port(name: &str, port: i32, target: Option<IntOrString>) -> ServicePort {
    ServicePort {
        name: Some(name.into()),
        port,
        protocol: Some("TCP".into()),
        target_port: target,
        ..Default::default()
    }
}

fn container_port(name: &str, port: i32, protocol: &str) -> ContainerPort {
    ContainerPort {
        name: Some(name.into()),
        container_port: port,
        protocol: Some(protocol.into()),
        ..Default::default()
    }
}

/// A ready pod with one address, named by its subdomain under `nginx`.
fn pod(name: &str, ip: &str) -> Pod {
    Pod {
        metadata: ObjectMeta {
            name: Some(name.into()),
            namespace: Some("default".into()),
            uid: Some(format!("{name}-uid")),
            labels: Some(labels(&[("app", "nginx")])),
            ..Default::default()
        },
        spec: Some(PodSpec {
            hostname: Some(name.into()),
            subdomain: Some("nginx".into()),
            node_name: Some("node-1".into()),
            containers: vec![Container {
                name: "main".into(),
                image: Some("nginx".into()),
                ..Default::default()
            }],
            ..Default::default()
        }),
        status: Some(PodStatus {
            phase: Some("Running".into()),
            pod_ip: Some(ip.into()),
            pod_ips: Some(vec![PodIP { ip: ip.into() }]),
            conditions: Some(vec![ready("True")]),
            ..Default::default()
        }),
    }
}

fn pods(n: usize) -> Vec<Pod> {
    (0..n).map(|i| pod(&format!("web-{i:05}"), &format!("10.0.{}.{}", i / 250, i % 250))).collect()
}

fn ready(status: &str) -> PodCondition {
    PodCondition {
        type_: "Ready".into(),
        status: status.into(),
        last_transition_time: Some(at(7)),
        ..Default::default()
    }
}

fn set_ready(pod: &mut Pod, status: &str) {
    pod.status.as_mut().unwrap().conditions = Some(vec![ready(status)]);
}

/// One namespace with one service, kept in step with what the controller decides.
struct Cluster {
    service: Service,
    pods: Vec<Pod>,
    slices: Vec<EndpointSlice>,
    zones: BTreeMap<String, String>,
    endpoints_max: usize,
    n_written: usize,
}

impl Cluster {
    fn new(pods: Vec<Pod>) -> Self {
        let zones = BTreeMap::new();
        Self { service: service(), pods, slices: Vec::new(), zones, endpoints_max: 100, n_written: 0 }
    }

    fn plan(&self) -> Vec<SliceAction> {
        reconcile(&Inputs {
            service: &self.service,
            pods: self.pods.iter().collect(),
            slices: self.slices.iter().collect(),
            zones: &self.zones,
            trigger_time: None,
            endpoints_max: self.endpoints_max,
        })
    }

    /// Carries one plan out and returns it in short: `+3` a slice of three created, `~3` updated
    /// to three, `-` deleted. A second plan must be empty.
    fn step(&mut self) -> Vec<String> {
        let actions = self.plan();
        let short = actions.iter().map(short).collect();
        for action in actions {
            self.apply(action);
        }
        assert_eq!(self.plan(), [], "what was done must be enough");
        short
    }

    fn apply(&mut self, action: SliceAction) {
        match action {
            SliceAction::Create(mut slice) => {
                assert_eq!(slice.metadata.generate_name.as_deref(), Some("nginx-"));
                slice.metadata.name = Some(format!("nginx-{:04}", self.n_written));
                self.n_written += 1;
                self.slices.push(slice);
            }
            SliceAction::Update(slice) => {
                let old = self.slices.iter_mut().find(|old| old.metadata.name == slice.metadata.name);
                let old = old.expect("an updated slice exists");
                assert_eq!(old.address_type, slice.address_type, "a slice keeps its family");
                *old = slice;
            }
            SliceAction::Delete(slice) => {
                let before = self.slices.len();
                self.slices.retain(|old| old.metadata.name != slice.metadata.name);
                assert_eq!(self.slices.len(), before - 1, "a deleted slice exists");
            }
        }
    }

    fn endpoints(&self) -> Vec<&Endpoint> {
        self.slices.iter().flat_map(|slice| slice.endpoints.iter().flatten()).collect()
    }

    fn the_endpoint(&self) -> &Endpoint {
        let endpoints = self.endpoints();
        assert_eq!(endpoints.len(), 1);
        endpoints[0]
    }

    /// The lengths of the slices, by name.
    fn lengths(&self) -> Vec<usize> {
        self.slices.iter().map(|slice| slice.endpoints.as_ref().map_or(0, Vec::len)).collect()
    }
}

fn short(action: &SliceAction) -> String {
    let length = |slice: &EndpointSlice| slice.endpoints.as_ref().map_or(0, Vec::len);
    match action {
        SliceAction::Create(slice) => format!("+{}", length(slice)),
        SliceAction::Update(slice) => format!("~{}", length(slice)),
        SliceAction::Delete(_) => "-".to_owned(),
    }
}
