//! One question: what is asked, when, and what may be looked at to answer it.
//!
//! Its methods are in the files of the objects that they look at.

use hickory_proto::rr::RecordType;

use super::landscape::Landscape;
use super::view::View;
use crate::clock::Timestamp;

/// One question, and the view of the objects from which it is answered.
pub(super) struct Question<'q> {
    pub(super) view: View<'q>,
    pub(super) record_type: RecordType,
    pub(super) now: Timestamp,
}

impl<'q> Question<'q> {
    /// A question with its whole budget.
    pub(super) fn new(landscape: &'q Landscape, record_type: RecordType, now: Timestamp) -> Self {
        Self { view: View::new(landscape), record_type, now }
    }

    /// Whether controllers may still create what is missing.
    pub(super) fn has_controllers(&self) -> bool {
        self.view.options().has_controllers
    }
}
