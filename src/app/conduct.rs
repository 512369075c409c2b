//! How DNS clients are met, as the settings ask for it: secrets are read, names are parsed.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::clock::Clock;
use crate::config::{KeyFile, WireSettings};
use crate::dns::conduct::Conduct;
use crate::dns::cookie::{Cookies, SECRET_LENGTH};
use crate::dns::transfer::{Access, Rule};
use crate::dns::tsig::{Key, Keys};

/// The longest text of an identifier, in octets.
const IDENTIFIER_LENGTH_MAX: usize = 255;

/// What the settings mean, for a server that asks nobody else.
pub(super) fn conduct(settings: &WireSettings, clock: &Clock) -> anyhow::Result<Conduct> {
    let keys: Vec<Key> = settings.tsig_key.iter().map(key).collect::<Result<_, _>>()?;
    let keys = Keys::new(keys);
    let rules: Vec<Rule> =
        settings.allow_transfer.iter().map(|text| rule(text, &keys)).collect::<Result<_, _>>()?;
    Ok(Conduct {
        nsid: identifier("--nsid", settings.nsid.as_ref())?,
        dns_id: identifier("--dns-id", settings.dns_id.as_ref())?,
        cookies: Some(Cookies::new(cookie_secret(settings.cookie_secret.as_deref())?)),
        keys,
        transfers: Access(rules),
        recursion: None,
        clock: clock.clone(),
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
