//! TSIG (RFC 8945): verifies requests and the answers to our notifications, signs what we send.
//!
//! ```text
//!   Signed (a request's record) ──► Keys::check ─┬─ Ok ──► Signer ──► ResponseTsig, or message by message
//!                                                └─ Err ─► ResponseTsig with BADKEY, BADSIG or BADTIME
//! ```
//!
//! HMACs are computed by ring and compared in constant time. Of the algorithms of RFC 8945, section 6 the
//! untruncated SHA-2 ones are offered; MD5 must not be used, SHA-1 is not recommended. Truncated MACs are
//! left to policy (5.2.4) and not accepted: BADTRUNC, or FORMERR if shorter than 5.2.2.1 allows.
//! Nothing here knows sockets or reads the clock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::rr::{DNSClass, Name, RecordType};
use ring::hmac;
use subtle::ConstantTimeEq;

use super::name::{self, WireName};
use super::protocol::RECORD_FIXED_LENGTH;

/// Fudge: permitted clock difference, in seconds (RFC 8945, section 10 recommends 300).
const FUDGE_S: u16 = 300;
/// Minimum length of a truncated MAC, in octets (RFC 8945, 5.2.2.1).
const MAC_LENGTH_MIN: usize = 10;
/// ARCOUNT in the header.
const ARCOUNT: std::ops::Range<usize> = 10..12;

const NO_ERROR: u16 = 0;
const BADSIG: u16 = 16;
const BADKEY: u16 = 17;
const BADTIME: u16 = 18;
const BADTRUNC: u16 = 22;

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The algorithm is not supported.
    #[error("\"{0}\" is not a supported TSIG algorithm; use hmac-sha256, hmac-sha384 or hmac-sha512")]
    Algorithm(String),
    /// The key name is not a domain name.
    #[error("\"{0}\" is not a domain name")]
    Name(String),
    /// The secret is not base64.
    #[error("the secret is not base64; make one with: openssl rand -base64 32")]
    Secret,
    /// The secret is empty.
    #[error("there is no secret; make one with: openssl rand -base64 32")]
    Empty,
}

/// A shared key.
pub struct Key {
    name: WireName,
    algorithm: WireName,
    secret: hmac::Key,
}

impl Key {
    /// A key with this name and algorithm. `secret` is base64; white space in it is ignored.
    pub fn new(name: &str, algorithm: &str, secret: &str) -> Result<Self, KeyError> {
        let parsed = Name::from_ascii(name).ok().filter(|name| name.num_labels() > 0);
        let parsed = parsed.ok_or_else(|| KeyError::Name(name.to_owned()))?;
        let algorithm_name = algorithm.trim_end_matches('.').to_ascii_lowercase();
        let hash = match algorithm_name.as_str() {
            "hmac-sha256" => hmac::HMAC_SHA256,
            "hmac-sha384" => hmac::HMAC_SHA384,
            "hmac-sha512" => hmac::HMAC_SHA512,
            _ => return Err(KeyError::Algorithm(algorithm.to_owned())),
        };
        let secret: String = secret.split_ascii_whitespace().collect();
        let secret = STANDARD.decode(secret).map_err(|_| KeyError::Secret)?;
        if secret.is_empty() {
            return Err(KeyError::Empty);
        }
        let algorithm = Name::from_ascii(&algorithm_name).map_err(|_| KeyError::Name(algorithm_name))?;
        Ok(Self {
            name: WireName::of(&parsed),
            algorithm: WireName::of(&algorithm),
            secret: hmac::Key::new(hash, &secret),
        })
    }

    /// The name.
    pub fn name(&self) -> &WireName {
        &self.name
    }

    /// Whether both sign alike; secrets themselves cannot be read.
    fn is_same(&self, other: &Self) -> bool {
        let signed = |key: &Self| hmac::sign(&key.secret, b"");
        self.algorithm == other.algorithm && bool::from(signed(self).as_ref().ct_eq(signed(other).as_ref()))
    }

    fn mac_length(&self) -> usize {
        self.secret.algorithm().digest_algorithm().output_len()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {})", self.name, self.algorithm)
    }
}

/// All keys by name.
#[derive(Debug, Default)]
pub struct Keys(BTreeMap<WireName, Arc<Key>>);

