//! Every command block of the README and of `docs/`, run as a reader would (`tests/documents/run.py`).
//!
//! Each page has a network namespace of its own, in which the default ports are free.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::namespace;

/// The pages, and how many blocks of each are not run because they need what a test has not.
const PAGES: [(&str, usize); 9] = [
    ("README.md", 1),
    ("docs/dns.md", 1),
    ("docs/ignored.md", 0),
    ("docs/install.md", 5),
    ("docs/kubectl.md", 0),
    ("docs/operations.md", 1),
    ("docs/simulation.md", 0),
    ("docs/statefulset.md", 0),
    ("docs/tutorial.md", 0),
];

/// Programs that the pages call, and their Debian packages.
const PROGRAMS: [(&str, &str); 5] = [
    ("python3", "python3"),
    ("kubectl", "kubernetes-client"),
    ("dig", "bind9-dnsutils"),
    ("kdig", "knot-dnsutils"),
    ("openssl", "openssl"),
];

fn check(page: &str) {
    let (_, n_skipped) = *PAGES.iter().find(|(name, _)| *name == page).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documents/run.py");
    let arguments = [script, env!("CARGO_BIN_EXE_dullahan"), page];
    let Some(output) = namespace::run("python3", &arguments, &PROGRAMS) else { return };
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{complaints}");
    let expected = format!(" passed, 0 failed, {n_skipped} skipped\n");
    assert!(printed.ends_with(&expected), "{n_skipped} skipped expected: {printed}");
}

#[test]
fn no_page_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::fs::read_dir(root.join("docs")).unwrap();
    let names = folder.map(|entry| format!("docs/{}", entry.unwrap().file_name().to_str().unwrap()));
    let present: BTreeSet<String> =
        names.filter(|name| name.ends_with(".md")).chain(["README.md".to_owned()]).collect();
    assert_eq!(present, PAGES.iter().map(|(name, _)| (*name).to_owned()).collect());
}

#[test]
fn the_readme_does_what_it_says() {
    check("README.md");
}

#[test]
fn the_tutorial_does_what_it_says() {
    check("docs/tutorial.md");
}

#[test]
fn the_page_on_kubectl_does_what_it_says() {
    check("docs/kubectl.md");
}

#[test]
fn the_page_on_dns_does_what_it_says() {
    check("docs/dns.md");
}

#[test]
fn the_page_on_statefulsets_does_what_it_says() {
    check("docs/statefulset.md");
}

#[test]
fn the_page_on_simulation_does_what_it_says() {
    check("docs/simulation.md");
}

#[test]
fn the_page_on_operations_does_what_it_says() {
    check("docs/operations.md");
}

#[test]
fn the_page_on_installing_does_what_it_says() {
    check("docs/install.md");
}

#[test]
fn the_page_on_what_is_ignored_does_what_it_says() {
    check("docs/ignored.md");
}

#[test]
fn the_readme_is_short() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    assert!(readme.lines().count() <= 150, "{} lines", readme.lines().count());
}
