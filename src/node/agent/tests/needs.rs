//! Pods that lack something and wait for it, over a store.

use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use serde_json::{Value, json};

use super::cluster::{Cluster, pod, summary};
use crate::objects::{Kind, ObjectKey, Typed};

/// The pod of the other tests with these fields of its spec, and these of its container.
fn with(name: &str, spec: Value, container: Value) -> Pod {
    let mut value = serde_json::to_value(pod(name)).unwrap();
    let merge = |target: &mut Value, fields: Value| {
        target.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    };
    merge(&mut value["spec"], spec);
    merge(&mut value["spec"]["containers"][0], container);
    serde_json::from_value(value).unwrap()
}

fn with_variable(name: &str, source: Value) -> Pod {
    with(name, json!({}), json!({"env": [{"name": "PASSWORD", "valueFrom": source}]}))
}

fn with_volume(name: &str, mut volume: Value) -> Pod {
    volume["name"] = "v".into();
    let mount = json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]});
    with(name, json!({"volumes": [volume]}), mount)
}

async fn put(cluster: &Cluster, kind: Kind, name: &str, data: Value) {
    let value = json!({"metadata": {"name": name, "namespace": "default"}, "data": data});
    let typed = Typed::from_value(kind, value).unwrap();
    match cluster.store.get(&ObjectKey::of(&typed)) {
        Some(_) => cluster.store.update(typed).await.unwrap(),
        None => cluster.store.create(typed).await.unwrap(),
    };
}

/// Reason, message and count of the warnings about pods, by name of the event.
fn warnings(cluster: &Cluster) -> Vec<(String, String, i32)> {
    let events = cluster.store.list(Kind::Event, Some("default")).objects;
    let events = events.iter().filter_map(|event| event.get::<Event>());
    let warnings = events.filter(|event| event.type_.as_deref() == Some("Warning"));
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    warnings.map(|event| (text(&event.reason), text(&event.message), event.count.unwrap())).collect()
}

fn warning(reason: &str, message: &str, n: i32) -> (String, String, i32) {
    (reason.to_owned(), message.to_owned(), n)
}

/// Why the container waits.
fn waiting(cluster: &Cluster, name: &str) -> (String, String) {
    let object = cluster.store.get(&cluster.key(name)).unwrap();
    let status = object.get::<Pod>().unwrap().status.clone().unwrap();
    let waiting = status.container_statuses.unwrap()[0].state.clone().unwrap().waiting.unwrap();
    (waiting.reason.unwrap(), waiting.message.unwrap_or_default())
}

const REFUSED: &str = "Pending on node-1 Scheduled CreateContainerConfigError 10.0.0.2";
const READY: &str = "Running on node-1 Scheduled running 10.0.0.2 Ready";

#[tokio::test(start_paused = true)]
async fn a_container_waits_for_its_secret_and_starts_when_it_appears() {
    let mut cluster = Cluster::new().await;
    let key = json!({"secretKeyRef": {"name": "db", "key": "password"}});
    cluster.create(with_variable("web-0", key)).await;
    cluster.pass(3600).await;
    cluster.check_end(&["0 Pending on node-1 Scheduled ContainerCreating 10.0.0.2", &format!("0 {REFUSED}")]);
    let reason = ("CreateContainerConfigError".to_owned(), "secret \"db\" not found".to_owned());
    assert_eq!(waiting(&cluster, "web-0"), reason);
    // Tried after 0, 10, 30, 70, 150, 310 s, then every 5 min.
    assert_eq!(warnings(&cluster), [warning("Failed", "Error: secret \"db\" not found", 16)]);
    put(&cluster, Kind::Secret, "db", json!({"user": "eA=="})).await;
    cluster.pass(1).await;
    assert_eq!(waiting(&cluster, "web-0").1, "couldn't find key password in Secret default/db");
    put(&cluster, Kind::Secret, "other", json!({})).await;
    put(&cluster, Kind::Secret, "db", json!({"password": "eA=="})).await;
    cluster.pass(1).await;
    cluster.check_end(&[&format!("3601 {READY}")]);
}

