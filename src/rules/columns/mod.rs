//! What tables show of an object: the columns of each kind, and the cells that Kubernetes'
//! server-side printers compute.
//!
//! kubectl prints what it is given; columns of priority 1 only when asked for a wide table. Ages
//! are cells like any other, computed for the moment of the answer, so rows are never kept. One
//! file per family of kinds has its columns and, in their order, its cells; `kinds` has all of them.

mod age;
mod cell;
mod cluster;
mod column;
mod content;
mod kinds;
mod network;
mod pod;
mod storage;
mod table;
mod workload;

pub use age::human_duration;
pub use column::Column;
pub use kinds::{cells, columns};
pub use pod::PodCells;
pub use table::{IncludeObject, Partial, Table};

#[cfg(test)]
mod tests;
