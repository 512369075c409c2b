//! The agent: watches pods, schedules them, steps those of this node when they are due.
//!
//! One task. It holds one entry per pod and no events; when events were lost it looks at every pod
//! again. A pod that cannot be written is tried again later and never holds up the others.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use k8s_openapi::api::core::v1::Pod;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::addresses::Addresses;
use super::agenda::Agenda;
use super::registration;
use super::resident::{Resident, Site};
use super::runtime::Runtime;
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, ObjectKey, pod};
use crate::store::{Event, Gone, Interest, Store, StoreError, Watch};

/// What a node is.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// The name of its Node object.
    pub name: String,
    /// Where pod addresses come from; one network per address family.
    pub pod_networks: Vec<IpNet>,
    /// The node's own address.
    pub address: IpAddr,
}

/// The node's agent.
pub struct Agent {
    site: Site,
    agenda: Agenda<ObjectKey>,
    residents: HashMap<ObjectKey, Resident>,
    /// The keys of residents by uid, as runtimes name them.
    keys: HashMap<String, ObjectKey>,
    without_address: BTreeSet<ObjectKey>,
    /// Absent until the node is registered and its pods are adopted.
    watch: Option<Watch>,
}

/// The wait after a failed write.
const RETRY: Duration = Duration::from_secs(1);
/// The longest sleep; then the agent only looks at its agenda again.
const SLEEP_MAX: Duration = Duration::from_secs(3600);

impl Agent {
    /// An agent that has not begun.
    pub fn new(store: Store, runtime: Arc<dyn Runtime>, options: NodeOptions) -> Self {
        let addresses = Addresses::new(&options.pod_networks);
        Self {
            site: Site { store, runtime, options, addresses },
            agenda: Agenda::default(),
            residents: HashMap::new(),
            keys: HashMap::new(),
            without_address: BTreeSet::new(),
            watch: None,
        }
    }

