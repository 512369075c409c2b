//! DNS: zones as one immutable snapshot, and answers from it. Nothing here knows of Kubernetes.
//!
//! ```text
//!   whoever renders zones, zonefile ──► Zones (swapped whole)
//!                                         ▲ load, never waits
//!   transport: UDP, TCP, DoT, DoH, DoQ ──► service ──► answer(&Zones, &Query) ──► Answer
//!                                                     message: octets to values and back
//!   Zones have changed ──► secondary: NOTIFY ──► secondaries, which come for a transfer
//! ```

pub mod message;

pub mod zone;

pub mod zonefile;

pub mod answer;

pub mod service;

pub mod secondary;

pub mod transport;
