//! Encrypted DNS with real clients: kdig over TLS and HTTPS, and hickory's client over QUIC (Debian's
//! kdig has none), read what the zone says; a renewed certificate is shown without a restart.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dullahan::dns::message::protocol::PADDING_BLOCK;
use futures_util::StreamExt;
use hickory_proto::op::{DnsRequest, DnsRequestOptions, Edns, Message, Query};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{DNSClass, Name};
use hickory_server::net::quic::QuicClientStream;
use hickory_server::net::xfer::DnsRequestSender;
use rcgen::{CertificateParams, KeyPair};

use crate::support::binary;
use crate::support::encrypted::told;
use crate::support::raw;
use crate::support::tools::Tools;
use crate::support::wait;

const NAME: &str = "dns.test";

/// Name, type and what the answer section of every transport must hold.
const CASES: &[(&str, &str, &[&str])] = &[
    ("web-0.web.default.svc.cluster.local", "A", &["10.1.0.1"]),
    ("ext.default.svc.cluster.local", "A", &["www.example.com."]),
    ("nothere.default.svc.cluster.local", "A", &[]),
    (
        "_pg._tcp.db.prod.svc.cluster.local",
        "SRV",
        &[
            "0 20 5432 db-0.db.prod.svc.cluster.local.",
            "0 20 5432 db-1.db.prod.svc.cluster.local.",
            "0 20 5432 db-2.db.prod.svc.cluster.local.",
            "0 20 5432 db-3.db.prod.svc.cluster.local.",
            "0 20 5432 db-4.db.prod.svc.cluster.local.",
        ],
    ),
];

struct Encrypted {
    program: binary::Program,
    folder: tempfile::TempDir,
    /// Whom clients trust.
    trusted: PathBuf,
    addresses: Vec<(String, SocketAddr)>,
}

impl Encrypted {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_pair(folder.path());
        let mut flags = flags();
        let trusted = folder.path().join("cert.pem");
        flags.push(format!("--tls-cert={}", trusted.display()));
        flags.push(format!("--tls-key={}", folder.path().join("key.pem").display()));
        Self::of(binary::start_with("dns", &flags), folder, trusted)
    }

    /// With a certificate of its own, for this name too.
    fn start_alone(command: &str, folder: tempfile::TempDir) -> Self {
        let mut flags = flags();
        flags.push(format!("--tls-san={NAME}"));
        let state = Some(folder.path());
        let program = binary::start_keeping(command, &flags, std::process::Stdio::inherit(), state);
        let trusted = folder.path().join("dullahan/default/credentials/ca.crt");
        let encrypted = Self::of(program, folder, trusted);
        let signer = encrypted.program.told("The certificate of encrypted DNS is signed by ");
        assert_eq!(Path::new(signer.trim_end_matches(';')), encrypted.trusted);
        encrypted
    }

    fn of(program: binary::Program, folder: tempfile::TempDir, trusted: PathBuf) -> Self {
        let addresses = ["DoT", "DoH", "DoQ"].map(|protocol| (protocol.to_owned(), told(&program, protocol)));
        Self { program, folder, trusted, addresses: addresses.to_vec() }
    }

    fn address(&self, protocol: &str) -> SocketAddr {
        self.addresses.iter().find(|(name, _)| name == protocol).unwrap().1
    }

    /// What `kdig +short` prints, sorted; the certificate is verified.
    fn kdig(
        &self,
        kdig: &Path,
        how: &[&str],
        address: SocketAddr,
        name: &str,
        record_type: &str,
    ) -> Vec<String> {
        let output = Command::new(kdig)
            .args([&format!("@{}", address.ip()), "-p", &address.port().to_string()])
            .args(how)
            .arg(format!("+tls-ca={}", self.trusted.display()))
            .args([&format!("+tls-hostname={NAME}"), "+short", "+timeout=5", "+retry=0", name, record_type])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{how:?} {name}: {text}{}", String::from_utf8_lossy(&output.stderr));
        lines(&text)
    }
}

/// The fixture's zones by every encrypted transport, at free ports.
fn flags() -> Vec<String> {
    let mut flags = vec!["--zones=tests/zones".to_owned(), "--cluster-domain=k8s.invalid".to_owned()];
    flags.extend(["dot", "doh", "doq"].map(|protocol| format!("--{protocol}-listen=127.0.0.1:0")));
    flags
}

fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn an_authority_of_its_own_signs_the_certificate_and_outlives_the_server() {
    let mut tools = Tools::default();
    let (Some(kdig), Some(dig)) = (tools.find("kdig", "knot-dnsutils"), tools.find("dig", "bind9-dnsutils"))
    else {
        return;
    };
    for command in ["dns", "serve"] {
        let server = Encrypted::start_alone(command, tempfile::tempdir().unwrap());
        let (name, record_type, expected) = CASES[0];
        for (protocol, how) in [("DoT", "+tls"), ("DoH", "+https")] {
            let read = server.kdig(&kdig, &[how], server.address(protocol), name, record_type);
            assert_eq!(read, expected, "{command} {how}");
        }
        let ask = |trusted: &Path, server_name: &str| {
            let address = server.address("DoT");
            let output = Command::new(&dig)
                .args([&format!("@{}", address.ip()), "-p", &address.port().to_string(), "+tls", "+short"])
                .arg(format!("+tls-ca={}", trusted.display()))
                .arg(format!("+tls-hostname={server_name}"))
                .args(["+timeout=5", "+tries=1", name, record_type])
                .output()
                .unwrap();
            lines(&String::from_utf8(output.stdout).unwrap())
        };
        // By its address, by its name in the zone of the cluster, and by what was named.
        for server_name in ["127.0.0.1", "ns.dns.k8s.invalid", NAME] {
            assert_eq!(ask(&server.trusted, server_name), expected, "{command} {server_name}");
        }
        assert_ne!(ask(&server.trusted, "other.test"), expected, "{command}: a name of somebody else");
        let authority = std::fs::read(&server.trusted).unwrap();
        let Encrypted { program, folder, .. } = server;
        drop(program);
        let again = Encrypted::start_alone(command, folder);
        assert_eq!(std::fs::read(&again.trusted).unwrap(), authority, "{command}");
    }
}

