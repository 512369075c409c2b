//! The parameters of SVCB and HTTPS records (RFC 9460), in text and in wire form.
//!
//! What is wrong in itself is refused, as section 2.4.3 wants of zone files, however it is written.

mod key;
mod text;
mod wire;

pub(super) use text::octets;
pub(super) use wire::check;
