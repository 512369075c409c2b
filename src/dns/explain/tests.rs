//! Every cause: a small world, a question, and the sentence that answers it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::dns::zone::ZoneOptions;
use crate::objects::{Object, Typed};

/// Seconds of the epoch at which every question is asked.
const NOW_S: i64 = 1_000_000;

/// Objects as they are put down, and what is asked of them.
struct World {
    landscape: Landscape,
    slices: BTreeMap<(String, String), Vec<Object>>,
}

impl World {
    fn with(options: ZoneOptions) -> Self {
        let world = Self { landscape: Landscape::new(options), slices: BTreeMap::new() };
        world.and(Kind::Namespace, json!({"metadata": {"name": "default"}}))
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
        spec["template"] = json!({});
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
        self.and(
            Kind::EndpointSlice,
            json!({
                "metadata": {"name": "nginx-a", "namespace": "default", "labels": {"kubernetes.io/service-name": "nginx"}},
                "addressType": "IPv4", "endpoints": endpoints,
            }),
        )
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

#[test]
fn a_pod_that_is_not_published_says_what_it_is_doing() {
    let none = || json!({});
    let unschedulable = json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"},
    ]});
    let failed = json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"});
    for (spec, status, cause, text) in [
        (
            none(),
            running("False", "containers with unready status: [c]".into()),
            Cause::PodNotReady,
            "is Running, not Ready for 14s: containers with unready status: [c]",
        ),
        (
            json!({"nodeName": null}),
            json!({"phase": "Pending"}),
            Cause::PodPending,
            "is Pending for 100s: not scheduled to a node yet",
        ),
        (
            json!({"nodeName": null}),
            unschedulable,
            Cause::PodPending,
            "is Pending for 100s: 0/1 nodes are available",
        ),
        (
            none(),
            waiting("Pending", "ContainerCreating", Value::Null),
            Cause::PodStarting,
            "is ContainerCreating for 100s",
        ),
        (
            none(),
            waiting("Pending", "ImagePullBackOff", "no such image".into()),
            Cause::PodStarting,
            "is ImagePullBackOff for 100s: no such image",
        ),
        (
            none(),
            waiting("Running", "CrashLoopBackOff", "back-off".into()),
            Cause::PodCrashLooping,
            "is in CrashLoopBackOff: container c ended with exit code 3, restarted 4 times",
        ),
        (none(), failed, Cause::PodFailed, "has Failed (Evicted): The node was low on memory"),
        (none(), json!({"phase": "Succeeded"}), Cause::PodSucceeded, "has ended: Succeeded"),
        (
            none(),
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
            Cause::PodWithoutAddress,
            "has no address yet",
        ),
        (
            none(),
            running("True", Value::Null),
            Cause::NotPublishedYet,
            "is Ready; service default/nginx does not have its endpoint yet",
        ),
    ] {
        let world = World::new().headless("nginx").pod("web-0", spec, status);
        world.check(WEB_0, cause, &format!("pod default/web-0 {text}"));
    }
}

#[test]
fn what_the_probe_said_last_is_why_a_pod_is_not_ready_until_it_is() {
    let unready = || World::new().headless("nginx").pod("web-0", json!({}), running("False", "x".into()));
    let refused = "Readiness probe failed: connection refused";
    unready().probe("web-0", "Readiness probe failed: timeout").probe("web-0", refused).check(
        WEB_0,
        Cause::PodNotReady,
        "pod default/web-0 is Running, not Ready for 14s: readiness probe failed: connection refused",
    );
    unready()
        .probe("web-0", refused)
        .pod("web-0", json!({}), running("True", Value::Null))
        .pod("web-0", json!({}), running("False", "x".into()))
        .check(WEB_0, Cause::PodNotReady, "pod default/web-0 is Running, not Ready for 14s: x");
    let mut gone = unready().probe("web-0", refused);
    gone.landscape.put(&ObjectKey::new(Kind::Pod, "default", "web-0"), None);
    assert_eq!(gone.asked(WEB_0, RecordType::A).unwrap().cause, Cause::NoEndpoint);
}

