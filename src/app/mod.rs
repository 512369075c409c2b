//! The only place where parts are wired, started, followed and stopped.
//!
//! ```text
//!   start: state locked ─► sockets bound ─► store ─► files applied ─► zones rendered
//!            ─► kubeconfig, credentials and description written ─► everything runs
//!   stop:  one token is cancelled; every part finishes what it has in hand, within a bounded time
//! ```
//!
//! Whatever can fail comes before the first write: a start that fails leaves the files of an earlier
//! server, and of others that run, as they are.
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

mod nodes;
pub use nodes::simulated_nodes;

mod reload;
pub use reload::{Renewal, is_live};

mod servers;
pub use servers::{Description, KnownServer, kubeconfig_of, servers};

mod start;
pub use start::manifests;

mod state;
pub use state::StateFolderError;

mod zones;
pub use zones::ZoneReport;

mod domain;
mod encrypted;
mod forward;
mod metrics_page;
mod policy;
mod secondaries;
