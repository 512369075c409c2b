//! Names outside of our zones, asked of other servers.
//!
//! ```text
//!  respond: no zone holds it, RD, the client may ──► Pending ─┬─ remembered ─────────────┐
//!                                                             ├─ no slot free: SERVFAIL ─┤
//!                                                             └─ upstream.rs, one after  ▼
//!                                                                another ─► Outcome ─► Response
//! ```
//!
//! Nothing here knows a transport: a worker hands a [`Pending`] over to a task, a connection waits
//! for it beside its other questions.
//!
//! At its limits: [`WAITING_MAX`] questions wait for upstreams, [`WAITING_PER_CLIENT_MAX`] of one
//! client; what is beyond is answered SERVFAIL at once. Upstreams have their time
//! ([`UPSTREAMS_TIMEOUT`]), answers their memory ([`CACHE_ENTRIES_MAX`]).

mod outcome;
mod pending;
mod upstream;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use ipnet::IpNet;

pub use outcome::{Failure, Outcome};
pub use pending::Pending;
use upstream::Upstreams;
pub use upstream::{CACHE_ENTRIES_MAX, FAILURE_TTL_S, UPSTREAM_TIMEOUT, UPSTREAMS_TIMEOUT};

use crate::clock::{Clock, until};
use crate::metrics::{Forwarded, Metrics};

/// How many questions may wait for upstreams.
pub const WAITING_MAX: usize = 4096;
/// How many of them may be one client's.
pub const WAITING_PER_CLIENT_MAX: usize = 1024;

/// Why there is nobody to ask.
#[derive(Debug, thiserror::Error)]
#[error("the upstreams cannot be used: {0}")]
pub struct ForwardError(#[from] hickory_resolver::net::NetError);

/// The clients for whom names outside of our zones are resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients(pub Vec<IpNet>);

impl Clients {
    /// Whether `client` is one of them.
    pub fn allow(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.0.iter().any(|network| network.contains(&client))
    }
}

/// Asks upstreams, for as many clients at once as there are slots.
pub struct Forwarder {
    upstreams: Upstreams,
    waiting: Arc<Mutex<Waiting>>,
    metrics: Option<Arc<Metrics>>,
    clock: Clock,
}

impl Forwarder {
    /// One that asks the servers at `upstreams`, of which there has to be one, in this order.
    pub fn new(
        upstreams: &[SocketAddr],
        metrics: Option<Arc<Metrics>>,
        clock: Clock,
    ) -> Result<Self, ForwardError> {
        let upstreams = Upstreams::new(upstreams, clock.clone())?;
        Ok(Self { upstreams, waiting: Arc::default(), metrics, clock })
    }

    /// What can be said of a question at once; `None` if it has a slot now, to be asked with.
    pub(super) fn begin(&self, pending: &mut Pending) -> Option<Outcome> {
        if let Some(outcome) = self.upstreams.remembered(pending.name(), pending.record_type()) {
            self.count(Forwarded::Remembered);
            return Some(outcome);
        }
        let Some(slot) = Slot::take(&self.waiting, pending.asker().address) else {
            self.count(Forwarded::Crowded);
            return Some(Outcome::Failed(Failure::Crowded));
        };
        pending.keep(slot);
        None
    }

    /// What upstreams say.
    pub(super) async fn ask(&self, pending: &Pending) -> Outcome {
        let began = self.clock.now();
        let outcome = self.upstreams.ask(pending.name(), pending.record_type()).await;
        if let Some(metrics) = &self.metrics {
            metrics.upstream(until(began, self.clock.now()));
        }
        self.count(match &outcome {
            Outcome::Found { .. } => Forwarded::Answered,
            Outcome::Failed(_) => Forwarded::Failed,
        });
        outcome
    }

    fn count(&self, what: Forwarded) {
        if let Some(metrics) = &self.metrics {
            metrics.forwarded(what);
        }
    }
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forwarder")
    }
}

/// How many questions wait, by client.
#[derive(Debug, Default)]
struct Waiting {
    n: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// A place among the questions that wait; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    client: IpAddr,
    waiting: Arc<Mutex<Waiting>>,
}

impl Slot {
    fn take(waiting: &Arc<Mutex<Waiting>>, client: IpAddr) -> Option<Self> {
        let mut all = waiting.lock().expect("counting does not panic");
        if all.n >= WAITING_MAX || all.by_client.get(&client).is_some_and(|n| *n >= WAITING_PER_CLIENT_MAX) {
            return None;
        }
        all.n += 1;
        *all.by_client.entry(client).or_default() += 1;
        drop(all);
        Some(Self { client, waiting: waiting.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut all = self.waiting.lock().expect("counting does not panic");
        all.n -= 1;
        if let Some(n) = all.by_client.get_mut(&self.client) {
            *n -= 1;
            if *n == 0 {
                all.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests;
