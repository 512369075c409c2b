//! The StatefulSet basics tutorial as `dig` sees it: created in order, scaled 2 to 5 to 3, a pod
//! deleted and replaced; at every step the names are those of the Ready pods.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use dullahan::app::{self, Running};
use dullahan::clock::Clock;
use dullahan::config::ServeSettings;
use dullahan::objects::{Kind, ObjectKey};
use dullahan::rules::columns::PodCells;
use dullahan::store::{DeleteOptions, Interest};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use tokio::sync::broadcast::error::RecvError;

use crate::support::tools::Tools;

/// How long a step may take; a simulated pod starts in 20 ms.
const STEP_MAX: Duration = Duration::from_secs(20);

const SERVICE: &str = "nginx.default.svc.cluster.local";

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    serve: ServeSettings,
}

struct Tutorial {
    running: Running,
    dns: SocketAddr,
}

impl Tutorial {
    async fn start() -> Self {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/web.yaml");
        let state = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
        let state = format!("--state-dir={}", state.display());
        let flags = [
            "serve",
            "-f",
            manifest,
            "--dns-listen",
            "127.0.0.1:0",
            "--api-listen=off",
            &state,
            "--simulated-start",
            "20ms",
        ];
        let settings = Settings::parse_from(flags).serve;
        let running = app::serve(&settings, Clock::system()).await.expect("the example starts");
        let dns = running.dns_addresses[0];
        Self { running, dns }
    }

    async fn dig(&self, name: &str) -> Vec<String> {
        let output = tokio::process::Command::new("dig")
            .args([&format!("@{}", self.dns.ip()), "-p", &self.dns.port().to_string()])
            .args(["+short", "+tries=1", "+time=5", name])
            .output()
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Name and address of each pod that is Running and Ready and not terminating.
    fn ready(&self) -> Vec<(String, String)> {
        let pods = self.running.store.list(Kind::Pod, Some("default")).objects;
        let ready = pods.iter().filter_map(|object| {
            let pod = object.get::<Pod>()?;
            let cells = PodCells::of(pod);
            let is_ready = cells.status == "Running" && cells.n_ready == cells.n_total;
            let address = pod.status.as_ref()?.pod_ip.clone()?;
            is_ready.then(|| (object.name().to_owned(), address))
        });
        ready.collect()
    }

    /// Waits until exactly these pods are Ready and `dig` says the same of every name.
    async fn expect(&self, names: &[&str], absent: &[&str]) {
        // Both are told after the fact; whatever happens during a look is told after it.
        let mut publications = self.running.publications.resubscribe();
        let mut events = self.running.store.watch(Interest::default(), self.running.store.revision());
        let agreed = async {
            while !self.agrees(names, absent).await {
                tokio::select! {
                    // One that lags has missed some, not the last.
                    told = publications.recv() => {
                        assert!(!matches!(told, Err(RecvError::Closed)), "the publisher has ended");
                    }
                    event = events.next() => drop(event.unwrap()),
                }
            }
        };
        let outcome = tokio::time::timeout(STEP_MAX, agreed).await;
        assert!(outcome.is_ok(), "pods {names:?}: ready are {:?}", self.ready());
    }

    async fn agrees(&self, names: &[&str], absent: &[&str]) -> bool {
        let ready = self.ready();
        if ready.iter().map(|(name, _)| name.as_str()).ne(names.iter().copied()) {
            return false;
        }
        let mut addresses: Vec<String> = ready.iter().map(|(_, address)| address.clone()).collect();
        addresses.sort();
        let mut is_same = self.dig(SERVICE).await == addresses;
        for (name, address) in &ready {
            is_same &= self.dig(&format!("{name}.{SERVICE}")).await == [address.clone()];
        }
        for name in absent {
            is_same &= self.dig(&format!("{name}.{SERVICE}")).await.is_empty();
        }
        is_same
    }

    async fn scale(&self, replicas: i32) {
        let key = ObjectKey::new(Kind::StatefulSet, "default", "web");
        let set_replicas = |set: &mut StatefulSet| set.spec.replicas = Some(replicas);
        self.running.store.modify::<StatefulSet>(&key, set_replicas).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_names_of_the_tutorial_are_those_of_its_ready_pods() {
    if Tools::default().find("dig", "bind9-dnsutils").is_none() {
        return;
    }
    let tutorial = Tutorial::start().await;
    tutorial.expect(&["web-0", "web-1"], &["web-2"]).await;

    tutorial.scale(5).await;
    tutorial.expect(&["web-0", "web-1", "web-2", "web-3", "web-4"], &["web-5"]).await;

    tutorial.scale(3).await;
    tutorial.expect(&["web-0", "web-1", "web-2"], &["web-3", "web-4"]).await;

    let key = ObjectKey::new(Kind::Pod, "default", "web-1");
    let before = tutorial.running.store.get(&key).unwrap();
    tutorial.running.store.delete(&key, &DeleteOptions::default()).await.unwrap();
    tutorial.expect(&["web-0", "web-1", "web-2"], &[]).await;
    let after = tutorial.running.store.get(&key).unwrap();
    assert_ne!(before.uid(), after.uid(), "the deleted pod was replaced");

    assert!(tutorial.running.stop(&Clock::system()).await, "everything stops in time");
}
