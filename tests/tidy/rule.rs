//! The rules: each takes the source and the tables and gives what is against it, a line per fault.

use std::collections::BTreeMap;

use crate::house::{File, House};
use crate::resolve::{Reference, Target};
use crate::table::{self, Reach, Table, covers};

pub(crate) type Rule = fn(&House, &Table) -> Vec<String>;

pub(crate) fn everything_is_read(house: &House, _: &Table) -> Vec<String> {
    house.faults.clone()
}

pub(crate) fn every_file_has_a_room(house: &House, table: &Table) -> Vec<String> {
    let strays = house.files.iter().filter(|file| table.room(&file.path).is_none());
    strays.map(|file| format!("src/{}: in no room of tests/tidy/table.rs", file.path)).collect()
}

pub(crate) fn imports(house: &House, table: &Table) -> Vec<String> {
    let mut faults = Faults::default();
    for reference in &house.references {
        let Target::Own { module, path, .. } = &reference.target else { continue };
        let module = &house.modules[*module];
        let rooms = (table.room(house.path(reference.file)), table.room(house.path(module.file)));
        let (Some((room, reach)), Some((other, _))) = rooms else { continue };
        if room != other && !reach.opens(other, &path[0]) {
            let path = [&module.path[..], &path[..1]].concat().join("::");
            faults.put(reference, format!("{room} must not import {other} ({path})"));
        }
    }
    faults.lines(house)
}

pub(crate) fn circles(house: &House, _: &Table) -> Vec<String> {
    crate::circle::circles(house)
}

pub(crate) fn crates(house: &House, table: &Table) -> Vec<String> {
    let mut faults = Faults::default();
    for reference in &house.references {
        let Some(name) = foreign(&reference.target).first() else { continue };
        let limited = table.crates.iter().find(|(limited, _)| limited == name);
        if let Some((_, reach)) = limited.filter(|(_, reach)| !reach.holds(house.path(reference.file))) {
            faults.put(reference, format!("{name} is for {reach:?}"));
        }
    }
    faults.lines(house)
}

pub(crate) fn calls(house: &House, table: &Table) -> Vec<String> {
    let mut faults = Faults::default();
    for reference in &house.references {
        for (call, allowed) in table.calls.iter().filter(|(call, _)| is_call(house, reference, call)) {
            if !Reach::Only(allowed).holds(house.path(reference.file)) {
                faults.put(reference, format!("{call} is for {allowed:?}"));
            }
        }
    }
    faults.lines(house)
}

/// Entries of the tables that nothing needs hide what comes later.
pub(crate) fn every_entry_is_needed(house: &House, table: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    let is_used = |entry: &str, uses: &dyn Fn(&Reference) -> bool| {
        house.references.iter().any(|reference| covers(entry, house.path(reference.file)) && uses(reference))
    };
    for (room, reach) in table.rooms {
        if !house.files.iter().any(|file| covers(room, &file.path)) {
            faults.push(format!("{room}: a room without files"));
        }
        let is_room = |entry: &str| table.rooms.iter().any(|(room, _)| covers(entry, room));
        let unknown = reach.entries().iter().filter(|entry| !is_room(entry.split("::").next().unwrap()));
        faults.extend(unknown.map(|entry| format!("{room}: its {entry} is no room")));
    }
    for (name, reach) in table.crates {
        let uses = |reference: &Reference| foreign(&reference.target).first().is_some_and(|it| it == name);
        let has_files = |entry: &str| house.files.iter().any(|file| covers(entry, &file.path));
        let is_needed = |entry: &str| match reach {
            Reach::Only(_) => is_used(entry, &uses),
            Reach::AllBut(_) => has_files(entry),
        };
        let dead = reach.entries().iter().filter(|entry| !is_needed(entry));
        faults.extend(dead.map(|entry| match has_files(entry) {
            true => format!("{name}: {entry} does not use it"),
            false => format!("{name}: there is no {entry}"),
        }));
    }
    for (call, allowed) in table.calls {
        let uses = |reference: &Reference| is_call(house, reference, call);
        let dead = allowed.iter().filter(|entry| !is_used(entry, &uses));
        faults.extend(dead.map(|entry| format!("{call}: {entry} does not call it")));
    }
    faults
}

pub(crate) fn pages(house: &House, _: &Table) -> Vec<String> {
    let n_page = |file: &File| file.lines.iter().take_while(|(_, line)| line.starts_with("//!")).count();
    let pages = house.files.iter().map(|file| (file, n_page(file)));
    let bad = pages.filter(|(_, n_page)| !(1..=table::PAGE_LINES_MAX).contains(n_page));
    bad.map(|(file, n_page)| format!("src/{}: {n_page} lines of module page", file.path)).collect()
}

pub(crate) fn lengths(house: &House, _: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    for File { path, lines, reading } in &house.files {
        if lines.len() > table::FILE_LINES_MAX {
            faults.push(format!("src/{path}: {} lines", lines.len()));
        }
        let long = reading.functions.iter().filter(|it| it.n_lines > table::FUNCTION_LINES_MAX);
        faults.extend(long.map(|it| format!("src/{path}:{}: {} has {} lines", it.line, it.name, it.n_lines)));
    }
    let long = house.tests.iter().filter(|(_, n_lines)| *n_lines > table::TEST_FILE_LINES_MAX);
    faults.extend(long.map(|(path, n_lines)| format!("src/{path}: {n_lines} lines of tests")));
    faults
}

pub(crate) fn names(house: &House, _: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    for file in &house.files {
        let nameless = file.path.trim_end_matches(".rs").split('/');
        let nameless = nameless.filter(|name| table::NAMELESS.contains(name));
        faults.extend(nameless.map(|name| format!("src/{}: {name} is not a subject", file.path)));
    }
    faults
}

pub(crate) fn leftovers(house: &House, _: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    for file in &house.files {
        for (number, line) in &file.lines {
            let words = table::LEFTOVERS.iter().filter(|word| line.contains(**word));
            faults.extend(words.map(|word| format!("src/{}:{number}: {word}", file.path)));
        }
    }
    faults
}

/// What is said about a file, with the first line that gives cause.
#[derive(Default)]
struct Faults(BTreeMap<(usize, String), usize>);

impl Faults {
    fn put(&mut self, reference: &Reference, text: String) {
        let line = self.0.entry((reference.file, text)).or_insert(reference.line);
        *line = reference.line.min(*line);
    }

    fn lines(self, house: &House) -> Vec<String> {
        let faults = self.0.into_iter();
        faults.map(|((file, text), line)| format!("src/{}:{line}: {text}", house.path(file))).collect()
    }
}

/// The path in another crate, if it leads there.
fn foreign(target: &Target) -> &[String] {
    match target {
        Target::Module(_) => &[],
        Target::Own { foreign, .. } | Target::Foreign(foreign) => foreign,
    }
}

/// Whether a path ends with the names of a call, as it is resolved here or in the other crate.
fn is_call(house: &House, reference: &Reference, call: &str) -> bool {
    let call: Vec<_> = call.split("::").collect();
    let ends = |path: &[String]| {
        path.len() >= call.len() && path[path.len() - call.len()..].iter().zip(&call).all(|(a, b)| a == b)
    };
    let own = match &reference.target {
        Target::Own { module, path, .. } => [&house.modules[*module].path[..], path].concat(),
        _ => Vec::new(),
    };
    ends(foreign(&reference.target)) || ends(&own)
}
