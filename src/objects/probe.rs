//! The port that a probe asks, as a kubelet finds it.
//!
//! A name is looked up among the ports of the probe's own container, whatever their protocol, and
//! otherwise read as a number (`pkg/probe`, `ResolveContainerPort`).

use k8s_openapi::api::core::v1::{Container, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The handler of a probe and the name of a port that its container does not have, if it asks one.
pub fn missing_port<'p>(container: &Container, probe: &'p Probe) -> Option<(&'static str, &'p str)> {
    let http = probe.http_get.as_ref().map(|http| ("httpGet", &http.port));
    let tcp = probe.tcp_socket.as_ref().map(|tcp| ("tcpSocket", &tcp.port));
    let (handler, port) = http.or(tcp)?;
    let IntOrString::String(name) = port else { return None };
    let is_known = container.ports.iter().flatten().any(|port| port.name.as_ref() == Some(name));
    (!is_known && name.parse::<u16>().is_err()).then_some((handler, name.as_str()))
}
