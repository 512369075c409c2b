//! Manifests as people break them, and everything that is said of each.
//!
//! `tests/bad-manifests/` holds one file per sort of mistake; the whole output for it is a
//! snapshot. `tests/good-manifests/` holds files of which nothing must be said.

use std::fs;
use std::path::{Path, PathBuf};

use dullahan::machinery::manifest::{self, Manifest, Strictness};
use dullahan::rules::dry_run;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.sort();
    files
}

fn read(file: &Path) -> Manifest {
    let name = file.file_name().expect("a file has a name").to_string_lossy();
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    manifest::parse(&name, &text, "default", Strictness::Strict(dry_run::create))
}

#[test]
fn every_mistake_is_told_with_its_line_and_its_object() {
    let files = files("bad-manifests");
    assert!(files.len() >= 30, "{} files", files.len());
    for file in files {
        let manifest = read(&file);
        let skipped = manifest.skipped.iter().map(ToString::to_string);
        let lines: Vec<String> = manifest.mistakes.iter().map(ToString::to_string).chain(skipped).collect();
        assert!(!lines.is_empty(), "{}: nothing is said of it", file.display());
        insta::assert_snapshot!(file.file_stem().unwrap().to_str().unwrap(), lines.join("\n"));
    }
}

#[test]
fn nothing_is_said_of_a_good_manifest() {
    for file in files("good-manifests") {
        let manifest = read(&file);
        let texts: Vec<String> = manifest.mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(texts, Vec::<String>::new(), "{}", file.display());
        assert!(!manifest.objects.is_empty(), "{}", file.display());
    }
}
