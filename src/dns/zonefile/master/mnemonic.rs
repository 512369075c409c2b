//! How a record type is written.
//!
//! Types without a mnemonic are written by number (RFC 3597 section 5), also those for which hickory
//! has a name that no other program knows.

use hickory_proto::rr::RecordType;

/// The type as it is written in a master file.
pub(super) fn mnemonic(record_type: RecordType) -> String {
    match record_type {
        RecordType::Unknown(number) => format!("TYPE{number}"),
        RecordType::ZERO => "TYPE0".to_owned(),
        known => known.to_string(),
    }
}
