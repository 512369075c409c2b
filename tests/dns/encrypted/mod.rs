//! DNS over TLS, HTTPS and QUIC: real clients, names of others, transfers and signatures.

mod clients;
mod forward;
mod transfer;
mod tsig;
