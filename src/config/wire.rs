//! Settings of DNS towards resolvers and secondaries: identity, cookies, keys, transfers.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// What the server is to clients that are more than that.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "DNS on the wire")]
pub struct WireSettings {
    /// The identifier for clients that ask for one by EDNS (NSID).
    #[arg(long, value_name = "TEXT")]
    pub nsid: Option<String>,
    /// What id.server and hostname.bind are in class CH; refused if absent.
    #[arg(long, value_name = "TEXT")]
    pub dns_id: Option<String>,
    /// The secret of DNS cookies, 32 hexadecimal digits in a file, the same for all replicas; a random one if absent.
    #[arg(long, value_name = "FILE")]
    pub cookie_secret: Option<PathBuf>,
    /// A key for transaction signatures, its secret as base64 in a file (repeatable).
    #[arg(long, value_name = "NAME:ALGORITHM:FILE")]
    pub tsig_key: Vec<KeyFile>,
    /// Let this network, or whoever signs with this key, transfer zones (repeatable); nobody if absent.
    #[arg(long, value_name = "CIDR|key:NAME")]
    pub allow_transfer: Vec<String>,
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
