//! Settings of forwarding: the upstreams for names outside of our zones, the clients that may use
//! them, and the names of the cluster that fall through.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use clap::Args;
use ipnet::IpNet;

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// Upstreams, and the clients that may use them.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Forwarding")]
pub struct ForwardSettings {
    /// Forward queries for names outside of our zones to this server (repeatable, tried in order) [default: REFUSED].
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub forward: Vec<Upstream>,
    /// Also forward for clients in this network, besides this machine and the pods (repeatable).
    #[arg(long, value_name = "CIDR", requires = "forward")]
    pub forward_allow: Vec<IpNet>,
    /// Look up names that do not exist in the cluster, below this zone or all, in --zones and then by --forward (repeatable).
    #[arg(long, value_name = "ZONE", num_args = 0..=1, default_missing_value = ALL_ZONES, require_equals = true)]
    pub fallthrough: Vec<FallthroughZone>,
}

/// What stands for every zone: the root, below which all of them are.
const ALL_ZONES: &str = ".";

/// An upstream's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upstream(pub SocketAddr);

impl FromStr for Upstream {
    type Err = String;

    /// `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unbracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let address = unbracketed.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS_PORT));
        let address = address.or_else(|_| text.parse()).map_err(|_| {
            format!("\"{text}\" is not ADDR[:PORT], such as 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53")
        })?;
        if address.ip().is_unspecified() || address.port() == 0 {
            return Err(format!("\"{text}\" is not an address that a server can have"));
        }
        Ok(Self(address))
    }
}

/// The zones that `--fallthrough` names once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FallthroughZone {
    /// Nothing falls through.
    None,
    /// Names at or below this one do.
    Below(String),
}

impl FromStr for FallthroughZone {
    type Err = std::convert::Infallible;

    /// A configuration file can say `true` and `false` where the command line says the flag alone.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "false" => Self::None,
            "true" => Self::Below(ALL_ZONES.to_owned()),
            name => Self::Below(name.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_an_address_with_a_port_or_without() {
        for (text, expected) in [
            ("192.0.2.1", Some("192.0.2.1:53")),
            ("192.0.2.1:5353", Some("192.0.2.1:5353")),
            ("2001:db8::1", Some("[2001:db8::1]:53")),
            ("[2001:db8::1]", Some("[2001:db8::1]:53")),
            ("[2001:db8::1]:5353", Some("[2001:db8::1]:5353")),
            ("dns.example", None),
            ("0.0.0.0", None),
            ("192.0.2.1:0", None),
            ("192.0.2.1:", None),
            ("", None),
        ] {
            let expected = expected.map(|address| Upstream(address.parse().unwrap()));
            assert_eq!(text.parse::<Upstream>().ok(), expected, "{text}");
        }
    }
}
