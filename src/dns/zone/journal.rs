//! What has changed from version to version of a zone, for secondaries that have an older one.
//!
//! A zone notes what a name had [`Before`] each change; when the version gets its serial, `version`
//! turns the differences into one [`Delta`]. The journal is bounded by [`VOLUMES_MAX`] and
//! [`OCTETS_MAX`]; beyond them the oldest versions are dropped, and a secondary that has one of those
//! gets the whole zone.
//!
//! Every version has a journal with one more delta. Versions share closed volumes of
//! [`VOLUME_VERSIONS`] deltas, so that copying a journal copies at most one volume.

use std::collections::VecDeque;
use std::sync::Arc;

use super::node::Node;
use super::rrset::RrSets;
use super::soa::Soa;
use crate::dns::message::name::WireName;

/// How many versions are in a volume.
pub(super) const VOLUME_VERSIONS: usize = 32;
/// How many volumes of a zone are kept.
pub(super) const VOLUMES_MAX: usize = 32;
/// How many octets of differences a zone keeps.
pub(super) const OCTETS_MAX: usize = 4 * 1024 * 1024;

/// The kept versions.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    /// Oldest first.
    volumes: Arc<VecDeque<Volume>>,
    /// The deltas after the last volume.
    recent: Vec<Arc<Delta>>,
    pub(super) n_octets: usize,
}

/// [`VOLUME_VERSIONS`] deltas, oldest first.
type Volume = Arc<[Arc<Delta>]>;

/// A name as it was before it was changed.
#[derive(Clone, Debug)]
pub(super) struct Before {
    pub(super) name: WireName,
    pub(super) cased: Option<Arc<[u8]>>,
    /// `None` if the name did not exist.
    pub(super) node: Option<Node>,
}

/// What one version has changed.
#[derive(Debug)]
pub(crate) struct Delta {
    pub(super) before: Soa,
    pub(super) after: Soa,
    pub(super) removed: Vec<(Arc<[u8]>, RrSets)>,
    pub(super) added: Vec<(Arc<[u8]>, RrSets)>,
    pub(super) n_records: usize,
    pub(super) n_octets: usize,
}

impl Journal {
    pub(super) fn push(&mut self, delta: Delta) {
        self.n_octets += delta.n_octets;
        self.recent.push(Arc::new(delta));
        if self.recent.len() == VOLUME_VERSIONS {
            let volume = std::mem::take(&mut self.recent).into();
            Arc::make_mut(&mut self.volumes).push_back(volume);
        }
        while self.volumes.len() > VOLUMES_MAX || (self.n_octets > OCTETS_MAX && !self.volumes.is_empty()) {
            let oldest = Arc::make_mut(&mut self.volumes).pop_front();
            self.n_octets -=
                oldest.iter().flat_map(|volume| volume.iter()).map(|old| old.n_octets).sum::<usize>();
        }
        while self.n_octets > OCTETS_MAX {
            self.n_octets -= self.recent.remove(0).n_octets;
        }
    }

    /// Oldest first.
    pub(super) fn deltas(&self) -> impl Iterator<Item = &Arc<Delta>> {
        self.volumes.iter().flat_map(|volume| volume.iter()).chain(&self.recent)
    }
}
