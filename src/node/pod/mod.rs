//! One pod that is bound to this node: what it needs decided, and carried out.
//!
//! ```text
//!   report, probe results, object, now ──► PodState::step (pure) ──► status, orders, observations
//!        ▲                                                             │
//!        └──────────── runtime, store, recorder ◄── PodWorker ◄────────┘
//! ```

mod awaited;
mod environment;
mod events;
mod needs;
mod remains;
mod resource;
mod sandbox;
mod state;
mod volumes;
mod worker;

pub(super) use remains::remove_remains;
pub(super) use worker::{AddressGrant, PodWorker, Probing, Turn, probe};
