//! Every cause: a few objects, a question, and the sentence that answers it.

mod budget;
mod files;
mod names;
mod nodata;
mod pods;
mod services;

use std::collections::BTreeMap;
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use serde_json::{Value, json};

use super::question::Question;
use super::*;
use crate::clock::{Clock, Timestamp};
use crate::dns::zone::{REASON_OCTETS_MAX, Reasons};
use crate::names::options::{PodNames, ZoneOptions};
use crate::objects::{Kind, Object, ObjectKey, Typed};

/// Seconds of the epoch at which every question is asked.
const NOW_S: i64 = 1_000_000;

/// Objects as they are put down, and what is asked of them.
struct Scene {
    landscape: Landscape,
    slices: BTreeMap<(String, String), Vec<Object>>,
}

impl Scene {
    fn with(options: ZoneOptions) -> Self {
        let scene = Self { landscape: Landscape::new(options), slices: BTreeMap::new() };
        scene.and(Kind::Namespace, json!({"metadata": {"name": "default"}}))
    }

    fn new() -> Self {
        Self::with(ZoneOptions::default())
    }

    fn and(mut self, kind: Kind, value: Value) -> Self {
        let object = Object::unversioned(Typed::from_value(kind, value).unwrap());
        if kind == Kind::EndpointSlice {
            let service = object.meta().labels.clone().unwrap()["kubernetes.io/service-name"].clone();
            let listed = self.slices.entry((object.namespace().to_owned(), service.clone())).or_default();
            listed.push(object.clone());
            self.landscape.put_slices(object.namespace(), &service, listed.clone());
        } else {
            self.landscape.put(&object.key().clone(), Some(object));
        }
        self
    }

    /// A headless service that selects `app: web`.
    fn headless(self, name: &str) -> Self {
        self.service(name, json!({"clusterIP": "None", "selector": {"app": "web"}}))
    }

    fn service(self, name: &str, spec: Value) -> Self {
        self.and(Kind::Service, json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec}))
    }

    /// A set `web` below the service `nginx`.
    fn set(self, annotations: Value, spec: Value) -> Self {
        let mut spec = spec;
        spec["serviceName"] = spec.get("serviceName").cloned().unwrap_or("nginx".into());
        spec["selector"] = json!({"matchLabels": {"app": "web"}});
        spec["template"] = json!({"metadata": {"labels": {"app": "web"}}});
        let meta = json!({"name": "web", "namespace": "default", "annotations": annotations});
        self.and(Kind::StatefulSet, json!({"metadata": meta, "spec": spec}))
    }

    /// A pod of the set, with this status and these changes to its spec.
    fn pod(self, name: &str, spec: Value, status: Value) -> Self {
        let mut whole = json!({"hostname": name, "subdomain": "nginx", "nodeName": "node", "containers": [{"name": "c"}]});
        for (field, value) in spec.as_object().unwrap() {
            whole[field] = value.clone();
        }
        let created = time(100);
        let meta = json!({
            "name": name, "namespace": "default", "labels": {"app": "web"}, "creationTimestamp": created,
        });
        self.and(Kind::Pod, json!({"metadata": meta, "spec": whole, "status": status}))
    }

    /// An event of a probe that has failed.
    fn probe(self, pod: &str, message: &str) -> Self {
        self.and(
            Kind::Event,
            json!({
                "metadata": {"name": format!("{pod}.1"), "namespace": "default"}, "reason": "Unhealthy", "message": message,
                "involvedObject": {"kind": "Pod", "namespace": "default", "name": pod},
            }),
        )
    }

    /// A slice of `nginx` with these hostnames and whether they are ready.
    fn slice(self, endpoints: &[(&str, bool)]) -> Self {
        let endpoints: Vec<Value> = endpoints
            .iter()
            .map(|(hostname, ready)| {
                json!({"addresses": ["10.0.0.1"], "hostname": hostname, "conditions": {"ready": ready}})
            })
            .collect();
        self.slice_of("nginx", json!({"endpoints": endpoints}))
    }

    /// A slice of any service, of these fields.
    fn slice_of(self, service: &str, mut fields: Value) -> Self {
        fields["addressType"] = "IPv4".into();
        fields["metadata"] = json!({
            "name": format!("{service}-a"), "namespace": "default",
            "labels": {"kubernetes.io/service-name": service},
        });
        self.and(Kind::EndpointSlice, fields)
    }

    fn asked(&self, name: &str, record_type: RecordType) -> Option<Explanation> {
        let name = Name::from_ascii(format!("{name}.cluster.local.")).unwrap();
        explain(&self.landscape, &name, record_type, Timestamp::from_second(NOW_S).unwrap())
    }

    fn check_type(&self, name: &str, record_type: RecordType, cause: Cause, text: &str) {
        let found = self.asked(name, record_type).unwrap_or_else(|| panic!("{name}: nothing is known"));
        assert_eq!((found.cause, found.text.as_str()), (cause, text), "{name}");
    }

    fn check(&self, name: &str, cause: Cause, text: &str) {
        self.check_type(name, RecordType::A, cause, text);
    }
}

/// So many seconds before the question.
fn time(ago_s: i64) -> String {
    Timestamp::from_second(NOW_S - ago_s).unwrap().to_string()
}

fn running(ready: &str, message: Value) -> Value {
    json!({
        "phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}],
        "conditions": [{"type": "Ready", "status": ready, "message": message, "lastTransitionTime": time(14)}],
        "containerStatuses": [{
            "name": "c", "ready": ready == "True", "restartCount": 0, "image": "", "imageID": "", "started": true,
            "state": {"running": {}},
        }],
    })
}

fn waiting(phase: &str, reason: &str, message: Value) -> Value {
    json!({
        "phase": phase,
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [{
            "name": "c", "ready": false, "restartCount": 4, "image": "", "imageID": "",
            "state": {"waiting": {"reason": reason, "message": message}},
            "lastState": {"terminated": {"exitCode": 3}},
        }],
    })
}

const WEB_0: &str = "web-0.nginx.default.svc";
const NGINX: &str = "nginx.default.svc";
