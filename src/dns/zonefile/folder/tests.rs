use std::fs;

use super::*;

const SOA: &str = "$TTL 5\n@ SOA ns hostmaster 1 2 3 4 5\n";

fn apexes(loaded: &Loaded) -> Vec<String> {
    loaded.zones.iter().map(|zone| zone.apex().to_string()).collect()
}

#[test]
fn a_broken_file_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("a.test.zone", SOA.to_owned()),
        ("b.test.zone", format!("{SOA}www A nonsense\n")),
        ("c.zone", format!("$ORIGIN other.test.\n{SOA}")),
        ("readme.txt", "not a zone".to_owned()),
    ] {
        fs::write(dir.path().join(file), text).unwrap();
    }
    let loaded = load_folder(dir.path());
    assert_eq!(apexes(&loaded), ["a.test.", "other.test."]);
    let mistakes: Vec<String> = loaded.mistakes.iter().map(ToString::to_string).collect();
    let file = dir.path().join("b.test.zone");
    assert_eq!(mistakes, [format!("{}:3: A data: expected an IPv4 address", file.display())]);
}

#[test]
fn a_folder_that_is_not_there_is_a_mistake() {
    let loaded = load_folder(Path::new("/nonexistent/zones"));
    assert!(loaded.zones.is_empty());
    assert!(loaded.mistakes[0].to_string().starts_with("cannot read /nonexistent/zones: No such file"));
}

#[test]
fn included_files_are_of_the_folder_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let zones = dir.path().join("zones");
    fs::create_dir_all(zones.join("sub")).unwrap();
    fs::write(zones.join("sub/hosts"), "www A 192.0.2.1\n").unwrap();
    fs::write(dir.path().join("secret"), "www A 192.0.2.2\n").unwrap();
    std::os::unix::fs::symlink(dir.path().join("secret"), zones.join("link")).unwrap();
    for (include, is_allowed) in [
        ("sub/hosts", true),
        ("../secret", false),
        ("link", false),
        ("/etc/hostname", false),
        ("gone", false),
    ] {
        fs::write(zones.join("a.test.zone"), format!("{SOA}$INCLUDE {include}\n")).unwrap();
        let loaded = load_folder(&zones);
        assert_eq!(loaded.zones.len(), usize::from(is_allowed), "{include}: {:?}", loaded.mistakes);
    }
}

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (file, text) in files {
        fs::write(dir.join(file), text).unwrap();
    }
}

fn zone(apex: &str, serial: u32, more: &str) -> String {
    format!("$ORIGIN {apex}\n$TTL 5\n@ SOA ns hostmaster {serial} 2 3 4 5\n{more}")
}

/// What is told, with the folder's path left out.
fn told(dir: &Path, told: &[impl ToString]) -> Vec<String> {
    let prefix = format!("{}/", dir.display());
    told.iter().map(|one| one.to_string().replace(&prefix, "")).collect()
}

#[test]
fn of_two_files_with_one_apex_the_first_counts_and_both_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, &[("b.zone", &zone("same.", 2, "")), ("a.zone", &zone("SAME.", 1, ""))]);
    let mut folder = ZoneFolder::new(dir);
    for _ in 0..2 {
        let loaded = folder.read();
        assert_eq!(loaded.zones.iter().map(Zone::serial).collect::<Vec<_>>(), [1]);
        assert_eq!(
            told(dir, &loaded.mistakes),
            [
                "b.zone:3: the zone same. is already given by a.zone:3, which counts as the first by file name; \
              remove one of the two files, or change $ORIGIN if another zone is meant"
            ]
        );
    }
    fs::remove_file(dir.join("a.zone")).unwrap();
    let loaded = folder.read();
    assert_eq!(loaded.zones.iter().map(Zone::serial).collect::<Vec<_>>(), [2]);
    assert!(loaded.mistakes.is_empty() && loaded.has_changed);
}

