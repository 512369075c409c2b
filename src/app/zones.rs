//! Zones from zone files, followed while the server runs, and the options of the cluster zone.
//!
//! A folder with mistakes stops the start; once running, a mistake is reported and the zone stays as it
//! was.

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;

use hickory_proto::rr::Name;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::domain::domain;
use super::forward;
use super::mistakes::BrokenFiles;
use crate::clock::Clock;
use crate::config::{DnsSettings, ExplainMode, NameSettings, PodNameMode};
use crate::dns::zone::Zone;
use crate::dns::zonefile::{Loaded, ZoneFolder, load_folder};
use crate::files::changes::Changes;
use crate::names::options::{PodNames, ZoneOptions};

/// What reading the zone files again brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneReport {
    /// What is wrong with files, and which of their zones stay.
    pub mistakes: Vec<String>,
    /// Whether other zones are served than before.
    pub has_changed: bool,
}

/// A folder of zone files while it is followed.
pub(super) struct ZoneFiles {
    folder: ZoneFolder,
    changes: Changes,
}

/// The zones of a folder of zone files; none without a folder.
pub(super) fn load_zones(folder: Option<&Path>) -> anyhow::Result<Vec<Zone>> {
    folder.map_or(Ok(Vec::new()), |folder| Ok(sound(load_folder(folder))?.zones))
}

/// As [`load_zones`], and the files to be followed from before they were read: what changes while a
/// large zone is read is not lost.
pub(super) fn open_zones(
    folder: Option<&Path>,
    clock: &Clock,
) -> anyhow::Result<(Vec<Zone>, Option<ZoneFiles>)> {
    let Some(path) = folder else { return Ok((Vec::new(), None)) };
    let changes = Changes::of(&[path.to_owned()], clock.clone());
    let mut folder = ZoneFolder::new(path);
    let loaded = sound(folder.read())?;
    let mut changes = changes?;
    changes.follow(&loaded.folders)?;
    Ok((loaded.zones, Some(ZoneFiles { folder, changes })))
}

/// At the start nothing is served of a folder with mistakes.
fn sound(loaded: Loaded) -> Result<Loaded, BrokenFiles> {
    match loaded.mistakes.as_slice() {
        [] => Ok(loaded),
        mistakes => Err(BrokenFiles(mistakes.iter().map(ToString::to_string).collect())),
    }
}

impl ZoneFiles {
    /// Reads the files again after each change, and whenever `again` asks for it, and puts what they give
    /// in `zones`, until `stop` is cancelled. It is reported when mistakes or zones are others than before.
    pub(super) async fn follow(
        mut self,
        zones: watch::Sender<Vec<Zone>>,
        reports: watch::Sender<ZoneReport>,
        again: Arc<Notify>,
        stop: CancellationToken,
    ) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = again.notified() => {}
                () = self.changes.next() => {}
            }
            let Self { mut folder, changes } = self;
            // A large zone takes long to read; others are answered meanwhile.
            let read = tokio::task::spawn_blocking(move || (folder.read(), folder)).await;
            let (loaded, folder) = match read {
                Ok(read) => read,
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                // The runtime is shutting down.
                Err(_) => return,
            };
            self = Self { folder, changes };
            if let Err(error) = self.changes.follow(&loaded.folders) {
                warn!("{error}; changes of zone files there go unnoticed");
            }
            loaded.unraised.iter().for_each(|zone| warn!("{zone}"));
            let mistakes: Vec<String> = loaded.mistakes.iter().map(ToString::to_string).collect();
            let has_changed = loaded.has_changed;
            if has_changed {
                zones.send_replace(loaded.zones);
            }
            if has_changed || mistakes != reports.borrow().mistakes {
                reports.send_replace(ZoneReport { mistakes, has_changed });
            }
        }
    }
}

/// How the cluster zone is made.
pub(super) fn zone_options(dns: &DnsSettings) -> anyhow::Result<ZoneOptions> {
    let explains = dns.explain != ExplainMode::Off;
    Ok(ZoneOptions {
        explains,
        fallthrough: forward::fallthrough(&dns.forward)?,
        ..name_options(&dns.names)?
    })
}

