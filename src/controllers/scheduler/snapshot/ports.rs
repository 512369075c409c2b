//! Ports of a node that pods use, and whether another pod may use one too.
//!
//! Two pods collide on a port of the same protocol if they use it on the same address, or if one of
//! them uses it on every address.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PodSpec;

use crate::objects::pod::is_sidecar;

const ANY_ADDRESS: &str = "0.0.0.0";

/// One port of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct HostPort {
    port: i32,
    protocol: String,
    address: String,
}

/// The ports that the pod uses as long as it runs: those of its containers and sidecars.
pub(in super::super) fn host_ports(spec: &PodSpec) -> Vec<HostPort> {
    let sidecars = spec.init_containers.iter().flatten().filter(|container| is_sidecar(container));
    let ports = sidecars.chain(&spec.containers).flat_map(|container| container.ports.iter().flatten());
    let or = |text: &Option<String>, default: &str| {
        text.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned())
    };
    let used = ports.filter_map(|port| {
        let number = port.host_port.filter(|number| *number > 0)?;
        Some(HostPort {
            port: number,
            protocol: or(&port.protocol, "TCP"),
            address: or(&port.host_ip, ANY_ADDRESS),
        })
    });
    used.collect()
}

/// The ports in use, each with the number of its users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Ports(BTreeMap<HostPort, usize>);

impl Ports {
    /// Takes ports into use.
    pub(in super::super) fn add(&mut self, ports: &[HostPort]) {
        for port in ports {
            *self.0.entry(port.clone()).or_default() += 1;
        }
    }

    /// Releases ports.
    pub(in super::super) fn remove(&mut self, ports: &[HostPort]) {
        for port in ports {
            if let Some(users) = self.0.get_mut(port) {
                *users -= 1;
                if *users == 0 {
                    self.0.remove(port);
                }
            }
        }
    }

    /// Whether one of the ports is not free.
    pub(in super::super) fn collide_with(&self, wanted: &[HostPort]) -> bool {
        let collides = |used: &HostPort, wanted: &HostPort| {
            (used.port, &used.protocol) == (wanted.port, &wanted.protocol)
                && (used.address == wanted.address
                    || used.address == ANY_ADDRESS
                    || wanted.address == ANY_ADDRESS)
        };
        wanted.iter().any(|wanted| self.0.keys().any(|used| collides(used, wanted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(text: &str) -> HostPort {
        let [protocol, address, port] = text.split('/').collect::<Vec<_>>().try_into().unwrap();
        HostPort { port: port.parse().unwrap(), protocol: protocol.into(), address: address.into() }
    }

    #[track_caller]
    fn check(used: &[&str], wanted: &str, expected: bool) {
        let mut ports = Ports::default();
        let used: Vec<HostPort> = used.iter().map(|text| port(text)).collect();
        ports.add(&used);
        assert_eq!(ports.collide_with(&[port(wanted)]), expected, "{used:?} and {wanted}");
        ports.remove(&used);
        assert_eq!(ports, Ports::default());
    }

    #[test]
    fn ports_collide_by_number_protocol_and_address() {
        check(&["UDP/127.0.0.1/9090"], "UDP/127.0.0.1/8080", false);
        check(&["UDP/127.0.0.1/8080"], "UDP/127.0.0.1/8080", true);
        check(&["UDP/127.0.0.2/8080"], "UDP/127.0.0.1/8080", false);
        check(&["UDP/127.0.0.1/8080"], "TCP/127.0.0.1/8080", false);
        check(&["TCP/0.0.0.0/8001"], "TCP/127.0.0.1/8001", true);
        check(&["TCP/127.0.0.1/8001"], "TCP/0.0.0.0/8001", true);
        check(&["TCP/10.0.10.10/8001", "TCP/0.0.0.0/8001"], "TCP/10.0.10.10/8001", true);
    }

    #[test]
    fn a_port_without_protocol_or_address_is_one_of_tcp_on_all() {
        let spec: PodSpec = serde_yaml::from_str(
            "{containers: [{name: a, ports: [{containerPort: 1, hostPort: 80}, {containerPort: 2}]}],
              initContainers: [{name: i, ports: [{containerPort: 1, hostPort: 81}]},
                {name: s, restartPolicy: Always, ports: [{containerPort: 1, hostPort: 82, protocol: UDP}]}]}",
        )
        .unwrap();
        assert_eq!(host_ports(&spec), [port("UDP/0.0.0.0/82"), port("TCP/0.0.0.0/80")]);
    }
}
