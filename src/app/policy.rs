//! The response policy, from the settings: identity, cookies, TSIG keys, transfers, recursion, limits.
//!
//! Secrets are read from their files here; what is wrong with a flag or a file is said with its name.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use ipnet::IpNet;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::forward;
use crate::clock::Clock;
use crate::config::{DnsSettings, ExplainMode, KeyFile, WireSettings};
use crate::dns::message::cookie::{Cookies, SECRET_LENGTH};
use crate::dns::message::tsig::{Key, Keys};
use crate::dns::service::access::{Access, Rule};
use crate::dns::service::limit::{LimitOptions, Limiter};
use crate::dns::service::policy::{Explain, Paths, Policy};
use crate::metrics::Metrics;

/// The longest text of an identifier, in octets.
const IDENTIFIER_LENGTH_MAX: usize = 255;

/// The policy that is in force, of which some is kept if its settings are the same.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) settings: &'a DnsSettings,
    pub(super) policy: &'a Policy,
}

/// The policy of a server that is bound to these addresses.
pub(super) fn policy(
    dns: &DnsSettings,
    bound: &[SocketAddr],
    pod_networks: &[IpNet],
    metrics: Option<Arc<Metrics>>,
    clock: &Clock,
    before: Option<Before<'_>>,
) -> anyhow::Result<Policy> {
    let recursion = match before {
        Some(before) if before.settings.forward == dns.forward => before.policy.recursion.clone(),
        _ => forward::recursion(&dns.forward, bound, pod_networks, metrics.clone(), clock)?,
    };
    let limiter = match before {
        Some(Before { settings, policy })
            if (settings.rrl, &settings.rrl_exempt) == (dns.rrl, &dns.rrl_exempt) =>
        {
            policy.limiter.clone()
        }
        _ => NonZeroU32::new(dns.rrl).map(|per_second| {
            Arc::new(Limiter::new(LimitOptions { per_second, exempt: dns.rrl_exempt.clone() }))
        }),
    };
    let mut identity = identity(&dns.wire, clock)?;
    if let Some(before) = before.filter(|_| dns.wire.cookie_secret.is_none())
        && before.settings.wire.cookie_secret.is_none()
    {
        identity.cookies = before.policy.cookies.clone();
    }
    Ok(Policy {
        recursion,
        explain: match before.map_or(dns.explain, |before| before.settings.explain) {
            ExplainMode::Off => Explain::Off,
            ExplainMode::Loopback => Explain::Loopback,
            ExplainMode::On => Explain::On,
        },
        paths: if dns.no_fast_path { Paths::OrdinaryOnly } else { Paths::FastFirst },
        limiter,
        metrics,
        ..identity
    })
}

/// Identity, cookies, TSIG keys and the transfer ACL.
fn identity(settings: &WireSettings, clock: &Clock) -> anyhow::Result<Policy> {
    let keys: Vec<Key> = settings.tsig_key.iter().map(key).collect::<Result<_, _>>()?;
    let mut names = BTreeSet::new();
    if let Some(key) = keys.iter().find(|key| !names.insert(key.name())) {
        bail!("--tsig-key: {} is named twice; remove one", key.name());
    }
    let keys = Keys::new(keys);
    let rules: Vec<Rule> =
        settings.allow_transfer.iter().map(|text| rule(text, &keys)).collect::<Result<_, _>>()?;
    Ok(Policy {
        nsid: identifier("--nsid", settings.nsid.as_ref())?,
        dns_id: identifier("--dns-id", settings.dns_id.as_ref())?,
        cookies: Some(Cookies::new(cookie_secret(settings.cookie_secret.as_deref())?)),
        keys,
        transfers: Access(rules),
        clock: clock.clone(),
        ..Policy::default()
    })
}

fn identifier(flag: &str, text: Option<&String>) -> anyhow::Result<Option<String>> {
    match text {
        Some(text) if text.len() > IDENTIFIER_LENGTH_MAX => {
            bail!("{flag}: the text has {} octets; at most {IDENTIFIER_LENGTH_MAX} can be sent", text.len())
        }
        text => Ok(text.cloned()),
    }
}

fn key(setting: &KeyFile) -> anyhow::Result<Key> {
    let file = setting.file.display();
    let secret =
        std::fs::read_to_string(&setting.file).with_context(|| format!("--tsig-key: cannot read {file}"))?;
    Key::new(&setting.name, &setting.algorithm, &secret)
        .map_err(|error| anyhow!("--tsig-key: {file}: {error}"))
}

fn rule(text: &str, keys: &Keys) -> anyhow::Result<Rule> {
    let rule: Rule = text.parse().map_err(|error| anyhow!("--allow-transfer: {error}"))?;
    match &rule {
        Rule::Key(name) if keys.get(name).is_none() => {
            bail!("--allow-transfer: there is no key {name}; name its file with --tsig-key")
        }
        _ => Ok(rule),
    }
}

fn cookie_secret(file: Option<&Path>) -> anyhow::Result<[u8; SECRET_LENGTH]> {
    let Some(path) = file else { return Ok(StdRng::from_os_rng().random()) };
    let file = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("--cookie-secret: cannot read {file}"))?;
    let text = text.trim();
    let number = (text.len() == 2 * SECRET_LENGTH).then(|| u128::from_str_radix(text, 16).ok()).flatten();
    let number = number.with_context(|| {
        format!("--cookie-secret: {file} does not hold 32 hexadecimal digits; make some with: openssl rand -hex 16")
    })?;
    Ok(number.to_be_bytes())
}
