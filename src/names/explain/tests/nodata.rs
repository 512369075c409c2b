//! Names that exist without records of the type: of those it is said at most that they have addresses of
//! the other family, whatever the pods behind them are doing.

use super::*;

impl Scene {
    /// The name has addresses of the family of A records alone, and nothing is missing otherwise.
    fn check_exists(&self, name: &str, text: &str) {
        self.check_type(name, RecordType::AAAA, Cause::OtherFamily, text);
        for record_type in [RecordType::MX, RecordType::SRV, RecordType::TXT] {
            assert_eq!(self.asked(name, record_type), None, "{name} {record_type}");
        }
    }
}

fn pod_endpoint(pod: &str, address: &str, ready: bool) -> Value {
    json!({"addresses": [address], "conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": pod}})
}

#[test]
fn an_endpoint_without_a_hostname_exists_under_its_address() {
    let scene = Scene::new()
        .headless("misc")
        .pod("pb", json!({"hostname": null, "subdomain": null}), running("True", Value::Null))
        .slice_of("misc", json!({"endpoints": [pod_endpoint("pb", "10.244.0.3", true)]}))
        .service("front", json!({"clusterIP": "10.96.0.1", "selector": {"app": "web"}}))
        .slice_of("front", json!({"endpoints": [pod_endpoint("pb", "10.244.0.13", true)]}))
        .service("man", json!({"clusterIP": "None"}))
        .slice_of(
            "man",
            json!({"endpoints": [{"addresses": ["192.0.2.3"]}, {"addresses": ["2001:db8::1"]}]}),
        );
    for (label, service) in [("10-244-0-3", "misc"), ("10-244-0-13", "front"), ("192-0-2-3", "man")] {
        let text =
            format!("endpoint {label} of service default/{service} has IPv4 addresses only, no AAAA record");
        scene.check_exists(&format!("{label}.{service}.default.svc"), &text);
    }
    let text = "endpoint 2001-db8--1 of service default/man has IPv6 addresses only, no A record";
    scene.check("2001-db8--1.man.default.svc", Cause::OtherFamily, text);
    let text = "service default/man has no endpoint 2001-db8-0--1: no pod or StatefulSet has that name";
    scene.check("2001-db8-0--1.man.default.svc", Cause::NoEndpoint, text);
}

#[test]
fn a_pod_that_is_published_before_it_is_ready_exists() {
    let text = "pod default/web-0 has IPv4 addresses only, no AAAA record";
    let unready = |scene: Scene| scene.pod("web-0", json!({}), running("False", "x".into()));
    let all = Scene::new().service(
        "nginx",
        json!({"clusterIP": "None", "selector": {"app": "web"}, "publishNotReadyAddresses": true}),
    );
    unready(all).slice(&[("web-0", true)]).check_exists(WEB_0, text);
    let meta = json!({
        "name": "nginx", "namespace": "default", "annotations": {"dullahan.dev/publish-peers": "true"},
    });
    let peers = |cluster_ip: &str| {
        let spec = json!({"clusterIP": cluster_ip, "selector": {"app": "web"}});
        unready(Scene::new().and(Kind::Service, json!({"metadata": meta, "spec": spec})))
            .slice(&[("web-0", false)])
    };
    peers("None").check_exists(WEB_0, text);
    let is_headless_alone = "pod default/web-0 is Running, not Ready for 14s: x";
    peers("10.96.0.1").check(WEB_0, Cause::PodNotReady, is_headless_alone);
}

#[test]
fn an_endpoint_exists_under_its_pods_name_if_that_is_wanted() {
    let named = || Scene::with(ZoneOptions { endpoint_pod_names: true, ..ZoneOptions::default() });
    let scene = named()
        .headless("ss")
        .pod("web-0", json!({}), running("True", Value::Null))
        .pod("nohost", json!({"hostname": null, "subdomain": null}), running("True", Value::Null))
        .slice_of(
            "ss",
            json!({"endpoints": [
                pod_endpoint("web-0", "10.0.0.1", true), pod_endpoint("nohost", "10.0.0.2", true),
            ]}),
        );
    for pod in ["web-0", "nohost"] {
        let text = format!("pod default/{pod} has IPv4 addresses only, no AAAA record");
        scene.check_exists(&format!("{pod}.ss.default.svc"), &text);
    }
}

#[test]
fn an_endpoint_has_the_families_that_its_service_has_and_not_those_of_its_pod() {
    let mut both = running("True", Value::Null);
    both["podIPs"] = json!([{"ip": "10.0.0.1"}, {"ip": "2001:db8::1"}]);
    Scene::new().headless("nginx").pod("web-0", json!({}), both).slice(&[("web-0", true)]).check_exists(
        WEB_0,
        "endpoint web-0 of service default/nginx has IPv4 addresses only, no AAAA record",
    );
}

#[test]
fn a_pods_address_exists_below_pod() {
    let verified = || Scene::with(ZoneOptions { pods: PodNames::Verified, ..ZoneOptions::default() });
    let text = "10-0-0-1 spells an IPv4 address, so it has no AAAA record";
    let name = "10-0-0-1.default.pod";
    verified().pod("web-0", json!({}), running("False", "x".into())).check_exists(name, text);
    Scene::with(ZoneOptions { pods: PodNames::Insecure, ..ZoneOptions::default() }).check_exists(name, text);
    let mut ended = running("False", Value::Null);
    ended["phase"] = "Succeeded".into();
    let text = "pod default/web-0, which had the address that 10-0-0-1 spells, has ended: Succeeded";
    verified().pod("web-0", json!({}), ended).check(name, Cause::PodSucceeded, text);
    assert_eq!(verified().asked("default.pod", RecordType::A), None);
}
