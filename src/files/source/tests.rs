//! Files to store and back, with real files and without waiting for the kernel.

mod ownership;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::objects::Kind;
use crate::store::{Bootstrap, StoreOptions};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};

/// How long is waited for what has to come.
const PATIENCE: Duration = Duration::from_secs(20);
const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";

async fn files(folder: &Path) -> Files {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let store = Store::in_memory(clock, StoreOptions { seed: Some(1), ..Default::default() });
    store.bootstrap(&Bootstrap { default_storage_class: true }).await.unwrap();
    let mut files = Files::new(store, Mode::Apply, vec![folder.to_owned()]);
    // An empty folder is no problem of these tests.
    files.has_begun = true;
    files
}

fn words(report: &Report) -> Vec<String> {
    report.changes.iter().map(|change| format!("{} {:?}", change.key, change.outcome)).collect()
}

fn problems(report: &Report) -> Vec<String> {
    report.problems.iter().map(ToString::to_string).collect()
}

/// What a load after the grace says.
async fn load_late(files: &mut Files) -> Report {
    tokio::time::advance(GRACE).await;
    files.load().await
}

#[tokio::test(start_paused = true)]
async fn saved_changes_are_applied_and_only_what_came_from_files_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    let mut files = files(folder.path()).await;
    std::fs::write(&path, GOOD).unwrap();
    assert_eq!(words(&files.load().await), ["ConfigMap default/a Created"]);
    assert!(words(&files.load().await).is_empty());
    std::fs::write(&path, GOOD.replace("k: v", "k: w")).unwrap();
    assert_eq!(words(&files.load().await), ["ConfigMap default/a Configured"]);
    let two = format!("{GOOD}---\n{}", GOOD.replace("name: a", "name: b"));
    std::fs::write(&path, &two).unwrap();
    files.load().await;
    std::fs::write(&path, GOOD).unwrap();
    assert_eq!(words(&files.load().await), ["ConfigMap default/b Deleted"]);
    std::fs::remove_file(&path).unwrap();
    assert!(words(&files.load().await).is_empty());
    assert_eq!(words(&load_late(&mut files).await), ["ConfigMap default/a Deleted"]);
    assert!(files.store.find::<Namespace>("", "default").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_given_itself_takes_its_objects_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    let mut files = files(&path).await;
    std::fs::write(&path, GOOD).unwrap();
    files.load().await;
    std::fs::remove_file(&path).unwrap();
    let report = files.load().await;
    assert_eq!((words(&report), problems(&report)), (vec![], vec![]));
    let report = load_late(&mut files).await;
    assert_eq!((words(&report), problems(&report)), (vec!["ConfigMap default/a Deleted".into()], vec![]));
    assert!(report.changes[0].source.file.ends_with("a.yaml"));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_empty_or_away_for_a_moment_keeps_its_objects() {
    let folder = tempfile::tempdir().unwrap();
    let [path, elsewhere] = ["a.yaml", "b.yaml"].map(|name| folder.path().join(name));
    let mut files = files(folder.path()).await;
    std::fs::write(&path, GOOD).unwrap();
    files.load().await;
    // As a shell does for `helm template > a.yaml`.
    std::fs::write(&path, "").unwrap();
    assert!(words(&files.load().await).is_empty());
    assert!(files.next_look.is_some(), "it is looked at again");
    std::fs::write(&path, GOOD).unwrap();
    assert!(words(&load_late(&mut files).await).is_empty());
    std::fs::rename(&path, &elsewhere).unwrap();
    for report in [files.load().await, load_late(&mut files).await] {
        assert_eq!((words(&report), problems(&report)), (vec![], vec![]), "a file may be renamed");
    }
    std::fs::write(&elsewhere, "# nothing\n").unwrap();
    files.load().await;
    assert_eq!(words(&load_late(&mut files).await), ["ConfigMap default/a Deleted"]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_keeps_its_last_good_state_and_does_not_hold_up_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files(folder.path()).await;
    std::fs::write(folder.path().join("a.yaml"), GOOD).unwrap();
    files.load().await;
    std::fs::write(folder.path().join("a.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {nam: a}\n")
        .unwrap();
    std::fs::write(folder.path().join("b.yaml"), GOOD.replace("name: a", "name: b")).unwrap();
    let report = files.load().await;
    assert_eq!(words(&report), ["ConfigMap default/b Created"]);
    assert!(problems(&report).iter().any(|problem| problem.contains("a.yaml:3")), "{report:?}");
    assert!(files.store.find::<ConfigMap>("default", "a").is_some());
    let report = files.load().await;
    assert_eq!((problems(&report), report.mended), (vec![], vec![]), "what lasts is told once");
    std::fs::write(folder.path().join("a.yaml"), GOOD).unwrap();
    let report = files.load().await;
    assert_eq!((words(&report), problems(&report)), (vec![], vec![]));
    assert!(matches!(&report.mended[..], [file] if file.ends_with("a.yaml")), "{:?}", report.mended);
    assert!(report.has_news());
    assert!(!files.load().await.has_news());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_keeps_what_it_said_and_nothing_else_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files(folder.path()).await;
    for name in ["a", "b"] {
        let content = GOOD.replace("name: a", &format!("name: {name}"));
        std::fs::write(folder.path().join(name).with_extension("yaml"), content).unwrap();
    }
    assert_eq!(files.load().await.changes.len(), 2);
    std::fs::write(folder.path().join("b.yaml"), b"\xff").unwrap();
    let report = files.load().await;
    assert!(problems(&report)[0].contains("b.yaml: line 1 is not UTF-8"));
    assert!(words(&load_late(&mut files).await).is_empty());
    std::fs::write(folder.path().join("c.yaml"), b"\xff").unwrap();
    std::fs::remove_file(folder.path().join("b.yaml")).unwrap();
    files.load().await;
    assert_eq!(words(&load_late(&mut files).await), ["ConfigMap default/b Deleted"]);
}

#[tokio::test]
async fn what_changes_between_reading_and_following_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files(folder.path()).await;
    assert!(words(&files.load().await).is_empty());
    std::fs::write(folder.path().join("a.yaml"), GOOD).unwrap();
    let (sender, mut reports) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let following = tokio::spawn(files.follow(sender, stop.clone()));
    let report = tokio::time::timeout(PATIENCE, reports.recv()).await.expect("it is told");
    assert_eq!(words(&report.unwrap()), ["ConfigMap default/a Created"]);
    stop.cancel();
    following.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reading_that_was_asked_for_is_told_even_if_nothing_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), GOOD).unwrap();
    let files = files(folder.path()).await;
    let reload = files.reload();
    let (sender, mut reports) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let following = tokio::spawn(files.follow(sender, stop.clone()));
    let mut next =
        async || tokio::time::timeout(PATIENCE, reports.recv()).await.expect("it is told").unwrap();
    let first = next().await;
    assert_eq!((words(&first), first.is_asked), (vec!["ConfigMap default/a Created".to_owned()], false));
    reload.ask();
    let second = next().await;
    assert_eq!((words(&second), second.is_asked), (vec![], true));
    stop.cancel();
    following.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_in_two_files_is_a_problem_of_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files(folder.path()).await;
    std::fs::write(folder.path().join("a.yaml"), GOOD).unwrap();
    std::fs::write(folder.path().join("b.yaml"), GOOD).unwrap();
    let report = files.load().await;
    assert_eq!(words(&report), ["ConfigMap default/a Created"]);
    let problem = &problems(&report)[0];
    assert!(
        problem.contains("b.yaml:1: ConfigMap default/a is also in") && problem.contains("a.yaml:1"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_file_that_takes_long_to_read_holds_up_no_other_task() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    let mut files = files(&pipe).await;
    let (ran, has_run) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let has_run = has_run.recv_timeout(PATIENCE).is_ok();
        std::fs::write(&pipe, GOOD).unwrap();
        has_run
    });
    let (report, ()) = tokio::join!(files.load(), async move { ran.send(()).unwrap() });
    assert!(writer.join().unwrap(), "the other task waits for the file");
    assert_eq!(words(&report), ["ConfigMap default/a Created"]);
}

