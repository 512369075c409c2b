//! ACLs: who may transfer zones, and who may recurse.
//!
//! Nobody by default: a transfer discloses every name of a zone (RFC 5936, section 5), and an open
//! resolver can be used for reflection attacks (RFC 5358).

use std::net::IpAddr;
use std::str::FromStr;

use hickory_proto::rr::Name;
use ipnet::IpNet;

use crate::dns::message::name::WireName;

/// One rule of an ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Clients in this network.
    Network(IpNet),
    /// Requests signed with the key of this name.
    Key(WireName),
}

impl FromStr for Rule {
    type Err = String;

    /// `192.0.2.0/24`, `192.0.2.1`, `key:NAME`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hint = || format!("\"{text}\" is neither a network such as 192.0.2.0/24 nor key:NAME");
        if let Some(name) = text.strip_prefix("key:") {
            let name = Name::from_ascii(name).map_err(|_| hint())?;
            return Ok(Self::Key(WireName::of(&name)));
        }
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self::Network).map_err(|_| hint())
    }
}

/// An ACL for transfers: any matching rule allows.
#[derive(Clone, Debug, Default)]
pub struct Access(pub Vec<Rule>);

impl Access {
    /// Whether a client at `address`, whose request is signed with `key`, may transfer.
    pub fn allows(&self, address: IpAddr, key: Option<&WireName>) -> bool {
        self.0.iter().any(|rule| match rule {
            Rule::Network(network) => network.contains(&address),
            Rule::Key(name) => key == Some(name),
        })
    }
}

/// The clients that may recurse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients(pub Vec<IpNet>);

impl Clients {
    /// Whether `client` may.
    pub fn allow(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.0.iter().any(|network| network.contains(&client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_allowed_but_who_is_named() {
        let key = |text: &str| WireName::of(&Name::from_ascii(text).unwrap());
        for (rules, address, signed, expected) in [
            (&[][..], "127.0.0.1", None, false),
            (&["127.0.0.0/8"], "127.9.9.9", None, true),
            (&["127.0.0.0/8"], "128.0.0.1", Some("xfr."), false),
            (&["2001:db8::1"], "2001:db8::1", None, true),
            (&["2001:db8::1"], "2001:db8::2", None, false),
            (&["key:Xfr"], "192.0.2.1", Some("xfr."), true),
            (&["key:xfr"], "192.0.2.1", Some("other."), false),
            (&["key:xfr"], "192.0.2.1", None, false),
            (&["127.0.0.1", "key:xfr"], "192.0.2.1", Some("xfr."), true),
        ] {
            let access = Access(rules.iter().map(|rule| rule.parse().unwrap()).collect());
            let signed = signed.map(key);
            let address = address.parse().unwrap();
            assert_eq!(access.allows(address, signed.as_ref()), expected, "{rules:?} {address}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_by_name() {
        for text in ["", "127.0.0.1/33", "everyone", "key:a..b"] {
            let refused = text.parse::<Rule>().unwrap_err();
            assert!(refused.starts_with(&format!("\"{text}\" is neither")), "{refused}");
        }
    }
}
