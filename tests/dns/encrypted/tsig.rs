//! Transaction signatures over TLS, HTTPS and QUIC (RFC 8945): whatever is asked with one is answered
//! with one, whoever encodes the reply, and a transfer that is not had is refused with one too.

use hickory_proto::op::Message;

use crate::support::encrypted::Encrypted;
use crate::support::message::{Ask, Opt, ask, option, rcode};
use crate::support::tsig::{ALGORITHM, ALL, BADKEY, BADSIG, BADTIME, Before, Key, Record, SECRET, now_s};

const A: u16 = 1;
const SOA: u16 = 6;
const AXFR: u16 = 252;
const APEX: &str = "cluster.local";
const PADDING: u16 = 12;

fn start(folder: &tempfile::TempDir) -> Encrypted {
    let secret = folder.path().join("xfr.key");
    std::fs::write(&secret, SECRET).unwrap();
    let key = format!("--tsig-key=xfr.:{ALGORITHM}:{}", secret.display());
    Encrypted::start(&["--zones=tests/zones", "--allow-transfer=key:xfr.", &key])
}

fn key() -> Key {
    Key::new("xfr.", SECRET)
}

fn signed(key: &Key, ask: &Ask, time_s: u64) -> Vec<u8> {
    key.sign(&ask.octets(), Before::Nothing, time_s, ALL)
}

fn message(reply: &[u8]) -> Message {
    Message::from_vec(reply).unwrap()
}

#[tokio::test]
async fn whatever_is_asked_with_a_good_signature_is_answered_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder);
    let padded = Opt { options: option(PADDING, &[0; 5]), ..Opt::default() };
    for (name, ask, expected, n_answers) in [
        ("data", ask(APEX, SOA), "NOERROR", 1),
        ("with EDNS", ask(APEX, SOA).edns(), "NOERROR", 1),
        ("with padding", ask(APEX, SOA).opt(&padded), "NOERROR", 1),
        ("no such name", ask("nothere.cluster.local", A), "NXDOMAIN", 0),
        ("not ours", ask("example.com", A).edns(), "REFUSED", 0),
        ("more than a datagram holds", ask("big.prod.svc.cluster.local", A).edns(), "NOERROR", 40),
        ("a transfer of what is no zone", ask("nothere.cluster.local", AXFR), "NOTAUTH", 0),
    ] {
        let request = signed(&key(), &ask, now_s());
        let mac = key().read(&request).unwrap().mac;
        for (transport, reply) in server.over_each(&request).await {
            let name = format!("{name} over {transport}");
            let verified = key().verify(&reply, Before::Request(&mac));
            let record = verified.unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(record.error, 0, "{name}");
            assert!(key().verify(&reply, Before::Nothing).is_err(), "{name}: the request is signed too");
            assert_eq!(rcode(&message(&reply)), expected, "{name}");
            assert_eq!(message(&reply).answers.len(), n_answers, "{name}");
            assert!(!name.starts_with("with padding") || reply.len() % 468 == 0, "{name}: {}", reply.len());
        }
    }
}

#[tokio::test]
async fn a_transfer_over_https_and_quic_is_refused_with_a_signature() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder);
    let request = signed(&key(), &ask(APEX, AXFR).edns(), now_s());
    let mac = key().read(&request).unwrap().mac;
    for ((transport, reply), expected) in
        server.over_each(&request).await.into_iter().zip(["NOERROR", "REFUSED", "REFUSED"])
    {
        key().verify(&reply, Before::Request(&mac)).unwrap_or_else(|why| panic!("{transport}: {why}"));
        assert_eq!(rcode(&message(&reply)), expected, "{transport}");
    }
}

#[tokio::test]
async fn a_bad_signature_is_told_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder);
    let question = ask(APEX, SOA);
    let stranger = Key::new("no.", SECRET);
    let other = Key::new("xfr.", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    for (name, signer, time_s, expected) in [
        ("a key of that name is not known", &stranger, now_s(), BADKEY),
        ("another secret", &other, now_s(), BADSIG),
        ("too old", &key(), now_s() - 1000, BADTIME),
    ] {
        let request = signed(signer, &question, time_s);
        for (transport, reply) in server.over_each(&request).await {
            let name = format!("{name} over {transport}");
            assert_eq!(rcode(&message(&reply)), "NOTAUTH", "{name}");
            let Record { error, mac, .. } = signer.read(&reply).unwrap_or_else(|| panic!("{name}: no TSIG"));
            assert_eq!(error, expected, "{name}");
            // Whoever shares the key is told in earnest.
            assert_eq!(!mac.is_empty(), expected == BADTIME, "{name}");
            if expected == BADTIME {
                let before = key().read(&request).unwrap().mac;
                key().verify(&reply, Before::Request(&before)).unwrap_or_else(|why| panic!("{name}: {why}"));
            }
        }
    }
}
