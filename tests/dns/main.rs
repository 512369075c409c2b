//! DNS: what is answered, to whom, over which transport, and what other programs make of it.
//!
//! - `wire`, `metrics`, `abuse`: octets over UDP and TCP, what is counted of them, and floods.
//! - `conformance`: CoreDNS' own test tables; `acceptance`: checks that know nothing of this code.
//! - `properties`, `ready_names`: histories made at random, through the publisher, against the rules.
//! - `clients`, `resolvers`, `secondaries`: dig, kdig, drill, nslookup; Unbound, dnsmasq, BIND; Knot, NSD, BIND.
//! - `encrypted`: TLS, HTTPS and QUIC; `tsig`, `notify`, `serials`: what primaries owe their secondaries.
//! - `forward`: names of others; `explain`: why a name is absent.
//!
//! `tests/README.md` says what each needs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod abuse;
mod acceptance;
mod clients;
mod conformance;
mod encrypted;
mod explain;
mod forward;
mod metrics;
mod notify;
mod properties;
mod ready_names;
mod resolvers;
mod secondaries;
mod serials;
#[path = "../support/mod.rs"]
mod support;
mod tsig;
mod wire;
