//! Objects from files, which no controller brings any further: nothing is promised of them.

use super::*;

fn from_files() -> Scene {
    Scene::with(ZoneOptions { has_controllers: false, ..ZoneOptions::default() })
}

#[test]
fn nothing_is_promised_where_nothing_runs() {
    let headless = || from_files().headless("nginx");
    let status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    for (scene, name, text) in [
        (
            headless().pod("web-0", json!({}), running("True", Value::Null)),
            WEB_0,
            "pod default/web-0 is Ready, but no EndpointSlice of service default/nginx has it and nothing here makes one",
        ),
        (
            headless().pod("web-0", json!({}), Value::Null),
            WEB_0,
            "pod default/web-0 has no status, and nothing here runs it",
        ),
        (
            headless().pod("web-0", json!({}), status),
            WEB_0,
            "pod default/web-0 has no address, and nothing here gives it one",
        ),
        (
            headless().set(json!({}), json!({"replicas": 2})).pod("web-0", json!({}), Value::Null),
            "web-1.nginx.default.svc",
            "there is no pod web-1, and nothing here makes the pods of StatefulSet default/web",
        ),
        (
            from_files().service("nginx", json!({"selector": {"app": "web"}})),
            NGINX,
            "service default/nginx has no cluster address, and nothing here gives it one",
        ),
    ] {
        scene.check(name, Cause::NoControllers, text);
    }
    headless().pod("web-0", json!({}), Value::Null).check(
        NGINX,
        Cause::NoControllers,
        "service default/nginx has no Ready endpoint: pod default/web-0 has no status, and nothing here runs it",
    );
}

#[test]
fn a_pod_without_a_status_has_none_yet_where_controllers_run() {
    let scene = Scene::new().headless("nginx").pod("web-0", json!({"nodeName": null}), Value::Null);
    scene.check(WEB_0, Cause::PodPending, "pod default/web-0 has no status yet");
}
