//! Services without records, and ports and address families that they lack.

use super::*;

#[test]
fn a_service_without_records_says_what_it_lacks() {
    let unready = || running("False", "x".into());
    Scene::new().headless("nginx").check(
        NGINX,
        Cause::SelectsNothing,
        "service default/nginx selects app=web, which no pod has",
    );
    Scene::new().service("nginx", json!({"clusterIP": "None"})).check(
        NGINX,
        Cause::NoSelector,
        "service default/nginx has no selector and no EndpointSlice with its name",
    );
    Scene::new().headless("nginx").pod("web-0", json!({}), unready()).check(
        NGINX,
        Cause::NoReadyEndpoint,
        "service default/nginx has no Ready endpoint: pod default/web-0 is Running, not Ready for 14s: x",
    );
    Scene::new().headless("nginx").pod("web-0", json!({}), unready()).pod("web-1", json!({}), unready()).check(
        NGINX,
        Cause::NoReadyEndpoint,
        "service default/nginx: none of 2 pods is Ready: pod default/web-0 is Running, not Ready for 14s: x",
    );
    Scene::new().headless("nginx").pod("web-0", json!({}), running("True", Value::Null)).check(
        NGINX,
        Cause::NotPublishedYet,
        "pod default/web-0 is Ready; service default/nginx does not have its endpoint yet",
    );
    let written =
        Scene::new().service("nginx", json!({"clusterIP": "None"})).slice(&[("a", false), ("b", false)]);
    let text = "service default/nginx: none of 2 endpoints in its EndpointSlices is ready";
    written.check(NGINX, Cause::NoReadyEndpoint, text);
    let text = "endpoint a of service default/nginx is not ready in its EndpointSlice";
    written.check("a.nginx.default.svc", Cause::NoReadyEndpoint, text);
    Scene::new().service("nginx", json!({"selector": {"app": "web"}})).check(
        NGINX,
        Cause::NoCluster,
        "service default/nginx has no cluster address yet",
    );
    let ignoring = Scene::with(ZoneOptions { ignore_empty_service: true, ..ZoneOptions::default() });
    ignoring.service("nginx", json!({"clusterIP": "10.96.0.1", "selector": {"app": "web"}})).check(
        NGINX,
        Cause::SelectsNothing,
        "service default/nginx selects app=web, which no pod has",
    );
    let blind = Scene::with(ZoneOptions { no_endpoints: true, ..ZoneOptions::default() }).headless("nginx");
    let text = "service default/nginx is headless, and --no-endpoints leaves its endpoints out";
    blind.check(NGINX, Cause::EndpointsIgnored, text);
}

#[test]
fn a_service_of_a_set_without_pods_says_whose_they_would_be() {
    let set =
        |scene: Scene, replicas: i32| scene.headless("nginx").set(json!({}), json!({"replicas": replicas}));
    let text = "service default/nginx has no pods: StatefulSet default/web has replicas=0";
    set(Scene::new(), 0).check(NGINX, Cause::OrdinalOutOfRange, text);
    let text = "service default/nginx has no pods: StatefulSet default/web has not made one yet";
    set(Scene::new(), 2).check(NGINX, Cause::PodMissing, text);
    let files = Scene::with(ZoneOptions { has_controllers: false, ..ZoneOptions::default() });
    let text = "service default/nginx has no pods, and nothing here makes those of StatefulSet default/web";
    set(files, 2).check(NGINX, Cause::NoControllers, text);
    let other = Scene::new().service("nginx", json!({"clusterIP": "None", "selector": {"app": "other"}}));
    let text = "service default/nginx selects app=other, which no pod has";
    other.set(json!({}), json!({"replicas": 2})).check(NGINX, Cause::SelectsNothing, text);
}

#[test]
fn other_kinds_of_services_say_what_they_are() {
    let cluster = json!({"clusterIP": "10.96.0.1", "selector": {"app": "web"}});
    Scene::new().service("nginx", cluster.clone()).check(
        WEB_0,
        Cause::ServiceNotHeadless,
        "no pod or StatefulSet is called web-0, and service default/nginx is not headless (clusterIP 10.96.0.1): only pods \
         whose spec.subdomain names it have names below it",
    );
    let named = Scene::new().service("nginx", cluster).pod("web-0", json!({}), running("True", Value::Null));
    let named = named.slice(&[("web-0", true)]);
    assert_eq!(named.asked(WEB_0, RecordType::A), None, "such a pod has its name there");
    let external = Scene::new()
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
    let named = Scene::new()
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
    let unnamed = Scene::new().service("nginx", json!({"clusterIP": "None", "ports": [{"port": 80}]}));
    let text = "service default/nginx has no named port, so no name http; give its port that name";
    unnamed.check_type(&format!("_http._tcp.{NGINX}"), RecordType::SRV, Cause::NoPort, text);
}

#[test]
fn the_other_address_family_is_told() {
    let ready = Scene::new()
        .headless("nginx")
        .pod("web-0", json!({}), running("True", Value::Null))
        .slice(&[("web-0", true)]);
    let text = "pod default/web-0 has IPv4 addresses only, no AAAA record";
    ready.check_type(WEB_0, RecordType::AAAA, Cause::OtherFamily, text);
    let text = "service default/nginx has IPv4 addresses only, no AAAA record";
    ready.check_type(NGINX, RecordType::AAAA, Cause::OtherFamily, text);
    let six = Scene::new().service("six", json!({"clusterIP": "2001:db8::1"}));
    let text = "service default/six has IPv6 addresses only, no A record";
    six.check("six.default.svc", Cause::OtherFamily, text);
    assert_eq!(ready.asked(WEB_0, RecordType::TXT), None, "no object would give it a TXT record");
    assert_eq!(six.asked("six.default.svc", RecordType::MX), None);
}

