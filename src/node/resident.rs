//! One pod that is bound to this node: an enum of stages with one step.
//!
//! ```text
//!   Waiting ──address──► Active ──containers are done, or the runtime ends it──► Over
//!      └──────deletion──────┴──────────► Terminating ──stopped, or deadline──► Confirmed
//! ```
//!
//! A step observes, writes what it has seen, then acts; so each thing that happens to a pod is a
//! status write of its own. A pod whose object other writers hold (finalizers) stays Confirmed.

mod telling;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, PodSpec};

use super::addresses::Addresses;
use super::agent::NodeOptions;
use super::containers::{Action, Containers, Why};
use super::runtime::{Ended, Report, Runtime, Start};
use super::status::{View, status};
use crate::clock::{Timestamp, until};
use crate::objects::{Object, Revision};
use crate::store::{DeleteOptions, Store, StoreError};

/// What a pod lives from.
pub(super) struct Site {
    pub(super) store: Store,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) options: NodeOptions,
    pub(super) addresses: Addresses,
}

/// A pod on this node.
pub(super) struct Resident {
    uid: String,
    stage: Stage,
    containers: Containers,
    addresses: Vec<IpAddr>,
    ended: Option<Ended>,
    has_told_failed_sandbox: bool,
    /// What was last observed.
    report: Report,
    /// The version of the object that shows what is known; `None` if none does.
    shown: Option<Revision>,
}

/// How far a pod has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It has no addresses yet.
    Waiting,
    /// Its containers run as the spec wants it.
    Active,
    /// Its containers are being stopped.
    Terminating { deadline: Timestamp },
    /// Its phase is Succeeded or Failed.
    Over,
    /// The store was told that nothing of it runs any more.
    Confirmed,
}

/// After this time a pod without addresses tries again even if none was seen to be freed.
const SANDBOX_RETRY: Duration = Duration::from_secs(10);
/// The grace of pods that do not say.
const GRACE_S_DEFAULT: i64 = 30;

impl Resident {
    /// Takes a pod in: a new one, or one that ran before this process began.
    pub(super) async fn admit(site: &mut Site, object: &Object, pod: &Pod) -> Self {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        let has_address = pod.status.as_ref().is_some_and(|status| status.pod_ip.is_some());
        let (containers, survivors) = Containers::restored(pod);
        let is_over = matches!(phase, Some("Succeeded" | "Failed"));
        let resident = Self {
            uid: object.uid().to_owned(),
            stage: if is_over { Stage::Over } else { Stage::Waiting },
            containers,
            addresses: if has_address && is_on_host(pod) {
                vec![site.options.address]
            } else {
                site.addresses.held(object.uid())
            },
            ended: None,
            has_told_failed_sandbox: false,
            report: Report::default(),
            shown: None,
        };
        if !is_over {
            site.runtime.adopt(pod, &survivors).await;
            telling::complaints(site, object, pod).await;
        }
        resident
    }

    /// The pod's uid.
    pub(super) fn uid(&self) -> &str {
        &self.uid
    }

    /// Whether it waits for an address.
    pub(super) fn is_waiting(&self) -> bool {
        self.stage == Stage::Waiting
    }

    /// Does all that is to be done now; returns when the next step is due without a change.
    pub(super) async fn step(
        &mut self,
        site: &mut Site,
        object: &Object,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (Some(pod), now) = (object.get::<Pod>(), site.store.clock().now()) else { return Ok(None) };
        self.note_deletion(object, now);
        match self.stage {
            Stage::Waiting => self.enter(site, object, pod).await,
            Stage::Active => self.run(site, object, pod).await,
            Stage::Terminating { deadline } => self.terminate(site, object, deadline).await,
            Stage::Over if object.is_terminating() => self.confirm(site, object).await,
            Stage::Over | Stage::Confirmed => Ok(None),
        }
    }

    /// Begins to terminate, or to terminate sooner.
    fn note_deletion(&mut self, object: &Object, now: Timestamp) {
        if !object.is_terminating() {
            return;
        }
        let grace_s = object.meta().deletion_grace_period_seconds.unwrap_or_default();
        let latest = now + Duration::from_secs(u64::try_from(grace_s).unwrap_or_default());
        match self.stage {
            Stage::Waiting | Stage::Active => self.stage = Stage::Terminating { deadline: latest },
            // The same grace counted from now is later; only a shorter one is earlier.
            Stage::Terminating { deadline } if latest < deadline => {
                self.stage = Stage::Terminating { deadline: latest };
                self.containers.stop_again();
            }
            _ => {}
        }
    }

    /// Gives the pod its addresses and shows it as being created.
    async fn enter(
        &mut self,
        site: &mut Site,
        object: &Object,
        pod: &Pod,
    ) -> Result<Option<Timestamp>, StoreError> {
        let addresses =
            if is_on_host(pod) { Some(vec![site.options.address]) } else { site.addresses.take(&self.uid) };
        let now = site.store.clock().now();
        let Some(addresses) = addresses else {
            self.write(site, object, false).await?;
            if !self.has_told_failed_sandbox {
                telling::failed_sandbox(site, object).await;
                self.has_told_failed_sandbox = true;
            }
            return Ok(Some(now + SANDBOX_RETRY));
        };
        self.addresses = addresses;
        self.stage = Stage::Active;
        self.shown = None;
        self.write(site, object, false).await?;
        Ok(Some(now))
    }

