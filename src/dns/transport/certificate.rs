//! The TLS certificate of encrypted DNS: from files that are reloaded when they change, or issued by our
//! own authority at the start.
//!
//! A renewed certificate is used by the next handshake, without a restart or a signal. If the new files
//! cannot be read or do not match, for example because only one of them has been written yet, that is
//! logged once and the previous pair stays in use. The files are checked at most once per
//! [`LOOK_AGAIN_AFTER`].

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::clock::{Clock, Timestamp};

/// How often the files are checked at most.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A fixed certificate and its key (PKCS#8), both as DER.
pub fn fixed(certificate: Vec<u8>, key: Vec<u8>) -> Result<Arc<dyn ResolvesServerCert>, rustls::Error> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let key = rustls::crypto::ring::sign::any_supported_type(&key)?;
    let pair = CertifiedKey::new(vec![CertificateDer::from(certificate)], key);
    pair.keys_match()?;
    Ok(Arc::new(SingleCertAndKey::from(pair)))
}

/// Why a certificate cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or has the wrong content.
    #[error("{}: {}", .path.display(), reason(.source, .wanted))]
    File {
        /// The file.
        path: PathBuf,
        /// The expected content.
        wanted: &'static str,
        /// The error.
        source: pem::Error,
    },
    /// The file contains no certificate.
    #[error("{}: no certificate in it; it must contain the PEM certificate chain, the server's certificate first", .0.display())]
    Empty(PathBuf),
    /// The key has an unsupported type or does not match the certificate.
    #[error("{} and {} do not match: {source}", .certificate.display(), .key.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The error of the TLS library.
        source: rustls::Error,
    },
}

fn reason(source: &pem::Error, wanted: &str) -> String {
    match source {
        pem::Error::Io(source) => source.to_string(),
        pem::Error::NoItemsFound => format!("no {wanted} in it; it must be PEM"),
        other => format!("not valid PEM: {other:?}"),
    }
}

/// A certificate chain and its key in two PEM files.
pub struct CertificateFiles {
    clock: Clock,
    now: Mutex<Loaded>,
}

struct Loaded {
    certificate: PathBuf,
    key: PathBuf,
    pair: Arc<CertifiedKey>,
    written: Option<[SystemTime; 2]>,
    looked_at: Timestamp,
}

impl CertificateFiles {
    /// Loads both files.
    pub fn load(certificate: PathBuf, key: PathBuf, clock: Clock) -> Result<Self, CertificateError> {
        let written = written(&certificate, &key);
        let pair = Arc::new(read(&certificate, &key)?);
        let looked_at = clock.now();
        Ok(Self { clock, now: Mutex::new(Loaded { certificate, key, pair, written, looked_at }) })
    }

    /// Loads these files, whether they seem to have changed or not; true if that gives another pair.
    /// After an error the last valid one stays in use.
    pub fn read_again(&self, certificate: &Path, key: &Path) -> Result<bool, CertificateError> {
        let written = written(certificate, key);
        let pair = read(certificate, key)?;
        let mut now = self.lock();
        let is_other = pair.cert != now.pair.cert;
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        *now = Loaded { certificate, key, pair: Arc::new(pair), written, looked_at: self.clock.now() };
        Ok(is_other)
    }

    /// The current pair, or the last valid one.
    fn current(&self) -> Arc<CertifiedKey> {
        let mut now = self.lock();
        let instant = self.clock.now();
        if instant < now.looked_at + LOOK_AGAIN_AFTER {
            return now.pair.clone();
        }
        now.looked_at = instant;
        let written = written(&now.certificate, &now.key);
        if written != now.written {
            now.written = written;
            match read(&now.certificate, &now.key) {
                Ok(pair) => {
                    tracing::info!(certificate = %now.certificate.display(), "using a new certificate");
                    now.pair = Arc::new(pair);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot load the new certificate; still using the last valid one")
                }
            }
        }
        now.pair.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Loaded> {
        self.now.lock().expect("nothing panics while the pair is held")
    }
}

impl ResolvesServerCert for CertificateFiles {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl fmt::Debug for CertificateFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateFiles({})", self.lock().certificate.display())
    }
}