    /// Works until `stop` is cancelled. Pods are left as they are.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if self.work().await {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.idle() => {}
            }
        }
    }

    /// Does everything that is due now, as often as it is due again; returns when the next thing is
    /// due if nothing changes before. A simulation drives a node with this alone, or with
    /// [`Agent::work`] where it lets others go on in between.
    pub async fn step(&mut self) -> Option<Timestamp> {
        while self.work().await {}
        self.next_due()
    }

    /// When the next pod is due if nothing changes before; `None` if none waits for a time.
    pub fn next_due(&self) -> Option<Timestamp> {
        match self.watch {
            Some(_) => self.agenda.next(),
            None => Some(self.site.store.clock().now() + RETRY),
        }
    }

    /// Looks at every pod again, as it does when events were lost.
    pub fn start_over(&mut self) {
        if self.watch.is_some() {
            self.look_at_everything();
        }
    }

    /// Takes in that the runtime names a pod as changed.
    pub fn note_changed(&mut self, pod_uid: &str) {
        if let Some(key) = self.keys.get(pod_uid) {
            self.agenda.add(key.clone(), self.site.store.clock().now());
        }
    }

    /// Handles the next pod that is due, without waiting; false if none is.
    pub async fn work(&mut self) -> bool {
        if self.watch.is_none() && !self.begin().await {
            return false;
        }
        self.collect();
        let now = self.site.store.clock().now();
        let Some(key) = self.agenda.take(now) else { return false };
        if let Err(error) = self.attend(&key).await {
            if error.is_conflict() || error.is_not_found() {
                debug!(%key, %error, "will look at the pod again");
            } else {
                warn!(%key, %error, "will look at the pod again");
            }
            self.agenda.add(key, now + RETRY);
        }
        true
    }

    /// Registers the node and takes up what is there.
    async fn begin(&mut self) -> bool {
        let runtime = self.site.runtime.version();
        if let Err(error) = registration::register(&self.site.store, &self.site.options, &runtime).await {
            warn!(node = self.site.options.name, %error, "cannot register the node; will try again");
            return false;
        }
        self.reserve_addresses();
        self.look_at_everything();
        true
    }

    /// Addresses that pods of this node have are taken before any is given.
    fn reserve_addresses(&mut self) {
        for object in self.site.store.list(Kind::Pod, None).objects {
            let Some(pod) = object.get::<Pod>().filter(|pod| self.is_ours(pod)) else { continue };
            let is_on_host = pod.spec.as_ref().and_then(|spec| spec.host_network) == Some(true);
            let ips = pod.status.as_ref().and_then(|status| status.pod_ips.as_deref()).unwrap_or_default();
            let addresses: Vec<IpAddr> = ips.iter().filter_map(|ip| ip.ip.parse().ok()).collect();
            if is_on_host || addresses.is_empty() {
                continue;
            }
            if !self.site.addresses.reserve(object.uid(), &addresses) {
                warn!(pod = %object.key(), ?addresses, "the pod's address is another pod's; it gets a new one");
            }
        }
    }

    fn look_at_everything(&mut self) {
        let store = &self.site.store;
        let listing = store.list(Kind::Pod, None);
        self.watch = Some(store.watch(Interest::in_kinds(&[Kind::Pod]), listing.revision));
        let now = store.clock().now();
        let present = listing.objects.iter().map(|object| object.key().clone());
        let known = self.residents.keys().cloned();
        present.chain(known).for_each(|key| self.agenda.add(key, now));
    }

    /// Takes the events in that are there, without waiting.
    fn collect(&mut self) {
        while let Some(watch) = &mut self.watch {
            match watch.ready() {
                Ok(events) if events.is_empty() => return,
                Ok(events) => self.note(&events),
                Err(gone) => self.tell_and_start_over(gone),
            }
        }
    }

    fn tell_and_start_over(&mut self, gone: Gone) {
        debug!(%gone, "events were lost; looking at every pod");
        self.look_at_everything();
    }

    fn note(&mut self, events: &[Event]) {
        let now = self.site.store.clock().now();
        for event in events {
            self.agenda.add(event.object.key().clone(), now);
        }
    }

    async fn attend(&mut self, key: &ObjectKey) -> Result<(), StoreError> {
        let object = self.site.store.get(key);
        self.forget_unless(key, object.as_ref()).await;
        let Some(object) = object else { return Ok(()) };
        let Some(pod) = object.get::<Pod>() else { return Ok(()) };
        if !self.is_ours(pod) {
            return Ok(());
        }
        if !self.residents.contains_key(key) {
            let resident = Resident::admit(&mut self.site, &object, pod).await;
            self.keys.insert(object.uid().to_owned(), key.clone());
            self.residents.insert(key.clone(), resident);
        }
        let Some(resident) = self.residents.get_mut(key) else { return Ok(()) };
        let due = resident.step(&mut self.site, &object).await;
        if resident.is_waiting() {
            self.without_address.insert(key.clone());
        } else {
            self.without_address.remove(key);
        }
        if let Some(due) = due? {
            self.agenda.add(key.clone(), due);
        }
        Ok(())
    }

    /// Forgets what was known under `key` unless it is this very object.
    async fn forget_unless(&mut self, key: &ObjectKey, object: Option<&Object>) {
        if object.is_none() {
            self.agenda.remove(key);
        }
        let Some(resident) = self.residents.get(key) else { return };
        if object.is_some_and(|object| object.uid() == resident.uid()) {
            return;
        }
        let uid = resident.uid().to_owned();
        self.residents.remove(key);
        self.keys.remove(&uid);
        self.without_address.remove(key);
        self.site.runtime.remove(&uid).await;
        self.site.addresses.free(&uid);
        let now = self.site.store.clock().now();
        if let Some(next) = self.without_address.pop_first() {
            self.agenda.add(next, now);
        }
    }

    fn is_ours(&self, pod: &Pod) -> bool {
        pod::node_name(pod) == Some(self.site.options.name.as_str())
    }

    /// Waits for an event, a change in the runtime, or the next pod's time.
    async fn idle(&mut self) {
        let clock = self.site.store.clock().clone();
        let Some(watch) = &mut self.watch else { return clock.sleep(RETRY).await };
        let latest = clock.now() + SLEEP_MAX;
        let wake = self.agenda.next().map_or(latest, |next| next.min(latest));
        tokio::select! {
            events = watch.next() => match events {
                Ok(events) => self.note(&events),
                Err(gone) => self.tell_and_start_over(gone),
            },
            uid = self.site.runtime.changed() => {
                self.note_changed(&uid);
            }
            () = clock.sleep_until(wake) => {}
        }
    }
}

#[cfg(test)]
mod tests;
