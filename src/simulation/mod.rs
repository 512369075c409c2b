//! Deterministic simulation: the whole product under a virtual clock, on one thread, from one seed.
//!
//! ```text
//!   seed ─► cast (sets), history (user actions and faults, each at its instant)
//!             │
//!             ▼
//!   world: stage (store, controllers, node, DNS; the seed picks who runs next) ─► events ─► checkers
//!             │
//!             └─► Summary, or Failure: the rule, the shortest history that breaks it, how to replay
//! ```
//!
//! Same seed, same trace. Nothing here reads the real time or opens a socket. A run is bounded: parts
//! that never become idle, and a final calm in which the wanted state is not reached, are failures
//! too.

mod backend;
mod cast;
mod chance;
mod checks;
mod fault;
mod history;
mod nodes;
mod play;
mod runtime;
mod shrink;
mod simulate;
mod stage;
mod timeline;
mod view;
mod world;

pub use cast::Cast;
pub use checks::Violation;
pub use fault::Fault;
pub use simulate::{Failure, Simulation, Unsettled};
pub use timeline::Line;
pub use world::{Broken, Summary};
