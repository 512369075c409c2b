//! Every step of five public StatefulSet tutorials, replayed with the real kubectl, dig and nslookup
//! (`tests/tutorial/`). Steps that run something inside a pod are left out: simulated pods run nothing.

use std::process::Command;

use crate::support::tools::{Tools, say};

/// Replays one tutorial and expects that many steps to pass, and none to fail.
fn check(tutorial: &str, n_steps: usize) {
    let mut tools = Tools::default();
    let mut find = |name, package| tools.find(name, package);
    let python = find("python3", "python3");
    let others =
        [("kubectl", "kubernetes-client"), ("dig", "bind9-dnsutils"), ("nslookup", "bind9-dnsutils")];
    let has_others = others.map(|(name, package)| find(name, package).is_some());
    let (Some(python), [true, true, true]) = (python, has_others) else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tutorial/replay.py");
    let output = Command::new(python)
        .args([script, env!("CARGO_BIN_EXE_dullahan"), tutorial, "--skip-exec"])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{complaints}");
    let passed = format!("{n_steps} passed, 0 failed, ");
    let skipped = printed.lines().find_map(|line| line.strip_prefix(&passed));
    let skipped = skipped.unwrap_or_else(|| panic!("{passed} expected:\n{printed}{complaints}"));
    if skipped != "0 skipped" {
        let n_skipped = skipped.trim_end_matches(" skipped");
        say(&format!("SKIPPED: {n_skipped} steps of tutorial {tutorial} run something inside a pod"));
    }
}

#[test]
fn the_basics_tutorial_goes_as_it_is_written() {
    check("000", 63);
}

#[test]
fn the_article_on_the_controller_goes_as_it_is_written() {
    check("001", 10);
}

#[test]
fn the_notes_on_statefulsets_go_as_they_are_written() {
    check("002", 11);
}

#[test]
fn the_chapter_of_the_book_goes_as_it_is_written() {
    check("003", 27);
}

#[test]
fn the_article_on_headless_services_goes_as_it_is_written() {
    check("004", 41);
}
