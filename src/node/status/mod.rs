//! A pod's status as a kubelet writes it.
//!
//! Pure: (pod, what is known of it, now) to the whole status. What belongs to others is kept:
//! conditions of other writers, among them the scheduler's and the readiness gates', and the
//! quality of service class. A condition keeps its transition time while its status is the same.

mod conditions;
mod container;
mod pod;
mod view;

pub(super) use pod::status;
pub(super) use view::View;
