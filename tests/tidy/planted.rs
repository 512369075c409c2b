//! Each rule against small source trees: a clean one, in which no rule finds anything, and others
//! that break one rule each, which has to say so.

use crate::house::{House, Texts};
use crate::measure::Measure;
use crate::rule::{self, Rule};
use crate::table::Reach::{AllBut, Only};
use crate::table::{FILE_LINES_MAX, FUNCTION_LINES_MAX, TEST_FILE_LINES_MAX, Table};

const TABLE: Table = Table {
    rooms: &[
        ("lib", Only(&[])),
        ("main", Only(&["app"])),
        ("clock", Only(&[])),
        ("objects", Only(&["clock::Timestamp"])),
        ("dns/zone", Only(&["objects"])),
        ("app", AllBut(&[])),
    ],
    crates: &[("anyhow", Only(&["app"])), ("tokio", AllBut(&["objects"]))],
    calls: &[("Instant::now", &["clock"]), ("env::var", &[])],
};

const RULES: &[Rule] = &[
    rule::everything_is_read,
    rule::every_file_has_a_room,
    rule::imports,
    rule::circles,
    rule::crates,
    rule::calls,
    rule::every_entry_is_needed,
    rule::pages,
    rule::lengths,
    rule::names,
    rule::leftovers,
];

/// A tree that is as it should be, façades, chains of re-exports and test code included.
const CLEAN: &[(&str, &str)] = &[
    ("lib.rs", "pub mod app;\npub mod clock;\npub mod dns { pub mod zone; }\npub mod objects;"),
    ("main.rs", "fn main() { dullahan::app::start() }"),
    ("clock.rs", "pub use jiff::Timestamp;\npub fn now() { std::time::Instant::now(); }"),
    ("objects/mod.rs", "mod name;\nmod object;\npub use object::*;\npub use self::name::{Name, parse};"),
    ("objects/name.rs", "use crate::clock::Timestamp;\npub struct Name(Timestamp);\npub fn parse() {}"),
    ("objects/object.rs", "use super::Name;\npub struct Object(Name);"),
    ("dns/zone/mod.rs", "mod tree;\npub use tree::Tree;\n#[cfg(test)]\nmod tests;"),
    ("dns/zone/tree.rs", "use crate::objects::{self, Object};\npub struct Tree(Object, objects::Name);"),
    ("dns/zone/tests.rs", "mod cases;\nuse crate::app::start;\nfn now() { std::time::Instant::now(); }"),
    ("dns/zone/tests/cases.rs", "use crate::app::start;"),
    (
        "app.rs",
        "use crate::{clock, dns::zone::Tree as Zone};\npub fn start() { anyhow::bail!(clock::now()) }",
    ),
];

/// The clean tree with other files, which get a page.
fn planted(files: &[(&str, &str)]) -> House {
    let texts =
        CLEAN.iter().chain(files).map(|(path, text)| (path.to_string(), format!("//! Page.\n{text}")));
    House::of(texts.collect::<Texts>())
}

/// What a rule says of the clean tree with other files; lines are counted with the page.
fn check(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(rule(&planted(files), &TABLE), expected, "{files:?}");
}

#[test]
fn a_clean_tree_is_not_reported() {
    for rule in RULES {
        check(*rule, &[], &[]);
    }
}

#[test]
fn siblings_in_a_circle_are_reported_with_what_makes_it() {
    let circle = "a circle of 2 files:\n    objects/name.rs -> objects/object.rs: Object\n    \
                  objects/object.rs -> objects/name.rs: Name, parse";
    let name = "use super::object::Object;\npub struct Name(Object);\npub fn parse() {}";
    let object = "pub struct Object(super::name::Name);\nfn new() { crate::objects::name::parse() }";
    check(rule::circles, &[("objects/name.rs", name), ("objects/object.rs", object)], &[circle]);
}

#[test]
fn a_long_way_round_is_a_circle() {
    let files = [
        ("objects/name.rs", "use crate::dns::zone::Tree;\npub struct Name(Tree);\npub fn parse() {}"),
        ("dns/zone/tree.rs", "pub struct Tree(crate::objects::Object);"),
    ];
    let circle = "a circle of 3 files:\n    objects/name.rs -> dns/zone/tree.rs: Tree\n    \
                  objects/object.rs -> objects/name.rs: Name\n    dns/zone/tree.rs -> objects/object.rs: Object";
    check(rule::circles, &files, &[circle]);
}

