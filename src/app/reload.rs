//! Reading again while the server runs: what SIGHUP asks for.
//!
//! ```text
//!   new settings ─► policy made anew ─┬─ sound ──► swapped; secondaries told by it too
//!                                     └─ broken ─► the one before stays, and why is told
//!   certificate files ─► the same, on their own
//!   zone files, manifests ─► their followers read again and report as ever
//! ```
//!
//! Live are the keys, secrets, identities, limits and access lists, which are read where a request is
//! answered. What is bound, rendered into zones or wired at the start is not: [`is_live`] tells them apart.
//! Rate limits, random cookie secrets and connections to upstreams stay as they are unless their own
//! settings change.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use ipnet::IpNet;
use tokio::sync::Notify;

use super::policy::{self, Before};
use super::secondaries::{self, Announcer};
use crate::clock::Clock;
use crate::config::DnsSettings;
use crate::dns::service::policy::SharedPolicy;
use crate::dns::transport::CertificateFiles;
use crate::files::reload;

/// The settings that a running server takes up.
const LIVE: [&str; 12] = [
    "allow-transfer",
    "cookie-secret",
    "dns-id",
    "forward",
    "forward-allow",
    "notify",
    "nsid",
    "rrl",
    "rrl-exempt",
    "tls-cert",
    "tls-key",
    "tsig-key",
];

/// Whether a running server takes up a change of the setting of this name.
pub fn is_live(setting: &str) -> bool {
    LIVE.contains(&setting)
}

/// What reading again has brought for one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// What was read.
    pub what: String,
    /// What has become of it.
    pub outcome: String,
    /// Whether it was refused, and what was before stays in force.
    pub is_refused: bool,
}

impl Renewal {
    fn done(what: &str, outcome: impl Into<String>) -> Self {
        Self { what: what.to_owned(), outcome: outcome.into(), is_refused: false }
    }

    fn refused(what: &str, why: impl Into<String>) -> Self {
        Self { what: what.to_owned(), outcome: why.into(), is_refused: true }
    }
}

/// Asks the followers of files to read again.
#[derive(Clone, Debug, Default)]
pub(super) struct Again {
    pub(super) zone_files: Arc<Notify>,
    pub(super) manifests: reload::Reload,
}

/// What is renewed, and from which settings it was made.
pub(super) struct Reload {
    pub(super) dns: DnsSettings,
    pub(super) bound: Vec<SocketAddr>,
    pub(super) pod_networks: Vec<IpNet>,
    pub(super) policy: SharedPolicy,
    pub(super) certificate: Option<Arc<CertificateFiles>>,
    pub(super) announcer: Announcer,
    pub(super) again: Again,
}

impl Reload {
    pub(super) fn again(&mut self, settings: &DnsSettings, clock: &Clock) -> Vec<Renewal> {
        let mut renewals = vec![self.renew_policy(settings, clock)];
        renewals.extend(self.renew_certificate(settings));
        if self.dns.names.zones.is_some() {
            self.again.zone_files.notify_one();
            renewals.push(Renewal::done("zone files", "are read again"));
        }
        // The report of that reading tells what came of it.
        self.again.manifests.ask();
        renewals
    }

    fn renew_policy(&mut self, settings: &DnsSettings, clock: &Clock) -> Renewal {
        const WHAT: &str = "keys and access lists";
        let old = self.policy.load_full();
        let before = Some(Before { settings: &self.dns, policy: &old });
        let networks = &self.pod_networks;
        let made = policy::policy(settings, &self.bound, networks, old.metrics.clone(), clock, before)
            .and_then(|policy| Ok((secondaries::secondaries(&settings.wire, &policy.keys)?, policy)));
        let (targets, policy) = match made {
            Ok(made) => made,
            Err(error) => return Renewal::refused(WHAT, format!("{error:#}")),
        };
        let keys = policy.keys.differences(&old.keys);
        let has_other_targets = settings.wire.notify != self.dns.wire.notify;
        let outcome = match keys.as_slice() {
            [] => "read again; no key has changed".to_owned(),
            keys => format!("read again; changed: {}", keys.join(", ")),
        };
        self.policy.store(Arc::new(policy));
        tracing::info!(changed_keys = keys.len(), "the response policy is replaced");
        if has_other_targets || !keys.is_empty() {
            self.announcer.announce_to(targets);
        }
        let DnsSettings { forward, wire, rrl, rrl_exempt, .. } = settings.clone();
        self.dns = DnsSettings { forward, wire, rrl, rrl_exempt, ..self.dns.clone() };
        Renewal::done(WHAT, outcome)
    }

    fn renew_certificate(&mut self, settings: &DnsSettings) -> Option<Renewal> {
        let files = self.certificate.as_ref()?;
        let (Some(certificate), Some(key)) = (&settings.encrypted.tls_cert, &settings.encrypted.tls_key)
        else {
            return Some(Renewal::refused("certificate", "to do without its files needs a restart"));
        };
        let what = format!("certificate {}", certificate.display());
        Some(match files.read_again(Path::new(certificate), Path::new(key)) {
            Ok(true) => Renewal::done(&what, "replaced"),
            Ok(false) => Renewal::done(&what, "unchanged"),
            Err(error) => Renewal::refused(&what, format!("{error}; the last valid one stays in use")),
        })
    }
}
