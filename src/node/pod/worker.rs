//! Carries the steps of one pod out: asks the runtime, writes the status, gives the orders.
//!
//! The calls of one pod are awaited one after the other; nobody else waits for them. A status that
//! cannot be written holds no order up, since orders are decided only once.

use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, PodStatus};
use tracing::warn;

use super::awaited::Awaited;
use super::events;
use super::needs::{Needs, Unmounted};
use super::sandbox::hostname;
use super::state::{Finish, Order, PodState};
use crate::clock::Timestamp;
use crate::node::context::Context;
use crate::node::recorder::PodEvent;
use crate::node::runtime::{
    ProbeKind, ProbeReply, ProbeRequest, RuntimeError, Sandbox, StartContainer, Survivor,
};
use crate::objects::{Object, pod};
use crate::store::{DeleteOptions, StoreError};

/// A pod on this node, and what it takes to carry its steps out.
pub(in crate::node) struct PodWorker {
    state: PodState,
    needs: Needs,
    /// What the runtime must adopt; `None` once it has.
    survivors: Option<Vec<Survivor>>,
    has_reported_sandbox: bool,
}

/// The addresses for a new sandbox.
pub(in crate::node) enum AddressGrant {
    /// None were asked for.
    NotWanted,
    /// These are the pod's.
    Given(Vec<IpAddr>),
    /// None are free in these networks.
    Exhausted(String),
}

/// What follows from a turn.
#[derive(Default)]
pub(in crate::node) struct Turn {
    /// When the next one is due without a change.
    pub(in crate::node) due: Option<Timestamp>,
    /// Probes to carry out.
    pub(in crate::node) probes: Vec<Probing>,
    /// A write that failed.
    pub(in crate::node) error: Option<StoreError>,
    /// The objects without which it goes no further.
    pub(in crate::node) awaited: Awaited,
}

/// A probe of one run of a container.
#[derive(Clone)]
pub(in crate::node) struct Probing {
    pub(in crate::node) object: Object,
    pub(in crate::node) container: String,
    pub(in crate::node) attempt: u32,
    pub(in crate::node) kind: ProbeKind,
}

/// After this time an order that failed is given again.
const RETRY: Duration = Duration::from_secs(1);
/// After this time a pod without a sandbox tries again.
const SANDBOX_RETRY: Duration = Duration::from_secs(10);

impl PodWorker {
    /// Admits a pod: a new one, or one that ran before this process began.
    pub(in crate::node) fn admit(context: &Context, object: &Object, pod: &Pod, held: Vec<IpAddr>) -> Self {
        let (host, now) = (context.options.address, context.store.clock().now());
        let (state, survivors) = PodState::admit(pod, held, host, now);
        let must_adopt = state.is_waiting();
        if must_adopt {
            let complaints = context.runtime.complaints(pod).into_iter();
            context.events.add(object, complaints.map(events::invalid_annotation).collect());
        }
        let needs = Needs::new(!survivors.is_empty());
        Self { state, needs, survivors: must_adopt.then_some(survivors), has_reported_sandbox: false }
    }

    /// Whether it waits for an address.
    pub(in crate::node) fn wants_address(&self) -> bool {
        self.state.is_waiting()
    }