#[test]
fn a_parent_and_its_child_in_a_circle_are_reported() {
    let circle = "a circle of 2 files:\n    dns/zone/mod.rs -> dns/zone/tree.rs: Tree\n    \
                  dns/zone/tree.rs -> dns/zone/mod.rs: ";
    let parent = "mod tree;\npub use tree::Tree;\nconst DEPTH_MAX: usize = 8;\n#[cfg(test)]\nmod tests;";
    let children = [
        ("DEPTH_MAX", "use super::DEPTH_MAX;\npub struct Tree;"),
        ("*, DEPTH_MAX", "use super::*;\npub struct Tree([u8; DEPTH_MAX]);"),
        ("DEPTH_MAX", "pub struct Tree;\nfn n() { assert!(1 < crate::dns::zone::DEPTH_MAX) }"),
        ("DEPTH_MAX", "pub struct Tree;\n#[serde(default = \"super::DEPTH_MAX\")]\nstruct Node;"),
        ("made_by_a_macro", "pub struct Tree;\nfn n() { super::made_by_a_macro() }"),
    ];
    for (names, child) in children {
        let files = [("dns/zone/mod.rs", parent), ("dns/zone/tree.rs", child)];
        check(rule::circles, &files, &[&format!("{circle}{names}")]);
    }
}

#[test]
fn a_private_import_that_a_child_takes_is_its_parents() {
    let parent = "mod tree;\nuse crate::objects::Name;\npub use tree::Tree;\n#[cfg(test)]\nmod tests;";
    let circle = "a circle of 2 files:\n    dns/zone/mod.rs -> dns/zone/tree.rs: Tree\n    \
                  dns/zone/tree.rs -> dns/zone/mod.rs: Name";
    let child = "pub struct Tree(super::Name);";
    check(rule::circles, &[("dns/zone/mod.rs", parent), ("dns/zone/tree.rs", child)], &[circle]);
}

#[test]
fn a_circle_through_a_chain_of_public_imports_is_reported() {
    let circle = "a circle of 2 files:\n    objects/object.rs -> dns/zone/tree.rs: Tree\n    \
                  dns/zone/tree.rs -> objects/object.rs: Object";
    let chain = [
        (
            "objects/mod.rs",
            "mod name;\nmod object;\npub use object::*;\npub use name::{Name, parse, Branch};",
        ),
        ("objects/name.rs", "pub use crate::dns::zone::Tree as Branch;\npub struct Name;\npub fn parse() {}"),
        (
            "objects/object.rs",
            "pub struct Object;\nimpl Object { fn tree(&self) -> super::Branch { todo() } }",
        ),
        ("dns/zone/tree.rs", "use crate::objects::Object;\npub struct Tree(Object);"),
    ];
    check(rule::circles, &chain, &[circle]);
}

#[test]
fn a_circle_of_code_for_tests_is_none() {
    let object = "pub struct Object;\n#[cfg(all(test, unix))]\nuse crate::dns::zone::Tree;";
    check(rule::circles, &[("objects/object.rs", object)], &[]);
}

#[test]
fn an_import_against_the_table_is_reported_however_it_is_written() {
    let fault = |line, item| format!("src/objects/name.rs:{line}: objects must not import app (app::{item})");
    let cases = [
        (2, "use crate::app::start;"),
        (3, "use crate::{clock::Timestamp,\n    app::{self, start as begin}};"),
        (3, "use crate::app;\nfn new() { app::start() }"),
        (2, "fn new() { tracing::info!(x = ?crate::app::start(1)) }"),
        (2, "fn new<T: From<[u8; crate::app::start()]>>() {}"),
        (2, "mod inner { use super::super::super::app::start; }"),
    ];
    for (line, text) in cases {
        let text = format!("{text}\npub struct Name;\npub fn parse() {{}}");
        check(rule::imports, &[("objects/name.rs", &text)], &[&fault(line, "start")]);
    }
    let text = "use super::super::app::*;\npub struct Name;\npub fn parse() { start() }";
    check(rule::imports, &[("objects/name.rs", text)], &[&fault(2, "*"), &fault(4, "start")]);
}

#[test]
fn the_binary_is_held_against_the_table_like_the_library() {
    let text = "fn main() { dullahan::clock::now() }";
    check(rule::imports, &[("main.rs", text)], &["src/main.rs:2: main must not import clock (clock::now)"]);
}

