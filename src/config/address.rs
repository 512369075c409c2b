//! Addresses to listen at or to ask, as flags give them.
//!
//! What is nearly one is answered with what it may be meant to be.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Reads `ADDR:PORT`; `port` is the one that this flag usually has.
pub fn with_port(port: u16) -> impl Fn(&str) -> Result<SocketAddr, String> + Clone + Send + Sync + 'static {
    move |text| text.parse().map_err(|_| hint(text, port))
}

fn hint(text: &str, port: u16) -> String {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return format!("port missing: {}?", SocketAddr::new(ip, port));
    }
    if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
        return format!("address missing: 127.0.0.1:{port}?");
    }
    match text.rsplit_once(':') {
        Some(("localhost", port)) => format!("names are not looked up: 127.0.0.1:{port}?"),
        _ => format!("not ADDR:PORT, such as 127.0.0.1:{port} or [::1]:{port}"),
    }
}

/// An address to listen at, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// Nowhere.
    Off,
    /// At this address.
    At(SocketAddr),
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        /// That of [`ApiSettings`](super::ApiSettings)' default.
        const API_PORT: u16 = 7443;
        if text == "off" {
            return Ok(Self::Off);
        }
        with_port(API_PORT)(text).map(Self::At).map_err(|hint| format!("{hint} (or off)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_an_address_is_answered_with_what_it_may_mean() {
        for (text, expected) in [
            ("127.0.0.1", "port missing: 127.0.0.1:1053?"),
            ("::1", "port missing: [::1]:1053?"),
            ("[::1]", "port missing: [::1]:1053?"),
            ("5353", "address missing: 127.0.0.1:5353?"),
            (":5353", "address missing: 127.0.0.1:5353?"),
            ("localhost:5353", "names are not looked up: 127.0.0.1:5353?"),
            ("dns", "not ADDR:PORT, such as 127.0.0.1:1053 or [::1]:1053"),
        ] {
            assert_eq!(with_port(1053)(text), Err(expected.to_owned()), "{text}");
        }
        assert_eq!(with_port(1053)("[::1]:53"), Ok("[::1]:53".parse().unwrap()));
        assert_eq!("off".parse(), Ok(ListenAddress::Off));
    }
}
