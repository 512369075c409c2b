//! Files to store and back, with real files and without waiting for the kernel.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::objects::Kind;
use crate::store::StoreOptions;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};

/// How long is waited for what has to come.
const PATIENCE: Duration = Duration::from_secs(20);
const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";

async fn files(folder: &Path) -> Files {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let store = Store::in_memory(clock, StoreOptions { seed: Some(1), ..Default::default() });
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some("default".into());
    store.create(namespace).await.unwrap();
    Files::new(store, Mode::Apply, vec![folder.to_owned()])
}

fn words(report: &Report) -> Vec<String> {
    report.changes.iter().map(|(key, outcome)| format!("{key} {outcome:?}")).collect()
}

#[tokio::test(start_paused = true)]
async fn saved_changes_are_applied_and_only_what_came_from_files_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    let mut files = files(folder.path()).await;
    std::fs::write(&path, GOOD).unwrap();
    assert_eq!(words(&files.load().await), ["ConfigMap default/a Created"]);
    assert!(words(&files.load().await).is_empty());

    let key = ObjectKey::new(Kind::ConfigMap, "default", "a");
    files
        .store
        .modify::<ConfigMap>(&key, |map| {
            map.metadata.labels = Some([("other".to_owned(), "x".to_owned())].into());
        })
        .await
        .unwrap();
    std::fs::write(&path, GOOD.replace("k: v", "k: w")).unwrap();
    assert_eq!(words(&files.load().await), ["ConfigMap default/a Configured"]);
    let live = files.store.get(&key).unwrap();
    let live = live.get::<ConfigMap>().unwrap();
    assert_eq!(live.data.as_ref().unwrap()["k"], "w");
    assert!(live.metadata.labels.is_some(), "what others wrote stays");

    std::fs::remove_file(&path).unwrap();
    assert_eq!(words(&files.load().await), ["ConfigMap default/a Deleted"]);
    assert!(files.store.find::<Namespace>("", "default").is_some());
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
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    assert!(problems.iter().any(|problem| problem.contains("a.yaml:3")), "{problems:?}");
    assert!(files.store.find::<ConfigMap>("default", "a").is_some());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_keeps_what_it_said_and_nothing_else_goes() {
    let parent = tempfile::tempdir().unwrap();
    let [folder, elsewhere] = ["here", "elsewhere"].map(|name| parent.path().join(name));
    std::fs::create_dir(&folder).unwrap();
    let mut files = files(&folder).await;
    for name in ["a", "b"] {
        let content = GOOD.replace("name: a", &format!("name: {name}"));
        std::fs::write(folder.join(name).with_extension("yaml"), content).unwrap();
    }
    assert_eq!(files.load().await.changes.len(), 2);
    let problem = |report: Report| {
        assert_eq!(words(&report), [""; 0]);
        report.problems.iter().map(ToString::to_string).collect::<Vec<String>>().join("; ")
    };
    std::fs::write(folder.join("b.yaml"), b"\xff").unwrap();
    assert!(problem(files.load().await).contains("b.yaml: line 1 is not UTF-8"));
    std::fs::write(folder.join("c.yaml"), b"\xff").unwrap();
    std::fs::remove_file(folder.join("b.yaml")).unwrap();
    let report = files.load().await;
    assert_eq!(words(&report), ["ConfigMap default/b Deleted"]);
    std::fs::rename(&folder, &elsewhere).unwrap();
    assert!(problem(files.load().await).contains("here: No such file"));
    std::fs::rename(&elsewhere, &folder).unwrap();
    std::fs::remove_file(folder.join("c.yaml")).unwrap();
    assert_eq!(problem(files.load().await), "");
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
    let problem = report.problems[0].to_string();
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