#[test]
fn what_a_room_shows_of_another_crate_is_its_own() {
    let app = "pub use anyhow::Result as Outcome;\npub fn start() {}";
    let object = "pub struct Object;\nfn new() -> crate::app::Outcome {}";
    let fault = "src/objects/object.rs:3: objects must not import app (app::Outcome)";
    check(rule::imports, &[("app.rs", app), ("objects/object.rs", object)], &[fault]);
}

#[test]
fn one_item_of_a_room_may_be_open() {
    let text = "use crate::clock::{Timestamp, now};\npub struct Name;\npub fn parse() {}";
    let fault = "src/objects/name.rs:2: objects must not import clock (clock::now)";
    check(rule::imports, &[("objects/name.rs", text)], &[fault]);
}

#[test]
fn code_after_and_between_tests_is_read() {
    let text = "#[cfg(test)]\nmod tests {\n    use crate::app::start;\n}\nuse crate::app::start;\n\
                #[cfg(test)]\nuse crate::app::other;\npub struct Name {\n    #[cfg(test)]\n    x: crate::app::Field,\n}\n\
                #[cfg(any(test, feature = \"x\"))]\nuse crate::app::either;\n#[cfg(not(test))]\nuse crate::app::real;\n\
                pub fn parse() {}";
    let fault =
        |line: usize, item| format!("src/objects/name.rs:{line}: objects must not import app (app::{item})");
    let faults = [fault(14, "either"), fault(16, "real"), fault(6, "start")];
    check(rule::imports, &[("objects/name.rs", text)], &faults.each_ref().map(String::as_str));
}

#[test]
fn lines_of_tests_are_not_counted() {
    let n_lines = |text: &str| {
        let house = planted(&[("objects/object.rs", text)]);
        house.files.iter().find(|file| file.path == "objects/object.rs").unwrap().lines.len()
    };
    assert_eq!(n_lines("pub struct Object;\n"), 2);
    assert_eq!(n_lines("/// For tests.\n#[cfg(test)]\nfn a() {\n}\n\npub struct Object;\n"), 3);
}

#[test]
fn a_condition_that_cannot_be_skipped_is_reported() {
    let text = "pub struct Object;\nfn count(x: u8, #[cfg(test)] y: u8) {}";
    let fault = "src/objects/object.rs:3: cfg(test) on what tests/tidy/read.rs cannot skip";
    check(rule::everything_is_read, &[("objects/object.rs", text)], &[fault]);
}

#[test]
fn files_that_are_not_read_are_reported() {
    let files = [("objects/stray.rs", ""), ("app.rs", "mod gone;\npub fn start() {}"), ("clock.rs", "fn {")];
    let found = rule::everything_is_read(&planted(&files), &TABLE);
    assert!(found.contains(&"src/objects/stray.rs: no module declares it".to_owned()), "{found:?}");
    assert!(found.contains(&"src/app/gone.rs: declared, but not there".to_owned()), "{found:?}");
    assert!(found.iter().any(|fault| fault.starts_with("src/clock.rs:2: ")), "{found:?}");
}

#[test]
fn a_file_without_room_is_reported() {
    let files = [
        ("dns/mod.rs", "pub mod zone;\npub mod zonefile;"),
        ("dns/zonefile.rs", ""),
        ("lib.rs", "mod app;\nmod clock;\nmod dns;\nmod objects;"),
    ];
    let faults =
        ["dns/mod", "dns/zonefile"].map(|it| format!("src/{it}.rs: in no room of tests/tidy/table.rs"));
    check(rule::every_file_has_a_room, &files, &faults.each_ref().map(String::as_str));
}

#[test]
fn a_crate_in_the_wrong_room_is_reported() {
    let fault = |line| format!("src/clock.rs:{line}: anyhow is for Only([\"app\"])");
    let cases = [
        (2, "use anyhow;\nfn x() -> anyhow::Result {}"),
        (2, "use anyhow::Context as _;"),
        (3, "fn x() {\n    some!(y, anyhow::anyhow!(1)) }"),
        (2, "#[derive(anyhow::Error)]\nstruct X;"),
        (3, "#[doc = \"x\"]\nuse ::anyhow::{anyhow, bail};"),
    ];
    for (line, text) in cases {
        let text = format!("{text}\npub use jiff::Timestamp;\npub fn now() {{}}");
        check(rule::crates, &[("clock.rs", &text)], &[&fault(line)]);
    }
}

