//! Zones from files, and how the cluster zone is made.

use std::path::Path;

use anyhow::{Context, bail};
use hickory_proto::rr::Name;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{BrokenFiles, forward};
use crate::api::changes::Changes;
use crate::clock::Clock;
use crate::config::{DnsSettings, ExplainMode, PodNameMode};
use crate::dns::publisher::Publisher;
use crate::dns::zone::{PodNames, Zone, ZoneOptions, load_folder};

/// The zones of a folder of zone files; none without a folder.
pub(super) fn load_zones(folder: Option<&Path>) -> anyhow::Result<Vec<Zone>> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let loaded = load_folder(folder);
    if !loaded.mistakes.is_empty() {
        bail!(BrokenFiles(loaded.mistakes.iter().map(ToString::to_string).collect()));
    }
    Ok(loaded.zones)
}

/// Loads the zone files again after each change; a broken file leaves the zones as they were.
pub(super) fn follow_zones(
    dns: &DnsSettings,
    publisher: &Publisher,
    clock: &Clock,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<watch::Receiver<Vec<String>>> {
    let (mistakes, receiver) = watch::channel(Vec::new());
    let Some(folder) = dns.zones.clone() else { return Ok(receiver) };
    let mut changes = Changes::of(std::slice::from_ref(&folder), clock.clone())?;
    let zones = publisher.static_zones();
    let stop = stop.clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = changes.next() => {}
            }
            let folder = folder.clone();
            // A large zone takes long to read; others are answered meanwhile.
            let Ok(loaded) = tokio::task::spawn_blocking(move || load_folder(&folder)).await else { return };
            if loaded.mistakes.is_empty() {
                zones.send_replace(loaded.zones);
            }
            mistakes.send_replace(loaded.mistakes.iter().map(ToString::to_string).collect());
        }
    });
    Ok(receiver)
}

/// How the cluster zone is made.
pub(super) fn zone_options(dns: &DnsSettings) -> anyhow::Result<ZoneOptions> {
    let reverse_zones: Vec<Name> =
        dns.reverse_zone.iter().map(|name| domain("--reverse-zone", name)).collect::<Result<_, _>>()?;
    Ok(ZoneOptions {
        cluster_domain: domain("--cluster-domain", &dns.cluster_domain)?,
        ttl_s: dns.ttl,
        negative_ttl_s: dns.negative_ttl,
        pods: match dns.pods {
            PodNameMode::Disabled => PodNames::Disabled,
            PodNameMode::Insecure => PodNames::Insecure,
            PodNameMode::Verified => PodNames::Verified,
        },
        endpoint_pod_names: dns.endpoint_pod_names,
        ignore_empty_service: dns.ignore_empty_service,
        namespaces: dns.namespaces.clone(),
        no_endpoints: dns.no_endpoints,
        zonal: dns.zonal,
        explains: dns.explain != ExplainMode::Off,
        fallthrough: forward::fallthrough(&dns.forward)?,
        reverse_zones: (!reverse_zones.is_empty()).then_some(reverse_zones),
        ..ZoneOptions::default()
    })
}

/// A domain that is given by a flag.
pub(super) fn domain(flag: &str, text: &str) -> anyhow::Result<Name> {
    let mut name =
        Name::from_ascii(text).with_context(|| format!("{flag}: \"{text}\" is not a domain name"))?;
    // An empty text is a name without labels that is not the root.
    if name.num_labels() == 0 {
        bail!("{flag}: the root is not a zone that can be served; name a domain such as cluster.local");
    }
    name.set_fqdn(true);
    Ok(name)
}
