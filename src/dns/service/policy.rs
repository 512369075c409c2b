//! How the server conducts itself towards clients: what it calls itself, which keys and cookies it
//! knows, who may copy its zones. Set once, at the start.

use super::access::Access;
use super::forward::Clients;
use crate::clock::Clock;
use crate::dns::message::cookie::Cookies;
use crate::dns::message::tsig::Keys;

/// What holds for every request besides the zones.
#[derive(Debug)]
pub struct Conduct {
    /// What is answered to a client that asks for the server's identifier (NSID, RFC 5001).
    pub nsid: Option<String>,
    /// What `id.server` and `hostname.bind` are in class CH (RFC 4892); REFUSED if absent.
    pub dns_id: Option<String>,
    /// DNS cookies; none are given if absent.
    pub cookies: Option<Cookies>,
    /// The keys of transaction signatures.
    pub keys: Keys,
    /// Who may transfer zones.
    pub transfers: Access,
    /// For whom names outside of our zones are asked of others; `None` if there is nobody to ask.
    pub recursion: Option<Clients>,
    /// The time of cookies and signatures.
    pub clock: Clock,
}

impl Default for Conduct {
    /// Nothing is told, nobody may transfer.
    fn default() -> Self {
        Self {
            nsid: None,
            dns_id: None,
            cookies: None,
            keys: Keys::default(),
            transfers: Access::default(),
            recursion: None,
            clock: Clock::system(),
        }
    }
}