#[test]
fn a_crate_that_comes_by_another_file_is_reported() {
    let app = "pub use anyhow::Result as Outcome;\npub fn start() {}";
    let clock = "pub use jiff::Timestamp;\npub fn now() -> crate::app::Outcome {}";
    let fault = "src/clock.rs:3: anyhow is for Only([\"app\"])";
    check(rule::crates, &[("app.rs", app), ("clock.rs", clock)], &[fault]);
    let object = "pub struct Object(tokio::sync::Notify);";
    let fault = "src/objects/object.rs:2: tokio is for AllBut([\"objects\"])";
    check(rule::crates, &[("objects/object.rs", object)], &[fault]);
}

#[test]
fn a_banned_call_is_reported() {
    let fault = |line| format!("src/app.rs:{line}: Instant::now is for [\"clock\"]");
    let cases = [
        (2, "fn x() { std::time::Instant::now(); }"),
        (3, "use std::time::Instant;\nfn x() { Instant::now(); }"),
        (3, "use tokio::time::Instant as Moment;\nfn x() { vec![Moment::now()] }"),
        (3, "use std::time::*;\nfn x() { y.map(Instant::now) }"),
        (4, "fn x() {\n    use std::{time::{Duration, Instant}};\n    Instant::now()\n}"),
    ];
    for (line, text) in cases {
        let text = format!("{text}\npub fn start() {{}}");
        check(rule::calls, &[("app.rs", &text)], &[&fault(line)]);
    }
    let clock = "pub use jiff::Timestamp;\npub struct Instant;";
    let app = "pub fn start() { crate::clock::Instant::now() }";
    check(rule::calls, &[("clock.rs", clock), ("app.rs", app)], &[&fault(2)]);
    let text = "use std::env::var;\npub fn start() { var(\"HOME\"); }";
    check(rule::calls, &[("app.rs", text)], &["src/app.rs:2: env::var is for []"]);
}

#[test]
fn entries_that_nothing_needs_are_reported() {
    let files = [
        ("app.rs", "pub fn start() {}"),
        ("clock.rs", "pub use jiff::Timestamp;\npub fn now() {}"),
        ("lib.rs", "mod app;\nmod clock;\nmod objects;"),
    ];
    let faults = [
        "dns/zone: a room without files",
        "anyhow: app does not use it",
        "Instant::now: clock does not call it",
    ];
    check(rule::every_entry_is_needed, &files, &faults);
}

#[test]
fn a_file_without_page_is_reported() {
    let mut texts: Texts =
        CLEAN.iter().map(|(path, text)| (path.to_string(), format!("//! Page.\n{text}"))).collect();
    texts.insert("app.rs".to_owned(), "pub fn start() {}".to_owned());
    assert_eq!(rule::pages(&House::of(texts), &TABLE), ["src/app.rs: 0 lines of module page"]);
}

#[test]
fn long_files_and_functions_are_reported() {
    let function = |n_lines: usize| format!("fn long() {{\n{}}}\n", "//\n".repeat(n_lines - 2));
    let long = function(FUNCTION_LINES_MAX + 1);
    let text =
        format!("pub struct Object;\nimpl Object {{\n/// Page.\n{long}}}\n{}", function(FUNCTION_LINES_MAX));
    check(rule::lengths, &[("objects/object.rs", &text)], &["src/objects/object.rs:5: long has 61 lines"]);
    let text = format!("pub struct Object;\n{}", "//\n".repeat(FILE_LINES_MAX - 1));
    check(rule::lengths, &[("objects/object.rs", &text)], &["src/objects/object.rs: 501 lines"]);
    let text = "//\n".repeat(TEST_FILE_LINES_MAX);
    check(
        rule::lengths,
        &[("dns/zone/tests/cases.rs", &text)],
        &["src/dns/zone/tests/cases.rs: 601 lines of tests"],
    );
}

#[test]
fn what_has_no_name_and_what_is_left_over_is_reported() {
    let files = [
        ("app.rs", "mod utils { mod time; }\npub fn start() {} // TODO"),
        ("app/utils/time.rs", ""),
        ("dns/zone/tests.rs", "// TODO"),
    ];
    check(rule::names, &files, &["src/app/utils/time.rs: utils is not a subject"]);
    check(rule::leftovers, &files, &["src/app.rs:3: TODO"]);
}

#[test]
fn rooms_are_measured() {
    let measure = Measure::of(&planted(&[]), &TABLE);
    assert_eq!((measure.file_lines_median, measure.function_lines_median), (3, 1));
    assert!(measure.text.contains("objects            3 files     12 lines\n"), "{}", measure.text);
}
