//! Transaction signatures from the other side (RFC 8945), made and checked without the server's code.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use tempfile::TempDir;

use super::binary::{self, Program};
use super::message::wire_name;

pub(crate) const SECRET: &str = "DTngw7O33zSOzNJvYWLVBRoKTkcM9rbn0ey1bcU58MM=";
pub(crate) const ALGORITHM: &str = "hmac-sha256";
/// Errors (RFC 8945, 3 and 5.2.2.1).
pub(crate) const BADSIG: u16 = 16;
pub(crate) const BADKEY: u16 = 17;
pub(crate) const BADTIME: u16 = 18;
pub(crate) const BADTRUNC: u16 = 22;
/// A signature that is not truncated.
pub(crate) const ALL: usize = usize::MAX;
const TSIG: [u8; 2] = [0, 250];
const CLASS_ANY: [u8; 2] = [0, 255];
const FUDGE_S: u16 = 300;

/// A key that signs.
#[derive(Clone)]
pub(crate) struct Key {
    name: Vec<u8>,
    secret: hmac::Key,
}

/// What a TSIG record says, and the message before it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) message: Vec<u8>,
    pub(crate) time_s: u64,
    pub(crate) mac: Vec<u8>,
    pub(crate) error: u16,
    pub(crate) other: Vec<u8>,
    fudge_s: u16,
}

/// What goes before a message into its digest.
#[derive(Clone, Copy)]
pub(crate) enum Before<'a> {
    /// It is a request.
    Nothing,
    /// It answers the request with this MAC.
    Request(&'a [u8]),
    /// It follows, in one exchange, the message with this MAC.
    Message(&'a [u8]),
}

/// `dullahan dns` over the zones of a folder, with the key `xfr.` and these flags too; the folder that
/// the key is in goes with it.
pub(crate) fn serve(zones: &Path, more: &[&str]) -> (Program, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("xfr.key");
    std::fs::write(&secret, SECRET).unwrap();
    let mut flags = vec![
        format!("--zones={}", zones.display()),
        "--cluster-domain=k8s.invalid".to_owned(),
        format!("--tsig-key=xfr.:{ALGORITHM}:{}", secret.display()),
    ];
    flags.extend(more.iter().map(|flag| (*flag).to_owned()));
    (binary::start_with("dns", &flags), folder)
}

pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Key {
    pub(crate) fn new(name: &str, secret: &str) -> Self {
        let secret = STANDARD.decode(secret).unwrap();
        Self { name: wire_name(name), secret: hmac::Key::new(hmac::HMAC_SHA256, &secret) }
    }

    /// The message with a record of this time; of its MAC the first octets, all if it has no more.
    pub(crate) fn sign(&self, message: &[u8], before: Before<'_>, time_s: u64, mac_length: usize) -> Vec<u8> {
        let mut mac = self.mac(message, before, time_s, FUDGE_S, 0, &[]);
        mac.truncate(mac_length);
        let rdata = [
            &wire_name(ALGORITHM)[..],
            &time_s.to_be_bytes()[2..],
            &FUDGE_S.to_be_bytes(),
            &(mac.len() as u16).to_be_bytes(),
            &mac,
            &message[..2],
            &[0; 4],
        ]
        .concat();
        let length = (rdata.len() as u16).to_be_bytes();
        let mut signed = [message, &self.name, &TSIG, &CLASS_ANY, &[0; 4], &length, &rdata].concat();
        add_additional(&mut signed, 1);
        signed
    }

    /// Reads the record that ends `message` and holds it against this key; says what is wrong.
    pub(crate) fn verify(&self, message: &[u8], before: Before<'_>) -> Result<Record, String> {
        let record = self.read(message).ok_or("the last record is no TSIG record of this key")?;
        let Record { message, time_s, fudge_s, error, other, .. } = &record;
        if record.mac != self.mac(message, before, *time_s, *fudge_s, *error, other) {
            return Err(format!("the MAC is wrong (error {error})"));
        }
        // A reply that says so (BADTIME) has the time of the request.
        if *error != 18 && time_s.abs_diff(now_s()) > u64::from(*fudge_s) {
            return Err("the time is wrong".to_owned());
        }
        Ok(record)
    }

    /// The record that ends `message`, its MAC right or wrong.
    pub(crate) fn read(&self, message: &[u8]) -> Option<Record> {
        let start = message
            .windows(self.name.len() + 4)
            .rposition(|window| window == [&self.name[..], &TSIG, &CLASS_ANY].concat())?;
        let mut rest = &message[start + self.name.len() + 8 + 2 + wire_name(ALGORITHM).len()..];
        let mut take = |n: usize| {
            let (taken, after) = rest.split_at_checked(n)?;
            rest = after;
            Some(taken)
        };
        let number =
            |octets: &[u8]| octets.iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
        let time_s = number(take(6)?);
        let fudge_s = number(take(2)?) as u16;
        let mac_length = number(take(2)?) as usize;
        let mac = take(mac_length)?.to_vec();
        take(2)?;
        let error = number(take(2)?) as u16;
        let other_length = number(take(2)?) as usize;
        let other = take(other_length)?.to_vec();
        let mut before = message[..start].to_vec();
        add_additional(&mut before, u16::MAX);
        rest.is_empty().then_some(Record { message: before, time_s, mac, error, other, fudge_s })
    }

    fn mac(
        &self,
        message: &[u8],
        before: Before<'_>,
        time_s: u64,
        fudge_s: u16,
        error: u16,
        other: &[u8],
    ) -> Vec<u8> {
        let mut octets = Vec::new();
        if let Before::Request(mac) | Before::Message(mac) = before {
            octets.extend((mac.len() as u16).to_be_bytes());
            octets.extend(mac);
        }
        octets.extend(message);
        let timers = [&time_s.to_be_bytes()[2..], &fudge_s.to_be_bytes()].concat();
        if let Before::Message(_) = before {
            octets.extend(timers);
        } else {
            octets.extend([&self.name[..], &CLASS_ANY, &[0; 4], &wire_name(ALGORITHM), &timers].concat());
            octets.extend(error.to_be_bytes());
            octets.extend((other.len() as u16).to_be_bytes());
            octets.extend(other);
        }
        hmac::sign(&self.secret, &octets).as_ref().to_vec()
    }
}

fn add_additional(message: &mut [u8], n: u16) {
    let count = u16::from_be_bytes([message[10], message[11]]).wrapping_add(n);
    message[10..12].copy_from_slice(&count.to_be_bytes());
}
