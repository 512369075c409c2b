//! The rules of the house, read off the source: who imports whom, that no files import each other
//! in a circle, which crates and calls are for whom, how long files and functions are, that every
//! file says what it is.
//!
//! Every file is parsed (`read`), the tree of modules is followed from its roots (`house`), and each
//! path is resolved to the file that defines what it names (`resolve`). What is for tests alone may
//! do as it likes. The tables are in `table`, each rule in `rule`, and `planted` breaks each once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod circle;
mod condition;
mod house;
mod measure;
mod planted;
mod read;
mod resolve;
mod rule;
mod table;
mod token;

use std::sync::LazyLock;

use house::House;
use rule::Rule;
use table::TABLE;

static HOUSE: LazyLock<House> = LazyLock::new(House::here);

fn check(rule: Rule) {
    let faults = rule(&HOUSE, &TABLE);
    assert!(faults.is_empty(), "{} faults:\n  {}\n", faults.len(), faults.join("\n  "));
}

#[test]
fn everything_is_read() {
    check(rule::everything_is_read);
}

#[test]
fn every_file_has_a_room() {
    check(rule::every_file_has_a_room);
}

#[test]
fn nothing_imports_against_the_table() {
    check(rule::imports);
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    check(rule::circles);
}

#[test]
fn crates_are_used_in_their_rooms_only() {
    check(rule::crates);
}

#[test]
fn only_the_clock_tells_the_time_and_only_the_config_reads_the_environment() {
    check(rule::calls);
}

#[test]
fn every_entry_of_the_tables_is_needed() {
    check(rule::every_entry_is_needed);
}

#[test]
fn every_file_says_what_it_is() {
    check(rule::pages);
}

#[test]
fn no_file_and_no_function_is_too_long() {
    check(rule::lengths);
}

#[test]
fn everything_has_a_name() {
    check(rule::names);
}

#[test]
fn nothing_is_left_over() {
    check(rule::leftovers);
}

#[test]
fn files_and_functions_are_short_in_the_median() {
    let measure = measure::Measure::of(&HOUSE, &TABLE);
    println!("{}", measure.text);
    assert!(measure.function_lines_median <= table::FUNCTION_LINES_MEDIAN_MAX, "{}", measure.text);
    assert!(measure.file_lines_median <= table::FILE_LINES_MEDIAN_MAX, "{}", measure.text);
}
