//! All served zones at one version: the snapshot that answers are made from.
//!
//! One writer stores a new snapshot; readers load it without waiting and keep it as long as they need.
//! A name belongs to the zone with the longest matching apex (RFC 1034 section 4.3.2 step 2).

use std::collections::BTreeSet;
use std::sync::Arc;

use hickory_proto::rr::{Name, RecordType};

use super::reasons::{Reason, Reasons};
use super::stamps::Stamp;
use super::table::{Named, Table};
use super::tree::Zone;
use crate::dns::message::name::{self, WireName};

/// The current snapshot; readers load it without waiting.
pub type SharedZones = Arc<arc_swap::ArcSwap<Zones>>;

/// All zones that are served, at one version. Cheap to clone; a change shares what it keeps.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    by_apex: Table<Arc<Zone>>,
    /// The distinct numbers of labels of apexes, greatest first.
    depths: Arc<[usize]>,
    layout: Stamp,
    reasons: Option<Arc<dyn Reasons>>,
    /// Where names are looked up that fall through.
    fallback: Option<Arc<Zones>>,
}

impl Named for Arc<Zone> {
    fn name(&self) -> &[u8] {
        self.key().as_bytes()
    }
}

impl Zones {
    /// These zones; of two with one apex the later.
    pub fn new(zones: impl IntoIterator<Item = Zone>) -> Self {
        let mut all = Self::default();
        zones.into_iter().for_each(|zone| all.insert(zone));
        all
    }

    /// Negative answers ask `reasons` from now on why a name has no records.
    pub fn set_reasons(&mut self, reasons: Arc<dyn Reasons>) {
        self.reasons = Some(reasons);
    }

    /// Whether reasons for negative answers are known.
    pub(crate) fn has_reasons(&self) -> bool {
        self.reasons.is_some()
    }

    /// Names that fall through are looked up in these zones from now on.
    pub fn set_fallback(&mut self, zones: Zones) {
        self.fallback = Some(Arc::new(zones));
    }

    /// The fallback zone for a name, if there is one.
    pub(crate) fn fallback_for(&self, name: &[u8]) -> Option<&Zone> {
        self.fallback.as_ref()?.find(name)
    }

    /// Why a name that has no records of this type has none, if that is known.
    pub fn reason(&self, name: &Name, record_type: RecordType) -> Option<Reason> {
        self.reasons.as_ref()?.reason(name, record_type)
    }

    /// Puts a zone in place of the one with its apex, if there is one.
    pub fn insert(&mut self, zone: impl Into<Arc<Zone>>) {
        if self.by_apex.insert(zone.into()).is_none() {
            self.lay_out();
        }
    }

    /// Removes the zone with this apex.
    pub fn remove(&mut self, apex: &WireName) {
        if self.by_apex.remove(apex.as_bytes()).is_some() {
            self.lay_out();
        }
    }

    /// Changes whenever a zone is added or removed: while it stays the same, every name is in the same
    /// zone.
    pub(crate) fn layout(&self) -> Stamp {
        self.layout
    }

    fn lay_out(&mut self) {
        let depths: BTreeSet<usize> = self.iter().map(|zone| name::n_labels(zone.key().as_bytes())).collect();
        self.depths = depths.into_iter().rev().collect();
        self.layout = Stamp::next();
    }

    /// The zone with this apex.
    pub fn get(&self, apex: &Name) -> Option<&Zone> {
        self.at(&WireName::of(apex))
    }

    /// The zone with this apex, by its key.
    pub fn at(&self, apex: &WireName) -> Option<&Zone> {
        self.by_apex.get(apex.as_bytes()).map(Arc::as_ref)
    }

    /// The same, to be put among other zones.
    pub(crate) fn shared(&self, apex: &WireName) -> Option<Arc<Zone>> {
        self.by_apex.get(apex.as_bytes()).cloned()
    }

    /// Every zone, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Zone> {
        self.by_apex.iter().map(Arc::as_ref)
    }

    /// The zone that a lower-cased wire name lies in: the one with the longest apex.
    pub fn find(&self, name: &[u8]) -> Option<&Zone> {
        let n_labels = name::n_labels(name);
        let mut apexes =
            self.depths.iter().filter_map(|depth| name::ancestor(name, n_labels.checked_sub(*depth)?));
        apexes.find_map(|apex| self.by_apex.get(apex)).map(Arc::as_ref)
    }

    /// The zone that answers for a type at a name. DS belongs to the parent's side of a cut
    /// (RFC 4035 section 3.1.4.1), so at an apex it is the zone above that answers, if it is ours.
    pub(crate) fn find_for(&self, name: &[u8], record_type: RecordType) -> Option<&Zone> {
        let zone = self.find(name)?;
        if record_type != RecordType::DS || zone.key().as_bytes() != name {
            return Some(zone);
        }
        name::parent(name).and_then(|above| self.find(above)).or(Some(zone))
    }
}
