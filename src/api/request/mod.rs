//! Parsing requests: paths, queries, Accept headers, bodies, selectors.
//!
//! Pure: texts in, values or a [`Failure`](super::answer::status::Failure) out.

pub(crate) mod accept;
pub(crate) mod body;
pub(crate) mod filter;
pub(crate) mod go_json;
pub(crate) mod options;
pub(crate) mod path;
pub(crate) mod protobuf;
pub(crate) mod query;
