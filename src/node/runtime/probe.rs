//! What the agent asks of a runtime when a container is to be probed, and the answer.
//!
//! When to probe and what follows from the results is the agent's to decide.

use k8s_openapi::api::core::v1::{Container, Probe};

use crate::clock::Timestamp;
use crate::objects::probe::missing_port;

impl ProbeRequest<'_> {
    /// Why there is no port to ask, in the words of a kubelet, which are those of Go.
    pub fn port_error(&self) -> Option<String> {
        let (_, name) = missing_port(self.container, self.probe)?;
        Some(format!("strconv.Atoi: parsing \"{name}\": invalid syntax"))
    }
}

/// What a probe finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// Whether the container has started.
    Startup,
    /// Whether it can serve.
    Readiness,
    /// Whether it must be restarted.
    Liveness,
}

/// The order to probe a container once.
#[derive(Clone, Copy, Debug)]
pub struct ProbeRequest<'a> {
    /// The uid of its pod.
    pub pod_uid: &'a str,
    /// The container's spec, whose port names the probe may use.
    pub container: &'a Container,
    /// What is to be found out.
    pub kind: ProbeKind,
    /// How: command, HTTP, TCP or gRPC, and the timeout.
    pub probe: &'a Probe,
}

/// The result of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// It succeeded.
    Success,
    /// It failed; what it said.
    Failure(String),
    /// It could not be carried out, which changes nothing; why.
    Errored(String),
}

/// What a runtime answers to a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReply {
    /// The result.
    pub outcome: ProbeOutcome,
    /// Every probe before this instant would have the same result, so that it can be left out;
    /// `None` if that cannot be said, [`Timestamp::MAX`] if it holds for the rest of the run.
    pub holds_until: Option<Timestamp>,
}