#[test]
fn a_file_that_breaks_keeps_its_zone_while_the_others_are_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, &[("a.zone", &zone("a.", 1, "")), ("b.zone", &zone("b.", 1, ""))]);
    let mut folder = ZoneFolder::new(dir);
    assert!(folder.read().has_changed);
    assert!(!folder.read().has_changed);
    write(
        dir,
        &[
            ("a.zone", "nonsense"),
            ("b.zone", &zone("b.", 2, "x A 192.0.2.1\n")),
            ("c.zone", &zone("c.", 1, "")),
        ],
    );
    write(dir, &[("d.zone", "nonsense")]);
    for has_changed in [true, false] {
        let loaded = folder.read();
        assert_eq!(apexes(&loaded), ["a.", "b.", "c."]);
        assert_eq!(loaded.zones[1].serial(), 2);
        assert_eq!(loaded.has_changed, has_changed);
        assert_eq!(
            told(dir, &loaded.mistakes),
            [
                "a.zone:1: the record has no type; write `owner TTL IN TYPE data`; until then the zone a. stays \
                 as it was",
                "d.zone:1: the record has no type; write `owner TTL IN TYPE data`"
            ]
        );
    }
    fs::remove_file(dir.join("a.zone")).unwrap();
    assert_eq!(apexes(&folder.read()), ["b.", "c."], "a file that is gone keeps nothing");
    fs::remove_dir_all(dir).unwrap();
    let loaded = folder.read();
    assert_eq!(apexes(&loaded), ["b.", "c."]);
    assert!(loaded.mistakes[0].to_string().ends_with("; until then its 2 zones stay as they were"));
}

#[test]
fn a_zone_that_changes_under_a_serial_that_is_not_raised_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut folder = ZoneFolder::new(dir);
    for (serial, more, expected) in [
        (7, "", None),
        (7, "; a comment\n", None),
        (7, "x A 192.0.2.1\n", Some((7, 7))),
        (7, "x A 192.0.2.1\n", None),
        (6, "x A 192.0.2.1\n", Some((6, 7))),
        (8, "X A 192.0.2.1\n", None),
        (8, "x A 192.0.2.1\n", Some((8, 8))),
    ] {
        write(dir, &[("a.zone", &zone("a.", serial, more))]);
        let expected = expected.map(|(serial, before)| {
            format!(
                "a.zone:3: the zone a. has changed, but its serial is {serial} and was {before}; raise it above \
                 {before}, or secondaries keep the zone that they have"
            )
        });
        let loaded = folder.read();
        assert_eq!(told(dir, &loaded.unraised), expected.as_slice(), "{serial} {more}");
        assert_eq!(loaded.zones[0].serial(), serial);
    }
}

#[test]
fn mistakes_in_included_files_are_named_from_where_the_folder_is() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("sub")).unwrap();
    write(
        dir,
        &[("a.zone", &zone("a.", 1, "$INCLUDE sub/bad.inc\n")), ("sub/bad.inc", "\nwww A nonsense\n")],
    );
    let loaded = load_folder(dir);
    let file = dir.join("sub/bad.inc");
    assert_eq!(
        loaded.mistakes[0].to_string(),
        format!("{}:2: A data: expected an IPv4 address", file.display())
    );
}

#[test]
fn folders_are_told_in_which_files_are_read_or_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let zones = dir.join("zones");
    fs::create_dir_all(zones.join("sub")).unwrap();
    fs::create_dir(dir.join("real")).unwrap();
    write(&dir, &[("real/b", &zone("b.", 1, "")), ("zones/sub/hosts", "")]);
    write(&zones, &[("a.zone", &zone("a.", 1, "$INCLUDE sub/hosts\n$INCLUDE gone/hosts\n"))]);
    std::os::unix::fs::symlink("../real/b", zones.join("b.zone")).unwrap();
    write(&zones, &[("c.zone", &zone("c.", 1, "$INCLUDE ../real/b\n"))]);
    let folders = load_folder(&zones).folders;
    let expected = [dir.join("real"), zones.clone(), zones.join("gone"), zones.join("sub")];
    assert_eq!(folders.into_iter().collect::<Vec<_>>(), expected);
}
