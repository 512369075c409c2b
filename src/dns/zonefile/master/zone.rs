//! One master file to one zone, whose apex is the owner of the SOA record.
//!
//! Errors of `Zone` are reported at the line of the record that they are about.

use hickory_proto::rr::{Name, RecordType};

use super::mistake::{MasterError, Mistake, Place};
use super::reader::{self, Included, Placed};
use crate::dns::zone::Zone;

/// The zone in `text`. Mistakes are reported for `file`; `origin` completes relative names until the
/// first `$ORIGIN`. `$INCLUDE` is refused.
pub fn parse_zone(file: &str, text: &str, origin: Option<Name>) -> Result<Zone, MasterError> {
    let no_include = |_: &str| Err("there is no folder to include from".into());
    Ok(parse_zone_with(file, text, origin, &no_include)?.zone)
}

/// A zone and the place of its SOA record.
#[derive(Clone, Debug)]
pub(crate) struct PlacedZone {
    pub(crate) zone: Zone,
    pub(crate) soa_at: Place,
}

/// Like [`parse_zone`], from octets; `include` returns an included file, or why it cannot.
pub(crate) fn parse_zone_with(
    file: &str,
    octets: impl AsRef<[u8]>,
    origin: Option<Name>,
    include: &dyn Fn(&str) -> Result<Included, String>,
) -> Result<PlacedZone, MasterError> {
    let records = reader::records(file, octets, origin, include)?;
    let is_soa = |placed: &&Placed| placed.record.record_type() == RecordType::SOA;
    let Some(soa) = records.iter().find(is_soa) else {
        return Err(MasterError::NoSoa { file: file.to_owned() });
    };
    let soa_at = soa.at.clone();
    let apex = soa.record.name.clone();
    let all = records.iter().map(|placed| placed.record.clone());
    let zone = Zone::from_records_in_order(apex, all).map_err(|(index, error)| {
        let Place { file, line } = &records[index].at;
        MasterError::Line { file: file.to_string(), line: *line, mistake: Mistake::Zone(Box::new(error)) }
    })?;
    Ok(PlacedZone { zone, soa_at })
}
