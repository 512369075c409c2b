//! The Kubernetes client of Rust (`kube`) as a user of the API: what its watcher, reflector, patches
//! and errors make of what is answered.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use clap::Parser;
use dullahan::app::{self, Running};
use dullahan::clock::Clock;
use dullahan::config::ServeSettings;
use dullahan::objects::{Kind, ObjectKey};
use dullahan::store::MemoryBackend;
use futures_util::{Stream, StreamExt};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Status;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt, reflector};
use kube::{Client, Config, ResourceExt};
use serde_json::json;

use crate::support::cluster::Cluster;

/// How long anything that is waited for may take.
const WAIT_MAX: Duration = Duration::from_secs(60);

async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT_MAX, future).await.expect("what is waited for comes")
}

fn refusal(error: kube::Error) -> Status {
    match error {
        kube::Error::Api(status) => *status,
        other => panic!("the API answers with a Status: {other:?}"),
    }
}

fn web(replicas: i32) -> StatefulSet {
    let template = json!({
        "metadata": {"labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "nginx", "image": "nginx:1"}]},
    });
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"},
        "spec": {"serviceName": "nginx", "replicas": replicas,
            "selector": {"matchLabels": {"app": "nginx"}}, "template": template},
    });
    serde_json::from_value(set).unwrap()
}

