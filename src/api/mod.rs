//! How objects come in: manifest files that are followed, later HTTP.
//!
//! Everything here turns what users send into store calls. It knows nothing of controllers,
//! runtimes or DNS.

pub mod changes;
pub mod files;
mod reading;
