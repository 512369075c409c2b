//! What does not exist at all, what is no name of the cluster, and how it is told.

use super::*;

#[test]
fn what_does_not_exist_says_what_is_alike() {
    let scene = Scene::new().headless("nginx").set(json!({}), json!({"serviceName": "absent"}));
    let scene = scene.and(Kind::Namespace, json!({"metadata": {"name": "prod"}}));
    let scene = scene.pod("web-0", json!({}), running("True", Value::Null));
    let in_prod = json!({"metadata": {"name": "shop", "namespace": "prod"}, "spec": {"clusterIP": "None"}});
    let scene = scene.and(Kind::Service, in_prod);
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
        scene.check(name, cause, text);
    }
    let verified = Scene::with(ZoneOptions { pods: PodNames::Verified, ..ZoneOptions::default() });
    let text = "no pod of namespace default has the address that 10-0-0-9 spells";
    verified.check("10-0-0-9.default.pod", Cause::NoPodWithAddress, text);
    let hidden = Scene::with(ZoneOptions { namespaces: vec!["prod".into()], ..ZoneOptions::default() });
    let text = "namespace default is not published: it is not among --namespaces";
    hidden.check(NGINX, Cause::NamespaceNotPublished, text);
    let text = "there is no namespace qqq";
    hidden.check("nginx.qqq.svc", Cause::NoNamespace, text);
}

#[test]
fn what_is_not_published_is_not_suggested() {
    let namespaces = vec!["default".into()];
    let scene = Scene::with(ZoneOptions { namespaces, ..ZoneOptions::default() });
    let scene = scene.and(Kind::Namespace, json!({"metadata": {"name": "secret"}}));
    let hidden = json!({"metadata": {"name": "nginx", "namespace": "secret"}, "spec": {"clusterIP": "None"}});
    let scene = scene.and(Kind::Service, hidden);
    scene.check(NGINX, Cause::NoService, "there is no service default/nginx");
    scene.check("nginx.secert.svc", Cause::NoNamespace, "there is no namespace secert");
    scene.check(
        "nginx.defualt.svc",
        Cause::NoNamespace,
        "there is no namespace defualt; did you mean default?",
    );
    assert_eq!(scene.asked("nginx.secret", RecordType::A), None);
}

#[test]
fn a_label_that_spells_no_address_is_no_pods() {
    let verified = Scene::with(ZoneOptions { pods: PodNames::Verified, ..ZoneOptions::default() });
    verified.check("blah.default.pod", Cause::NoPodWithAddress, "blah spells no address");
}

#[test]
fn what_is_no_name_of_the_cluster_is_not_explained() {
    let scene = Scene::new().headless("nginx");
    for name in ["svc", "default.svc", "ns.dns", "a.b.c.nginx.default.svc", "x"] {
        assert_eq!(scene.asked(name, RecordType::A), None, "{name}");
    }
    let outside = Name::from_ascii("web-0.nginx.default.svc.example.").unwrap();
    let now = Timestamp::from_second(NOW_S).unwrap();
    assert_eq!(explain(&scene.landscape, &outside, RecordType::A, now), None);
}

#[test]
fn letter_case_does_not_matter_and_the_objects_looked_at_are_told() {
    let scene = Scene::new().headless("nginx").pod("web-0", json!({}), running("False", "x".into()));
    let name = Name::from_ascii("WEB-0.Nginx.DEFAULT.svc.Cluster.Local.").unwrap();
    let found =
        explain(&scene.landscape, &name, RecordType::A, Timestamp::from_second(NOW_S).unwrap()).unwrap();
    let keys: Vec<String> = found.looked_at.iter().map(ToString::to_string).collect();
    assert_eq!(keys, ["Namespace default", "Service default/nginx", "Pod default/web-0"]);
}

#[test]
fn a_text_is_cut_to_200_octets_at_a_character() {
    let long = running("False", "é".repeat(300).into());
    let scene = Scene::new().headless("nginx").pod("web-0", json!({}), long);
    let explainer = Explainer::new(scene.landscape, Clock::manual(Timestamp::from_second(NOW_S).unwrap()));
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
