//! The parameters of SVCB and HTTPS records (RFC 9460), in text and in wire form.
//!
//! Both forms are checked by the same rules: RFC 9460 section 2.4.3 asks zone files to be checked for
//! self-consistency, and recipients reject records that are not.

mod key;
mod text;
mod wire;

pub(super) use text::octets;
pub(super) use wire::check;
