//! SRV records (RFC 2782) in packed form: weights, and what tells two of them apart.
//!
//! RDATA is priority, weight, port, target; every priority is 0.

use crate::dns::zone::{RrSet, SRV_FIXED_LENGTH};

/// SRV records of equal weight: 100 divided by the number of answers, at least 1, because a target
/// of weight 0 would hardly ever be chosen beside others (RFC 2782).
pub(super) fn weigh(mut services: RrSet<'static>) -> RrSet<'static> {
    let n_answers = u16::try_from(services.len()).unwrap_or(u16::MAX).max(1);
    let weight = (100 / n_answers).max(1).to_be_bytes();
    services.change_each(|rdata| rdata[2..4].copy_from_slice(&weight));
    services
}

/// What tells SRV records of one name and priority apart, whatever their weight: port and target.
pub(super) fn service_key(rdata: &[u8]) -> &[u8] {
    &rdata[4..]
}

/// The target of an SRV record.
pub(super) fn service_target(rdata: &[u8]) -> &[u8] {
    &rdata[SRV_FIXED_LENGTH..]
}