#[test]
fn a_terminating_pod_says_since_when() {
    let mut world = World::new().headless("nginx").pod("web-0", json!({}), running("True", Value::Null));
    let mut pod = world.landscape.pod("default", "web-0").unwrap().clone();
    let end = Timestamp::from_second(NOW_S + 25).unwrap();
    pod.metadata.deletion_timestamp = Some(crate::objects::time(end));
    pod.metadata.deletion_grace_period_seconds = Some(30);
    let object = Object::unversioned(Typed::from(pod));
    world.landscape.put(&object.key().clone(), Some(object));
    let text = "pod default/web-0 is terminating for 5s (grace period 30s)";
    world.check(WEB_0, Cause::PodTerminating, text);
    let later = Timestamp::from_second(NOW_S).unwrap() + Duration::from_secs(4);
    let name = Name::from_ascii(format!("{WEB_0}.cluster.local.")).unwrap();
    let found = explain(&world.landscape, &name, RecordType::A, later).unwrap();
    assert!(found.text.contains("for 9s"), "times are those of the question: {}", found.text);
}

#[test]
fn ordinals_say_whether_there_is_a_pod_to_come() {
    let reserved = json!({"dullahan.dev/reserved-ordinals": "1,4"});
    let plain = || World::new().headless("nginx").set(json!({}), json!({"replicas": 2}));
    plain().check(
        "web-2.nginx.default.svc",
        Cause::OrdinalOutOfRange,
        "StatefulSet default/web has no ordinal 2: replicas=2",
    );
    plain().check(
        "web-1.nginx.default.svc",
        Cause::PodMissing,
        "StatefulSet default/web has not made pod web-1 yet",
    );
    plain().pod("web-0", json!({}), running("False", "x".into())).check(
        "web-1.nginx.default.svc",
        Cause::PodMissing,
        "StatefulSet default/web has not made pod web-1 yet: pod default/web-0 is Running, not Ready for 14s: x",
    );
    let left_out = World::new().headless("nginx").set(reserved, json!({"replicas": 3}));
    for (ordinal, cause, text) in [
        (0, Cause::PodMissing, "has not made pod web-0 yet"),
        (1, Cause::OrdinalReserved, "leaves ordinal 1 out (annotation dullahan.dev/reserved-ordinals)"),
        (3, Cause::PodMissing, "has not made pod web-3 yet"),
        (4, Cause::OrdinalReserved, "leaves ordinal 4 out (annotation dullahan.dev/reserved-ordinals)"),
        (5, Cause::OrdinalOutOfRange, "has no ordinal 5: replicas=3"),
    ] {
        left_out.check(&format!("web-{ordinal}.{NGINX}"), cause, &format!("StatefulSet default/web {text}"));
    }
    World::new().headless("nginx").set(json!({}), json!({"replicas": 2, "ordinals": {"start": 5}})).check(
        WEB_0,
        Cause::OrdinalOutOfRange,
        "StatefulSet default/web has no ordinal 0: replicas=2, ordinals start at 5",
    );
    plain().check(
        "web-01.nginx.default.svc",
        Cause::NoEndpoint,
        "service default/nginx has no endpoint web-01: no pod or StatefulSet has that name",
    );
}

