//! Server-wide response policy: identity, cookies, TSIG keys, transfer ACL, recursion, rate limit.
//!
//! Set once, at the start; every worker and connection shares it. What a zone holds is not its matter.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::access::{Access, Clients};
use super::forward::Forwarder;
use super::limit::Limiter;
use crate::clock::Clock;
use crate::dns::message::cookie::Cookies;
use crate::dns::message::tsig::Keys;
use crate::metrics::Metrics;

/// How long a connection may be idle before it is closed. RFC 7766, 6.2.3 leaves it to the server and
/// speaks of seconds; clients that ask are told (RFC 7828).
pub const STREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Who is told why a name is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Explain {
    /// Nobody.
    Off,
    /// Clients on this machine: a reason names objects, which are not everybody's business.
    #[default]
    Loopback,
    /// Everybody.
    On,
}

impl Explain {
    pub(super) fn allows(self, client: IpAddr) -> bool {
        match self {
            Self::Off => false,
            Self::Loopback => client.to_canonical().is_loopback(),
            Self::On => true,
        }
    }
}

/// Which paths UDP requests take to a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paths {
    /// The fast path for all that it can answer.
    #[default]
    FastFirst,
    /// The ordinary path alone.
    OrdinaryOnly,
}

/// Recursion: names outside of our zones are resolved for some clients, by forwarding.
#[derive(Clone, Debug)]
pub struct Recursion {
    /// For whom. A server that resolves for the world is of use to those who forge their address
    /// (RFC 5358).
    pub clients: Clients,
    /// Who asks the upstreams.
    pub forwarder: Arc<Forwarder>,
}

/// What holds for every request, whatever it asks.
pub struct Policy {
    /// The server's identifier for clients that ask for it (NSID, RFC 5001).
    pub nsid: Option<String>,
    /// The TXT record of `id.server` and `hostname.bind` in class CH (RFC 4892); REFUSED if absent.
    pub dns_id: Option<String>,
    /// DNS cookies; none are sent if absent.
    pub cookies: Option<Cookies>,
    /// The TSIG keys.
    pub keys: Keys,
    /// Who may transfer zones.
    pub transfers: Access,
    /// Recursion, if it is offered to anybody.
    pub recursion: Option<Recursion>,
    /// Who is told reasons.
    pub explain: Explain,
    /// Which paths UDP requests take.
    pub paths: Paths,
    /// Response rate limiting, if there is any.
    pub limiter: Option<Arc<Limiter>>,
    /// Where responses are counted, if they are.
    pub metrics: Option<Arc<Metrics>>,
    /// The time of cookies, signatures and limits.
    pub clock: Clock,
}

impl Policy {
    /// Seconds since 1970.
    pub(super) fn now_s(&self) -> u64 {
        self.clock.now().as_second().max(0) as u64
    }

    /// Recursion, if this client may have it.
    pub(super) fn recursion_for(&self, client: IpAddr) -> Option<&Recursion> {
        self.recursion.as_ref().filter(|recursion| recursion.clients.allow(client))
    }
}

impl Default for Policy {
    /// No identity, no keys, no transfers, no recursion, no limits.
    fn default() -> Self {
        Self {
            nsid: None,
            dns_id: None,
            cookies: None,
            keys: Keys::default(),
            transfers: Access::default(),
            recursion: None,
            explain: Explain::default(),
            paths: Paths::default(),
            limiter: None,
            metrics: None,
            clock: Clock::system(),
        }
    }
}
