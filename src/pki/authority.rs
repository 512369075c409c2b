//! The authority as others use it: certificates for servers beside the API, signed by what a client
//! with the kubeconfig trusts already.

use std::path::{Path, PathBuf};

use super::credentials::{CredentialError, Kept};
use super::keeping::{self, KeepError};
use super::private_file;
use crate::clock::Timestamp;

/// The file with the authority's certificate, beside what is kept of it.
const FILE: &str = "ca.crt";

/// An authority that is kept from start to start.
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
    /// The authority that is kept beside `path`, as one beside a kubeconfig is; it is made where there
    /// is none. Its certificate is in a file for those who are to trust it.
    pub fn beside(path: &Path, now: Timestamp) -> Result<Self, KeepError> {
        let kept = keeping::load_or_make(path, now)?;
        let file = keeping::folder_beside(path).join(FILE);
        private_file::write(&file, kept.authority())
            .map_err(|source| KeepError::Io { path: file.clone(), source })?;
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
