//! Checks service parameters in wire form, each and together (RFC 9460 sections 2.2, 7 and 8).
//!
//! Both ways of writing them end here: as parameters, and as octets (`\# length hex`).

use std::collections::BTreeMap;

use super::key::{
    ALPN, DOHPATH, ECH, INVALID, IPV4HINT, IPV6HINT, MANDATORY, NO_DEFAULT_ALPN, OHTTP, PORT, name_of,
};
use crate::dns::zonefile::master::wire::too_early;

/// Checks that parameters in wire form are in order and agree with each other.
pub(crate) fn check(octets: &[u8]) -> Result<(), String> {
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

/// Checks a value in wire form by the rules of its key (section 7).
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

/// A URI template that expands to a path and has the variable `dns` (RFC 9461 section 5).
fn has_dns_variable(template: &[u8]) -> bool {
    let is_dns = |variable: &str| variable.trim_start_matches(['?', '&', '/', ';', '.', '+', '#']) == "dns";
    let template = std::str::from_utf8(template).unwrap_or_default();
    let expressions = template.split('{').skip(1);
    let mut within = expressions.filter_map(|expression| expression.split_once('}'));
    template.starts_with('/') && within.any(|(variables, _)| variables.split(',').any(is_dns))
}

/// Keys that a client must understand (section 8).
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

/// Protocols (section 7.1.1). They must be UTF-8 because the codec keeps them as text.
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
