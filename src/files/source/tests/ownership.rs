//! Whose a field is: what others write between two saves, and what a save makes of it.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::ConfigMap;

use super::*;
use crate::machinery::patch;
use crate::objects::Typed;

const SET: &str = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n  replicas: 3\n  \
     serviceName: web\n  minReadySeconds: 5\n  selector: {matchLabels: {app: web}}\n  template:\n    \
     metadata: {labels: {app: web}}\n    spec: {containers: [{name: c, image: i}]}\n";

/// One file in a folder, and the files that follow it.
struct Bench {
    folder: tempfile::TempDir,
    files: Files,
    n_saves: u64,
}

impl Bench {
    async fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path()).await;
        let mut bench = Self { folder, files, n_saves: 0 };
        bench.save(text).await;
        bench
    }

    /// Saves the file; a save that changes nothing has a new modification time, too.
    async fn save(&mut self, text: &str) -> Report {
        let path = self.folder.path().join("a.yaml");
        std::fs::write(&path, text).unwrap();
        self.n_saves += 1;
        let at = std::time::UNIX_EPOCH + Duration::from_secs(self.n_saves);
        std::fs::File::options().append(true).open(&path).unwrap().set_modified(at).unwrap();
        self.files.load().await
    }

    fn set(&self) -> StatefulSet {
        let found = self.files.store.find::<StatefulSet>("default", "web").expect("there is one");
        found.get::<StatefulSet>().unwrap().clone()
    }

    /// As the API does for a user: a changed set, and who changed it.
    async fn change(&self, manager: &str, change: impl FnOnce(&mut StatefulSet)) {
        let old = self.set();
        let mut new = old.clone();
        change(&mut new);
        let value = |set: &StatefulSet| Typed::from(set.clone()).to_value().unwrap();
        let now = self.files.store.clock().now();
        new.metadata.managed_fields =
            patch::track_managers(Some(&value(&old)), &value(&new), manager, "Update", "", now);
        self.files.store.update(new).await.unwrap();
    }

    fn key(&self) -> ObjectKey {
        ObjectKey::new(Kind::StatefulSet, "default", "web")
    }
}

fn taken(report: &Report) -> Vec<String> {
    report.taken.iter().map(|taken| format!("{} {:?}", taken.manager, taken.fields)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_field_that_the_file_states_is_taken_back_by_a_save_and_not_before() {
    let mut bench = Bench::with(SET).await;
    bench.change("kubectl", |set| set.spec.replicas = Some(7)).await;
    assert!(!bench.files.load().await.has_news());
    assert_eq!(bench.set().spec.replicas, Some(7), "between saves it stays");
    let report = bench.save(SET).await;
    assert_eq!(words(&report), ["StatefulSet default/web Configured"]);
    assert_eq!(taken(&report), ["kubectl [\".spec.replicas\"]"]);
    let words = report.taken[0].to_string();
    assert!(words.starts_with("StatefulSet default/web: .spec.replicas as /"), "{words}");
    assert!(words.ends_with("a.yaml says; kubectl had changed it"), "{words}");
    assert_eq!(bench.set().spec.replicas, Some(3));
    assert!(!bench.save(SET).await.has_news(), "and then there is nothing to take");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_the_file_does_not_state_is_left_alone() {
    let text = SET.replace("  replicas: 3\n", "");
    let mut bench = Bench::with(&text).await;
    bench.change("kubectl", |set| set.spec.replicas = Some(7)).await;
    bench.change("other", |set| set.metadata.labels = Some([("x".into(), "y".into())].into())).await;
    let report = bench.save(&text.replace("minReadySeconds: 5", "minReadySeconds: 6")).await;
    assert_eq!((words(&report).len(), taken(&report).len()), (1, 0));
    let set = bench.set();
    assert_eq!((set.spec.replicas, set.spec.min_ready_seconds), (Some(7), Some(6)));
    assert!(set.metadata.labels.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_field_that_the_file_no_longer_states_is_removed_unless_others_own_it() {
    let mut bench = Bench::with(SET).await;
    let managers: Vec<_> = bench.set().metadata.managed_fields.unwrap();
    let manager = (managers[0].manager.as_deref(), managers[0].operation.as_deref());
    assert_eq!(manager, (Some("dullahan-files"), Some("Apply")));
    let without = SET.replace("  minReadySeconds: 5\n", "").replace("  replicas: 3\n", "");
    bench.change("kubectl", |set| set.spec.replicas = Some(4)).await;
    bench.save(&without).await;
    let spec = bench.set().spec;
    assert_eq!((spec.min_ready_seconds.unwrap_or_default(), spec.replicas), (0, Some(4)));
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_behind_the_file_comes_back_when_it_is_saved() {
    let mut bench = Bench::with(SET).await;
    let key = bench.key();
    bench.files.store.delete(&key, &DeleteOptions::default()).await.unwrap();
    assert!(!bench.files.load().await.has_news(), "not by itself");
    assert!(bench.files.store.get(&key).is_none());
    assert_eq!(words(&bench.save(SET).await), ["StatefulSet default/web Created"]);
    bench.files.store.delete(&key, &DeleteOptions::default()).await.unwrap();
    assert_eq!(
        words(&bench.files.load_as(true).await),
        ["StatefulSet default/web Created"],
        "nor if asked for"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_still_being_deleted_comes_back_once_it_is_gone() {
    let mut bench = Bench::with(SET).await;
    let key = bench.key();
    bench.change("kubectl", |set| set.metadata.finalizers = Some(vec!["example.com/wait".into()])).await;
    bench.files.store.delete(&key, &DeleteOptions::default()).await.unwrap();
    let report = bench.save(SET).await;
    let expected = "StatefulSet default/web is being deleted; it is created again once it is gone";
    assert!(problems(&report)[0].ends_with(expected), "{report:?}");
    assert!(bench.files.next_look.is_some());
    assert!(!bench.files.load().await.has_news());
    bench.change("kubectl", |set| set.metadata.finalizers = None).await;
    let report = bench.files.load().await;
    assert_eq!((words(&report), report.mended.len()), (vec!["StatefulSet default/web Created".into()], 1));
}

#[tokio::test(start_paused = true)]
async fn an_object_in_a_namespace_that_comes_later_waits_for_it() {
    let mut bench = Bench::with(&GOOD.replace("name: a", "name: a, namespace: n")).await;
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some("n".into());
    bench.files.store.create(namespace).await.unwrap();
    assert!(bench.files.next_look.is_some());
    assert_eq!(words(&bench.files.load().await), ["ConfigMap n/a Created"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_server_wrote_into_the_file_is_no_wish() {
    let exported = GOOD.replace(
        "name: a",
        "name: a, uid: u, resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z', managedFields: [{manager: m}]",
    );
    let mut bench = Bench::with(&exported).await;
    assert!(bench.files.store.find::<ConfigMap>("default", "a").is_some());
    let report = bench.save(&exported.replace("k: v", "k: w")).await;
    assert_eq!((words(&report), problems(&report)), (vec!["ConfigMap default/a Configured".into()], vec![]));
}

#[tokio::test(start_paused = true)]
async fn two_variables_of_one_name_are_applied_too() {
    let twice = SET.replace("image: i", "image: i, env: [{name: A, value: '1'}, {name: A, value: '2'}]");
    let mut bench = Bench::with(&twice).await;
    assert_eq!(bench.set().spec.replicas, Some(3));
    let report = bench.save(&twice.replace("replicas: 3", "replicas: 4")).await;
    assert_eq!((words(&report).len(), problems(&report)), (1, vec![]));
    assert_eq!(bench.set().spec.replicas, Some(4));
}
