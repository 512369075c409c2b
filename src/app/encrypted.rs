//! Encrypted DNS as the settings ask for it: addresses, and where the certificate comes from.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::bail;

use crate::clock::Clock;
use crate::config::EncryptedDnsSettings;
use crate::dns::server::{CertificateFiles, EncryptedAddresses, EncryptedProtocol};

/// What is to be bound; `None` if nothing is.
pub(super) fn addresses(
    settings: &EncryptedDnsSettings,
    clock: &Clock,
) -> anyhow::Result<Option<EncryptedAddresses>> {
    let of = |protocol, addresses: &[SocketAddr]| {
        addresses.iter().map(move |address| (protocol, *address)).collect::<Vec<_>>()
    };
    let listen = [
        of(EncryptedProtocol::Dot, &settings.dot_listen),
        of(EncryptedProtocol::Doh, &settings.doh_listen),
        of(EncryptedProtocol::Doq, &settings.doq_listen),
    ]
    .concat();
    if listen.is_empty() {
        return Ok(None);
    }
    let (Some(certificate), Some(key)) = (&settings.tls_cert, &settings.tls_key) else {
        bail!("encrypted DNS needs a certificate; name its files with --tls-cert and --tls-key");
    };
    let files = CertificateFiles::load(certificate.clone(), key.clone(), clock.clone())?;
    Ok(Some(EncryptedAddresses { listen, certificate: Arc::new(files) }))
}
