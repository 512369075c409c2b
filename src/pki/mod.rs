//! The certificate authority, the certificates that it signs, and how credentials are kept.
//!
//! Nothing here knows who uses a certificate.

pub mod authority;
pub mod credentials;
pub mod keeping;
pub(crate) mod private_file;