#[test]
fn slices_without_endpoints_are_slices() {
    Scene::new().service("nginx", json!({"clusterIP": "None"})).slice(&[]).check(
        NGINX,
        Cause::NoSelector,
        "service default/nginx has no selector, and its EndpointSlices have no endpoint",
    );
}

#[test]
fn of_the_pods_of_a_service_the_one_that_counts_is_told() {
    let unready = || running("False", "x".into());
    let ended = || Scene::new().headless("nginx").pod("a", json!({}), json!({"phase": "Succeeded"}));
    ended().check(
        NGINX,
        Cause::NoReadyEndpoint,
        "service default/nginx has no Ready endpoint: pod default/a has ended: Succeeded",
    );
    ended().pod("b", json!({}), unready()).check(
        NGINX,
        Cause::NoReadyEndpoint,
        "service default/nginx has no Ready endpoint: pod default/b is Running, not Ready for 14s: x",
    );
    ended().pod("b", json!({}), unready()).pod("c", json!({}), running("True", Value::Null)).check(
        NGINX,
        Cause::NotPublishedYet,
        "pod default/c is Ready; service default/nginx does not have its endpoint yet",
    );
    let mut lost = running("True", Value::Null);
    lost["podIP"] = Value::Null;
    lost["podIPs"] = Value::Null;
    ended().pod("b", json!({}), unready()).pod("c", json!({}), lost).check(
        NGINX,
        Cause::NoReadyEndpoint,
        "service default/nginx has no Ready endpoint: pod default/c has no address yet",
    );
}

/// A headless service with these ports over a pod that is Ready, whose endpoint has ports 80 of these names.
fn published(ports: Value, listed: &[&str]) -> Scene {
    let listed: Vec<Value> = listed.iter().map(|name| json!({"name": name, "port": 80})).collect();
    Scene::new()
        .service("nginx", json!({"clusterIP": "None", "selector": {"app": "web"}, "ports": ports}))
        .pod("web-0", json!({}), running("True", Value::Null))
        .slice_of(
            "nginx",
            json!({"ports": listed, "endpoints": [{"addresses": ["10.0.0.1"], "hostname": "web-0"}]}),
        )
}

#[test]
fn a_port_that_no_endpoint_has_says_why() {
    let missing = json!([{"name": "web", "port": 80, "targetPort": "nosuch"}, {"name": "http", "port": 80}]);
    let text = "port web of service default/nginx has targetPort nosuch, which no container of its pods has";
    published(missing.clone(), &["http"]).check_type(
        &format!("_web._tcp.{NGINX}"),
        RecordType::SRV,
        Cause::NoTargetPort,
        text,
    );
    let scene = published(missing, &[]);
    for name in [NGINX.to_owned(), format!("_tcp.{NGINX}"), format!("_web._tcp.{NGINX}")] {
        scene.check_type(&name, RecordType::SRV, Cause::NoTargetPort, text);
    }
    let text = "no Ready endpoint of service default/nginx has its port http";
    scene.check_type(&format!("_http._tcp.{NGINX}"), RecordType::SRV, Cause::NoPort, text);
}

#[test]
fn a_protocol_without_ports_says_so() {
    let http = json!([{"name": "http", "port": 80}]);
    let udp = format!("_udp.{NGINX}");
    let text = "service default/nginx has no named port of _udp (it has http of _tcp)";
    published(http.clone(), &["http"]).check(&udp, Cause::NoPort, text);
    let text = "service default/nginx has no named port, so no name _udp";
    published(json!([{"port": 80}]), &[""]).check(&udp, Cause::NoPort, text);
    for record_type in [RecordType::A, RecordType::AAAA, RecordType::SRV] {
        let there = published(http.clone(), &["http"]).asked(&format!("_tcp.{NGINX}"), record_type);
        assert_eq!(there, None, "{record_type}: the name exists, without records");
    }
}

#[test]
fn a_service_without_ports_has_no_srv_record() {
    let text = "service default/nginx has no ports, so no SRV record";
    published(Value::Null, &[]).check_type(NGINX, RecordType::SRV, Cause::NoPort, text);
    let text = "service default/nginx has no ports, so no name http";
    published(Value::Null, &[]).check_type(
        &format!("_http._tcp.{NGINX}"),
        RecordType::SRV,
        Cause::NoPort,
        text,
    );
    let cluster = Scene::new().service("nginx", json!({"clusterIP": "10.96.0.1"}));
    let text = "service default/nginx has no ports, so no SRV record";
    cluster.check_type(NGINX, RecordType::SRV, Cause::NoPort, text);
}

#[test]
fn a_port_exists_if_endpoints_have_it_whatever_the_service_says() {
    let scene = published(json!([{"name": "http", "port": 80}]), &["http", "extra"]);
    let text = "service default/nginx has IPv4 addresses only, no AAAA record";
    for port in ["http", "extra"] {
        let name = format!("_{port}._tcp.{NGINX}");
        scene.check_type(&name, RecordType::AAAA, Cause::OtherFamily, text);
        assert_eq!(scene.asked(&name, RecordType::TXT), None, "{name}");
    }
    let ignoring = Scene::with(ZoneOptions { ignore_empty_service: true, ..ZoneOptions::default() });
    let spec = json!({"clusterIP": "10.96.0.1", "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]});
    let text = "service default/nginx selects app=web, which no pod has";
    let name = format!("_http._tcp.{NGINX}");
    ignoring.service("nginx", spec).check_type(&name, RecordType::AAAA, Cause::SelectsNothing, text);
}
