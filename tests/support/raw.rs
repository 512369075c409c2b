//! HTTP as bytes over TLS, so that it can be wrong; trusts the authority of a kubeconfig.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

const PATIENCE: Duration = Duration::from_secs(20);

/// The value of a line `name: value` of a kubeconfig.
pub(crate) fn setting(kubeconfig: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(kubeconfig).unwrap();
    let mut lines = text.lines().map(str::trim);
    lines.find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap().to_owned()
}

/// TLS that trusts the authority of a kubeconfig and nobody else.
pub(crate) fn trusting(kubeconfig: &Path) -> Arc<ClientConfig> {
    let authority = STANDARD.decode(setting(kubeconfig, "certificate-authority-data")).unwrap();
    Arc::new(trust(&authority, rustls::DEFAULT_VERSIONS))
}

/// TLS of these versions that trusts a certificate, in PEM, and nobody else.
pub(crate) fn trust(certificate: &[u8], versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate).unwrap()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// What the server answers to `request`, until it closes the connection.
pub(crate) fn over_tls(address: &str, kubeconfig: &Path, request: &[u8]) -> String {
    let connection =
        ClientConnection::new(trusting(kubeconfig), ServerName::try_from("localhost").unwrap()).unwrap();
    exchange(StreamOwned::new(connection, connect(address)), request)
}

/// The same without TLS.
pub(crate) fn in_plain(address: &str, request: &[u8]) -> String {
    exchange(connect(address), request)
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn exchange(mut stream: impl Read + Write, request: &[u8]) -> String {
    // A server that refuses early may not read to the end.
    let _ = stream.write_all(request).and_then(|()| stream.flush());
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(n) = stream.read(&mut piece)
        && n > 0
    {
        answer.extend_from_slice(&piece[..n]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}
