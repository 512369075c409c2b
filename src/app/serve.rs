//! `serve`: the store, the controllers, the node and the API over what DNS needs.
//!
//! The API's address is bound before anything is started, and answered once the files are applied.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::encrypted::needs_authority;
use super::nodes::{nodes, place};
use super::running::Running;
use super::servers::{KnownServer, servers};
use super::start::{Start, manifests, signing};
use super::state::State;
use super::zones::zone_options;
use crate::api::server::{ADMIN, ApiOptions, ApiServer};
use crate::clock::Clock;
use crate::config::{ListenAddress, RuntimeName, ServeSettings, state_roots};
use crate::controllers::endpointslice::EndpointSlices;
use crate::controllers::garbage::Garbage;
use crate::controllers::nodelifecycle::NodeLifecycle;
use crate::controllers::scheduler::Scheduler;
use crate::controllers::statefulset::{self, StatefulSets};
use crate::controllers::volumes::Volumes;
use crate::controllers::{self, Controller};
use crate::files::source::Mode;
use crate::names::options::ZoneOptions;
use crate::node::runtime::Runtime;
use crate::node::runtime::simulated::{Simulated, SimulatedOptions};
use crate::node::{Agent, NodeServer};
use crate::objects::Revision;
use crate::pki::authority::Authority;
use crate::rules::validation::Rules;
use crate::store::{Bootstrap, MemoryBackend, ServiceNetwork, Store, StoreOptions};

/// Starts the whole: store, controllers, node and DNS, with the manifests applied.
pub async fn serve(settings: &ServeSettings, clock: Clock) -> anyhow::Result<Running> {
    let zone_options = zone_options(&settings.dns)?;
    let state = State::take(&settings.state, &clock).await?;
    let authority = Arc::new(Authority::open(state.credentials(), &ADMIN, clock.now())?);
    let mut nodes = nodes(settings)?;
    let seed = settings.simulated_seed.unwrap_or_else(random_seed);
    let networks = [settings.pod_cidr.as_slice(), settings.service_cidr.as_slice()].concat();
    let service_network =
        ServiceNetwork { ranges: settings.service_cidr.clone(), ..ServiceNetwork::default() };
    let rules = Rules { grow_claims: settings.grow_claims, strict_names: settings.strict_names };
    let options = StoreOptions { seed: Some(seed), service_network, rules };
    let backend = MemoryBackend::starting_after(first_revision(&clock));
    let store = Store::new(Arc::new(backend), clock.clone(), options);
    let start = Start {
        store: store.clone(),
        seed,
        mode: Mode::Apply,
        manifests: manifests(&settings.manifests),
        dns: settings.dns.clone(),
        zone_options: ZoneOptions { networks, ..zone_options },
        pod_networks: settings.pod_cidr.clone(),
        signing: signing(authority.clone(), &settings.api.tls_san, &settings.dns),
        bootstrap: Some(Bootstrap { default_storage_class: !settings.no_default_storage_class }),
        state,
    };
    let mut api = bind_api(settings, &authority, &start).await?;
    let ready = start.prepare().await?;
    if api.is_some() || needs_authority(&settings.dns.encrypted) {
        authority.keep()?;
    }
    if let Some(api) = &mut api {
        api.publish()?;
    }
    let served_at = api.as_ref().map(|api| (api.address(), api.kubeconfig().to_owned()));
    ready.describe("serve", served_at.clone(), &clock)?;
    let mut running = ready.go();
    let runtime = runtime(settings, &clock, seed);
    if let Some(api) = api {
        running.api = served_at;
        let streams = Arc::new(NodeServer::new(store.clone(), runtime.clone()));
        let served = api.run(store.clone(), streams, running.parts.stop_token());
        running.parts.spawn_fallible("API server", served);
    }
    place(&mut nodes, &running.dns_addresses);
    let mut agent = Agent::new(store, runtime, nodes);
    // The scheduler would say that there is no node.
    agent.register().await.context("cannot register the nodes")?;
    running.parts.spawn("node agent", agent.run(running.parts.stop_token()));
    for controller in controllers(settings) {
        let name = controller.name();
        let stop = running.parts.stop_token();
        running.parts.spawn(name, controllers::run(controller, running.store.clone(), stop));
    }
    Ok(running)
}

/// Beyond every revision of an earlier life, as long as none wrote a million times a second: a
/// client that goes on with what it knew then is told to begin again.
fn first_revision(clock: &Clock) -> Revision {
    Revision::try_from(clock.now().as_microsecond()).unwrap_or_default()
}

async fn bind_api(
    settings: &ServeSettings,
    authority: &Authority,
    start: &Start,
) -> anyhow::Result<Option<ApiServer>> {
    let ListenAddress::At(listen) = settings.api.api_listen else { return Ok(None) };
    let named = settings.api.kubeconfig_out.as_deref().map(std::path::absolute).transpose()?;
    let kubeconfig = named
        .or_else(|| start.state.kubeconfig())
        .context("there is no folder for the kubeconfig; name a file with --kubeconfig-out")?;
    refuse_kubeconfig_of_another(&kubeconfig)?;
    let names = settings.api.tls_san.clone();
    let options = ApiOptions { listen, names, kubeconfig, context: settings.state.name.context() };
    Ok(Some(ApiServer::bind(&options, authority, &start.store).await?))
}

/// Clients of the other server would find this one.
fn refuse_kubeconfig_of_another(kubeconfig: &Path) -> anyhow::Result<()> {
    let is_there = |server: &KnownServer| {
        let described = server.description.as_ref().filter(|_| server.is_running);
        described.is_some_and(|described| described.kubeconfig.as_deref() == Some(kubeconfig))
    };
    match servers(&state_roots()).iter().find(|server| is_there(server)) {
        Some(other) => bail!(
            "--kubeconfig-out: {} is the kubeconfig of the running server \"{}\"; name another file",
            kubeconfig.display(),
            other.name
        ),
        None => Ok(()),
    }
}

fn controllers(settings: &ServeSettings) -> [Box<dyn Controller>; 6] {
    let beyond = statefulset::Options { unstick: settings.unstick, grow_claims: settings.grow_claims };
    [
        Box::new(StatefulSets::with(beyond)),
        Box::new(EndpointSlices::new()),
        Box::new(Volumes::new()),
        Box::new(Garbage::new()),
        Box::new(NodeLifecycle::new(settings.node_monitor_grace_period.0)),
        Box::new(Scheduler::new()),
    ]
}

fn runtime(settings: &ServeSettings, clock: &Clock, seed: u64) -> Arc<dyn Runtime> {
    match settings.runtime {
        RuntimeName::Simulated => {
            let options = SimulatedOptions {
                start_delay: settings.simulated_start.0,
                stop_delay: settings.simulated_stop.0,
                seed,
            };
            Arc::new(Simulated::new(clock.clone(), options))
        }
    }
}

fn random_seed() -> u64 {
    StdRng::from_os_rng().random_range(0..1_000_000)
}
