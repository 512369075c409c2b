//! Encrypted DNS as the settings ask for it: addresses, and where the certificate comes from.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use crate::clock::Clock;
use crate::config::EncryptedDnsSettings;
use crate::dns::transport::{CertificateFiles, EncryptedAddresses, EncryptedProtocol, fixed_certificate};
use crate::pki::authority::Authority;

/// Who signs the certificate if the settings name none, and for which names.
pub(super) struct Signing {
    /// The authority of this server.
    pub(super) authority: Arc<Authority>,
    /// Names and addresses of this server, besides those that it listens at.
    pub(super) names: Vec<String>,
}

/// Whether the settings ask for a certificate and name none.
pub(super) fn needs_authority(settings: &EncryptedDnsSettings) -> bool {
    let listen = [&settings.dot_listen, &settings.doh_listen, &settings.doq_listen];
    settings.tls_cert.is_none() && listen.iter().any(|addresses| !addresses.is_empty())
}

/// What is to be bound, and whom clients are to trust if that is not theirs to know already.
pub(super) struct Encrypted {
    pub(super) addresses: EncryptedAddresses,
    pub(super) authority: Option<PathBuf>,
    /// The certificate, if it is in files of the user's.
    pub(super) files: Option<Arc<CertificateFiles>>,
}

/// What is to be bound; `None` if nothing is.
pub(super) fn encrypted(
    settings: &EncryptedDnsSettings,
    signing: &Signing,
    clock: &Clock,
) -> anyhow::Result<Option<Encrypted>> {
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
    if let (Some(certificate), Some(key)) = (&settings.tls_cert, &settings.tls_key) {
        let files = CertificateFiles::load(certificate.clone(), key.clone(), clock.clone())?;
        let files = Arc::new(files);
        let addresses = EncryptedAddresses { listen, certificate: files.clone() };
        return Ok(Some(Encrypted { addresses, authority: None, files: Some(files) }));
    }
    let (addresses, authority) = signed(listen, signing, clock).context(
        "encrypted DNS needs a certificate; name its files with --tls-cert and --tls-key, or see to this",
    )?;
    Ok(Some(Encrypted { addresses, authority: Some(authority), files: None }))
}

fn signed(
    listen: Vec<(EncryptedProtocol, SocketAddr)>,
    signing: &Signing,
    clock: &Clock,
) -> anyhow::Result<(EncryptedAddresses, PathBuf)> {
    let Signing { authority, names } = signing;
    let file = authority.file().context("there is no folder to keep it in; name one with --state-dir")?;
    let addresses = listen.iter().map(|(_, address)| address.ip()).filter(|ip| !ip.is_unspecified());
    let mut all: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    all.extend(addresses.map(|ip| ip.to_string()).chain(names.iter().cloned()));
    all.sort();
    all.dedup();
    let issued = authority.issue(&all, clock.now())?;
    let certificate = fixed_certificate(issued.certificate, issued.key)?;
    Ok((EncryptedAddresses { listen, certificate }, file))
}