    /// Does all that is to be done now.
    pub(in crate::node) async fn turn(
        &mut self,
        context: &Context,
        object: &Object,
        grant: AddressGrant,
    ) -> Turn {
        let Some(pod) = object.get::<Pod>() else { return Turn::default() };
        let clock = context.store.clock();
        if let Some(survivors) = &self.survivors {
            if let Err(error) = context.runtime.adopt(pod, survivors).await {
                warn!(pod = %object.key(), %error, "cannot adopt the pod; will try again");
                return Turn { due: Some(clock.now() + RETRY), ..Turn::default() };
            }
            self.survivors = None;
        }
        self.state.note_deletion(object, clock.now());
        if self.state.is_waiting()
            && let Err(turn) = self.enter(context, object, pod, grant).await
        {
            return turn;
        }
        if self.needs.take_change(context) {
            self.state.retry(clock.now());
        }
        let report = match self.state.is_live() {
            true => context.runtime.report(object.uid()).await.ok(),
            false => None,
        };
        let step = self.state.step(object, report, clock.now());
        let mut recorded = Vec::new();
        for observation in step.observations {
            events::extend(&mut recorded, object, observation);
        }
        context.events.add(object, recorded);
        let mut turn = Turn { due: step.due, ..Turn::default() };
        let mut is_told = true;
        if let Some(status) = step.status {
            match self.write(context, object, status).await {
                Ok(is_written) => is_told = is_written,
                Err(error) => turn.error = Some(error),
            }
        }
        for order in step.orders {
            turn.due = self.carry_out(context, object, pod, order).await.or(turn.due);
        }
        // Nothing is told of a pod that has been finished. If someone else wrote it meanwhile, that event
        // gives it another turn.
        if let (Some(finish), None, true) = (step.finish, &turn.error, is_told) {
            self.finish(context, object, finish, &mut turn).await;
        }
        let probing =
            |(container, attempt, kind)| Probing { object: object.clone(), container, attempt, kind };
        turn.probes = step.probes.into_iter().map(probing).collect();
        turn.awaited = self.needs.awaited(true);
        turn
    }

    /// Takes in the answer to a probe, `None` if there was none.
    pub(in crate::node) fn probed(
        &mut self,
        context: &Context,
        probing: &Probing,
        reply: Option<&ProbeReply>,
    ) {
        let now = context.store.clock().now();
        let probe = (probing.container.as_str(), probing.attempt, probing.kind);
        if let Some(observation) = self.state.probed(probe, reply, now) {
            let mut recorded = Vec::new();
            events::extend(&mut recorded, &probing.object, observation);
            context.events.add(&probing.object, recorded);
        }
    }

    /// Creates the sandbox; the error is what follows if there is none yet.
    async fn enter(
        &mut self,
        context: &Context,
        object: &Object,
        pod: &Pod,
        grant: AddressGrant,
    ) -> Result<(), Turn> {
        if matches!(grant, AddressGrant::NotWanted) {
            return Ok(());
        }
        if let Err(Unmounted { events, due }) = self.needs.mount(context, pod) {
            return Err(self.wait(context, object, events, due).await);
        }
        let created = match grant {
            AddressGrant::NotWanted => return Ok(()),
            AddressGrant::Exhausted(networks) => {
                Err(format!("no free address is left in pod network {networks}"))
            }
            AddressGrant::Given(addresses) => {
                let hostname = hostname(pod, &context.options.name);
                let sandbox = Sandbox { pod, hostname: &hostname, addresses: &addresses, resolv_conf: None };
                let ensured = context.runtime.ensure_sandbox(sandbox).await;
                ensured.map(|()| addresses).map_err(|error| error.to_string())
            }
        };
        let why = match created {
            Ok(addresses) => {
                self.state.enter(addresses);
                let missing = Needs::missing_pull_secrets(context, object, pod);
                context.events.add(object, missing.into_iter().collect());
                return Ok(());
            }
            Err(why) => why,
        };
        let is_new = !std::mem::replace(&mut self.has_reported_sandbox, true);
        let events = is_new.then(|| events::failed_sandbox(&why)).into_iter().collect();
        let due = context.store.clock().now() + SANDBOX_RETRY;
        Err(self.wait(context, object, events, due).await)
    }

    /// Stays without a sandbox until `due`.
    async fn wait(
        &mut self,
        context: &Context,
        object: &Object,
        events: Vec<PodEvent>,
        due: Timestamp,
    ) -> Turn {
        let mut turn = Turn { due: Some(due), awaited: self.needs.awaited(false), ..Turn::default() };
        if let Some(status) = self.state.step(object, None, context.store.clock().now()).status {
            turn.error = self.write(context, object, status).await.err();
        }
        context.events.add(object, events);
        turn
    }

