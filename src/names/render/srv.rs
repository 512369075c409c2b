//! SRV records (RFC 2782) in packed form: weights, and the parts that identify a record.
//!
//! The RDATA is priority, weight, port and target; every priority is 0, as in CoreDNS.

use crate::dns::zone::{RrSet, SRV_FIXED_LENGTH};

/// Gives SRV records equal weights: 100 divided by their number, as CoreDNS does, but at least 1,
/// because a target of weight 0 is hardly ever chosen beside others (RFC 2782, "Weight").
pub(super) fn weigh(mut services: RrSet<'static>) -> RrSet<'static> {
    let n_answers = u16::try_from(services.len()).unwrap_or(u16::MAX).max(1);
    let weight = (100 / n_answers).max(1).to_be_bytes();
    services.change_each(|rdata| rdata[2..4].copy_from_slice(&weight));
    services
}

/// The part of the RDATA that identifies a record whatever its weight: port and target.
pub(super) fn service_key(rdata: &[u8]) -> &[u8] {
    &rdata[4..]
}

/// The target of an SRV record.
pub(super) fn service_target(rdata: &[u8]) -> &[u8] {
    &rdata[SRV_FIXED_LENGTH..]
}
