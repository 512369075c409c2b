//! Pods that are there, that are to come, and that never will.

use super::*;

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
        let scene = Scene::new().headless("nginx").pod("web-0", spec, status);
        scene.check(WEB_0, cause, &format!("pod default/web-0 {text}"));
    }
}

#[test]
fn what_the_probe_said_last_is_why_a_pod_is_not_ready_until_it_is() {
    let unready = || Scene::new().headless("nginx").pod("web-0", json!({}), running("False", "x".into()));
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
    let mut scene = Scene::new().headless("nginx").pod("web-0", json!({}), running("True", Value::Null));
    let mut pod = scene
        .landscape
        .get(&ObjectKey::new(Kind::Pod, "default", "web-0"))
        .and_then(Object::get::<k8s_openapi::api::core::v1::Pod>)
        .unwrap()
        .clone();
    let end = Timestamp::from_second(NOW_S + 25).unwrap();
    pod.metadata.deletion_timestamp = Some(crate::objects::time(end));
    pod.metadata.deletion_grace_period_seconds = Some(30);
    let object = Object::unversioned(Typed::from(pod));
    scene.landscape.put(&object.key().clone(), Some(object));
    let text = "pod default/web-0 is terminating for 5s (grace period 30s)";
    scene.check(WEB_0, Cause::PodTerminating, text);
    let later = Timestamp::from_second(NOW_S).unwrap() + Duration::from_secs(4);
    let name = Name::from_ascii(format!("{WEB_0}.cluster.local.")).unwrap();
    let found = explain(&scene.landscape, &name, RecordType::A, later).unwrap();
    assert!(found.text.contains("for 9s"), "times are those of the question: {}", found.text);
}

#[test]
fn ordinals_say_whether_there_is_a_pod_to_come() {
    let reserved = json!({"dullahan.dev/reserved-ordinals": "1,4"});
    let plain = || Scene::new().headless("nginx").set(json!({}), json!({"replicas": 2}));
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
    let left_out = Scene::new().headless("nginx").set(reserved, json!({"replicas": 3}));
    for (ordinal, cause, text) in [
        (0, Cause::PodMissing, "has not made pod web-0 yet"),
        (1, Cause::OrdinalReserved, "leaves ordinal 1 out (annotation dullahan.dev/reserved-ordinals)"),
        (3, Cause::PodMissing, "has not made pod web-3 yet"),
        (4, Cause::OrdinalReserved, "leaves ordinal 4 out (annotation dullahan.dev/reserved-ordinals)"),
        (5, Cause::OrdinalOutOfRange, "has no ordinal 5: replicas=3"),
    ] {
        left_out.check(&format!("web-{ordinal}.{NGINX}"), cause, &format!("StatefulSet default/web {text}"));
    }
    Scene::new().headless("nginx").set(json!({}), json!({"replicas": 2, "ordinals": {"start": 5}})).check(
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
        let scene = Scene::new().headless("nginx").pod("web-0", spec, ready());
        scene.check(WEB_0, cause, &format!("pod default/web-0 {text}"));
    }
    Scene::new()
        .service("nginx", json!({"clusterIP": "None", "selector": {"app": "other"}}))
        .pod("web-0", json!({}), ready())
        .check(
            WEB_0,
            Cause::PodNotSelected,
            "service default/nginx does not select pod default/web-0: its labels do not match",
        );
    Scene::new().headless("nginx").set(json!({}), json!({"serviceName": "web"})).check(
        WEB_0,
        Cause::OtherService,
        "StatefulSet default/web has serviceName web: ask for web-0.web.default",
    );
    Scene::new().headless("nginx").set(json!({}), json!({"serviceName": ""})).check(
        WEB_0,
        Cause::SubdomainUnset,
        "StatefulSet default/web has no serviceName, so its pods have no names",
    );
    // A pod's hostname may be another than its name.
    Scene::new().headless("nginx").pod("a", json!({"hostname": "b"}), running("False", "x".into())).check(
        "b.nginx.default.svc",
        Cause::PodNotReady,
        "pod default/a is Running, not Ready for 14s: x",
    );
}