    /// Writes a status that was made from `object`. If somebody else has written meanwhile, the
    /// next step makes another one.
    async fn write(
        &mut self,
        context: &Context,
        object: &Object,
        status: PodStatus,
    ) -> Result<bool, StoreError> {
        let (status, is_behind) = (Mutex::new(Some(status)), Mutex::new(false));
        let take = |pod: &Pod| {
            let status = status.lock().expect("nothing panics while the status is held").take();
            status.unwrap_or_else(|| {
                *is_behind.lock().expect("nothing panics while the flag is held") = true;
                pod.status.clone().unwrap_or_default()
            })
        };
        let written = context.store.write_pod_status(object, take).await;
        let is_behind = *is_behind.lock().expect("nothing panics while the flag is held");
        match &written {
            Ok(written) if !is_behind => self.state.is_written(written.revision()),
            _ => self.state.is_not_written(),
        }
        written.map(|_| !is_behind)
    }

    /// Gives an order; returns when the next step is due if it failed.
    async fn carry_out(
        &mut self,
        context: &Context,
        object: &Object,
        pod: &Pod,
        order: Order,
    ) -> Option<Timestamp> {
        let now = || context.store.clock().now();
        match order {
            Order::Start { container, role, attempt } => {
                let spec = pod::find_container(pod, &container)?;
                let started = match self.needs.environment(context, pod, spec, self.state.addresses()) {
                    Ok(environment) => {
                        let environment = environment.as_slice();
                        let order =
                            StartContainer { pod, container: spec, role, attempt, environment, mounts: &[] };
                        context.runtime.start(order).await
                    }
                    Err(error) => Err(error),
                };
                let error = started.err()?;
                let observation = self.state.refused(&container, &error, now())?;
                let mut recorded = Vec::new();
                events::extend(&mut recorded, object, observation);
                context.events.add(object, recorded);
                Some(now())
            }
            Order::Stop { container, grace } => {
                let error = context.runtime.stop(object.uid(), &container, grace).await.err()?;
                warn!(pod = %object.key(), container, %error, "cannot stop the container; will try again");
                self.state.not_stopped(&container);
                Some(now() + RETRY)
            }
        }
    }

    /// Ends a stage.
    async fn finish(&mut self, context: &Context, object: &Object, finish: Finish, turn: &mut Turn) {
        let uid = object.uid();
        let removed = match finish {
            Finish::Stop => context.runtime.stop_sandbox(uid).await,
            Finish::Delete => context.runtime.remove_sandbox(uid).await,
        };
        if let Err(error) = removed {
            warn!(pod = %object.key(), %error, "cannot end the pod's sandbox; will try again");
            turn.due = Some(context.store.clock().now() + RETRY);
            return;
        }
        if finish == Finish::Delete {
            let options = DeleteOptions { grace_s: Some(0), uid: Some(uid.to_owned()), ..Default::default() };
            match context.store.delete(object.key(), &options).await {
                Err(error) if !error.is_not_found() && !error.is_conflict() => {
                    turn.error = Some(error);
                    return;
                }
                _ => {}
            }
        }
        self.state.finished(finish);
    }
}

/// Carries a probe out.
pub(in crate::node) async fn probe(context: &Context, probing: &Probing) -> Result<ProbeReply, RuntimeError> {
    let gone = || RuntimeError::Unavailable("the container is not in the pod's spec".to_owned());
    let pod = probing.object.get::<Pod>().ok_or_else(gone)?;
    let container = pod::find_container(pod, &probing.container).ok_or_else(gone)?;
    let probe = match probing.kind {
        ProbeKind::Startup => &container.startup_probe,
        ProbeKind::Readiness => &container.readiness_probe,
        ProbeKind::Liveness => &container.liveness_probe,
    };
    let probe = probe.as_ref().ok_or_else(gone)?;
    let request = ProbeRequest { pod_uid: probing.object.uid(), container, kind: probing.kind, probe };
    context.runtime.probe(request).await
}
