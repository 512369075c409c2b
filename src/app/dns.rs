//! `dns` and `explain`: the objects in files as they are, without controllers.
//!
//! What only a controller or a node would do is not promised: the status in the file is what counts.

use std::sync::Arc;

use anyhow::Context;

use super::encrypted::needs_authority;
use super::mistakes::refuse_broken;
use super::running::Running;
use super::start::{Start, manifests, signing};
use super::state::State;
use super::zones::{load_zones, name_options, zone_options};
use crate::api::server::ADMIN;
use crate::clock::Clock;
use crate::config::{DnsOnlySettings, ManifestSettings, NameSettings};
use crate::dns::zone::Zones;
use crate::files::source::{Files, Mode};
use crate::names::explain::Explainer;
use crate::names::options::ZoneOptions;
use crate::names::publisher::Publisher;
use crate::pki::authority::Authority;
use crate::store::{Store, StoreOptions};

/// Starts DNS alone, over the objects in the files as they are.
pub async fn dns(settings: &DnsOnlySettings, clock: Clock) -> anyhow::Result<Running> {
    let zone_options = zone_options(&settings.dns)?;
    let state = State::take(&settings.state, &clock).await?;
    let authority = Arc::new(Authority::open(state.credentials(), &ADMIN, clock.now())?);
    let start = Start {
        store: Store::in_memory(clock.clone(), StoreOptions::default()),
        seed: 0,
        mode: Mode::Mirror,
        manifests: manifests(&settings.manifests),
        dns: settings.dns.clone(),
        zone_options: ZoneOptions { implied_namespaces: true, has_controllers: false, ..zone_options },
        pod_networks: Vec::new(),
        signing: signing(authority.clone(), &settings.tls_san, &settings.dns),
        bootstrap: None,
        state,
    };
    let ready = start.prepare().await?;
    if needs_authority(&settings.dns.encrypted) {
        authority.keep()?;
    }
    ready.describe("dns", None, &clock)?;
    Ok(ready.go())
}

/// The names that files give, not served.
pub struct Known {
    /// The objects.
    pub store: Store,
    /// The zones that names are answered from.
    pub zones: Arc<Zones>,
    /// Explains why a name is missing.
    pub explainer: Arc<Explainer>,
}

/// Reads files as [`dns`] does, and serves nothing.
pub async fn explain(
    settings: &NameSettings,
    from: &ManifestSettings,
    clock: Clock,
) -> anyhow::Result<Known> {
    let store = Store::in_memory(clock, StoreOptions::default());
    let mut files = Files::new(store.clone(), Mode::Mirror, manifests(from));
    refuse_broken(&files.load().await)?;
    let options = name_options(settings)?;
    let options = ZoneOptions { implied_namespaces: true, has_controllers: false, explains: true, ..options };
    let publisher = Publisher::new(store.clone(), options, load_zones(settings.zones.as_deref())?);
    let explainer = publisher.explainer().context("--cluster-domain leaves no room for names")?;
    Ok(Known { store, zones: publisher.zones().load_full(), explainer })
}
