//! The parameters of SVCB and HTTPS records (RFC 9460).
//!
//! Values are undone twice: the escapes of all text first, then, in lists, those of commas
//! (appendix A.1). What is wrong in itself is refused here, as section 2.4.3 wants of zone files.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::format::too_early;
use super::text::Token;
use super::{fields, words};

const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6HINT: u16 = 6;
const DOHPATH: u16 = 7;
const OHTTP: u16 = 8;
/// Reserved (section 14.3.2).
const INVALID: u16 = 65535;

/// Section 14.3.2, RFC 9461 section 5 and RFC 9540 section 4.
const NAMES: [(&str, u16); 9] = [
    ("mandatory", MANDATORY),
    ("alpn", ALPN),
    ("no-default-alpn", NO_DEFAULT_ALPN),
    ("port", PORT),
    ("ipv4hint", IPV4HINT),
    ("ech", ECH),
    ("ipv6hint", IPV6HINT),
    ("dohpath", DOHPATH),
    ("ohttp", OHTTP),
];

/// The parameters that are written, in any order, in wire form.
pub(super) fn octets(tokens: &[Token]) -> Result<Vec<u8>, String> {
    let mut params = BTreeMap::new();
    let mut rest = tokens;
    while !rest.is_empty() {
        let (name, text, after) = first_param(rest)?;
        let key = key(name)?;
        let value = value(key, name, text).map_err(|reason| format!("{name}: {reason}"))?;
        if params.insert(key, value).is_some() {
            return Err(format!("{name} is there twice; remove one"));
        }
        rest = after;
    }
    let mut octets = Vec::new();
    for (key, value) in params {
        let too_long = |_| format!("{} is longer than 65535 octets", name_of(key));
        octets.extend(key.to_be_bytes());
        octets.extend(u16::try_from(value.len()).map_err(too_long)?.to_be_bytes());
        octets.extend(value);
    }
    check(&octets)?;
    Ok(octets)
}

/// Whether parameters in wire form are in order and agree with each other, or why they do not.
pub(super) fn check(octets: &[u8]) -> Result<(), String> {
    let mut params = BTreeMap::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let (&[k0, k1, l0, l1], after) = rest.split_first_chunk().ok_or_else(too_early)?;
        let (key, length) = (u16::from_be_bytes([k0, k1]), u16::from_be_bytes([l0, l1]));
        let (value, after) = after.split_at_checked(usize::from(length)).ok_or_else(too_early)?;
        if params.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err("its keys must ascend".to_owned());
        }
        check_value(key, value).map_err(|reason| format!("{}: {reason}", name_of(key)))?;
        params.insert(key, value);
        rest = after;
    }
    if params.contains_key(&NO_DEFAULT_ALPN) && !params.contains_key(&ALPN) {
        return Err("no-default-alpn without alpn leaves no protocol; add alpn=...".to_owned());
    }
    let mandatory = params.get(&MANDATORY).copied().unwrap_or_default().chunks(2);
    let mut mandatory = mandatory.map(|key| u16::from_be_bytes([key[0], key[1]]));
    match mandatory.find(|key| !params.contains_key(key)) {
        Some(missing) => Err(format!("{0} is mandatory but not there; add {0}=...", name_of(missing))),
        None => Ok(()),
    }
}

/// The name and the value of the first parameter, and the tokens after it.
fn first_param(tokens: &[Token]) -> Result<(&str, &str, &[Token]), String> {
    let (token, rest) = tokens.split_first().expect("there is a token");
    if token.is_quoted {
        return Err(format!("`\"{}\"` is no parameter; write key=\"value\"", token.text));
    }
    let (name, value, rest) = match (token.text.split_once('='), rest) {
        (Some((name, "")), [quoted, rest @ ..]) if quoted.is_quoted && quoted.is_joined => {
            (name, quoted.text.as_str(), rest)
        }
        (Some((name, value)), _) => (name, value, rest),
        (None, _) => (token.text.as_str(), "", rest),
    };
    match rest {
        [joined, ..] if joined.is_joined => {
            Err(format!("`{}` goes on after a value; separate it by a blank", joined.text))
        }
        _ => Ok((name, value, rest)),
    }
}

fn key(name: &str) -> Result<u16, String> {
    let registered = NAMES.iter().find(|(registered, _)| *registered == name).map(|(_, key)| *key);
    registered.or_else(|| number_in(name)).ok_or_else(|| {
        format!("`{name}` is no parameter that is known; write it as key<number>, from 0 to 65534")
    })
}

/// The number in `key<number>`, which has no leading zeros (section 2.1).
fn number_in(name: &str) -> Option<u16> {
    let number: u16 = name.strip_prefix("key")?.parse().ok()?;
    (format!("key{number}") == name && number != INVALID).then_some(number)
}

fn name_of(key: u16) -> String {
    let registered = NAMES.iter().find(|(_, number)| *number == key);
    registered.map_or_else(|| format!("key{key}"), |(name, _)| (*name).to_owned())
}

