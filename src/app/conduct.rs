//! How DNS clients and secondaries are met, as the settings ask for it: secrets are read, names are
//! parsed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use hickory_proto::rr::Name;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::zones::domain;
use crate::clock::Clock;
use crate::config::{DnsSettings, KeyFile, Secondary, WireSettings};
use crate::dns::message::cookie::{Cookies, SECRET_LENGTH};
use crate::dns::message::name::WireName;
use crate::dns::message::tsig::{Key, Keys};
use crate::dns::secondary::catalog::Catalog;
use crate::dns::secondary::notification::{TARGETS_MAX, Target};
use crate::dns::secondary::serials::Serials;
use crate::dns::service::access::{Access, Rule};
use crate::dns::service::policy::Policy;
use crate::dns::zone::Zone;
use crate::names::render::reverse;

/// The longest text of an identifier, in octets.
const IDENTIFIER_LENGTH_MAX: usize = 255;

/// Identity, cookies, TSIG keys and transfer ACL as the settings ask for them.
pub(super) fn policy(settings: &WireSettings, clock: &Clock) -> anyhow::Result<Policy> {
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

/// The catalog zone, if there is to be one; no other zone may have its name, nor a reverse zone, which
/// may come to be served at any time.
pub(super) fn catalog(settings: &DnsSettings, static_zones: &[Zone]) -> anyhow::Result<Option<Catalog>> {
    let Some(text) = &settings.wire.catalog else { return Ok(None) };
    let apex = domain("--catalog", text)?;
    let is_taken = domain("--cluster-domain", &settings.cluster_domain)? == apex
        || static_zones.iter().any(|zone| zone.apex() == &apex);
    if is_taken {
        bail!(
            "--catalog: {apex} is the name of a zone that is served already; name another such as catalog.invalid"
        );
    }
    if reverse::is_reverse(&WireName::of(&apex)) {
        bail!("--catalog: {apex} is the name of a reverse zone; name another such as catalog.invalid");
    }
    Catalog::new(&apex).map(Some).context("--catalog: the name leaves no room for its members")
}

/// Serials that do not fall over a restart, or the clock's if they cannot be kept.
pub(super) fn serials(folder: Option<PathBuf>, clock: &Clock) -> Serials {
    let because = match folder.map(|folder| Serials::kept_in(&folder, clock.now())) {
        Some(Ok(serials)) => return serials,
        Some(Err(error)) => error.to_string(),
        None => "there is no home folder".to_owned(),
    };
    tracing::warn!(
        "serials of zones begin at the clock and may fall when the server is started again: {because}; name a folder with --state-dir"
    );
    Serials::from_clock(clock.now())
}

/// Who is told of changes. Their keys are among `keys`.
pub(super) fn secondaries(settings: &WireSettings, keys: &Keys) -> anyhow::Result<Vec<Target>> {
    if settings.notify.len() > TARGETS_MAX {
        bail!("--notify: {} secondaries are named; at most {TARGETS_MAX} can be told", settings.notify.len());
    }
    let mut targets: Vec<Target> = Vec::new();
    for Secondary { address, key } in &settings.notify {
        if targets.iter().any(|target| target.address == *address) {
            bail!("--notify: {address} is named twice; remove one");
        }
        if address.ip().is_unspecified() || address.port() == 0 {
            bail!("--notify: nobody can be told at {address}; name the secondary's own address");
        }
        let key = key.as_ref().map(|name| notify_key(name, keys)).transpose()?;
        targets.push(Target { address: *address, key });
    }
    Ok(targets)
}

fn notify_key(name: &str, keys: &Keys) -> anyhow::Result<Arc<Key>> {
    let parsed = Name::from_ascii(name).map_err(|_| anyhow!("--notify: \"{name}\" is not a domain name"))?;
    let key = keys.get(&WireName::of(&parsed)).cloned();
    key.with_context(|| format!("--notify: there is no key {name}; name its file with --tsig-key"))
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