/// The next event that tells of a pod's readiness or its end, as `+web-0` or `-web-0`.
async fn next_ready(events: &mut (impl Stream<Item = watcher::Result<Event<Pod>>> + Unpin)) -> String {
    let is_ready = |pod: &Pod| {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
        ready.any(|condition| condition.status == "True") && pod.metadata.deletion_timestamp.is_none()
    };
    within(async {
        loop {
            match events.next().await.unwrap().unwrap() {
                Event::Apply(pod) | Event::InitApply(pod) if is_ready(&pod) => {
                    return format!("+{}", pod.name_any());
                }
                Event::Delete(pod) => return format!("-{}", pod.name_any()),
                _ => {}
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_follow_pods_in_both_of_their_ways() {
    let cluster = Cluster::start(PathBuf::from("kubectl"));
    let client = client(&cluster.kubeconfig).await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let sets: Api<StatefulSet> = Api::default_namespaced(client);
    let listed = watcher(pods.clone(), watcher::Config::default().labels("app=nginx"));
    let streamed = watcher(pods.clone(), watcher::Config::default().labels("app=nginx").streaming_lists());
    let (mut listed, mut streamed) = (pin!(listed), pin!(streamed));
    sets.create(&PostParams::default(), &web(2)).await.unwrap();
    let mut both = async || {
        let seen = (next_ready(&mut listed).await, next_ready(&mut streamed).await);
        assert_eq!(seen.0, seen.1);
        seen.0
    };
    assert_eq!([both().await, both().await], ["+web-0", "+web-1"]);
    let scale = json!({"spec": {"replicas": 1}});
    sets.patch_scale("web", &PatchParams::default(), &Patch::Merge(scale)).await.unwrap();
    assert_eq!(both().await, "-web-1");
    sets.delete("web", &DeleteParams::background()).await.unwrap();
    assert_eq!(both().await, "-web-0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reflector_holds_what_is_there() {
    let cluster = Cluster::start(PathBuf::from("kubectl"));
    let client = client(&cluster.kubeconfig).await;
    let sets: Api<StatefulSet> = Api::default_namespaced(client.clone());
    sets.create(&PostParams::default(), &web(3)).await.unwrap();
    let (reader, writer) = reflector::store();
    let pods = watcher(Api::<Pod>::all(client), watcher::Config::default()).default_backoff();
    // Its first list is there after the event that ends it, which names no object.
    let mut events = pin!(reflector::reflector(writer, pods));
    let names = || {
        let mut names: Vec<String> = reader.state().iter().map(|pod| pod.name_any()).collect();
        names.sort();
        names
    };
    within(async {
        while names() != ["web-0", "web-1", "web-2"] {
            events.next().await.unwrap().unwrap();
        }
    })
    .await;
    sets.patch("web", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 1}})))
        .await
        .unwrap();
    within(async {
        while names() != ["web-0"] {
            events.next().await.unwrap().unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_appliers_conflict_and_force_settles_it() {
    let cluster = Cluster::start(PathBuf::from("kubectl"));
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&cluster.kubeconfig).await);
    let map = |colour: &str| {
        Patch::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
            "data": {"colour": colour}}))
    };
    let one = PatchParams::apply("one");
    let two = PatchParams::apply("two");
    maps.patch("settings", &one, &map("red")).await.unwrap();
    let same = maps.patch("settings", &two, &map("red")).await.unwrap();
    assert_eq!(same.managed_fields().len(), 2, "who applies the same value owns it too");
    let status = refusal(maps.patch("settings", &two, &map("blue")).await.unwrap_err());
    let message = "Apply failed with 1 conflict: conflict with \"one\": .data.colour";
    assert_eq!((status.code, status.reason.as_str(), status.message.as_str()), (409, "Conflict", message));
    let cause = &status.details.unwrap().causes[0];
    assert_eq!((cause.reason.as_str(), cause.field.as_str()), ("FieldManagerConflict", ".data.colour"));
    let forced = maps.patch("settings", &two.force(), &map("blue")).await.unwrap();
    assert_eq!(forced.data.as_ref().unwrap()["colour"], "blue");
    let owners: Vec<&str> = forced.managed_fields().iter().filter_map(|one| one.manager.as_deref()).collect();
    assert_eq!(owners, ["two"], "who owns nothing any more is not mentioned");
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_is_read_replaced_and_patched() {
    let cluster = Cluster::start(PathBuf::from("kubectl"));
    let sets: Api<StatefulSet> = Api::default_namespaced(client(&cluster.kubeconfig).await);
    sets.create(&PostParams::default(), &web(2)).await.unwrap();
    // The controller writes the set's status meanwhile, which makes what was read stale.
    let (stale, replaced) = loop {
        let mut scale = sets.get_scale("web").await.unwrap();
        assert_eq!(scale.spec.as_ref().unwrap().replicas, Some(2));
        assert_eq!(scale.status.as_ref().unwrap().selector.as_deref(), Some("app=nginx"));
        let stale = scale.clone();
        scale.spec.as_mut().unwrap().replicas = Some(3);
        match sets.replace_scale("web", &PostParams::default(), &scale).await {
            Ok(replaced) => break (stale, replaced),
            Err(error) => assert_eq!(refusal(error).code, 409),
        }
    };
    assert_eq!(replaced.spec.unwrap().replicas, Some(3));
    let status = refusal(sets.replace_scale("web", &PostParams::default(), &stale).await.unwrap_err());
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    let below = Patch::Merge(json!({"spec": {"replicas": -1}}));
    let status = refusal(sets.patch_scale("web", &PatchParams::default(), &below).await.unwrap_err());
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"), "{}", status.message);
    let status = refusal(sets.get_scale("none").await.unwrap_err());
    assert_eq!(status.message, "statefulsets.apps \"none\" not found");
}

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    serve: ServeSettings,
}

/// A server within the test, whose store can be written faster than over the network.
async fn serve(kubeconfig: &Path) -> Running {
    let out = format!("--kubeconfig-out={}", kubeconfig.display());
    let state = format!("--state-dir={}", kubeconfig.with_file_name("state").display());
    let flags = ["serve", "--dns-listen=127.0.0.1:0", "--api-listen=127.0.0.1:0", &state, &out];
    app::serve(&Settings::parse_from(flags).serve, Clock::system()).await.unwrap()
}

/// More than the history holds, and with it more than the sockets between do.
const WRITES: usize = MemoryBackend::HISTORY_EVENTS_MAX + 1_000;
/// With so much in each, the events do not fit into the buffers of a connection.
const PADDING_OCTETS: usize = 2_048;

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_the_history_has_gone_on_without_lists_again() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let running = serve(&kubeconfig).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&kubeconfig).await);
    let padding = "x".repeat(PADDING_OCTETS);
    let map = json!({"metadata": {"name": "settings"}, "data": {"padding": padding}});
    maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    let present = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut events = pin!(watcher(maps.clone(), watcher::Config::default()).default_backoff());
    within(async { while !matches!(events.next().await.unwrap(), Ok(Event::InitDone)) {} }).await;

    // Nobody reads the watch in the meantime.
    let key = ObjectKey::new(Kind::ConfigMap, "default", "settings");
    for number in 0..WRITES {
        let change = |map: &mut ConfigMap| {
            map.data.get_or_insert_default().insert("number".into(), number.to_string());
        };
        running.store.modify::<ConfigMap>(&key, change).await.unwrap();
    }
    let last = (WRITES - 1).to_string();
    let is_last = |map: &ConfigMap| map.data.as_ref().is_some_and(|data| data["number"] == last);
    let n_lists = within(async {
        let mut n_lists = 0;
        loop {
            match events.next().await.unwrap() {
                Ok(Event::Init) => n_lists += 1,
                Ok(Event::Apply(map) | Event::InitApply(map)) if is_last(&map) => return n_lists,
                // That it has missed something; it lists again after this.
                Ok(_) | Err(_) => {}
            }
        }
    })
    .await;
    assert_eq!(n_lists, 1, "it has missed something and lists again, once");

    let mut old = pin!(maps.watch(&WatchParams::default(), &present).await.unwrap());
    match within(old.next()).await.unwrap().unwrap() {
        WatchEvent::Error(status) => assert_eq!((status.code, status.reason.as_str()), (410, "Expired")),
        other => panic!("a watch from before the history is told so: {other:?}"),
    }
    assert!(running.stop(&Clock::system()).await, "the server ends with a watch open");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_an_old_revision_is_none_and_the_watcher_begins_anew() {
    let cluster = Cluster::start_to_restart(PathBuf::from("kubectl"));
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&cluster.kubeconfig).await);
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "settings"}})).unwrap();
    for _ in 0..40 {
        maps.create(&PostParams::default(), &map).await.unwrap();
        maps.delete("settings", &DeleteParams::default()).await.unwrap();
    }
    let old = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut watch = pin!(maps.watch(&WatchParams::default(), &old).await.unwrap());
    let address = cluster.address.clone();
    let mut informer = pin!(watcher(maps.clone(), watcher::Config::default()).default_backoff());
    within(async { while !matches!(informer.next().await.unwrap(), Ok(Event::InitDone)) {} }).await;
    let cluster = cluster.restart();
    assert_eq!(cluster.address, address);
    assert!(within(watch.next()).await.is_none_or(|event| event.is_err()), "the watch ends with its server");

    // The authority and the token are kept, so the client goes on as it is.
    let mut watch = pin!(maps.watch(&WatchParams::default(), &old).await.unwrap());
    match within(watch.next()).await.unwrap().unwrap() {
        WatchEvent::Error(status) => assert_eq!((status.code, status.reason.as_str()), (410, "Expired")),
        other => panic!("a revision of the life before is expired: {other:?}"),
    }
    let mut events = pin!(watcher(maps.clone(), watcher::Config::default()));
    within(async { while !matches!(events.next().await.unwrap(), Ok(Event::InitDone)) {} }).await;
    maps.create(&PostParams::default(), &map).await.unwrap();
    let seen = within(events.next()).await.unwrap().unwrap();
    assert!(matches!(&seen, Event::Apply(map) if map.name_any() == "settings"), "{seen:?}");

    // One that was there before, too: it tries again until it has listed what there is now.
    let is_settings = |event: &Event<ConfigMap>| match event {
        Event::Apply(map) | Event::InitApply(map) => map.name_any() == "settings",
        _ => false,
    };
    within(async { while !informer.next().await.unwrap().is_ok_and(|event| is_settings(&event)) {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_what_the_client_knows() {
    let cluster = Cluster::start(PathBuf::from("kubectl"));
    let client = client(&cluster.kubeconfig).await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let status = refusal(pods.get("none").await.unwrap_err());
    assert_eq!((status.code, status.message.as_str()), (404, "pods \"none\" not found"));
    assert!(pods.get_opt("none").await.unwrap().is_none());
    let nowhere: Api<Pod> = Api::namespaced(client, "none");
    let status = refusal(nowhere.create(&PostParams::default(), &Pod::default()).await.unwrap_err());
    assert_eq!((status.code, status.message.as_str()), (404, "namespaces \"none\" not found"));
    // A container of a pod that is not there: no stream is opened, and the reason is told.
    let path = "/api/v1/namespaces/default/pods/none/exec?command=hostname&stdout=true";
    let request = http_request(path);
    let status = refusal(pods.into_client().request_text(request).await.unwrap_err());
    assert_eq!((status.code, status.reason.as_str()), (404, "NotFound"));
}

fn http_request(path: &str) -> axum::http::Request<Vec<u8>> {
    axum::http::Request::post(path).body(Vec::new()).unwrap()
}