#[tokio::test(start_paused = true)]
async fn an_optional_secret_is_not_waited_for_and_a_config_map_is_as_a_secret() {
    let mut cluster = Cluster::new().await;
    let optional = json!({"secretKeyRef": {"name": "db", "key": "password", "optional": true}});
    cluster.create(with_variable("web-0", optional)).await;
    cluster.pass(1).await;
    cluster.check_end(&[&format!("0 {READY}")]);
    let all = json!({"envFrom": [{"configMapRef": {"name": "settings"}}]});
    cluster.create(with("web-1", json!({}), all)).await;
    cluster.pass(1).await;
    assert_eq!(waiting(&cluster, "web-1").1, "configmap \"settings\" not found");
    put(&cluster, Kind::ConfigMap, "settings", json!({})).await;
    cluster.pass(1).await;
    cluster.check_end(&["2 Running on node-1 Scheduled running 10.0.0.3 Ready"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_waits_for_its_volume_without_a_sandbox_and_starts_when_the_secret_appears() {
    let mut cluster = Cluster::new().await;
    cluster.create(with_volume("web-0", json!({"secret": {"secretName": "tls"}}))).await;
    cluster.pass(600).await;
    cluster.check_end(&["0 Pending on node-1 Scheduled ContainerCreating"]);
    let message = "MountVolume.SetUp failed for volume \"v\" : secret \"tls\" not found";
    // Tried after 0, 0.5, 1.5, 3.5 ... 127.5 s, then every 122 s.
    assert_eq!(warnings(&cluster), [warning("FailedMount", message, 12)]);
    put(&cluster, Kind::Secret, "tls", json!({})).await;
    cluster.pass(1).await;
    cluster.check_end(&[&format!("600 {READY}")]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_waits_is_deleted_as_any_other_and_not_looked_at_again() {
    let mut cluster = Cluster::new().await;
    cluster.create(with_volume("web-0", json!({"secret": {"secretName": "tls"}}))).await;
    cluster.create(with_variable("web-1", json!({"secretKeyRef": {"name": "db", "key": "password"}}))).await;
    cluster.pass(1).await;
    for name in ["web-0", "web-1"] {
        cluster.delete(name).await;
    }
    cluster.pass(1).await;
    assert_eq!(cluster.store.list(Kind::Pod, None).objects.len(), 0);
    put(&cluster, Kind::Secret, "tls", json!({})).await;
    put(&cluster, Kind::Secret, "db", json!({})).await;
    cluster.pass(1).await;
    assert_eq!(cluster.agent.next_due(), None);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_runs_does_not_need_its_volumes_again() {
    let mut cluster = Cluster::new().await;
    put(&cluster, Kind::Secret, "tls", json!({})).await;
    cluster.create(with_volume("web-0", json!({"secret": {"secretName": "tls"}}))).await;
    cluster.pass(1).await;
    let key = ObjectKey::new(Kind::Secret, "default", "tls");
    cluster.store.delete(&key, &Default::default()).await.unwrap();
    cluster.restart();
    cluster.pass(5).await;
    cluster.check_end(&[&format!("0 {READY}")]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_image_name_keeps_only_its_container_from_running() {
    let mut cluster = Cluster::new().await;
    let bad = with("web-0", json!({}), json!({"image": "Nginx:1"}));
    let mut both = bad.clone();
    let good = pod("x").spec.unwrap().containers.remove(0);
    both.spec
        .as_mut()
        .unwrap()
        .containers
        .push(k8s_openapi::api::core::v1::Container { name: "other".into(), ..good });
    cluster.create(both).await;
    cluster.pass(5).await;
    cluster.check_end(&["0 Pending on node-1 Scheduled InvalidImageName running 10.0.0.2"]);
    let message = "Failed to apply default image tag \"Nginx:1\": couldn't parse image name \"Nginx:1\": \
                   invalid reference format: repository name (library/Nginx) must be lowercase";
    assert_eq!(waiting(&cluster, "web-0"), ("InvalidImageName".to_owned(), message.to_owned()));
    let expected = [warning("InspectFailed", message, 1), warning("Failed", "Error: InvalidImageName", 1)];
    assert_eq!(warnings(&cluster), expected);
    let repair = |pod: &mut Pod| pod.spec.as_mut().unwrap().containers[0].image = Some("nginx:1".into());
    cluster.store.modify::<Pod>(&cluster.key("web-0"), repair).await.unwrap();
    cluster.pass(10).await;
    cluster.check_end(&["10 Running on node-1 Scheduled running running 10.0.0.2 Ready"]);
}

#[tokio::test(start_paused = true)]
async fn missing_credentials_for_images_are_only_told() {
    let mut cluster = Cluster::new().await;
    cluster.store.create(Secret { metadata: named("here"), ..Default::default() }).await.unwrap();
    let secrets = json!({"imagePullSecrets": [{"name": "here"}, {"name": "a"}, {"name": "b"}]});
    cluster.create(with("web-0", secrets, json!({}))).await;
    cluster.pass(60).await;
    cluster.check_end(&[&format!("0 {READY}")]);
    let message =
        "Unable to retrieve some image pull secrets (a, b); attempting to pull the image may not succeed.";
    assert_eq!(warnings(&cluster), [warning("FailedToRetrieveImagePullSecret", message, 1)]);
    assert!(summary(&cluster.store.get(&cluster.key("web-0")).unwrap()).contains("Ready"));
}

fn named(name: &str) -> k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
    let (name, namespace) = (Some(name.to_owned()), Some("default".to_owned()));
    k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta { name, namespace, ..Default::default() }
}
