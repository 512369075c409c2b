//! What tables show of an object: the cells that Kubernetes' server-side printers compute.

mod pod;

pub use pod::PodCells;
