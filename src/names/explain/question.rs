//! One question: what is asked, when, and what may be looked at to answer it.
//!
//! Its methods stand in the files of the objects that they are about.

use hickory_proto::rr::RecordType;

use super::landscape::Landscape;
use super::view::View;
use crate::clock::Timestamp;

/// One question and what it is put to.
pub(super) struct Question<'q> {
    pub(super) view: View<'q>,
    pub(super) record_type: RecordType,
    pub(super) now: Timestamp,
}

impl<'q> Question<'q> {
    /// A question for which nothing was looked at yet.
    pub(super) fn new(landscape: &'q Landscape, record_type: RecordType, now: Timestamp) -> Self {
        Self { view: View::new(landscape), record_type, now }
    }

    /// Whether what is not there may still come by itself.
    pub(super) fn has_controllers(&self) -> bool {
        self.view.options().has_controllers
    }
}