#[test]
fn a_pod_whose_name_would_be_its_label_is_not_told_to_want_a_hostname() {
    let named = || Scene::with(ZoneOptions { endpoint_pod_names: true, ..ZoneOptions::default() });
    let bare = || json!({"hostname": null, "subdomain": null});
    let unready = running("False", "x".into());
    let text = "pod default/nr is Running, not Ready for 14s: x";
    named().headless("nginx").pod("nr", bare(), unready.clone()).check(
        "nr.nginx.default.svc",
        Cause::PodNotReady,
        text,
    );
    named().headless("ss").pod("nr", json!({}), unready.clone()).check(
        "nr.ss.default.svc",
        Cause::PodNotReady,
        text,
    );
    named().headless("nginx").pod("nr", bare(), json!({"phase": "Succeeded"})).check(
        "nr.nginx.default.svc",
        Cause::PodSucceeded,
        "pod default/nr has ended: Succeeded",
    );
    named().headless("nginx").pod("nr", json!({"hostname": "db"}), unready).check(
        "nr.nginx.default.svc",
        Cause::HostnameDiffers,
        "pod default/nr has the hostname db: ask for that",
    );
}

#[test]
fn the_pod_that_has_a_name_is_explained_rather_than_the_one_that_is_called_so() {
    let unready = || running("False", "x".into());
    let scene = Scene::new()
        .headless("clash")
        .pod("alpha", json!({"hostname": "foo", "subdomain": "elsewhere"}), unready())
        .pod("beta", json!({"hostname": "alpha", "subdomain": "clash"}), unready());
    let text = "pod default/beta is Running, not Ready for 14s: x";
    scene.check("alpha.clash.default.svc", Cause::PodNotReady, text);
}

#[test]
fn an_unready_endpoint_in_a_slice_leads_to_its_pod() {
    let bare = || json!({"hostname": null, "subdomain": null});
    let endpoint = json!({
        "addresses": ["10.0.0.1"], "conditions": {"ready": false}, "targetRef": {"kind": "Pod", "name": "pb"},
    });
    Scene::new()
        .headless("nginx")
        .pod("pb", bare(), running("False", "x".into()))
        .slice_of("nginx", json!({"endpoints": [endpoint]}))
        .check(
            "10-0-0-1.nginx.default.svc",
            Cause::PodNotReady,
            "pod default/pb is Running, not Ready for 14s: x",
        );
}

#[test]
fn a_service_without_a_selector_takes_no_pod() {
    let scene = || Scene::new().service("nginx", json!({"clusterIP": "None"}));
    let scene = || scene().pod("web-0", json!({}), running("True", Value::Null));
    let text = "service default/nginx has no selector, so pod default/web-0 is none of its endpoints";
    scene().check(WEB_0, Cause::NoSelector, text);
    let text = "endpoint web-0 of service default/nginx is not ready in its EndpointSlice";
    scene().slice(&[("web-0", false)]).check(WEB_0, Cause::NoReadyEndpoint, text);
}

#[test]
fn a_pod_without_an_address_of_the_services_family_is_not_promised() {
    let scene = |families: Value| {
        let spec = json!({"clusterIP": "None", "selector": {"app": "web"}, "ipFamilies": families});
        Scene::new().service("nginx", spec).pod("web-0", json!({}), running("True", Value::Null))
    };
    let text = "pod default/web-0 has IPv4 addresses only, service default/nginx is IPv6 only";
    for name in [WEB_0, NGINX] {
        scene(json!(["IPv6"])).check(name, Cause::OtherFamily, text);
    }
    for families in [json!(["IPv6", "IPv4"]), Value::Null] {
        let text = "pod default/web-0 is Ready; service default/nginx does not have its endpoint yet";
        scene(families).check(WEB_0, Cause::NotPublishedYet, text);
    }
}

