//! A port as DNS names it: `_http._tcp`.
//!
//! Names are lower-cased; a port without a name has SRV records only at the service's own name.

use std::borrow::Cow;

use crate::dns::message::name::{NameTooLong, WireName};

/// A port that endpoints or a cluster address listen at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Port {
    /// Its name, if it has one.
    pub(super) name: Option<String>,
    /// `tcp`, `udp` or `sctp`.
    pub(super) protocol: Cow<'static, str>,
    /// The number.
    pub(super) number: u16,
}

impl Port {
    /// The owner of its SRV records below a service's name, if the port has a name.
    pub(super) fn owner(&self, service: &WireName) -> Option<Result<WireName, NameTooLong>> {
        let name = self.name.as_ref()?;
        let protocol = service.service_child(&self.protocol);
        Some(protocol.and_then(|protocol| protocol.service_child(name)))
    }
}

/// A port, if its number is valid.
pub(super) fn port(name: Option<&str>, protocol: Option<&str>, number: i32) -> Option<Port> {
    let number = u16::try_from(number).ok().filter(|number| *number > 0)?;
    let name = name.filter(|name| !name.is_empty()).map(str::to_ascii_lowercase);
    let protocol = match protocol {
        None | Some("TCP") => "tcp".into(),
        Some("UDP") => "udp".into(),
        Some("SCTP") => "sctp".into(),
        Some(other) => other.to_ascii_lowercase().into(),
    };
    Some(Port { name, protocol, number })
}