impl Keys {
    /// These keys; of two with the same name the later one.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self(keys.into_iter().map(|key| (key.name.clone(), Arc::new(key))).collect())
    }

    /// The key of a name.
    pub fn get(&self, name: &WireName) -> Option<&Arc<Key>> {
        self.0.get(name)
    }

    /// The names of the keys that are not the same in `before`, or not there, or only there.
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let changed =
            self.0.iter().filter(|(name, key)| !before.0.get(*name).is_some_and(|old| old.is_same(key)));
        let removed = before.0.iter().filter(|(name, _)| !self.0.contains_key(*name));
        changed.chain(removed).map(|(name, _)| name.to_string()).collect()
    }

    /// Verifies a request's TSIG record: returns the signer for the response, or the error to respond with.
    pub(crate) fn check(&self, signed: &Signed<'_>, now_s: u64) -> Result<Signer, Refusal> {
        let named = self.0.get(&signed.key).filter(|key| key.algorithm == signed.algorithm);
        let Some(key) = named else { return Err(Refusal::NotAuth(signed.error_response(BADKEY))) };
        if !(key.mac_length() / 2).max(MAC_LENGTH_MIN).le(&signed.mac.len())
            || signed.mac.len() > key.mac_length()
        {
            return Err(Refusal::Malformed);
        }
        let mac = signed.digest(hmac::Context::with_key(&key.secret)).sign();
        if !bool::from(mac.as_ref()[..signed.mac.len()].ct_eq(signed.mac)) {
            return Err(Refusal::NotAuth(signed.error_response(BADSIG)));
        }
        let signer = Signer { key: key.clone(), before: Some(signed.mac.to_vec()), is_first: true };
        if signed.mac.len() < key.mac_length() {
            return Err(Refusal::NotAuth(ResponseTsig {
                signer: Some(signer),
                ..signed.error_response(BADTRUNC)
            }));
        }
        if signed.time_s.abs_diff(now_s) > u64::from(signed.fudge_s) {
            let mut tsig = ResponseTsig { signer: Some(signer), ..signed.error_response(BADTIME) };
            tsig.variables.other = now_s.to_be_bytes()[2..].to_vec();
            return Err(Refusal::NotAuth(tsig));
        }
        Ok(signer)
    }
}

/// Why a response is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unverified {
    /// No TSIG record.
    #[error("it is not signed")]
    NotSigned,
    /// Signed with another key.
    #[error("it is signed with another key")]
    Key,
    /// Wrong MAC.
    #[error("its signature is wrong: do both have the same secret?")]
    Signature,
    /// Timestamp outside of the fudge.
    #[error("the clocks of both differ by more than five minutes")]
    Time,
    /// The peer reports BADKEY.
    #[error("it says that it does not know the key (BADKEY)")]
    TheirKey,
    /// The peer reports BADSIG.
    #[error("it says that our signature is wrong (BADSIG): do both have the same secret?")]
    TheirSignature,
}

/// The response to a request whose TSIG record does not verify.
pub(crate) enum Refusal {
    /// NOTAUTH with this TSIG record.
    NotAuth(ResponseTsig),
    /// FORMERR.
    Malformed,
}

