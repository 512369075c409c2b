//! The cast: the StatefulSets under test, and the objects around them.
//!
//! The cast is given, from manifests, or drawn from the seed: one to three sets that vary every field
//! that matters, each with its headless service. A set that was deleted is created again as it was
//! given.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};

use super::chance::{chance, number};
use crate::objects::Typed;

/// Where the drawn sets live.
const NAMESPACE: &str = "default";
/// The names of the drawn sets.
const NAMES: [&str; 3] = ["web", "db", "mq"];
/// How many sets in a thousand state no parameters of the rolling update.
const BARE_STRATEGY_PERMILLE: u64 = 250;
/// How many sets in a thousand have a readiness probe with an initial delay.
const SLOW_PROBE_PERMILLE: u64 = 250;

/// The sets under test, and the objects around them.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Other objects; created first, in this order.
    pub(super) props: Vec<Typed>,
    /// The sets.
    pub(super) sets: Vec<StatefulSet>,
}

impl Cast {
    /// The given objects; `None` if there is no StatefulSet among them.
    pub fn of(objects: Vec<Typed>) -> Option<Self> {
        let mut cast = Self { props: Vec::new(), sets: Vec::new() };
        for object in objects {
            match object {
                Typed::StatefulSet(set) => cast.sets.push(*set),
                other => cast.props.push(other),
            }
        }
        // Namespaces must exist before their objects, service accounts before their pods: as the table
        // of kinds has them.
        cast.props.sort_by_key(Typed::kind);
        (!cast.sets.is_empty()).then_some(cast)
    }

    /// One plain set of `replicas` pods and its service.
    pub fn plain(replicas: u32) -> Self {
        let set = decode(plain_set("web", replicas));
        Self { props: vec![prop(service("web", false))], sets: vec![set] }
    }

    /// One to three sets that follow from `seed`.
    pub(super) fn drawn(seed: u64) -> Self {
        let n_sets = usize::try_from(number(&(seed, "sets")) % 3).unwrap_or_default() + 1;
        let names = &NAMES[..n_sets];
        let services = names.iter().map(|name| service(name, chance(&(seed, name, "unready"), 150)));
        Self {
            props: services.map(prop).collect(),
            sets: names.iter().map(|name| decode(set(seed, name))).collect(),
        }
    }
}

fn prop(service: Value) -> Typed {
    Typed::from(decode::<Service>(service))
}

fn decode<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the drawn objects have the form of their kinds")
}

fn service(name: &str, publishes_unready: bool) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "clusterIP": "None", "selector": {"app": name}, "ports": [{"name": "main", "port": 80}],
            "publishNotReadyAddresses": publishes_unready,
        },
    })
}

fn plain_set(name: &str, replicas: u32) -> Value {
    json!({
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas, "serviceName": name, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {"simulated.dullahan.dev/start-delay": "500ms-3s"}},
                "spec": {"containers": [{"name": "main", "image": "main:1"}]},
            },
        },
    })
}

fn set(seed: u64, name: &str) -> Value {
    let draw =
        |what: &str, n: u32| u32::try_from(number(&(seed, name, what)) % u64::from(n)).unwrap_or_default();
    let one_of = |what: &str, values: [u32; 4]| values[draw(what, 4) as usize];
    let replicas = 1 + draw("replicas", 5);
    let mut set = plain_set(name, replicas);
    let spec = &mut set["spec"];
    if draw("parallel", 2) == 0 {
        spec["podManagementPolicy"] = json!("Parallel");
    }
    spec["minReadySeconds"] = json!(one_of("min ready", [0, 0, 4, 15]));
    let retention = |what| if draw(what, 2) == 0 { "Retain" } else { "Delete" };
    spec["persistentVolumeClaimRetentionPolicy"] =
        json!({"whenDeleted": retention("when deleted"), "whenScaled": retention("when scaled")});
    spec["ordinals"] = json!({"start": one_of("start", [0, 0, 0, 3])});
    spec["revisionHistoryLimit"] = json!(draw("history", 4));
    spec["updateStrategy"] = match draw("strategy", 6) {
        0 => json!({"type": "OnDelete"}),
        1 => json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}),
        2 => json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "60%"}}),
        _ => json!({"type": "RollingUpdate", "rollingUpdate": {"partition": draw("partition", 3)}}),
    };
    // As a client states it that names the type alone; the API adds no parameters then. These two are
    // drawn so that the seeds which once broke a rule (tests/simulation.rs) keep the sets that did.
    if chance(&(seed, name, "without rolling update"), BARE_STRATEGY_PERMILLE) {
        spec["updateStrategy"] = json!({"type": "RollingUpdate"});
    }
    if chance(&(seed, name, "late"), SLOW_PROBE_PERMILLE) {
        spec["template"]["spec"]["containers"][0]["readinessProbe"] =
            json!({"tcpSocket": {"port": 80}, "initialDelaySeconds": one_of("initial delay", [2, 4, 8, 20])});
    }
    spec["template"]["spec"]["terminationGracePeriodSeconds"] = json!(one_of("grace", [1, 10, 30, 120]));
    if draw("claims", 3) > 0 {
        spec["volumeClaimTemplates"] = json!([{
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }]);
    }
    set
}
