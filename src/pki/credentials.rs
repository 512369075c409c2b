//! Credentials: an authority, a certificate for the server and one for its client, and a token.
//!
//! The authority, the client's certificate and the token are made at the first start and kept, so
//! that clients still get in after a restart. The server's certificate is made at each start, for
//! the names it then has.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;

/// How many random octets a token has.
const TOKEN_OCTETS: usize = 32;
/// How many years certificates are valid.
const YEARS: i16 = 10;
/// Credentials that are valid for less than this are replaced.
const VALID_MIN: Duration = Duration::from_secs(30 * 24 * 3600);

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// A certificate cannot be made, for example for an invalid name.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS cannot be set up with the certificates.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// A stored certificate cannot be read.
    #[error("cannot read a certificate: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// Client certificates cannot be verified.
    #[error("cannot verify client certificates: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// Who the client certificate stands for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The user: the certificate's common name.
    pub user: &'a str,
    /// The group of the user: the certificate's organization.
    pub group: &'a str,
}

/// What outlives the server, certificates and keys as PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    pub(crate) authority_certificate: String,
    authority_key: String,
    pub(crate) client_certificate: String,
    pub(crate) client_key: String,
    pub(crate) token: String,
    valid_until: Timestamp,
}

impl Kept {
    /// Makes new ones.
    pub(super) fn make(client: &Subject<'_>, now: Timestamp) -> Result<Self, CredentialError> {
        let authority_key = KeyPair::generate()?;
        let authority = authority_params(now).self_signed(&authority_key)?;
        let authority_key_pem = authority_key.serialize_pem();
        let issuer = Issuer::new(authority_params(now), authority_key);
        let client_key = KeyPair::generate()?;
        let client = client_params(client, now).signed_by(&client_key, &issuer)?;
        let valid_until = authority_params(now).not_after.unix_timestamp();
        Ok(Self {
            authority_certificate: authority.pem(),
            authority_key: authority_key_pem,
            client_certificate: client.pem(),
            client_key: client_key.serialize_pem(),
            token: token(),
            valid_until: Timestamp::from_second(valid_until).unwrap_or(now),
        })
    }

    /// A certificate for a server with these names, and its key in PKCS#8.
    pub(super) fn issue(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<(CertificateDer<'static>, Vec<u8>), CredentialError> {
        let issuer = Issuer::new(authority_params(now), KeyPair::from_pem(&self.authority_key)?);
        let key = KeyPair::generate()?;
        let certificate = server_params(names, now)?.signed_by(&key, &issuer)?;
        Ok((certificate.der().clone(), key.serialize_der()))
    }

    /// Whether they are valid for at least [`VALID_MIN`] more.
    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        self.valid_until > now + VALID_MIN
    }
}

/// The credentials of a running server.
pub(crate) struct Credentials {
    pub(crate) kept: Kept,
    server: (CertificateDer<'static>, Vec<u8>),
    root: CertificateDer<'static>,
}

impl Credentials {
    /// The kept ones, with a certificate for a server of these names and addresses.
    pub(crate) fn of(kept: Kept, names: &[String], now: Timestamp) -> Result<Self, CredentialError> {
        let root = CertificateDer::from_pem_slice(kept.authority_certificate.as_bytes())?;
        let server = kept.issue(names, now)?;
        Ok(Self { kept, server, root })
    }

    /// TLS for the server, which asks for a client certificate and verifies one that is shown.
    /// `protocols` are those of ALPN (RFC 7301).
    pub(crate) fn tls(&self, protocols: &[&[u8]]) -> Result<ServerConfig, CredentialError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone())?;
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .allow_unauthenticated()
            .build()?;
        let (certificate, key) = self.server.clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)?;
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(config)
    }
}

fn authority_params(now: Timestamp) -> CertificateParams {
    let mut params = named("dullahan-ca", now);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

fn server_params(names: &[String], now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let named = named("dullahan", now);
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name = named.distinguished_name;
    params.not_before = named.not_before;
    params.not_after = named.not_after;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn client_params(client: &Subject<'_>, now: Timestamp) -> CertificateParams {
    let mut params = named(client.user, now);
    params.distinguished_name.push(DnType::OrganizationName, client.group);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// Valid from yesterday, for clients whose clocks are slightly behind.
fn named(name: &str, now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let day = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let (from, to) = (day.yesterday().unwrap_or(day), day);
    let at = |date: jiff::civil::Date, years: i16| {
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        // The 28th is in every month of every year.
        date_time_ymd((date.year() + years).into(), month, day.min(28))
    };
    params.not_before = at(from, 0);
    params.not_after = at(to, YEARS);
    params
}

fn token() -> String {
    let mut octets = [0; TOKEN_OCTETS];
    StdRng::from_os_rng().fill_bytes(&mut octets);
    URL_SAFE_NO_PAD.encode(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_make_a_tls_server_and_never_twice_the_same() {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let client = Subject { user: "admin", group: "masters" };
        let now: Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
        let kept = Kept::make(&client, now).unwrap();
        let made = Credentials::of(kept.clone(), &names, now).unwrap();
        assert_eq!(made.tls(&[b"http/1.1"]).unwrap().alpn_protocols, [b"http/1.1".to_vec()]);
        assert_ne!(kept.token, Kept::make(&client, now).unwrap().token);
        assert!(Credentials::of(kept.clone(), &["ü".to_owned()], now).is_err());
        let years_later = |years: u32| now + Duration::from_secs(u64::from(years) * 365 * 24 * 3600);
        assert_eq!([0, 9, 10, 11].map(|years| kept.is_valid(years_later(years))), [true, true, false, false]);
    }
}