#[test]
fn padded_queries_get_padded_responses_of_whole_blocks() {
    let mut tools = Tools::default();
    let Some(kdig) = tools.find("kdig", "knot-dnsutils") else { return };
    let server = Encrypted::start();
    for (protocol, how) in [("DoT", "+tls"), ("DoH", "+https")] {
        for (padding, is_padded) in [("+padding", true), ("+nopadding", false)] {
            let address = server.address(protocol);
            let output = Command::new(&kdig)
                .args([&format!("@{}", address.ip()), "-p", &address.port().to_string(), how, padding])
                .arg(format!("+tls-ca={}", server.trusted.display()))
                .args([&format!("+tls-hostname={NAME}"), "+timeout=5", "+retry=0", CASES[0].0, "A"])
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert_eq!(text.contains(";; Received 468 B"), is_padded, "{how} {padding}: {text}");
        }
    }
}

/// A new self-signed pair; returns the certificate as PEM.
fn write_pair(folder: &Path) -> String {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    certificate.pem()
}

#[test]
fn every_encrypted_transport_answers_as_udp_does() {
    let mut tools = Tools::default();
    let Some(kdig) = tools.find("kdig", "knot-dnsutils") else { return };
    let server = Encrypted::start();
    let transports: &[(&str, &[&str])] =
        &[("DoT", &["+tls"]), ("DoH", &["+https"]), ("DoH", &["+https-get"])];
    for (protocol, how) in transports {
        for (name, record_type, expected) in CASES {
            let read = server.kdig(&kdig, how, server.address(protocol), name, record_type);
            assert_eq!(read, *expected, "{how:?} {name} {record_type}");
        }
    }
    drop(server.program);
}

/// Asks over one QUIC connection; the answers' data in order, and whether the id of all was 0. With
/// padding every response has whole blocks.
async fn over_quic(address: SocketAddr, certificate: &Path) -> (Vec<Vec<String>>, bool) {
    let tls = raw::trust(&std::fs::read(certificate).unwrap(), &[&rustls::version::TLS13]);
    let builder = QuicClientStream::builder().crypto_config(tls).request_timeout(Duration::from_secs(10));
    let mut connection = builder.build(address, NAME.into()).await.unwrap();
    let (mut all, mut has_id_0) = (Vec::new(), true);
    for (name, record_type, _) in CASES {
        let mut query =
            Query::query(Name::from_ascii(format!("{name}.")).unwrap(), record_type.parse().unwrap());
        query.set_query_class(DNSClass::IN);
        let mut message = Message::query();
        message.add_query(query);
        let mut edns = Edns::new();
        edns.options_mut().insert(EdnsOption::Unknown(12, vec![0; 5]));
        message.edns = Some(edns);
        let request = DnsRequest::new(message, DnsRequestOptions::default());
        let response = connection.send_message(request).next().await.unwrap().unwrap();
        has_id_0 &= response.metadata.id == 0;
        assert_eq!(response.as_buffer().len() % PADDING_BLOCK, 0, "{name}");
        let mut answers: Vec<_> = response.answers.iter().map(|record| record.data.to_string()).collect();
        answers.sort();
        all.push(answers);
    }
    (all, has_id_0)
}

#[tokio::test]
async fn quic_answers_what_the_zone_says_with_id_0() {
    let server = Encrypted::start();
    let (answers, has_id_0) = over_quic(server.address("DoQ"), &server.folder.path().join("cert.pem")).await;
    let expected: Vec<Vec<String>> =
        CASES.iter().map(|(_, _, data)| data.iter().map(|data| (*data).to_owned()).collect()).collect();
    assert_eq!(answers, expected);
    assert!(has_id_0, "RFC 9250, section 4.2.1");
}

#[test]
fn a_renewed_certificate_is_shown_without_a_restart() {
    let mut tools = Tools::default();
    let Some(openssl) = tools.find("openssl", "openssl") else { return };
    let server = Encrypted::start();
    let renewed = write_pair(server.folder.path());
    let shown = || {
        let output = Command::new(&openssl)
            .args(["s_client", "-connect", &server.address("DoT").to_string(), "-showcerts"])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
    };
    let body = |pem: &str| pem.lines().nth(1).unwrap().trim().to_owned();
    // The files are looked at once a second at most, so a handshake or two may still see the old.
    wait::until("the new certificate is shown", || shown().contains(&body(&renewed)));
}

#[test]
fn flags_that_do_not_fit_together_are_told() {
    let run = |flags: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_dullahan"))
            .args(["dns", "--dns-listen=127.0.0.1:0", "--zones=tests/zones", "--cluster-domain=k8s.invalid"])
            .args(flags)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let check = |flags: &[&str], expected: &str| {
        let said = run(flags);
        assert!(said.contains(expected), "{flags:?}: {said}");
    };
    check(&["--dot-listen=127.0.0.1:0", "--tls-cert=a.pem"], "--tls-key <FILE>");
    check(&["--doq-listen=127.0.0.1:0", "--tls-cert=a.pem", "--tls-key=b.pem"], "a.pem: No such file");
    check(&["--doh-listen=nowhere"], "invalid value 'nowhere' for '--doh-listen <ADDR:PORT>'");
}
