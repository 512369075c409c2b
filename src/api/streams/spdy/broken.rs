//! What ends a SPDY connection: octets that are not the protocol, or more of them than are read.

/// Why a connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("a frame is of SPDY version {0}; 3 is spoken here")]
    Version(u16),
    #[error("a {what} has more than {n_octets_max} octets")]
    TooLarge { what: &'static str, n_octets_max: usize },
    #[error("a header block cannot be read")]
    Headers,
    #[error("a frame is too short for what it is")]
    Short,
}
