//! Names of topology zones, as CoreDNS' option `zonal` has them: `TZ.pin._zone.SVC…` has the ready
//! endpoints of a zone; `TZ.prefer._zone.SVC…` has the same, or all ready endpoints if there are none.
//!
//! Every TZ resolves, of one label or several, so zones without endpoints are answered by wildcards: an
//! empty one below `pin`, and one with all endpoints below `prefer`. A zone of several labels has
//! wildcards at the names between as well, because an empty non-terminal would hide the wildcard above
//! it (RFC 4592 section 3.3.1).

use std::collections::{BTreeMap, BTreeSet};

use super::endpoints::Endpoint;
use super::work::Work;
use crate::dns::message::name::WireName;
use crate::names::label::is_label;

/// The label below which zones have names.
const ZONE: &str = "_zone";
const PIN: &str = "pin";
const PREFER: &str = "prefer";
const WILDCARD: &str = "*";

impl Work<'_> {
    /// The names of topology zones of a headless service.
    pub(super) fn zonal(&mut self, endpoints: &[&Endpoint]) {
        let mut zones: BTreeMap<Vec<String>, Vec<&Endpoint>> = BTreeMap::new();
        for endpoint in endpoints {
            if let Some(labels) = endpoint.zone.as_deref().and_then(labels) {
                zones.entry(labels).or_default().push(endpoint);
            }
        }
        let between: BTreeSet<Vec<String>> =
            zones.keys().flat_map(|labels| (0..labels.len()).map(|n| labels[..n].to_vec())).collect();
        for directive in [PIN, PREFER] {
            for (labels, ready) in &zones {
                if let Some(name) = self.zonal_name(directive, labels) {
                    self.members(&name, ready);
                }
            }
            for labels in between.iter().chain([&Vec::new()]) {
                let wildcard = [labels.as_slice(), &[WILDCARD.to_owned()]].concat();
                let Some(name) = self.zonal_name(directive, &wildcard) else { continue };
                self.members(&name, if directive == PREFER { endpoints } else { &[] });
            }
        }
    }

    /// `labels`, from the right to the left, put before the directive.
    fn zonal_name(&mut self, directive: &str, labels: &[String]) -> Option<WireName> {
        let labels = labels.iter().map(String::as_str);
        let labels: Vec<&str> = [ZONE, directive].into_iter().chain(labels).collect();
        self.below(&labels)
    }

    /// Makes `name` exist with the addresses and ports of these endpoints.
    fn members(&mut self, name: &WireName, endpoints: &[&Endpoint]) {
        self.draft.at(name);
        for endpoint in endpoints {
            let Some(target) = self.below(&[&endpoint.label]) else { continue };
            let data = self.draft.at(name);
            data.addresses.push(endpoint.address);
            data.services.extend(endpoint.ports.iter().map(|port| (port.number, target.clone())));
        }
    }
}

/// The labels of a zone's name from the right to the left; none if it cannot be a name.
fn labels(zone: &str) -> Option<Vec<String>> {
    let labels: Vec<String> = zone.rsplit('.').map(str::to_ascii_lowercase).collect();
    labels.iter().all(|label| is_label(label)).then_some(labels)
}
