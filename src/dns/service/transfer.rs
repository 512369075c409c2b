//! An admitted zone transfer: what the transport is to send.
//!
//! The service decides whether a client may transfer a zone, which version it gets and since which serial;
//! the transport makes and sends the messages.

use hickory_proto::op::{Edns, Metadata};

use crate::clock::Clock;
use crate::dns::message::tsig::Signer;
use crate::dns::zone::Zone;

/// An AXFR or IXFR request that was granted.
#[derive(Debug)]
pub struct AdmittedTransfer {
    /// The version of the zone to send.
    pub(in crate::dns) zone: Zone,
    /// The version an IXFR client has; `None` for AXFR.
    pub(in crate::dns) known_serial: Option<u32>,
    /// The header of every message.
    pub(in crate::dns) header: Metadata,
    /// The question and the OPT record of the first message (RFC 5936, 2.2.2).
    pub(in crate::dns) first: (Vec<u8>, Option<Edns>),
    /// Signs every message, if the request was signed.
    pub(in crate::dns) signer: Option<Signer>,
    /// The clock for signatures.
    pub(in crate::dns) clock: Clock,
}
