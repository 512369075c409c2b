//! The authority as servers use it: each gets a certificate for its names.
//!
//! All are signed by one authority, so a client that trusts one server trusts the others.

use std::path::{Path, PathBuf};

use super::credentials::{CredentialError, Kept, Subject};
use super::private_file;
use super::state::{self, StateError};
use crate::clock::Timestamp;

/// The file with the authority's certificate, in the folder with its state.
const FILE: &str = "ca.crt";

/// An authority that stays the same across restarts.
pub struct Authority {
    kept: Kept,
    file: PathBuf,
}

/// A certificate and its key, both as DER.
pub struct Issued {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// Its key, in PKCS#8.
    pub key: Vec<u8>,
}

impl Authority {
    /// The authority whose state is beside `path`; it is made where there is none, with a client
    /// certificate for `client`. Its own certificate is in a file for those who are to trust it.
    pub fn beside(path: &Path, client: &Subject<'_>, now: Timestamp) -> Result<Self, StateError> {
        let kept = state::load_or_make(path, client, now)?;
        let file = state::folder_beside(path).join(FILE);
        private_file::write(&file, &kept.authority_certificate)
            .map_err(|source| StateError::Io { path: file.clone(), source })?;
        Ok(Self { kept, file })
    }

    /// Where the authority's certificate is, as PEM.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A certificate for a server with these names and addresses.
    pub fn issue(&self, names: &[String], now: Timestamp) -> Result<Issued, CredentialError> {
        let (certificate, key) = self.kept.issue(names, now)?;
        Ok(Issued { certificate: certificate.to_vec(), key })
    }
}
