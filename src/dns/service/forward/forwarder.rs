//! The forwarder: cache first, then a slot, then the upstreams; everything is counted.
//!
//! A cached outcome, positive, negative or failed, needs no slot. Without a free slot the outcome is a
//! failure at once, so a client never queues.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_proto::rr::{Name, RecordType};

use super::outcome::{Failure, Outcome};
use super::slots::{Slot, Slots};
use super::upstream::Upstreams;
use crate::clock::{Clock, until};
use crate::metrics::{Forwarded, Metrics};

/// The upstreams cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the upstreams cannot be used: {0}")]
pub struct ForwardError(#[from] hickory_resolver::net::NetError);

/// Whether a question has to wait.
#[derive(Debug)]
pub enum Admission {
    /// The outcome is known: cached, or there is no free slot.
    Known(Outcome),
    /// Upstreams have to be asked; the question waits in this slot.
    Waiting(Slot),
}

/// Asks upstreams.
pub struct Forwarder {
    upstreams: Upstreams,
    slots: Slots,
    metrics: Option<Arc<Metrics>>,
    clock: Clock,
}

impl Forwarder {
    /// A forwarder to the servers at `upstreams`, of which there must be at least one, in this order.
    pub fn new(
        upstreams: &[SocketAddr],
        metrics: Option<Arc<Metrics>>,
        clock: Clock,
    ) -> Result<Self, ForwardError> {
        let upstreams = Upstreams::new(upstreams, clock.clone())?;
        Ok(Self { upstreams, slots: Slots::default(), metrics, clock })
    }

    /// The outcome of a question of `client` if it is known, else a slot.
    pub(in crate::dns::service) fn admit(
        &self,
        name: &Name,
        record_type: RecordType,
        client: IpAddr,
    ) -> Admission {
        if let Some(outcome) = self.upstreams.remembered(name, record_type) {
            self.count(Forwarded::Remembered);
            return Admission::Known(outcome);
        }
        match self.slots.take(client) {
            Some(slot) => Admission::Waiting(slot),
            None => {
                self.count(Forwarded::Crowded);
                Admission::Known(Outcome::Failed(Failure::Crowded))
            }
        }
    }

    /// Asks the upstreams.
    pub(in crate::dns::service) async fn ask(&self, name: &Name, record_type: RecordType) -> Outcome {
        let began = self.clock.now();
        let outcome = self.upstreams.ask(name, record_type).await;
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
