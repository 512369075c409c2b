//! All zones at one version.

use std::sync::Arc;

use hickory_proto::rr::{Name, RecordType};

use super::name::{self, WireName};
use super::reasons::{Reason, Reasons};
use super::tree::Zone;

/// All zones that are served, at one version. Cheap to clone; a change shares what it keeps.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    by_apex: imbl::HashMap<WireName, Arc<Zone>>,
    reasons: Option<Arc<dyn Reasons>>,
}

impl Zones {
    /// These zones; of two with one apex the later.
    pub fn new(zones: impl IntoIterator<Item = Zone>) -> Self {
        let by_apex = zones.into_iter().map(|zone| (zone.key().clone(), Arc::new(zone))).collect();
        Self { by_apex, reasons: None }
    }

    /// Asks `reasons` from now on why a name has no records.
    pub fn set_reasons(&mut self, reasons: Arc<dyn Reasons>) {
        self.reasons = Some(reasons);
    }

    /// Why a name that has no records of this type has none, if that is known.
    pub fn reason(&self, name: &Name, record_type: RecordType) -> Option<Reason> {
        self.reasons.as_ref()?.reason(name, record_type)
    }

    /// Puts a zone in place of the one with its apex, if there is one.
    pub fn insert(&mut self, zone: Zone) {
        self.by_apex.insert(zone.key().clone(), Arc::new(zone));
    }

    /// Removes the zone with this apex.
    pub fn remove(&mut self, apex: &WireName) {
        self.by_apex.remove(apex);
    }

    /// The zone with this apex.
    pub fn get(&self, apex: &Name) -> Option<&Zone> {
        self.at(&WireName::of(apex))
    }

    /// The zone with this apex, by its key.
    pub fn at(&self, apex: &WireName) -> Option<&Zone> {
        self.by_apex.get(apex).map(Arc::as_ref)
    }

    /// Every zone, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Zone> {
        self.by_apex.values().map(Arc::as_ref)
    }

    /// The zone that a lower-cased wire name lies in: the one with the longest apex.
    pub fn find(&self, name: &[u8]) -> Option<&Zone> {
        name::ancestors(name).find_map(|apex| self.by_apex.get(apex)).map(Arc::as_ref)
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
