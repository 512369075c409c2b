//! `dullahan serve`: StatefulSets from manifests, and their DNS.
//!
//! Prints the addresses, then progress; once every set is complete, what to try next.

use std::process::ExitCode;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Service;

use super::arguments::Given;
use super::hints::dig;
use super::output::Output;
use super::session::Session;
use super::signals::HangUps;
use crate::app::{self, Running};
use crate::clock::Clock;
use crate::config::ServeSettings;
use crate::objects::Kind;

/// Serves until a signal comes.
pub(super) fn run(settings: &ServeSettings, given: Given) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let hang_ups = HangUps::catch()?;
        let clock = Clock::system();
        let mut output = Output::new(&settings.common, clock.now());
        let running = app::serve(settings, clock.clone()).await?;
        output.remark(&format!(
            "dullahan {}: simulated pods, seed {seed} (repeat with --simulated-seed {seed})",
            env!("CARGO_PKG_VERSION"),
            seed = running.seed
        ));
        let hints = hints(settings, &running);
        Session::new(running, output, clock, hints, given).run(hang_ups).await
    });
    // What still reads a slow disk must not hold up the end.
    runtime.shutdown_background();
    ended
}

/// What to try next: a pod's name and its service's, or how to apply something.
fn hints(settings: &ServeSettings, running: &Running) -> Vec<String> {
    let Some(address) = running.dns_addresses.first() else { return Vec::new() };
    let domain = settings.dns.names.cluster_domain.trim_end_matches('.');
    let sets = running.store.list(Kind::StatefulSet, None).objects;
    let Some(set) = sets.first().and_then(|object| object.get::<StatefulSet>()) else {
        return vec![
            String::new(),
            "No StatefulSet yet. Start with one: dullahan serve -f examples/web.yaml".into(),
            String::new(),
        ];
    };
    let name = set.metadata.name.as_deref().unwrap_or_default();
    let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
    let service = set.spec.service_name.as_deref().unwrap_or_default();
    let start = set.spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or_default();
    let pod = format!("{name}-{start}");
    let zone = format!("{service}.{namespace}.svc.{domain}");
    let mut hints = vec![String::new(), "Try, in another terminal:".into()];
    if running.store.find::<Service>(namespace, service).is_some() {
        hints.push(format!("  {} {pod}.{zone}", dig(address)));
        hints.push(format!("  {} SRV {zone}", dig(address)));
    } else if !service.is_empty() {
        hints.push(format!("  dullahan explain {pod}.{zone} --server {address}"));
    }
    hints.extend(["  change replicas in the manifest and save it".into(), String::new()]);
    hints
}
