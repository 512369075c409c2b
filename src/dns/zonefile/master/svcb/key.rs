//! The keys of service parameters: their registered names and numbers.
//!
//! A key without a name is written `key<number>` (RFC 9460 section 2.1).

pub(super) const MANDATORY: u16 = 0;
pub(super) const ALPN: u16 = 1;
pub(super) const NO_DEFAULT_ALPN: u16 = 2;
pub(super) const PORT: u16 = 3;
pub(super) const IPV4HINT: u16 = 4;
pub(super) const ECH: u16 = 5;
pub(super) const IPV6HINT: u16 = 6;
pub(super) const DOHPATH: u16 = 7;
pub(super) const OHTTP: u16 = 8;
/// Reserved (RFC 9460 section 14.3.2).
pub(super) const INVALID: u16 = 65535;

/// RFC 9460 section 14.3.2, RFC 9461 section 5 and RFC 9540 section 4.
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

/// The number of a key by its name.
pub(super) fn key(name: &str) -> Result<u16, String> {
    let registered = NAMES.iter().find(|(registered, _)| *registered == name).map(|(_, key)| *key);
    registered.or_else(|| number_in(name)).ok_or_else(|| {
        format!("`{name}` is no parameter that is known; write it as key<number>, from 0 to 65534")
    })
}

/// The number in `key<number>`, which has no leading zeros (section 2.1).
pub(super) fn number_in(name: &str) -> Option<u16> {
    let number: u16 = name.strip_prefix("key")?.parse().ok()?;
    (format!("key{number}") == name && number != INVALID).then_some(number)
}

/// The name of a key by its number.
pub(super) fn name_of(key: u16) -> String {
    let registered = NAMES.iter().find(|(_, number)| *number == key);
    registered.map_or_else(|| format!("key{key}"), |(name, _)| (*name).to_owned())
}
