//! Explanations for negative answers, from the newest landscape, cut to fit an Extended DNS Error.
//!
//! The publisher stores a new landscape with each version; answers load it without waiting.

use hickory_proto::rr::{Name, RecordType};

use super::explanation::Explanation;
use super::landscape::Landscape;
use super::name::explain;
use crate::clock::Clock;
use crate::dns::zone::{REASON_OCTETS_MAX, Reason, Reasons};

/// Explains negative answers from the landscape that the publisher stored last.
#[derive(Debug)]
pub struct Explainer {
    landscape: arc_swap::ArcSwap<Landscape>,
    clock: Clock,
}

impl Explainer {
    /// An explainer with this landscape.
    pub fn new(landscape: Landscape, clock: Clock) -> Self {
        Self { landscape: arc_swap::ArcSwap::from_pointee(landscape), clock }
    }

    /// Explains from `landscape` from now on.
    pub fn show(&self, landscape: Landscape) {
        self.landscape.store(landscape.into());
    }

    /// As [`explain`], at the present instant.
    pub fn explain(&self, name: &Name, record_type: RecordType) -> Option<Explanation> {
        explain(&self.landscape.load(), name, record_type, self.clock.now())
    }
}

impl Reasons for Explainer {
    fn reason(&self, name: &Name, record_type: RecordType) -> Option<Reason> {
        let explanation = self.explain(name, record_type)?;
        Some(Reason { cause: explanation.cause.label(), text: cut(explanation.text) })
    }
}

/// The text, cut to [`REASON_OCTETS_MAX`]: RFC 8914 section 2 wants EXTRA-TEXT short.
fn cut(mut text: String) -> String {
    if text.len() > REASON_OCTETS_MAX {
        let room = REASON_OCTETS_MAX - "...".len();
        let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}
