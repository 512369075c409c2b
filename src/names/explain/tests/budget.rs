//! No question looks at more than its budget, and what is said then is true all the same.

use super::*;

/// Far more of everything than one question may look at.
const MANY: usize = 1000;

fn check(scene: &Scene, name: &str, expected: Option<(Cause, &str)>) {
    let question = Question::new(&scene.landscape, RecordType::A, Timestamp::from_second(NOW_S).unwrap());
    let found = question.explain(&Name::from_ascii(format!("{name}.cluster.local.")).unwrap());
    let found = found.as_ref().map(|found| (found.cause, found.text.as_str()));
    assert_eq!(found, expected, "{name}");
    let n_looks = question.view.n_looks();
    assert!((50..=64).contains(&n_looks), "{name}: {n_looks} looks");
}

/// Pods `a-0` and so on that nothing selects.
fn crowd(scene: Scene) -> Scene {
    (0..MANY).fold(scene, |scene, n| {
        let meta = json!({"name": format!("a-{n}"), "namespace": "default"});
        scene.and(Kind::Pod, json!({"metadata": meta, "spec": {"containers": [{"name": "c"}]}}))
    })
}

#[test]
fn each_object_takes_one_look() {
    let scene = (0..3).fold(Scene::new().headless("nginx"), |scene, n| {
        scene.pod(&format!("web-{n}"), json!({}), running("False", Value::Null))
    });
    let question = Question::new(&scene.landscape, RecordType::A, Timestamp::from_second(NOW_S).unwrap());
    question.explain(&Name::from_ascii("nginx.default.svc.cluster.local.").unwrap()).unwrap();
    assert_eq!(question.view.n_looks(), 5, "the namespace, the service and three pods");
    assert!(!question.view.is_spent());
}

#[test]
fn of_many_pods_the_first_ones_are_looked_at() {
    let none_selected = crowd(Scene::new().headless("nginx"));
    check(
        &none_selected,
        NGINX,
        Some((Cause::NoReadyEndpoint, "service default/nginx has no Ready endpoint")),
    );
    let all_selected = (0..MANY).fold(Scene::new().headless("nginx"), |scene, n| {
        scene.pod(&format!("web-{n}"), json!({}), running("False", Value::Null))
    });
    let text = "service default/nginx has no Ready endpoint: pod default/web-0 is Running, not Ready for 14s";
    check(&all_selected, NGINX, Some((Cause::NoReadyEndpoint, text)));
    let text = "service default/nginx has no endpoint none: no pod or StatefulSet has that name";
    check(&none_selected, "none.nginx.default.svc", Some((Cause::NoEndpoint, text)));
}

#[test]
fn an_address_that_a_pod_further_on_may_have_is_not_explained() {
    let verified = Scene::with(ZoneOptions { pods: PodNames::Verified, ..ZoneOptions::default() });
    check(&crowd(verified), "10-0-0-1.default.pod", None);
}

#[test]
fn of_many_names_the_first_ones_are_compared() {
    let services = (0..MANY).fold(Scene::new(), |scene, n| scene.headless(&format!("db-{n:04}")));
    let text = "there is no service default/db-0001x; did you mean db-0001?";
    check(&services, "db-0001x.default.svc", Some((Cause::NoService, text)));
    let namespaces = (0..MANY).fold(Scene::new(), |scene, n| {
        scene.and(Kind::Namespace, json!({"metadata": {"name": format!("team-{n:04}")}}))
    });
    let text = "there is no service default/web";
    check(&namespaces, "web.default.svc", Some((Cause::NoService, text)));
}

#[test]
fn of_many_earlier_ordinals_the_first_ones_are_looked_up() {
    let set = Scene::new().headless("nginx").set(json!({}), json!({"replicas": 2 * MANY}));
    let scene = (0..MANY)
        .fold(set, |scene, n| scene.pod(&format!("web-{n}"), json!({}), running("True", Value::Null)));
    let text = "StatefulSet default/web has not made pod web-1000 yet";
    check(&scene, "web-1000.nginx.default.svc", Some((Cause::PodMissing, text)));
}

#[test]
fn nothing_is_said_of_a_service_with_more_slices_than_can_be_looked_at() {
    let scene = (0..70).fold(Scene::new().headless("nginx"), |scene, n| {
        let labels = json!({"kubernetes.io/service-name": "nginx"});
        let meta = json!({"name": format!("nginx-{n}"), "namespace": "default", "labels": labels});
        scene.and(Kind::EndpointSlice, json!({"metadata": meta, "addressType": "IPv4", "endpoints": []}))
    });
    check(&scene, NGINX, None);
}
