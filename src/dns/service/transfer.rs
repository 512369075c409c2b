//! A zone transfer that a client may have: what the transport is to send.
//!
//! The response policy decides here that a transfer is allowed, of which version of the zone and from
//! which serial on; making and sending its messages is for the transport.

use hickory_proto::op::{Edns, Metadata};

use crate::clock::Clock;
use crate::dns::message::tsig::Signer;
use crate::dns::zone::Zone;

/// An AXFR or IXFR request that was granted.
#[derive(Debug)]
pub struct AdmittedTransfer {
    /// The version of the zone that is sent.
    pub(in crate::dns) zone: Zone,
    /// What an IXFR client has already.
    pub(in crate::dns) known_serial: Option<u32>,
    /// The header of every message.
    pub(in crate::dns) header: Metadata,
    /// The question and the OPT record of the first message (RFC 5936, 2.2.1).
    pub(in crate::dns) first: (Vec<u8>, Option<Edns>),
    /// Who signs every message, if the request was signed.
    pub(in crate::dns) signer: Option<Signer>,
    /// The time of signatures.
    pub(in crate::dns) clock: Clock,
}
