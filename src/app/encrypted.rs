//! Encrypted DNS as the settings ask for it: addresses, and where the certificate comes from.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::api::server::kubeconfig::ADMIN;
use crate::clock::Clock;
use crate::config::EncryptedDnsSettings;
use crate::dns::transport::{CertificateFiles, EncryptedAddresses, EncryptedProtocol, fixed_certificate};
use crate::pki::authority::Authority;

/// Who signs the certificate if the settings name none, and for which names.
pub(super) struct Signing {
    /// What the authority is kept beside; `None` if the user has no folder for it.
    pub(super) beside: Option<PathBuf>,
    /// Names and addresses of this server, besides those that it listens at.
    pub(super) names: Vec<String>,
}

/// What is to be bound, and whom clients are to trust if that is not theirs to know already.
pub(super) struct Encrypted {
    pub(super) addresses: EncryptedAddresses,
    pub(super) authority: Option<PathBuf>,
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
        let addresses = EncryptedAddresses { listen, certificate: Arc::new(files) };
        return Ok(Some(Encrypted { addresses, authority: None }));
    }
    let beside = signing.beside.as_deref().context(
        "there is no home folder for the certificate of encrypted DNS; name its files with --tls-cert and --tls-key",
    )?;
    let (addresses, authority) = signed(listen, beside, &signing.names, clock).context(
        "encrypted DNS needs a certificate; name its files with --tls-cert and --tls-key, or see to this",
    )?;
    Ok(Some(Encrypted { addresses, authority: Some(authority) }))
}

fn signed(
    listen: Vec<(EncryptedProtocol, SocketAddr)>,
    beside: &Path,
    names: &[String],
    clock: &Clock,
) -> anyhow::Result<(EncryptedAddresses, PathBuf)> {
    let authority = Authority::beside(beside, &ADMIN, clock.now())?;
    let addresses = listen.iter().map(|(_, address)| address.ip()).filter(|ip| !ip.is_unspecified());
    let mut all: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    all.extend(addresses.map(|ip| ip.to_string()).chain(names.iter().cloned()));
    all.sort();
    all.dedup();
    let issued = authority.issue(&all, clock.now())?;
    let certificate = fixed_certificate(issued.certificate, issued.key)?;
    Ok((EncryptedAddresses { listen, certificate }, authority.file().to_owned()))
}
