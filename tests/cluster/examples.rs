//! Every example does what its first lines say.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Parser;
use dullahan::app::{self, Running};
use dullahan::clock::Clock;
use dullahan::config::ServeSettings;
use dullahan::dns::answer::{Query, answer};
use dullahan::objects::{Kind, Object};
use dullahan::store::Interest;
use hickory_proto::rr::{Name, RecordType};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use tokio::sync::broadcast::error::RecvError;

const WAIT_MAX: Duration = Duration::from_secs(20);

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    serve: ServeSettings,
}

async fn serve(example: &str, flags: &[&str]) -> Running {
    let manifest = format!("{}/examples/{example}", env!("CARGO_MANIFEST_DIR"));
    // Left behind for the next run: a server that runs within a test is not asked to end.
    let state = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
    let state = format!("--state-dir={}", state.display());
    let always = [
        "serve",
        "-f",
        &manifest,
        "--dns-listen",
        "127.0.0.1:0",
        "--api-listen=off",
        &state,
        "--simulated-start",
        "5ms",
    ];
    let settings = Settings::parse_from([&always, flags].concat()).serve;
    app::serve(&settings, Clock::system()).await.unwrap()
}

/// Waits, event by event, until the store is as wanted.
async fn until(running: &Running, what: &str, is_so: impl Fn(&Running) -> bool) {
    let mut watch = running.store.watch(Interest::default(), running.store.revision());
    let reached = async {
        while !is_so(running) {
            watch.next().await.unwrap();
        }
    };
    assert!(tokio::time::timeout(WAIT_MAX, reached).await.is_ok(), "waited for: {what}");
}

fn all(running: &Running, kind: Kind) -> Vec<Object> {
    running.store.list(kind, None).objects
}

fn is_complete(set: &Object) -> bool {
    let set = set.get::<StatefulSet>().unwrap();
    set.status.as_ref().and_then(|status| status.ready_replicas) == set.spec.replicas
}

fn ready_pods(running: &Running) -> usize {
    let is_ready = |object: &Object| {
        let status = object.get::<Pod>().unwrap().status.clone().unwrap_or_default();
        status.conditions.iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True")
    };
    all(running, Kind::Pod).iter().filter(|object| is_ready(object)).count()
}

async fn stop(running: Running) {
    assert!(running.stop(&Clock::system()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stateful_sets_become_complete_with_their_claims_bound() {
    for (example, n_pods, n_claims) in [("web.yaml", 2, 2), ("webp.yaml", 2, 2), ("book.yaml", 4, 3)] {
        let running = serve(example, &[]).await;
        until(&running, example, |running| {
            all(running, Kind::StatefulSet).iter().all(is_complete) && ready_pods(running) == n_pods
        })
        .await;
        let claims = all(&running, Kind::PersistentVolumeClaim);
        let is_bound = |object: &&Object| {
            let claim = object.get::<PersistentVolumeClaim>().unwrap();
            claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound")
        };
        assert_eq!(claims.iter().filter(is_bound).count(), n_claims, "{example}");
        stop(running).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_take_the_smallest_static_volume_that_fits() {
    let running = serve("static-volumes.yaml", &["--no-default-storage-class"]).await;
    until(&running, "three pods", |running| ready_pods(running) == 3).await;
    let volumes = all(&running, Kind::PersistentVolume);
    let claimed: BTreeMap<&str, String> = volumes
        .iter()
        .filter_map(|object| {
            let reference = object.get::<PersistentVolume>()?.spec.as_ref()?.claim_ref.as_ref()?;
            Some((object.name(), reference.name.clone()?))
        })
        .collect();
    let expected =
        [("pv002", "myappdata-myapp-0"), ("pv003", "myappdata-myapp-1"), ("pv004", "myappdata-myapp-2")];
    assert_eq!(claimed, expected.map(|(volume, claim)| (volume, claim.to_owned())).into());
    stop(running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_headless_service_answers_with_its_pods_and_the_other_with_its_own_address() {
    let running = serve("headless.yaml", &[]).await;
    until(&running, "three pods", |running| ready_pods(running) == 3).await;
    let mut publications = running.publications.resubscribe();
    let n_addresses = |name: &str| {
        let name = Name::from_ascii(format!("{name}.default.svc.cluster.local.")).unwrap();
        answer(&running.zones.load(), &Query { name, record_type: RecordType::A }).answers.len()
    };
    let published = async {
        while n_addresses("myapp-headless") != 2 {
            // It is told after the zones were swapped. One that lags has missed some, not the last.
            let told = publications.recv().await;
            assert!(!matches!(told, Err(RecvError::Closed)), "the publisher has ended");
        }
    };
    assert!(tokio::time::timeout(WAIT_MAX, published).await.is_ok());
    assert_eq!(n_addresses("myapp"), 1);
    stop(running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_is_never_ready_holds_up_those_after_it() {
    let running = serve("misbehaving.yaml", &[]).await;
    until(&running, "stuck-0 runs", |running| {
        let pod = running.store.find::<Pod>("default", "stuck-0");
        pod.is_some_and(|pod| {
            let status = pod.get::<Pod>().unwrap().status.clone().unwrap_or_default();
            status.phase.as_deref() == Some("Running")
        })
    })
    .await;
    assert!(running.store.find::<Pod>("default", "stuck-1").is_none());
    stop(running).await;
}