/// A received TSIG record and the message that it signs.
#[derive(Clone, Debug)]
pub(crate) struct Signed<'a> {
    /// The message up to the record.
    message: &'a [u8],
    key: WireName,
    algorithm: WireName,
    time_s: u64,
    fudge_s: u16,
    mac: &'a [u8],
    original_id: u16,
    error: u16,
    other: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Parses the RDATA of the record that follows `message` and has the owner `key`; `None` if malformed.
    pub(super) fn read(message: &'a [u8], key: &Name, rdata: &'a [u8]) -> Option<Self> {
        let (algorithm, rest) = rdata.split_at_checked(name::length(rdata)?)?;
        let ([t @ .., f0, f1, l0, l1], rest) = rest.split_first_chunk::<10>()?;
        let (mac, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*l0, *l1])))?;
        let ([i0, i1, e0, e1, o0, o1], other) = rest.split_first_chunk::<6>()?;
        if other.len() != usize::from(u16::from_be_bytes([*o0, *o1])) || message.len() < ARCOUNT.end {
            return None;
        }
        Some(Self {
            message,
            key: WireName::of(key),
            algorithm: WireName::from(algorithm.to_ascii_lowercase().as_slice()),
            time_s: t.iter().fold(0, |time, octet| time << 8 | u64::from(*octet)),
            fudge_s: u16::from_be_bytes([*f0, *f1]),
            mac,
            original_id: u16::from_be_bytes([*i0, *i1]),
            error: u16::from_be_bytes([*e0, *e1]),
            other,
        })
    }

    /// The key name.
    pub(crate) fn key(&self) -> &WireName {
        &self.key
    }

    /// Digests the message as it was before signing, then the TSIG variables (RFC 8945, 4.3).
    fn digest(&self, mut digest: hmac::Context) -> hmac::Context {
        let n_additional = u16::from_be_bytes([self.message[10], self.message[11]]) - 1;
        digest.update(&self.original_id.to_be_bytes());
        digest.update(&self.message[2..ARCOUNT.start]);
        digest.update(&n_additional.to_be_bytes());
        digest.update(&self.message[ARCOUNT.end..]);
        digest.update(&self.variables().octets(&self.key, &self.algorithm));
        digest
    }

    fn variables(&self) -> Variables {
        Variables {
            time_s: self.time_s,
            fudge_s: self.fudge_s,
            error: self.error,
            other: self.other.to_vec(),
        }
    }

    /// An unsigned TSIG record with an error and the request's timestamp (RFC 8945, 5.3.2).
    fn error_response(&self, error: u16) -> ResponseTsig {
        ResponseTsig {
            key: self.key.clone(),
            algorithm: self.algorithm.clone(),
            variables: Variables { error, other: Vec::new(), ..self.variables() },
            signer: None,
        }
    }
}

/// TSIG variables without the names (RFC 8945, 4.3.3).
#[derive(Clone, Debug)]
struct Variables {
    time_s: u64,
    fudge_s: u16,
    error: u16,
    other: Vec<u8>,
}

impl Variables {
    /// All variables in digest order (RFC 8945, 4.3.3).
    fn octets(&self, key: &WireName, algorithm: &WireName) -> Vec<u8> {
        let other_length = self.other.len() as u16;
        [
            key.as_bytes(),
            &u16::from(DNSClass::ANY).to_be_bytes(),
            &[0; 4],
            algorithm.as_bytes(),
            &self.timers(),
            &self.error.to_be_bytes(),
            &other_length.to_be_bytes(),
            &self.other,
        ]
        .concat()
    }

    fn timers(&self) -> Vec<u8> {
        [&self.time_s.to_be_bytes()[2..], &self.fudge_s.to_be_bytes()].concat()
    }
}

/// Signs the messages of one exchange, one after another.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    key: Arc<Key>,
    /// The previous MAC: that of the request, then that of our last message (RFC 8945, 5.3.1).
    before: Option<Vec<u8>>,
    is_first: bool,
}

impl Signer {
    /// A signer for a request of ours.
    pub(crate) fn of_request(key: Arc<Key>) -> Self {
        Self { key, before: None, is_first: true }
    }

    /// The key name.
    pub(crate) fn key(&self) -> &WireName {
        &self.key.name
    }

    /// Verifies the response to the last message that was signed (RFC 8945, 5.4). Truncated MACs are not
    /// accepted.
    pub(crate) fn verify(&self, response: &Signed<'_>, now_s: u64) -> Result<(), Unverified> {
        if response.key != self.key.name || response.algorithm != self.key.algorithm {
            return Err(Unverified::Key);
        }
        // Responses with BADKEY and BADSIG are unsigned (RFC 8945, 5.3.2).
        match response.error {
            BADKEY => return Err(Unverified::TheirKey),
            BADSIG => return Err(Unverified::TheirSignature),
            _ => {}
        }
        let mac = response.digest(self.begin_digest()).sign();
        if !bool::from(mac.as_ref().ct_eq(response.mac)) {
            return Err(Unverified::Signature);
        }
        if response.error == BADTIME || response.time_s.abs_diff(now_s) > u64::from(response.fudge_s) {
            return Err(Unverified::Time);
        }
        Ok(())
    }

