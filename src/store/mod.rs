//! The store: where everything meets.
//!
//! ```text
//!   create, update, delete ──► default ─► prepare ─► admit ─► validate ──► Backend::commit
//!                                                                               │ publish
//!   get, list, watch       ◄───────────────────────────────────────────────── Cache
//! ```
//!
//! [`Store`] applies the rules that hold for every object (uid, generation, preconditions,
//! finalizers, deletionTimestamp and grace) and hands the result to a [`Backend`], which compares
//! and writes, and publishes what it wrote in a [`Cache`]: objects in memory with their indexes and
//! their history. Reads and watches are answered from the cache alone. The store knows nothing of
//! who watches and why.

mod event;
mod write;

mod cache;
mod state;
mod watch;

mod backend;
mod memory;

mod handle;

mod create;
mod defaulted;
mod deletion;
mod eviction;
mod mirror;
mod pods;
mod rehearsal;
mod update;

mod admission;
mod allocation;
mod bootstrap;
mod error;
mod event_log;
mod identity;
mod recorder;

pub use allocation::network::ServiceNetwork;
pub use backend::Backend;
pub use bootstrap::Bootstrap;
pub use cache::{Batch, Cache, Listing};
pub use defaulted::Defaulted;
pub use deletion::{DeleteOptions, Deleted, FINALIZER_FOREGROUND, FINALIZER_ORPHAN, Propagation};
pub use error::StoreError;
pub use event::{Change, Event, Gone, Interest};
pub use event_log::{EVENT_LIFETIME, EVENTS_MAX};
pub use handle::{Store, StoreOptions};
pub use memory::MemoryBackend;
pub use recorder::Severity;
pub use watch::Watch;
pub use write::{CommitError, Expected, Write};

#[cfg(test)]
mod tests;
