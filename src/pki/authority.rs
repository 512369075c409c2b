//! The authority as servers use it: each gets a certificate for its names.
//!
//! All are signed by one authority, so a client that trusts one server trusts the others.

use std::path::PathBuf;

use super::credentials::{CredentialError, Kept, Subject};
use super::private_file;
use super::state::{self, StateError};
use crate::clock::Timestamp;

/// The file with the authority's certificate, in the folder with its state.
const FILE: &str = "ca.crt";

/// An authority that stays the same across restarts, if it has a folder.
pub struct Authority {
    kept: Kept,
    is_new: bool,
    folder: Option<PathBuf>,
}

/// A certificate and its key, both as DER.
pub struct Issued {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// Its key, in PKCS#8.
    pub key: Vec<u8>,
}

impl Authority {
    /// The authority that is kept in `folder`; it is made where there is none, with a client
    /// certificate for `client`. Nothing is written before [`keep`](Self::keep).
    pub fn open(folder: Option<PathBuf>, client: &Subject<'_>, now: Timestamp) -> Result<Self, StateError> {
        let (kept, is_new) = match &folder {
            Some(folder) => state::load_or_make(folder, client, now)?,
            None => (Kept::make(client, now)?, true),
        };
        Ok(Self { kept, is_new, folder })
    }

    /// Keeps it for later starts, and its certificate in a file for those who are to trust it. Without a
    /// folder it is gone with the process.
    pub fn keep(&self) -> Result<(), StateError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if self.is_new {
            state::keep(folder, &self.kept)?;
        }
        let file = folder.join(FILE);
        private_file::write(&file, &self.kept.authority_certificate)
            .map_err(|source| StateError::Io { path: file, source })
    }

    /// What outlives the server.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Where the authority's certificate is kept, as PEM.
    pub fn file(&self) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(FILE))
    }

    /// A certificate for a server with these names and addresses.
    pub fn issue(&self, names: &[String], now: Timestamp) -> Result<Issued, CredentialError> {
        let (certificate, key) = self.kept.issue(names, now)?;
        Ok(Issued { certificate: certificate.to_vec(), key })
    }
}