#[test]
fn a_pod_below_another_service_says_where_its_name_is() {
    let ready = || running("True", Value::Null);
    for (spec, cause, text) in [
        (
            json!({"subdomain": null}),
            Cause::SubdomainUnset,
            "has no spec.subdomain; it must be nginx for a name below that service",
        ),
        (
            json!({"subdomain": "other"}),
            Cause::SubdomainDiffers,
            "has its name below other (spec.subdomain), not below nginx",
        ),
        (json!({"hostname": "db"}), Cause::HostnameDiffers, "has the hostname db: ask for that"),
        (json!({"hostname": null}), Cause::HostnameDiffers, "has no spec.hostname, so no name of its own"),
    ] {
        let world = World::new().headless("nginx").pod("web-0", spec, ready());
        world.check(WEB_0, cause, &format!("pod default/web-0 {text}"));
    }
    World::new()
        .service("nginx", json!({"clusterIP": "None", "selector": {"app": "other"}}))
        .pod("web-0", json!({}), ready())
        .check(
            WEB_0,
            Cause::PodNotSelected,
            "service default/nginx does not select pod default/web-0: its labels do not match",
        );
    World::new().headless("nginx").set(json!({}), json!({"serviceName": "web"})).check(
        WEB_0,
        Cause::OtherService,
        "StatefulSet default/web has serviceName web: ask for web-0.web.default",
    );
    World::new().headless("nginx").set(json!({}), json!({"serviceName": ""})).check(
        WEB_0,
        Cause::SubdomainUnset,
        "StatefulSet default/web has no serviceName, so its pods have no names",
    );
    // A pod's hostname may be another than its name.
    World::new().headless("nginx").pod("a", json!({"hostname": "b"}), running("False", "x".into())).check(
        "b.nginx.default.svc",
        Cause::PodNotReady,
        "pod default/a is Running, not Ready for 14s: x",
    );
}

#[test]
fn what_does_not_exist_says_what_is_alike() {
    let world = World::new().headless("nginx").set(json!({}), json!({"serviceName": "absent"}));
    let world = world.and(Kind::Namespace, json!({"metadata": {"name": "prod"}}));
    let world = world.pod("web-0", json!({}), running("True", Value::Null));
    let in_prod = json!({"metadata": {"name": "shop", "namespace": "prod"}, "spec": {"clusterIP": "None"}});
    let world = world.and(Kind::Service, in_prod);
    for (name, cause, text) in [
        ("nginx.defualt.svc", Cause::NoNamespace, "there is no namespace defualt; did you mean default?"),
        ("nginx.xyz.svc", Cause::NoNamespace, "there is no namespace xyz"),
        ("ngnix.default.svc", Cause::NoService, "there is no service default/ngnix; did you mean nginx?"),
        ("qqq.default.svc", Cause::NoService, "there is no service default/qqq"),
        (
            "a.shop.default.svc",
            Cause::NoService,
            "there is no service default/shop; namespace prod has one of that name",
        ),
        (
            "web-0.absent.default.svc",
            Cause::NoService,
            "there is no service default/absent, which StatefulSet web names",
        ),
        (
            "wbe-0.nginx.default.svc",
            Cause::NoEndpoint,
            "service default/nginx has no endpoint wbe-0: no pod or StatefulSet has that name; did you mean web-0?",
        ),
        (
            "web-0.nginx.default",
            Cause::NotBelowSvc,
            "names of services end in svc.cluster.local: ask for web-0.nginx.default.svc.cluster.local",
        ),
        (
            "10-0-0-1.default.pod",
            Cause::PodNamesDisabled,
            "names of pods by address are off: --pods disabled",
        ),
    ] {
        world.check(name, cause, text);
    }
    let verified = World::with(ZoneOptions { pods: PodNames::Verified, ..ZoneOptions::default() });
    let text = "no pod of namespace default has the address that 10-0-0-9 spells";
    verified.check("10-0-0-9.default.pod", Cause::NoPodWithAddress, text);
    let hidden = World::with(ZoneOptions { namespaces: vec!["prod".into()], ..ZoneOptions::default() });
    let text = "namespace default is not published: it is not among --namespaces";
    hidden.check(NGINX, Cause::NamespaceNotPublished, text);
}

