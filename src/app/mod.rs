//! The only place where parts are wired, started, followed and stopped.
//!
//! ```text
//!   start: sockets bound ─► store ─► files applied ─► zones rendered ─► everything runs
//!   stop:  one token is cancelled; every part ends by itself, within a bounded time
//! ```
//!
//! Addresses are bound before anything else, so that a port that is taken costs nothing; DNS
//! answers only once the zones hold what the files say.

mod running;
pub use running::Running;

mod parts;
pub use parts::Failure;

mod mistakes;
pub use mistakes::BrokenFiles;

mod serve;
pub use serve::serve;

mod dns;
pub use dns::{Known, dns, explain};

mod start;
pub use start::manifests;

mod zones;
pub use zones::ZoneReport;

mod domain;
mod encrypted;
mod forward;
mod metrics_page;
mod policy;
mod secondaries;