/// What `text` says in wire form. Under `key<number>` it is that already, and nothing is nothing.
fn value(key: u16, name: &str, text: &str) -> Result<Vec<u8>, String> {
    let octets = words::octets(text)?;
    if number_in(name).is_some() || octets.is_empty() {
        return Ok(octets);
    }
    let plain = || String::from_utf8_lossy(&octets).into_owned();
    Ok(match key {
        MANDATORY => mandatory(&plain())?,
        ALPN => protocols(&octets)?,
        PORT => (fields::number(&plain(), u16::MAX.into())? as u16).to_be_bytes().to_vec(),
        IPV4HINT => addresses(&plain(), "IPv4", |address: Ipv4Addr| address.octets())?,
        IPV6HINT => addresses(&plain(), "IPv6", |address: Ipv6Addr| address.octets())?,
        ECH => fields::of_base64(&plain())?,
        _ => octets,
    })
}

fn mandatory(list: &str) -> Result<Vec<u8>, String> {
    let mut keys = list.split(',').map(key).collect::<Result<Vec<_>, _>>()?;
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{} is there twice; remove one", name_of(pair[0]))),
        None => Ok(keys.into_iter().flat_map(u16::to_be_bytes).collect()),
    }
}

fn protocols(list: &[u8]) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    for protocol in items(list)? {
        let length = u8::try_from(protocol.len()).ok().filter(|length| *length > 0);
        octets.push(length.ok_or("a protocol is text of 1 to 255 octets, for example h2")?);
        octets.extend(protocol);
    }
    Ok(octets)
}

/// The items of a list with commas and backslashes in them escaped (appendix A.1).
fn items(list: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut items = vec![Vec::new()];
    let mut rest = list;
    loop {
        let item = items.last_mut().expect("there is one from the beginning");
        rest = match rest {
            [] => return Ok(items),
            [b'\\', escaped @ (b',' | b'\\'), after @ ..] => {
                item.push(*escaped);
                after
            }
            [b'\\', ..] => return Err("in a list a backslash is written \\\\\\\\, a comma \\\\,".to_owned()),
            [b',', after @ ..] => {
                items.push(Vec::new());
                after
            }
            [octet, after @ ..] => {
                item.push(*octet);
                after
            }
        };
    }
}

fn addresses<T: std::str::FromStr, const N: usize>(
    list: &str,
    family: &str,
    octets: impl Fn(T) -> [u8; N],
) -> Result<Vec<u8>, String> {
    let address =
        |text: &str| text.parse().map(&octets).map_err(|_| format!("`{text}` is no {family} address"));
    Ok(list.split(',').map(address).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Whether a value in wire form is one of its key (section 7), or why it is not.
fn check_value(key: u16, value: &[u8]) -> Result<(), String> {
    let is_of = |length: usize| !value.is_empty() && value.len().is_multiple_of(length);
    let (is_good, example) = match key {
        MANDATORY => return check_mandatory(value),
        ALPN => return check_protocols(value),
        NO_DEFAULT_ALPN | OHTTP if !value.is_empty() => return Err("it has no value; remove that".to_owned()),
        PORT => (value.len() == 2, "port=443"),
        IPV4HINT => (is_of(4), "ipv4hint=192.0.2.1"),
        IPV6HINT => (is_of(16), "ipv6hint=2001:db8::1"),
        ECH => (!value.is_empty(), "ech=base64"),
        DOHPATH if !has_dns_variable(value) => {
            return Err("it is a path with the variable dns, for example /dns-query{?dns}".to_owned());
        }
        INVALID => return Err("the number is reserved; use one up to 65534".to_owned()),
        _ => return Ok(()),
    };
    if is_good {
        Ok(())
    } else {
        Err(format!("the value is missing or of the wrong length; write {example}"))
    }
}

/// RFC 9461, section 5: expanded, it is a path.
fn has_dns_variable(template: &[u8]) -> bool {
    let is_dns = |variable: &str| variable.trim_start_matches(['?', '&', '/', ';', '.', '+', '#']) == "dns";
    let template = std::str::from_utf8(template).unwrap_or_default();
    let expressions = template.split('{').skip(1);
    let mut within = expressions.filter_map(|expression| expression.split_once('}'));
    template.starts_with('/') && within.any(|(variables, _)| variables.split(',').any(is_dns))
}

/// Section 8.
fn check_mandatory(keys: &[u8]) -> Result<(), String> {
    let numbers: Vec<u16> = keys.chunks_exact(2).map(|key| u16::from_be_bytes([key[0], key[1]])).collect();
    if keys.is_empty() || !keys.len().is_multiple_of(2) {
        return Err("it lists keys; name one".to_owned());
    }
    if numbers[0] == MANDATORY {
        return Err("it is mandatory by itself; do not list it".to_owned());
    }
    match numbers.windows(2).all(|pair| pair[0] < pair[1]) {
        true => Ok(()),
        false => Err("its keys must ascend".to_owned()),
    }
}

/// Section 7.1.1. The codec keeps protocols as text.
fn check_protocols(octets: &[u8]) -> Result<(), String> {
    let mut rest = octets;
    while let Some((length, after)) = rest.split_first() {
        let (protocol, after) = after.split_at_checked(usize::from(*length)).ok_or_else(too_early)?;
        if protocol.is_empty() || std::str::from_utf8(protocol).is_err() {
            return Err("a protocol is text of 1 to 255 octets, for example h2".to_owned());
        }
        rest = after;
    }
    if octets.is_empty() { Err("it lists protocols, for example h2; name one".to_owned()) } else { Ok(()) }
}