fn written(certificate: &Path, key: &Path) -> Option<[SystemTime; 2]> {
    let of = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    Some([of(certificate)?, of(key)?])
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let failed = |path: &Path, wanted| {
        let path = path.to_owned();
        move |source| CertificateError::File { path, wanted, source }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(failed(certificate, "certificate"))?;
    if chain.is_empty() {
        return Err(CertificateError::Empty(certificate.to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(failed(key, "private key"))?;
    let pair =
        |source| CertificateError::Pair { certificate: certificate.to_owned(), key: key.to_owned(), source };
    let private = rustls::crypto::ring::sign::any_supported_type(&private).map_err(pair)?;
    let certified = CertifiedKey::new(chain, private);
    certified.keys_match().map_err(pair)?;
    Ok(certified)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    struct Folder {
        folder: tempfile::TempDir,
        clock: Clock,
    }

    impl Folder {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), clock: Clock::manual(Timestamp::UNIX_EPOCH) }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Writes a new pair for `name`, with that time of writing.
        fn write(&self, name: &str, second: u64) -> CertificateDer<'static> {
            let key = KeyPair::generate().unwrap();
            let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
            self.put("cert.pem", &certificate.pem(), second);
            self.put("key.pem", &key.serialize_pem(), second);
            certificate.der().clone()
        }

        fn put(&self, name: &str, text: &str, second: u64) {
            std::fs::write(self.path(name), text).unwrap();
            let file = std::fs::File::options().write(true).open(self.path(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(second)).unwrap();
        }

        fn load(&self) -> Result<CertificateFiles, CertificateError> {
            CertificateFiles::load(self.path("cert.pem"), self.path("key.pem"), self.clock.clone())
        }

        fn pass(&self) {
            self.clock.advance_to(self.clock.now() + LOOK_AGAIN_AFTER);
        }
    }

    #[test]
    fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
        let folder = Folder::new();
        let first = folder.write("a.test", 1);
        let files = folder.load().unwrap();
        assert_eq!(files.current().cert, std::slice::from_ref(&first));
        let second = folder.write("b.test", 2);
        assert_eq!(files.current().cert, [first], "looked at a moment ago");
        folder.pass();
        assert_eq!(files.current().cert, std::slice::from_ref(&second));
        folder.put("key.pem", "half a key", 3);
        folder.pass();
        assert_eq!(files.current().cert, [second]);
        let third = folder.write("c.test", 4);
        folder.pass();
        assert_eq!(files.current().cert, [third]);
        let read_again = || files.read_again(&folder.path("cert.pem"), &folder.path("key.pem"));
        assert!(!read_again().unwrap(), "it is the same");
        let fourth = folder.write("d.test", 4);
        assert!(read_again().unwrap());
        assert_eq!(files.current().cert, std::slice::from_ref(&fourth), "asked for, it is not waited for");
        folder.put("key.pem", "half a key", 4);
        assert!(read_again().is_err());
        assert_eq!(files.current().cert, [fourth]);
    }

    #[test]
    fn what_is_no_pair_is_refused_by_name() {
        let check = |folder: &Folder, expected: &[&str]| {
            let error = folder.load().unwrap_err().to_string();
            assert!(expected.iter().all(|part| error.contains(part)), "{error}");
        };
        let folder = Folder::new();
        check(&folder, &["cert.pem: No such file"]);
        folder.write("a.test", 1);
        let key = std::fs::read_to_string(folder.path("key.pem")).unwrap();
        folder.write("b.test", 2);
        folder.put("key.pem", &key, 3);
        check(&folder, &["cert.pem and ", "key.pem do not match"]);
        folder.put("key.pem", "", 4);
        check(&folder, &["key.pem: no private key in it; it must be PEM"]);
        folder.put("cert.pem", "", 5);
        check(&folder, &["cert.pem: no certificate in it"]);
    }
}