#[test]
fn a_service_without_records_says_what_it_lacks() {
    let unready = || running("False", "x".into());
    World::new().headless("nginx").check(
        NGINX,
        Cause::SelectsNothing,
        "service default/nginx selects app=web, which no pod has",
    );
    World::new().service("nginx", json!({"clusterIP": "None"})).check(
        NGINX,
        Cause::NoSelector,
        "service default/nginx has no selector and no EndpointSlice with its name",
    );
    World::new().headless("nginx").pod("web-0", json!({}), unready()).check(
        NGINX,
        Cause::NoReadyEndpoint,
        "service default/nginx has no Ready endpoint: pod default/web-0 is Running, not Ready for 14s: x",
    );
    World::new().headless("nginx").pod("web-0", json!({}), unready()).pod("web-1", json!({}), unready()).check(
        NGINX,
        Cause::NoReadyEndpoint,
        "service default/nginx: none of 2 pods is Ready: pod default/web-0 is Running, not Ready for 14s: x",
    );
    World::new().headless("nginx").pod("web-0", json!({}), running("True", Value::Null)).check(
        NGINX,
        Cause::NotPublishedYet,
        "pod default/web-0 is Ready; service default/nginx does not have its endpoint yet",
    );
    let written =
        World::new().service("nginx", json!({"clusterIP": "None"})).slice(&[("a", false), ("b", false)]);
    let text = "service default/nginx: none of 2 endpoints in its EndpointSlices is ready";
    written.check(NGINX, Cause::NoReadyEndpoint, text);
    let text = "endpoint a of service default/nginx is not ready in its EndpointSlice";
    written.check("a.nginx.default.svc", Cause::NoReadyEndpoint, text);
    World::new().service("nginx", json!({"selector": {"app": "web"}})).check(
        NGINX,
        Cause::NoCluster,
        "service default/nginx has no cluster address yet",
    );
    let ignoring = World::with(ZoneOptions { ignore_empty_service: true, ..ZoneOptions::default() });
    ignoring.service("nginx", json!({"clusterIP": "10.96.0.1", "selector": {"app": "web"}})).check(
        NGINX,
        Cause::SelectsNothing,
        "service default/nginx selects app=web, which no pod has",
    );
    let blind = World::with(ZoneOptions { no_endpoints: true, ..ZoneOptions::default() }).headless("nginx");
    let text = "service default/nginx is headless, and --no-endpoints leaves its endpoints out";
    blind.check(NGINX, Cause::EndpointsIgnored, text);
}

#[test]
fn other_kinds_of_services_say_what_they_are() {
    let cluster = json!({"clusterIP": "10.96.0.1", "selector": {"app": "web"}});
    World::new().service("nginx", cluster).check(
        WEB_0,
        Cause::ServiceNotHeadless,
        "service default/nginx is not headless (clusterIP 10.96.0.1), so its pods have no names of their own",
    );
    let external = World::new()
        .service("nginx", json!({"type": "ExternalName", "externalName": "example.test"}))
        .service("ip", json!({"type": "ExternalName", "externalName": "192.0.2.1"}));
    external.check(
        WEB_0,
        Cause::ExternalName,
        "service default/nginx is an ExternalName of example.test; nothing exists below it",
    );
    external.check(
        "ip.default.svc",
        Cause::ExternalName,
        "service default/ip is an ExternalName of 192.0.2.1, which is an address and no name",
    );
    assert_eq!(external.asked(NGINX, RecordType::A), None, "an alias is an answer");
}

