//! The rules of the house, read off the source: who imports whom, how long files and functions
//! are, that every file says what it is, and what may not be called.
//!
//! Code behind `#[cfg(test)]`, `tests.rs` and `tests/` may import what it likes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What each room may import, besides itself. The longest matching path is a file's room.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "app",
            "config",
            "clock",
            "objects",
            "store",
            "controllers",
            "node",
            "dns",
            "api",
            "simulation",
            "metrics",
        ],
    ),
    ("app", &["config", "clock", "objects", "store", "controllers", "node", "dns", "api", "metrics"]),
    ("config", &[]),
    ("clock", &[]),
    ("objects", &["clock"]),
    ("store", &["objects", "clock"]),
    ("controllers", &["store", "objects", "clock"]),
    ("node", &["store", "objects", "clock"]),
    ("dns/zone", &["objects"]),
    ("dns/explain", &["objects", "clock", "dns/zone"]),
    ("dns/publisher", &["store", "objects", "clock", "dns", "metrics"]),
    ("dns", &["dns/zone", "clock", "metrics"]),
    ("metrics", &[]),
    ("api", &["store", "objects", "clock"]),
    ("simulation", &["clock", "objects", "store", "controllers", "node", "dns"]),
];

/// Crates that only these rooms may use.
const CRATES: &[(&str, &[&str])] = &[
    ("serde_yaml", &["objects/manifest"]),
    ("saphyr_parser", &["objects/manifest"]),
    ("clap", &["cli", "config"]),
    ("anyhow", &["cli", "app"]),
    ("hickory_server", &["dns"]),
    ("hickory_resolver", &["dns/forward"]),
    ("hickory_proto", &["dns", "app", "cli", "simulation"]),
    ("notify", &["api"]),
    ("axum", &["api", "dns/server/doh.rs"]),
    ("hyper", &["api", "metrics", "dns/server/doh.rs"]),
    ("rustls", &["api", "dns/server"]),
    ("prometheus_client", &["metrics"]),
    ("rcgen", &["api"]),
    (
        "k8s_openapi",
        &[
            "objects",
            "store",
            "controllers",
            "node",
            "dns/zone",
            "dns/publisher",
            "dns/explain",
            "api",
            "simulation",
            "cli",
        ],
    ),
];

/// Calls that only these files may make.
const CALLS: &[(&str, &[&str])] = &[
    ("Instant::now", &["clock.rs"]),
    ("SystemTime::now", &["clock.rs"]),
    ("Timestamp::now", &["clock.rs"]),
    ("thread::sleep", &[]),
    ("time::sleep", &["clock.rs"]),
    ("env::var", &["config/mod.rs"]),
    ("process::exit", &[]),
];