#[tokio::test]
async fn a_new_folder_is_followed_and_so_is_what_comes_into_it_later() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path()).await;
    let (sender, mut reports) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let following = tokio::spawn(files.follow(sender, stop.clone()));
    let deep = folder.path().join("one/two");
    std::fs::create_dir_all(&deep).unwrap();
    let mut next = async || {
        let report = tokio::time::timeout(PATIENCE, reports.recv()).await.expect("it is told").unwrap();
        words(&report)
    };
    std::fs::write(deep.join("a.yaml"), GOOD).unwrap();
    assert_eq!(next().await, ["ConfigMap default/a Created"]);
    std::fs::write(deep.join("b.yaml"), GOOD.replace("name: a", "name: b")).unwrap();
    assert_eq!(next().await, ["ConfigMap default/b Created"]);
    std::fs::remove_dir_all(folder.path().join("one")).unwrap();
    assert_eq!(next().await, ["ConfigMap default/b Deleted", "ConfigMap default/a Deleted"]);
    stop.cancel();
    following.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pipe_is_read_once_and_its_objects_stay() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    let mut files = files(&pipe).await;
    let writer = std::thread::spawn(move || std::fs::write(&pipe, GOOD).unwrap());
    assert_eq!(words(&files.load().await), ["ConfigMap default/a Created"]);
    writer.join().unwrap();
    files.load().await;
    assert!(words(&load_late(&mut files).await).is_empty());
    assert!(files.store.find::<ConfigMap>("default", "a").is_some());
}

