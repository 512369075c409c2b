//! What to try next, once a server runs: a line for each, to be copied.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use hickory_proto::rr::{Name, RData, RecordType};

use crate::dns::zone::{Zone, Zones};

/// Larger zones are not looked through for an example.
const NAMES_MAX: usize = 20_000;

/// The command that asks this address.
pub(super) fn dig(address: &SocketAddr) -> String {
    format!("dig @{} -p {}", address.ip(), address.port())
}

/// What to ask of zones, if there is a name with an address in them.
pub(super) fn of_zones(zones: &Zones, address: Option<&SocketAddr>) -> Vec<String> {
    // In reverse zones only the name servers have addresses.
    let is_forward = |zone: &&Zone| !zone.apex().to_ascii().ends_with(".arpa.");
    let small = zones.iter().filter(is_forward).filter(|zone| zone.n_names() <= NAMES_MAX);
    let records: Vec<_> = small.flat_map(|zone| zone.records()).collect();
    let with_type = |wanted: &[RecordType]| -> BTreeSet<&Name> {
        let those = records.iter().filter(|record| wanted.contains(&record.record_type()));
        those.map(|record| &record.name).collect()
    };
    // The servers of the zones themselves are no example.
    let servers: BTreeSet<&Name> = records.iter().filter_map(|record| server(&record.data)).collect();
    let hosts = with_type(&[RecordType::A, RecordType::AAAA]);
    let hosts: BTreeSet<&Name> = hosts.difference(&servers).copied().collect();
    let (Some(address), Some(host)) = (address, hosts.iter().min_by_key(|name| rank(name))) else {
        return Vec::new();
    };
    let mut hints = vec![String::new(), "Try, in another terminal:".into()];
    hints.push(format!("  {} {}", dig(address), written(host)));
    if with_type(&[RecordType::SRV]).contains(&host.base_name()) {
        hints.push(format!("  {} SRV {}", dig(address), written(&host.base_name())));
    }
    hints.push(String::new());
    hints
}

fn server(data: &RData) -> Option<&Name> {
    match data {
        RData::NS(server) => Some(&server.0),
        _ => None,
    }
}

/// The name of a pod before that of a service, and names that are made of an address or a port last.
fn rank(name: &Name) -> (bool, std::cmp::Reverse<u8>) {
    let is_made = name
        .iter()
        .next()
        .is_none_or(|label| label.first().is_some_and(|c| c.is_ascii_digit() || *c == b'_'));
    (is_made, std::cmp::Reverse(name.num_labels()))
}

fn written(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::zonefile::master::parse_zone;

    fn said(records: &str) -> Vec<String> {
        let text =
            format!("$ORIGIN cluster.local.\n$TTL 5\n@ SOA ns.dns h 1 1 1 1 5\n@ NS ns.dns\n{records}");
        let zone: Zone = parse_zone("z", &text, None).unwrap();
        of_zones(&Zones::new([zone]), Some(&"127.0.0.1:1053".parse().unwrap()))
    }

    #[test]
    fn an_example_is_the_name_of_a_pod_if_there_is_one() {
        assert_eq!(said("ns.dns A 192.0.2.1\n"), [""; 0]);
        let service = "ns.dns A 192.0.2.1\nnginx.default.svc A 10.0.0.1\n10-0-0-1.nginx.default.svc A 10.0.0.1\n_x._tcp.nginx.default.svc A 10.0.0.1\n_web._tcp.nginx.default.svc SRV 0 0 80 a\n";
        let asks = "  dig @127.0.0.1 -p 1053";
        assert_eq!(said(service)[2], format!("{asks} nginx.default.svc.cluster.local"));
        let pods =
            "web-0.nginx.default.svc A 10.0.0.1\nnginx.default.svc SRV 0 0 80 web-0.nginx.default.svc\n";
        let expected = [
            "",
            "Try, in another terminal:",
            &format!("{asks} web-0.nginx.default.svc.cluster.local"),
            &format!("{asks} SRV nginx.default.svc.cluster.local"),
            "",
        ];
        assert_eq!(said(&format!("{service}{pods}")), expected);
    }
}
