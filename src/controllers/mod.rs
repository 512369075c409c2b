//! Controllers: each watches some kinds, maps events to keys, and rereads the world by key.
//!
//! A controller decides with pure functions and writes through the store; it never calls another
//! controller, and knows nothing of runtimes, HTTP or sockets. [`run`] is the loop they share.

mod controller;
mod ending;
pub mod endpointslice;
pub mod garbage;
mod informer;
pub mod nodelifecycle;
pub mod queue;
pub mod scheduler;
pub mod statefulset;
pub mod volumes;
mod worker;

pub use controller::{Controller, Next, ReconcileError};
pub use worker::{Worker, run};
