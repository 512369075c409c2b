//! Server-wide response policy: identity, cookies, TSIG keys, transfer ACL, recursion, rate limit.
//!
//! Shared by all workers and connections, and swapped as a whole when settings are read again. Independent
//! of what the zones contain.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::access::{Access, Clients};
use super::forward::Forwarder;
use super::limit::Limiter;
use crate::clock::Clock;
use crate::dns::message::cookie::Cookies;
use crate::dns::message::tsig::Keys;
use crate::metrics::Metrics;

/// Idle timeout of connections. RFC 7766, 6.2.3 leaves it to the server and recommends a few seconds;
/// clients that send edns-tcp-keepalive are told (RFC 7828).
pub const STREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Which clients get the reason why a name does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Explain {
    /// Nobody.
    Off,
    /// Clients on this machine only: a reason discloses names and states of objects.
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

/// Recursion by forwarding: names outside of our zones are resolved for some clients.
#[derive(Clone, Debug)]
pub struct Recursion {
    /// The clients that may recurse. An open resolver can be used for reflection attacks (RFC 5358).
    pub clients: Clients,
    /// Asks the upstreams.
    pub forwarder: Arc<Forwarder>,
}

/// The policy in force; a request is answered by one from its beginning to its end.
pub type SharedPolicy = Arc<ArcSwap<Policy>>;

/// The response policy.
pub struct Policy {
    /// The NSID, for clients that request it (RFC 5001).
    pub nsid: Option<String>,
    /// The TXT record of `id.server` and `hostname.bind` in class CH (RFC 4892); REFUSED if absent.
    pub dns_id: Option<String>,
    /// DNS cookies; none are sent if absent.
    pub cookies: Option<Cookies>,
    /// The TSIG keys.
    pub keys: Keys,
    /// Who may transfer zones.
    pub transfers: Access,
    /// Recursion, if offered at all.
    pub recursion: Option<Recursion>,
    /// Which clients get reasons.
    pub explain: Explain,
    /// Which paths UDP requests take.
    pub paths: Paths,
    /// Response rate limiting, if there is any.
    pub limiter: Option<Arc<Limiter>>,
    /// Counters of responses, if they are kept.
    pub metrics: Option<Arc<Metrics>>,
    /// The clock for cookies, TSIG and rate limiting.
    pub clock: Clock,
}

impl Policy {
    /// Seconds since the epoch.
    pub(super) fn now_s(&self) -> u64 {
        self.clock.now().as_second().max(0) as u64
    }

    /// Recursion, if this client may recurse.
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
