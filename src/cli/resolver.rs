//! `dullahan resolver WHICH`: the configuration that makes a resolver ask this server for the
//! cluster's zones, and everybody else for the rest.
//!
//! It prints and changes nothing. Negative answers are kept for as long as this server says where
//! the resolver can be told so: a peer that asks too early must not stay blind.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use hickory_proto::rr::Name;
use ipnet::IpNet;

use super::output::say;
use crate::config::with_port;
use crate::names::render::reverse::zones_of as reverse_zones_of;

/// The resolvers there are recipes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Resolver {
    /// Unbound.
    Unbound,
    /// systemd-resolved, the resolver of most Linux desktops.
    SystemdResolved,
    /// Dnsmasq.
    Dnsmasq,
    /// BIND 9.
    Bind,
    /// CoreDNS.
    Coredns,
    /// The resolver of macOS.
    Macos,
}

/// What `dullahan resolver` takes.
#[derive(Args, Debug)]
pub(super) struct ResolverSettings {
    /// Which resolver.
    #[arg(value_enum, value_name = "WHICH")]
    resolver: Resolver,
    /// Where this server answers DNS.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:1053", value_parser = with_port(1053))]
    dns: SocketAddr,
    /// The domain of the cluster.
    #[arg(long, value_name = "NAME", default_value = "cluster.local", value_parser = domain)]
    cluster_domain: String,
    /// Networks of pods and services, whose reverse zones this server has (repeatable).
    #[arg(long, value_name = "CIDR", default_values = ["10.244.0.0/16", "10.96.0.0/16"])]
    network: Vec<IpNet>,
}

fn domain(text: &str) -> Result<String, String> {
    match Name::from_ascii(text) {
        Ok(name) if name.num_labels() > 0 => Ok(text.to_owned()),
        _ => Err("name a domain such as cluster.local".to_owned()),
    }
}

/// Prints the recipe.
pub(super) fn run(settings: &ResolverSettings) -> anyhow::Result<ExitCode> {
    say(recipe(settings).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// The zones of this server, without the last dot, the cluster's own first.
fn zones(settings: &ResolverSettings) -> Vec<String> {
    let reverse = settings.network.iter().flat_map(|network| reverse_zones_of(*network));
    let reverse = reverse.map(|zone| zone.to_string().trim_end_matches('.').to_owned());
    let domain = settings.cluster_domain.trim_end_matches('.').to_ascii_lowercase();
    let mut zones = vec![domain];
    zones.extend(reverse);
    zones
}

fn recipe(settings: &ResolverSettings) -> String {
    let (zones, dns) = (zones(settings), settings.dns);
    match settings.resolver {
        Resolver::Unbound => unbound(&zones, dns),
        Resolver::SystemdResolved => systemd_resolved(&zones, dns),
        Resolver::Dnsmasq => dnsmasq(&zones, dns),
        Resolver::Bind => bind(&zones, dns),
        Resolver::Coredns => coredns(&zones, dns),
        Resolver::Macos => macos(&zones, dns),
    }
}

/// One piece of text for each zone.
fn each(zones: &[String], piece: impl Fn(&str) -> String) -> String {
    zones.iter().map(|zone| piece(zone)).collect()
}

fn unbound(zones: &[String], dns: SocketAddr) -> String {
    let mut text =
        String::from("# /etc/unbound/unbound.conf.d/dullahan.conf, then: unbound-control reload\nserver:\n");
    if dns.ip().is_loopback() {
        text.push_str("    do-not-query-localhost: no\n");
    }
    // Unbound answers for private networks itself; a nearer zone that lets questions through is
    // found before the one of the whole network, which "nodefault" could switch off only whole.
    text += &each(zones, |zone| {
        let quiet = if zone.ends_with(".arpa") {
            format!("    local-zone: \"{zone}.\" transparent\n")
        } else {
            String::new()
        };
        format!("    domain-insecure: \"{zone}.\"\n{quiet}")
    });
    let _ = writeln!(text, "    private-domain: \"{}.\"", zones[0]);
    text += &each(zones, |zone| {
        format!(
            "stub-zone:\n    name: \"{zone}.\"\n    stub-addr: {}@{}\n    stub-no-cache: yes\n",
            dns.ip(),
            dns.port()
        )
    });
    text
}

fn systemd_resolved(zones: &[String], dns: SocketAddr) -> String {
    let domains: Vec<String> = zones.iter().map(|zone| format!("~{zone}")).collect();
    format!(
        "# /etc/systemd/resolved.conf.d/dullahan.conf, then: systemctl restart systemd-resolved\n\
         [Resolve]\nDNS={dns}\nDomains={}\nCache=no-negative\n",
        domains.join(" ")
    )
}

fn dnsmasq(zones: &[String], dns: SocketAddr) -> String {
    let head = "# /etc/dnsmasq.d/dullahan.conf, then: systemctl restart dnsmasq\n# Without a cache of negative answers a new pod is seen at once.\nno-negcache\n";
    let mut text = head.to_owned();
    text += &each(zones, |zone| format!("server=/{zone}/{}#{}\n", dns.ip(), dns.port()));
    // An address of a private network is an answer here, not an attack.
    let _ = writeln!(text, "rebind-domain-ok=/{}/", zones[0]);
    text
}

fn bind(zones: &[String], dns: SocketAddr) -> String {
    let mut text = String::from("// /etc/bind/named.conf.local, then: rndc reconfig\n");
    text += &each(zones, |zone| {
        format!(
            "zone \"{zone}\" {{\n    type forward;\n    forward only;\n    forwarders {{ {} port {}; }};\n}};\n",
            dns.ip(),
            dns.port()
        )
    });
    let quoted: Vec<String> = zones.iter().map(|zone| format!("\"{zone}\"; ")).collect();
    let _ = write!(
        text,
        "// In options {{ }} of /etc/bind/named.conf.options: these zones are not signed, and a name\n\
         // that is missing now may be there in a second.\n\
         //     validate-except {{ {}}};\n//     max-ncache-ttl 1;\n\
         // For headless services of more than 100 pods, where BIND has it (9.18.28 and newer):\n\
         //     max-records-per-type 0;\n",
        quoted.concat()
    );
    text
}

fn coredns(zones: &[String], dns: SocketAddr) -> String {
    format!(
        "# In the Corefile, then: kill -USR1 of CoreDNS, or wait for the plugin reload\n\
         {} {{\n    forward . {dns}\n    cache 5 {{\n        denial 0\n    }}\n    errors\n}}\n",
        zones.join(" ")
    )
}

fn macos(zones: &[String], dns: SocketAddr) -> String {
    let head = "# As root, once; scutil --dns shows it\nmkdir -p /etc/resolver\n";
    let (ip, port) = (dns.ip(), dns.port());
    head.to_owned()
        + &each(zones, |zone| {
            format!("printf 'nameserver {ip}\\nport {port}\\ntimeout 2\\n' > /etc/resolver/{zone}\n")
        })
}

#[cfg(test)]
mod tests;
