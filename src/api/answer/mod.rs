//! Responses: Status errors, objects and lists in the negotiated form, discovery documents.
//!
//! Pure: values in, JSON out. Nothing here reads the store or waits.

pub(crate) mod discovery;
pub(crate) mod rendering;
pub(crate) mod status;
