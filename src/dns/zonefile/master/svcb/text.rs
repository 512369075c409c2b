//! Service parameters as they are written, to wire form.
//!
//! Values are unescaped twice: as all text first, then, in lists, for commas (RFC 9460 appendix A.1).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::key::{ALPN, ECH, IPV4HINT, IPV6HINT, MANDATORY, PORT, key, name_of, number_in};
use super::wire::check;
use crate::dns::zonefile::master::digits::{number, of_base64};
use crate::dns::zonefile::master::text::Token;
use crate::dns::zonefile::master::words;

/// Parameters, written in any order, to wire form.
pub(crate) fn octets(tokens: &[Token]) -> Result<Vec<u8>, String> {
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

/// A value in wire form. A value of `key<number>` is in wire form already, and so is an empty one.
fn value(key: u16, name: &str, text: &str) -> Result<Vec<u8>, String> {
    let octets = words::octets(text)?;
    if number_in(name).is_some() || octets.is_empty() {
        return Ok(octets);
    }
    let plain = || String::from_utf8_lossy(&octets).into_owned();
    Ok(match key {
        MANDATORY => mandatory(&plain())?,
        ALPN => protocols(&octets)?,
        PORT => (number(&plain(), u16::MAX.into())? as u16).to_be_bytes().to_vec(),
        IPV4HINT => addresses(&plain(), "IPv4", |address: Ipv4Addr| address.octets())?,
        IPV6HINT => addresses(&plain(), "IPv6", |address: Ipv6Addr| address.octets())?,
        ECH => of_base64(&plain())?,
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

/// The items of a list, in which commas and backslashes are escaped (appendix A.1).
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
