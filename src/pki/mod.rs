//! The certificate authority, the certificates that it signs, and the folder with its state.
//!
//! Nothing here knows who uses a certificate: the caller names the subject of the client
//! certificate, the names of servers, and the folder in which the state is.

pub mod authority;
pub mod credentials;
pub(crate) mod private_file;
pub mod state;