    /// A digest of the previous MAC, if there is one.
    fn begin_digest(&self) -> hmac::Context {
        let mut digest = hmac::Context::with_key(&self.key.secret);
        if let Some(before) = &self.before {
            digest.update(&(before.len() as u16).to_be_bytes());
            digest.update(before);
        }
        digest
    }

    /// Length of the TSIG record, in octets.
    pub(crate) fn length(&self) -> usize {
        record_length(&self.key.name, &self.key.algorithm, self.key.mac_length(), 0)
    }

    /// Appends the TSIG record to `message`; its MAC covers the previous MAC too (RFC 8945, 5.3.1).
    pub(crate) fn sign(&mut self, message: Vec<u8>, now_s: u64) -> Vec<u8> {
        let variables = Variables { time_s: now_s, fudge_s: FUDGE_S, error: NO_ERROR, other: Vec::new() };
        self.sign_with(message, &variables)
    }

    fn sign_with(&mut self, message: Vec<u8>, variables: &Variables) -> Vec<u8> {
        let mut digest = self.begin_digest();
        digest.update(&message);
        match self.is_first {
            true => digest.update(&variables.octets(&self.key.name, &self.key.algorithm)),
            false => digest.update(&variables.timers()),
        }
        let mac = digest.sign().as_ref().to_vec();
        let signed = with_record(message, &self.key.name, &self.key.algorithm, variables, &mac);
        self.before = Some(mac);
        self.is_first = false;
        signed
    }
}

/// The TSIG record of a single response.
#[derive(Clone, Debug)]
pub struct ResponseTsig {
    key: WireName,
    algorithm: WireName,
    variables: Variables,
    signer: Option<Signer>,
}

impl ResponseTsig {
    /// A record without error, signed by `signer`.
    pub(crate) fn good(signer: Signer, now_s: u64) -> Self {
        Self {
            key: signer.key.name.clone(),
            algorithm: signer.key.algorithm.clone(),
            variables: Variables { time_s: now_s, fudge_s: FUDGE_S, error: NO_ERROR, other: Vec::new() },
            signer: Some(signer),
        }
    }

    /// Length of the record, in octets.
    pub(super) fn length(&self) -> usize {
        let mac_length = self.signer.as_ref().map_or(0, |signer| signer.key.mac_length());
        record_length(&self.key, &self.algorithm, mac_length, self.variables.other.len())
    }

    /// Appends the record to `message`.
    pub(crate) fn append_to(&self, message: Vec<u8>) -> Vec<u8> {
        match self.signer.clone() {
            Some(mut signer) => signer.sign_with(message, &self.variables),
            None => with_record(message, &self.key, &self.algorithm, &self.variables, &[]),
        }
    }
}

/// Owner, fixed fields, algorithm, and the 16 octets of fixed-length fields in the RDATA (RFC 8945, 4.2).
fn record_length(key: &WireName, algorithm: &WireName, mac_length: usize, other_length: usize) -> usize {
    key.as_bytes().len() + RECORD_FIXED_LENGTH + algorithm.as_bytes().len() + 16 + mac_length + other_length
}

fn with_record(
    mut message: Vec<u8>,
    key: &WireName,
    algorithm: &WireName,
    variables: &Variables,
    mac: &[u8],
) -> Vec<u8> {
    let id = [message[0], message[1]];
    let rdata = [
        algorithm.as_bytes(),
        &variables.timers(),
        &(mac.len() as u16).to_be_bytes(),
        mac,
        &id,
        &variables.error.to_be_bytes(),
        &(variables.other.len() as u16).to_be_bytes(),
        &variables.other,
    ]
    .concat();
    message.extend_from_slice(key.as_bytes());
    message.extend(u16::from(RecordType::TSIG).to_be_bytes());
    message.extend(u16::from(DNSClass::ANY).to_be_bytes());
    message.extend([0; 4]);
    message.extend((rdata.len() as u16).to_be_bytes());
    message.extend(rdata);
    let n_additional = u16::from_be_bytes([message[10], message[11]]) + 1;
    message[ARCOUNT].copy_from_slice(&n_additional.to_be_bytes());
    message
}

#[cfg(test)]
mod tests;
