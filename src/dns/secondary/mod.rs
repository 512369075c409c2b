//! Secondaries: transfers (RFC 5936, RFC 1995), NOTIFY (RFC 1996), serials, and the catalog of the
//! zones that are served (RFC 9432).
//!
//! Secondaries compare serials, so this room owns them: it hands them out, keeps them on disk, and
//! sends what has changed between two of them. Nothing here knows what a zone was made from.

pub mod catalog;
pub mod notification;
pub mod serials;
pub mod transfer;