    async fn run(
        &mut self,
        site: &mut Site,
        object: &Object,
        pod: &Pod,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(spec) = pod.spec.as_ref() else { return Ok(None) };
        let is_known_version = self.shown == Some(object.revision());
        let is_behind = self.observe(site, object).await;
        let is_done = self.containers.are_done(self.ended.as_ref());
        let is_over = is_done && !self.containers.are_live();
        self.write(site, object, false).await?;
        if is_over {
            self.stage = Stage::Over;
            site.runtime.remove(&self.uid).await;
            return Ok(None);
        }
        let now = site.store.clock().now();
        if is_behind {
            self.shown = None;
            return Ok(Some(now));
        }
        let (actions, happenings) = if is_done {
            (self.containers.tear_down(), Vec::new())
        } else {
            self.containers.advance(spec, now)
        };
        let has_acted = !actions.is_empty() || !happenings.is_empty();
        // Of a version that was not seen before, images may have been taken over without an action.
        if has_acted || !is_known_version {
            self.shown = None;
        }
        self.carry_out(site, object, pod, actions, grace(spec)).await;
        telling::happenings(site, object, happenings).await;
        let later = [self.report.next_change, self.containers.next_due()].into_iter().flatten().min();
        Ok(if has_acted { Some(now) } else { later })
    }

    async fn terminate(
        &mut self,
        site: &mut Site,
        object: &Object,
        deadline: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(pod) = object.get::<Pod>() else { return Ok(None) };
        let is_behind = self.observe(site, object).await;
        let now = site.store.clock().now();
        if now >= deadline {
            self.containers.kill(now);
            self.shown = None;
        }
        if !self.containers.are_live() {
            self.write(site, object, true).await?;
            return self.confirm(site, object).await;
        }
        self.write(site, object, false).await?;
        let actions = self.containers.tear_down();
        self.shown = None;
        let has_acted = is_behind || !actions.is_empty();
        self.carry_out(site, object, pod, actions, until(now, deadline)).await;
        let later = self.report.next_change.map_or(deadline, |change| change.min(deadline));
        Ok(Some(if has_acted { now } else { later }))
    }

    /// Tells the store that nothing of the pod runs any more.
    async fn confirm(&mut self, site: &mut Site, object: &Object) -> Result<Option<Timestamp>, StoreError> {
        site.runtime.remove(&self.uid).await;
        let options = DeleteOptions { grace_s: Some(0), uid: Some(self.uid.clone()), ..Default::default() };
        match site.store.delete(object.key(), &options).await {
            Err(error) if !error.is_not_found() && !error.is_conflict() => return Err(error),
            _ => self.stage = Stage::Confirmed,
        }
        Ok(None)
    }

    /// Takes in what the runtime reports; true if it must be taken in once more.
    async fn observe(&mut self, site: &Site, object: &Object) -> bool {
        let report = site.runtime.report(&self.uid).await;
        let now = site.store.clock().now();
        let (happenings, is_behind) = self.containers.observe(&report, now);
        if is_behind || !happenings.is_empty() || report != self.report {
            self.shown = None;
        }
        if self.ended.is_none() {
            self.ended.clone_from(&report.ended);
        }
        self.report = report;
        telling::happenings(site, object, happenings).await;
        is_behind
    }

    async fn carry_out(
        &self,
        site: &Site,
        object: &Object,
        pod: &Pod,
        actions: Vec<Action>,
        grace: Duration,
    ) {
        for action in actions {
            match action {
                Action::Start { container, role, attempt } => {
                    let addresses = &self.addresses;
                    let order = Start { pod, container: &container, role, attempt, addresses };
                    site.runtime.start(order).await;
                }
                Action::Stop { container, why } => {
                    telling::stopping(site, object, &container, why == Why::DefinitionChanged).await;
                    site.runtime.stop(&self.uid, &container, grace).await;
                }
            }
        }
    }

    /// Writes the status, unless it is there already.
    async fn write(&mut self, site: &Site, object: &Object, is_over: bool) -> Result<(), StoreError> {
        if self.shown == Some(object.revision()) && !is_over {
            return Ok(());
        }
        let view = View {
            containers: &self.containers,
            addresses: &self.addresses,
            host: site.options.address,
            ended: self.ended.as_ref(),
            is_over,
        };
        let now = site.store.clock().now();
        let written = site.store.write_pod_status(object, |pod| status(pod, &view, now)).await?;
        self.shown = Some(written.revision());
        Ok(())
    }
}

fn is_on_host(pod: &Pod) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.host_network) == Some(true)
}

fn grace(spec: &PodSpec) -> Duration {
    let grace_s = spec.termination_grace_period_seconds.unwrap_or(GRACE_S_DEFAULT);
    Duration::from_secs(u64::try_from(grace_s).unwrap_or_default())
}
