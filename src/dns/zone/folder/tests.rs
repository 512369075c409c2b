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
