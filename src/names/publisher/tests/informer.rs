//! A publisher fed from an informer's cache: a map and a channel, no store.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tokio::sync::mpsc;

use super::*;
use crate::objects::{Object, Typed};

type Cache = Arc<Mutex<BTreeMap<ObjectKey, Object>>>;

/// The publisher's side.
struct Informer {
    clock: Clock,
    cache: Cache,
    reports: mpsc::UnboundedReceiver<Result<Change, Lost>>,
    kinds: Vec<Kind>,
}

/// The side of whatever follows a cluster.
struct Feeder {
    cache: Cache,
    reports: mpsc::UnboundedSender<Result<Change, Lost>>,
}

fn informer() -> (Informer, Feeder) {
    let cache = Cache::default();
    let (sender, reports) = mpsc::unbounded_channel();
    let informer = Informer { clock: Clock::system(), cache: cache.clone(), reports, kinds: Vec::new() };
    (informer, Feeder { cache, reports: sender })
}

impl Feeder {
    /// Puts an object into the cache, without a word.
    fn put(&self, kind: Kind, value: Value) -> ObjectKey {
        let object = Object::unversioned(Typed::from_value(kind, value).unwrap());
        let key = object.key().clone();
        self.cache.lock().unwrap().insert(key.clone(), object);
        key
    }

    fn report(&self, key: ObjectKey) {
        self.reports.send(Ok(Change { key, at: Timestamp::UNIX_EPOCH })).unwrap();
    }

    fn slice(&self, hostname: &str) -> ObjectKey {
        let labels = json!({"kubernetes.io/service-name": "nginx"});
        self.put(
            Kind::EndpointSlice,
            json!({
                "metadata": {"name": "nginx-a", "namespace": "default", "labels": labels},
                "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"], "hostname": hostname}],
            }),
        )
    }
}

impl Source for Informer {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.cache.lock().unwrap().get(key).cloned()
    }

    fn list(&self, kind: Kind) -> Vec<Object> {
        self.cache.lock().unwrap().values().filter(|object| object.kind() == kind).cloned().collect()
    }

    fn follow(&mut self, kinds: &[Kind]) {
        self.kinds = kinds.to_vec();
    }

    fn changes(&mut self) -> Result<Vec<Change>, Lost> {
        let reports: Result<Vec<Change>, Lost> =
            std::iter::from_fn(|| self.reports.try_recv().ok()).collect();
        Ok(reports?.into_iter().filter(|change| self.kinds.contains(&change.key.kind)).collect())
    }

    async fn next_changes(&mut self) -> Result<Vec<Change>, Lost> {
        loop {
            match self.reports.recv().await {
                Some(report) => {
                    let change = report?;
                    if self.kinds.contains(&change.key.kind) {
                        return Ok(vec![change]);
                    }
                }
                None => std::future::pending().await,
            }
        }
    }
}

fn is_served(zones: &SharedZones, name: &str) -> bool {
    let name = WireName::of(&Name::from_ascii(format!("{name}.cluster.local.")).unwrap());
    let zones = zones.load();
    zones.find(name.as_bytes()).is_some_and(|zone| zone.node(name.as_bytes()).is_some())
}

#[tokio::test]
async fn any_source_of_objects_is_published_and_followed() {
    let (source, feeder) = informer();
    feeder.put(Kind::Namespace, json!({"metadata": {"name": "default"}}));
    let meta = json!({"name": "nginx", "namespace": "default"});
    feeder.put(Kind::Service, json!({"metadata": meta, "spec": {"clusterIP": "None"}}));
    feeder.slice("web-0");
    let serials = Serials::from_clock(Timestamp::UNIX_EPOCH);
    let zones = SharedZones::default();
    let publisher = Publisher::of_source(source, serials, zones.clone(), ZoneOptions::default(), Vec::new());
    let served = |name: &str| is_served(&zones, &format!("{name}.nginx.default.svc"));
    assert!(served("web-0"));
    let (mut publications, stop) = (publisher.publications(), CancellationToken::new());
    let running = tokio::spawn(publisher.run(stop.clone()));
    feeder.report(feeder.slice("web-1"));
    let told = publications.recv().await.unwrap();
    assert_eq!((served("web-0"), served("web-1")), (false, true));
    assert_eq!((told.added.len(), told.removed.len()), (1, 1));
    // What is not reported is found when the source says that something was lost.
    feeder.slice("web-2");
    feeder.reports.send(Err(Lost)).unwrap();
    publications.recv().await.unwrap();
    assert_eq!((served("web-1"), served("web-2")), (false, true));
    stop.cancel();
    running.await.unwrap();
}