#[tokio::test(start_paused = true)]
async fn kinds_that_are_not_served_are_skipped_unless_all_must_be() {
    let folder = tempfile::tempdir().unwrap();
    let budget = "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n";
    std::fs::write(folder.path().join("a.yaml"), format!("{GOOD}{budget}")).unwrap();
    let mut lenient = files(folder.path()).await;
    let report = lenient.load().await;
    assert_eq!((words(&report).len(), problems(&report).len(), report.skipped.len()), (1, 0, 1));
    assert!(lenient.load().await.skipped.is_empty(), "it is told once");
    let mut strict = files(folder.path()).await;
    strict.manifests.is_strict = true;
    let report = strict.load().await;
    assert_eq!((words(&report).len(), report.skipped.len()), (0, 0));
    assert!(problems(&report)[0].ends_with("PodDisruptionBudget \"a\" (policy/v1) is not served here"));
}

#[tokio::test(start_paused = true)]
async fn a_warning_is_told_once_and_again_when_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    let mut files = files(folder.path()).await;
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {clusterIP: None, selector: {a: b}}\n";
    let ports = service.replace("selector", "ports: [{port: 80}], selector");
    let mut counts = Vec::new();
    for text in [service, &format!("# saved\n{service}"), &ports, service] {
        std::fs::write(&path, text).unwrap();
        counts.push(files.load().await.remarks.len());
    }
    assert_eq!(counts, [1, 0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_refused_does_not_hold_up_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    let mut files = files(folder.path()).await;
    let fixed = GOOD.replace("\ndata:", "\nimmutable: true\ndata:");
    std::fs::write(&path, &fixed).unwrap();
    files.load().await;
    let other = GOOD.replace("name: a", "name: b");
    std::fs::write(&path, format!("{}---\n{other}", fixed.replace("k: v", "k: w"))).unwrap();
    let report = files.load().await;
    assert_eq!(words(&report), ["ConfigMap default/b Created"]);
    let problem = &report.problems[0];
    assert_eq!((problem.line(), problem.field().as_deref()), (Some(1), Some("data")));
    assert!(problem.message().contains("field is immutable when `immutable` is set"), "{problem}");
}