/// The same as far as the names alone go.
pub(super) fn name_options(dns: &NameSettings) -> anyhow::Result<ZoneOptions> {
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
        reverse_zones: (!reverse_zones.is_empty()).then_some(reverse_zones),
        ..ZoneOptions::default()
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    /// How long is waited for what has to come.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A folder that is followed.
    struct Followed {
        zones: watch::Receiver<Vec<Zone>>,
        reports: watch::Receiver<ZoneReport>,
        _stop: tokio_util::sync::DropGuard,
    }

    impl Followed {
        /// Opens a folder, lets `meanwhile` happen and follows it.
        fn open(dir: &Path, meanwhile: impl FnOnce()) -> Self {
            let (first, files) = open_zones(Some(dir), &Clock::system()).unwrap();
            meanwhile();
            let stop = CancellationToken::new();
            let (sender, zones) = watch::channel(first);
            let (reporter, reports) = watch::channel(ZoneReport::default());
            tokio::spawn(files.unwrap().follow(sender, reporter, Arc::default(), stop.clone()));
            Self { zones, reports, _stop: stop.drop_guard() }
        }

        /// Waits until these serials are served, by file, and mistakes are in these files.
        async fn settle(&mut self, serials: &[u32], broken: &[&str]) {
            let is_as_wanted = |zones: &Vec<Zone>| zones.iter().map(Zone::serial).eq(serials.iter().copied());
            let zones = tokio::time::timeout(PATIENCE, self.zones.wait_for(is_as_wanted));
            assert!(zones.await.is_ok(), "{serials:?} are not served");
            let is_as_told = |report: &ZoneReport| {
                report.mistakes.len() == broken.len()
                    && report.mistakes.iter().zip(broken).all(|(mistake, file)| mistake.contains(file))
            };
            let reports = tokio::time::timeout(PATIENCE, self.reports.wait_for(is_as_told));
            assert!(reports.await.is_ok(), "{broken:?} are not told");
        }
    }

    fn write(dir: &Path, file: &str, serial: u32, more: &str) {
        fs::write(dir.join(file), format!("$TTL 5\n@ SOA ns hostmaster {serial} 2 3 4 5\n{more}")).unwrap();
    }

    #[tokio::test]
    async fn what_changes_between_reading_and_following_is_taken_up() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.zone", 1, "");
        let mut followed = Followed::open(dir.path(), || write(dir.path(), "a.zone", 2, ""));
        followed.settle(&[2], &[]).await;
    }

    #[tokio::test]
    async fn a_file_that_breaks_while_it_is_followed_does_not_stop_the_others() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.zone", 1, "");
        write(dir.path(), "b.zone", 2, "");
        let mut followed = Followed::open(dir.path(), || {});
        write(dir.path(), "a.zone", 5, "www A nonsense\n");
        followed.settle(&[1, 2], &["a.zone:3"]).await;
        write(dir.path(), "b.zone", 3, "");
        write(dir.path(), "c.zone", 4, "");
        followed.settle(&[1, 3, 4], &["a.zone:3"]).await;
        write(dir.path(), "a.zone", 5, "");
        followed.settle(&[5, 3, 4], &[]).await;
    }

    #[tokio::test]
    async fn included_files_are_followed_where_they_are_and_where_they_come_to_be() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("sub");
        fs::create_dir(&sub).unwrap();
        let soa = |serial: u32| fs::write(sub.join("soa"), format!("@ 5 SOA ns me {serial} 2 3 4 5\n"));
        soa(1).unwrap();
        fs::write(dir.path().join("a.zone"), "$INCLUDE sub/soa\n").unwrap();
        let mut followed = Followed::open(dir.path(), || soa(2).unwrap());
        followed.settle(&[2], &[]).await;
        fs::remove_dir_all(&sub).unwrap();
        followed.settle(&[2], &["a.zone:1"]).await;
        fs::create_dir(&sub).unwrap();
        soa(3).unwrap();
        followed.settle(&[3], &[]).await;
        soa(4).unwrap();
        followed.settle(&[4], &[]).await;
    }

    #[test]
    fn nothing_begins_with_a_folder_of_mistakes() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.zone", 1, "www A nonsense\n");
        write(dir.path(), "b.zone", 1, "");
        let error = load_zones(Some(dir.path())).unwrap_err();
        let broken = error.downcast_ref::<BrokenFiles>().unwrap();
        assert_eq!(broken.0.len(), 1);
    }
}