/// Words that say a thing has no place yet, or is not done.
const LEFTOVERS: &[&str] = &["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "dbg!("];
const NAMELESS: &[&str] = &["utils", "util", "helpers", "common", "misc", "manager"];

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const PAGE_LINES_MAX: usize = 60;

struct Source {
    /// Below `src`, with slashes.
    path: String,
    /// Without tests.
    lines: Vec<String>,
}

impl Source {
    fn room(&self) -> &'static str {
        let stem = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        let is_in = |room: &str| stem == room || stem.starts_with(&format!("{room}/"));
        let rooms = ROOMS.iter().map(|(room, _)| *room).filter(|room| is_in(room));
        rooms.max_by_key(|room| room.len()).unwrap_or("")
    }

    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.lines.iter().enumerate().map(|(i, line)| (i + 1, line.as_str()));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(files.len() > 20, "the source is where it is expected");
    files.iter().filter_map(|file| source(&root, file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// `None` for files that hold tests alone.
fn source(root: &Path, file: &Path) -> Option<Source> {
    let path = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    if path.ends_with("tests.rs") || path.contains("/tests/") {
        return None;
    }
    let text = std::fs::read_to_string(file).unwrap();
    let is_test = |line: &&str| line.trim() != "#[cfg(test)]";
    Some(Source { path, lines: text.lines().take_while(is_test).map(str::to_owned).collect() })
}

fn check(faults: &[String]) {
    let mut text = String::new();
    for fault in faults {
        writeln!(text, "  {fault}").unwrap();
    }
    assert!(faults.is_empty(), "{} faults:\n{text}", faults.len());
}

/// The rooms that a line names after `crate::`, braces opened.
fn imported(line: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (position, _) in line.match_indices("crate::") {
        let is_whole = !line[..position].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        let rest = &line[position + "crate::".len()..];
        if is_whole && let Some(list) = rest.strip_prefix('{') {
            rooms.extend(list.split(',').map(|item| item.trim().replace("::", "/")));
        } else if is_whole {
            let end =
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
            rooms.push(rest[..end].trim_end_matches(':').replace("::", "/"));
        }
    }
    rooms
}

fn room_of(path: &str) -> Option<&'static str> {
    let is_in = |room: &str| path == room || path.starts_with(&format!("{room}/"));
    ROOMS.iter().map(|(room, _)| *room).filter(|room| is_in(room)).max_by_key(|room| room.len())
}

#[test]
fn nothing_imports_against_the_table() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some((room, allowed)) = ROOMS.iter().find(|(room, _)| *room == source.room()) else { continue };
        for (number, line) in source.code() {
            for path in imported(line) {
                let Some(target) = room_of(&path) else { continue };
                let is_allowed = |one: &str| target == one || target.starts_with(&format!("{one}/"));
                let is_inner = target == *room || (*room == "dns" && target.starts_with("dns/zone"));
                if !is_inner && !allowed.iter().any(|one| is_allowed(one)) {
                    faults.push(format!("src/{}:{number}: {room} must not import {path}", source.path));
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn crates_are_used_in_their_rooms_only() {
    let mut faults = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for (name, rooms) in CRATES {
                let is_used = line.contains(&format!("{name}::"));
                let is_allowed = rooms.iter().any(|room| source.path.starts_with(room));
                if is_used && !is_allowed {
                    faults.push(format!("src/{}:{number}: {name} is for {rooms:?}", source.path));
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn only_the_clock_tells_the_time_and_only_the_config_reads_the_environment() {
    let mut faults = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for (call, files) in CALLS {
                if line.contains(&format!("{call}(")) && !files.contains(&source.path.as_str()) {
                    faults.push(format!("src/{}:{number}: {call} is for {files:?}", source.path));
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn every_file_says_what_it_is() {
    let mut faults = Vec::new();
    for source in sources() {
        let n_page = source.lines.iter().take_while(|line| line.starts_with("//!")).count();
        if n_page == 0 || n_page > PAGE_LINES_MAX {
            faults.push(format!("src/{}: {n_page} lines of module page", source.path));
        }
    }
    check(&faults);
}

#[test]
fn no_file_and_no_function_is_too_long() {
    let mut faults = Vec::new();
    for source in sources() {
        if source.lines.len() > FILE_LINES_MAX {
            faults.push(format!("src/{}: {} lines", source.path, source.lines.len()));
        }
        for (number, length) in functions(&source.lines) {
            if length > FUNCTION_LINES_MAX {
                faults.push(format!("src/{}:{number}: a function of {length} lines", source.path));
            }
        }
    }
    check(&faults);
}

/// Where each function begins and how many lines it has, in formatted source.
fn functions(lines: &[String]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let is_function = trimmed.split_whitespace().take(5).any(|word| word == "fn");
        if !is_function || trimmed.starts_with("//") {
            continue;
        }
        let mut signature = lines[i..].iter();
        let has_body =
            signature.find(|line| line.ends_with('{') || line.ends_with(';') || line.ends_with('}'));
        if has_body.is_none_or(|line| line.ends_with(';')) {
            continue;
        }
        let closing = format!("{}}}", &line[..line.len() - trimmed.len()]);
        let n_lines = lines[i..].iter().position(|later| *later == closing);
        found.extend(n_lines.map(|n_lines| (i + 1, n_lines + 1)));
    }
    found
}

#[test]
fn nothing_is_left_over_and_everything_has_a_name() {
    let mut faults = Vec::new();
    for source in sources() {
        let stem = source.path.trim_end_matches(".rs").rsplit('/').next().unwrap();
        if NAMELESS.contains(&stem) {
            faults.push(format!("src/{}: {stem} is not a subject", source.path));
        }
        for (i, line) in source.lines.iter().enumerate() {
            for word in LEFTOVERS {
                if line.contains(word) {
                    faults.push(format!("src/{}:{}: {word}", source.path, i + 1));
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn imports_are_read_with_and_without_braces() {
    assert_eq!(imported("use crate::store::{Store, Event};"), ["store"]);
    assert_eq!(imported("use crate::{clock, dns::zone};"), ["clock", "dns/zone};"]);
    assert_eq!(imported("    let x = crate::dns::answer::answer(q);"), ["dns/answer/answer"]);
    assert_eq!(imported("macro $crate::store::x"), Vec::<String>::new());
}