/// An event about an object of the scene.
fn event(scene: Scene, kind: &str, name: &str, reason: &str, message: &str) -> Scene {
    scene.and(
        Kind::Event,
        json!({
            "metadata": {"name": format!("{name}.2"), "namespace": "default"}, "reason": reason, "message": message,
            "involvedObject": {"kind": kind, "namespace": "default", "name": name},
        }),
    )
}

#[test]
fn a_container_that_lacks_something_says_what() {
    let lacking = waiting("Pending", "CreateContainerConfigError", "secret \"db\" not found".into());
    let scene = Scene::new().headless("nginx").pod("web-0", json!({}), lacking);
    scene.check(
        WEB_0,
        Cause::PodStarting,
        "pod default/web-0 is CreateContainerConfigError for 100s: secret \"db\" not found",
    );
    let bad = waiting("Pending", "InvalidImageName", "Failed to apply default image tag \"A\"".into());
    Scene::new().headless("nginx").pod("web-0", json!({}), bad).check(
        WEB_0,
        Cause::PodStarting,
        "pod default/web-0 is InvalidImageName for 100s: Failed to apply default image tag \"A\"",
    );
}

#[test]
fn what_is_said_of_a_volume_is_why_a_pod_is_not_created_until_it_has_an_address() {
    let mut creating = waiting("Pending", "ContainerCreating", Value::Null);
    let failed = "MountVolume.SetUp failed for volume \"v\" : secret \"tls\" not found";
    let scene = Scene::new().headless("nginx").pod("web-0", json!({}), creating.clone());
    let scene = event(scene, "Pod", "web-0", "FailedMount", failed);
    let title = "pod default/web-0 is ContainerCreating for 100s";
    scene.check(WEB_0, Cause::PodStarting, &format!("{title}: {failed}"));
    creating["podIP"] = "10.0.0.1".into();
    scene.pod("web-0", json!({}), creating).check(WEB_0, Cause::PodStarting, title);
}

#[test]
fn of_a_claim_without_a_volume_the_claims_own_reason_is_told() {
    let unbound = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
    let pending = |why: &str| {
        json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why},
        ]})
    };
    let volumes =
        json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}]});
    let scene = |why| Scene::new().headless("nginx").pod("web-0", volumes.clone(), pending(why));
    let said = "storageclass.storage.k8s.io \"gold\" not found";
    let tell = |scene| event(scene, "PersistentVolumeClaim", "data-web-0", "ProvisioningFailed", said);
    scene(unbound).check(
        WEB_0,
        Cause::PodPending,
        &format!("pod default/web-0 is Pending for 100s: {unbound}"),
    );
    tell(scene(unbound)).check(
        WEB_0,
        Cause::PodPending,
        &format!("pod default/web-0 is Pending for 100s: claim data-web-0 is not bound: {said}"),
    );
    let other = "0/1 nodes are available: 1 node(s) were unschedulable.";
    tell(scene(other)).check(
        WEB_0,
        Cause::PodPending,
        &format!("pod default/web-0 is Pending for 100s: {other}"),
    );
}

#[test]
fn a_pod_that_the_api_refuses_has_its_reason() {
    let refused = "pods \"web-0\" is forbidden: error looking up service account default/x: serviceaccount \"x\" not found";
    let scene = || {
        let scene = Scene::new().headless("nginx").set(json!({}), json!({"replicas": 2}));
        let message = format!("Create Pod web-0 in StatefulSet web failed error: {refused}");
        event(scene, "StatefulSet", "web", "FailedCreate", &message)
    };
    let title = "StatefulSet default/web has not made pod";
    scene().check(WEB_0, Cause::PodMissing, &format!("{title} web-0 yet: {refused}"));
    scene().check("web-1.nginx.default.svc", Cause::PodMissing, &format!("{title} web-1 yet"));
    let made = event(scene(), "StatefulSet", "web", "SuccessfulCreate", "");
    made.check(WEB_0, Cause::PodMissing, &format!("{title} web-0 yet"));
}
