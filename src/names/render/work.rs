//! A service while it is rendered; `service` and `zonal` put records into it.
//!
//! A name that would be too long is left out with a complaint.

use super::draft::Draft;
use super::scheme::Scheme;
use super::touched::Touched;
use crate::dns::message::name::{NameTooLong, WireName};

/// A service while it is rendered.
pub(super) struct Work<'w> {
    pub(super) scheme: &'w Scheme,
    pub(super) draft: Draft,
    pub(super) name: WireName,
    /// The endpoints whose names are rendered; all if `None`.
    pub(super) only: Option<&'w Touched>,
    pub(super) complaints: &'w mut Vec<String>,
}

impl Work<'_> {
    /// The service's name with these labels prepended, one after the other.
    pub(super) fn below(&mut self, labels: &[&str]) -> Option<WireName> {
        let below = |name: WireName, label: &&str| -> Result<WireName, NameTooLong> { name.child(label) };
        let name = labels.iter().try_fold(self.name.clone(), below);
        name.map_err(|error| self.complaints.push(error.to_string())).ok()
    }
}