#[test]
fn a_port_that_is_not_there_says_which_are() {
    let ports = json!([{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]);
    let named = World::new()
        .service("nginx", json!({"clusterIP": "None", "selector": {"app": "web"}, "ports": ports}))
        .pod("web-0", json!({}), running("False", "x".into()));
    for (name, text) in [
        ("_htpt._tcp", "service default/nginx has no port named htpt (it has http, dns); did you mean http?"),
        ("_x._tcp", "service default/nginx has no port named x (it has http, dns)"),
        ("_dns._tcp", "port dns of service default/nginx is _udp, not _tcp"),
    ] {
        named.check_type(&format!("{name}.{NGINX}"), RecordType::SRV, Cause::NoPort, text);
    }
    let ready = named.asked(&format!("_http._tcp.{NGINX}"), RecordType::SRV).unwrap();
    assert_eq!(ready.cause, Cause::NoReadyEndpoint, "a port that is there lacks an endpoint");
    let unnamed = World::new().service("nginx", json!({"clusterIP": "None", "ports": [{"port": 80}]}));
    let text = "service default/nginx has no named port, so no name http; give its port that name";
    unnamed.check_type(&format!("_http._tcp.{NGINX}"), RecordType::SRV, Cause::NoPort, text);
}

#[test]
fn the_other_address_family_is_told() {
    let ready = World::new()
        .headless("nginx")
        .pod("web-0", json!({}), running("True", Value::Null))
        .slice(&[("web-0", true)]);
    let text = "pod default/web-0 has IPv4 addresses only, no AAAA record";
    ready.check_type(WEB_0, RecordType::AAAA, Cause::OtherFamily, text);
    let text = "service default/nginx has IPv4 addresses only, no AAAA record";
    ready.check_type(NGINX, RecordType::AAAA, Cause::OtherFamily, text);
    let six = World::new().service("six", json!({"clusterIP": "2001:db8::1"}));
    let text = "service default/six has IPv6 addresses only, no A record";
    six.check("six.default.svc", Cause::OtherFamily, text);
    assert_eq!(ready.asked(WEB_0, RecordType::TXT), None, "no object would give it a TXT record");
    assert_eq!(six.asked("six.default.svc", RecordType::MX), None);
}

#[test]
fn what_is_no_name_of_the_cluster_is_not_explained() {
    let world = World::new().headless("nginx");
    for name in ["svc", "default.svc", "ns.dns", "a.b.c.nginx.default.svc", "x"] {
        assert_eq!(world.asked(name, RecordType::A), None, "{name}");
    }
    let outside = Name::from_ascii("web-0.nginx.default.svc.example.").unwrap();
    let now = Timestamp::from_second(NOW_S).unwrap();
    assert_eq!(explain(&world.landscape, &outside, RecordType::A, now), None);
}

#[test]
fn letter_case_does_not_matter_and_the_objects_looked_at_are_told() {
    let world = World::new().headless("nginx").pod("web-0", json!({}), running("False", "x".into()));
    let name = Name::from_ascii("WEB-0.Nginx.DEFAULT.svc.Cluster.Local.").unwrap();
    let found =
        explain(&world.landscape, &name, RecordType::A, Timestamp::from_second(NOW_S).unwrap()).unwrap();
    let keys: Vec<String> = found.looked_at.iter().map(ToString::to_string).collect();
    assert_eq!(keys, ["Namespace default", "Service default/nginx", "Pod default/web-0"]);
}

#[test]
fn a_text_is_cut_to_200_octets_at_a_character() {
    let long = running("False", "é".repeat(300).into());
    let world = World::new().headless("nginx").pod("web-0", json!({}), long);
    let explainer = Explainer::new(world.landscape, Clock::manual(Timestamp::from_second(NOW_S).unwrap()));
    let name = Name::from_ascii(format!("{WEB_0}.cluster.local.")).unwrap();
    let reason = explainer.reason(&name, RecordType::A).unwrap();
    assert!(reason.text.len() <= REASON_OCTETS_MAX && reason.text.ends_with("é..."), "{}", reason.text);
    assert_eq!(reason.cause, "pod not ready");
}

#[test]
fn labels_of_causes_differ() {
    let labels: std::collections::HashSet<&str> = Cause::ALL.iter().map(|cause| cause.label()).collect();
    assert_eq!(labels.len(), Cause::ALL.len());
}
