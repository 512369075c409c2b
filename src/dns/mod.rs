//! The DNS server: zones in one immutable snapshot, and the answers from it. Knows nothing of Kubernetes.
//!
//! ```text
//!   names, zonefile ──► Zones (one snapshot, swapped as a whole)
//!                         ▲ loaded without waiting
//!   transport: UDP, TCP, DoT, DoH, DoQ ──► service ──► answer(&Zones, &Query) ──► Answer
//!                                                     message: wire format to values and back
//!   a zone changes ──► secondary: NOTIFY ──► the secondaries request a transfer
//! ```

pub mod message;

pub mod zone;

pub mod zonefile;

pub mod answer;

pub mod service;

pub mod secondary;

pub mod transport;
