//! Settings of DNS towards resolvers and secondaries: identity, cookies, keys, transfers.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// Identity, cookies, TSIG keys, transfers and NOTIFY.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "DNS on the wire")]
pub struct WireSettings {
    /// Server identifier for clients that ask for NSID (RFC 5001).
    #[arg(long, value_name = "TEXT")]
    pub nsid: Option<String>,
    /// Answer to id.server and hostname.bind in class CH [default: REFUSED].
    #[arg(long, value_name = "TEXT")]
    pub dns_id: Option<String>,
    /// File with the secret of DNS cookies, 32 hexadecimal digits, the same for all replicas [default: random].
    #[arg(long, value_name = "FILE")]
    pub cookie_secret: Option<PathBuf>,
    /// TSIG key, with its secret in base64 in a file (repeatable).
    #[arg(long, value_name = "NAME:ALGORITHM:FILE")]
    pub tsig_key: Vec<KeyFile>,
    /// Allow zone transfers to this network, or to clients that sign with this key (repeatable) [default: nobody].
    #[arg(long, value_name = "CIDR|key:NAME")]
    pub allow_transfer: Vec<String>,
    /// Send NOTIFY to this secondary when a zone changes (repeatable), signed if a key is named.
    #[arg(long, value_name = "ADDR[:PORT][,key:NAME]")]
    pub notify: Vec<Secondary>,
    /// Serve a catalog zone (RFC 9432) with this name: the list of all zones, for secondaries that support it.
    #[arg(long, value_name = "NAME")]
    pub catalog: Option<String>,
}

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// A secondary that is sent NOTIFY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secondary {
    /// Where it answers DNS.
    pub address: SocketAddr,
    /// The name of the key that messages to it are signed with.
    pub key: Option<String>,
}

impl FromStr for Secondary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (place, key) = match text.split_once(",key:") {
            Some((place, key)) => (place, Some(key.to_owned()).filter(|key| !key.is_empty())),
            None => (text, None),
        };
        let ip = place.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let address = place.parse().or(ip.map(|ip| SocketAddr::new(ip, DNS_PORT)));
        match address {
            Ok(address) if key.is_some() || !text.contains(',') => Ok(Self { address, key }),
            _ => Err(format!(
                "\"{text}\" is not ADDR[:PORT][,key:NAME], such as 192.0.2.7, [2001:db8::7]:5353 or 192.0.2.7:53,key:xfr"
            )),
        }
    }
}

/// A key whose secret is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// The key's name.
    pub name: String,
    /// The algorithm.
    pub algorithm: String,
    /// Where the secret is.
    pub file: PathBuf,
}

impl FromStr for KeyFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(name), Some(algorithm), Some(file)) if !file.is_empty() => {
                Ok(Self { name: name.to_owned(), algorithm: algorithm.to_owned(), file: file.into() })
            }
            _ => Err(format!("\"{text}\" is not NAME:ALGORITHM:FILE, such as xfr:hmac-sha256:xfr.key")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secondary_is_an_address_perhaps_with_a_port_and_a_key() {
        for (text, expected) in [
            ("192.0.2.7", Some(("192.0.2.7:53", None))),
            ("192.0.2.7:5353", Some(("192.0.2.7:5353", None))),
            ("2001:db8::7", Some(("[2001:db8::7]:53", None))),
            ("[2001:db8::7]", Some(("[2001:db8::7]:53", None))),
            ("[2001:db8::7]:5353,key:xfr.", Some(("[2001:db8::7]:5353", Some("xfr.")))),
            ("192.0.2.7,key:a,b", Some(("192.0.2.7:53", Some("a,b")))),
            ("192.0.2.7,key:", None),
            ("192.0.2.7,xfr", None),
            ("ns.example:53", None),
            ("", None),
        ] {
            let expected = expected.map(|(address, key): (&str, Option<&str>)| Secondary {
                address: address.parse().unwrap(),
                key: key.map(str::to_owned),
            });
            assert_eq!(text.parse::<Secondary>().ok(), expected, "{text}");
        }
    }
}
