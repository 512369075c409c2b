//! The fuzz targets without a fuzzer: every input that is kept, and a number of inputs made of these
//! by chance, the same ones each time.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// How many changes one input has at most.
const CHANGES_MAX: usize = 6;
/// The longest input.
const INPUT_LENGTH_MAX: usize = 2048;
/// Octets at which something ends, wraps around or begins.
const EDGES: [u8; 10] = [0, 1, 12, 41, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF];

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz-corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Runs the kept inputs of a target and `n_made` more.
fn check(target: &str, n_made: u64) {
    let (_, run) = checks::TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let kept = corpus(target);
    assert!(kept.len() >= 5, "{target}: {} inputs are kept", kept.len());
    for input in &kept {
        run_one(target, run, input);
    }
    let mut rng = SmallRng::seed_from_u64(42);
    for _ in 0..n_made {
        run_one(target, run, &made(&kept, &mut rng));
    }
}

fn run_one(target: &str, run: fn(&[u8]), input: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| run(input)));
    assert!(outcome.is_ok(), "{target}: keep this input in tests/fuzz-corpus/{target}: {input:02x?}");
}

fn made(kept: &[Vec<u8>], rng: &mut SmallRng) -> Vec<u8> {
    let mut input = kept.choose(rng).unwrap().clone();
    for _ in 0..rng.random_range(1..=CHANGES_MAX) {
        change(&mut input, kept, rng);
    }
    input.truncate(INPUT_LENGTH_MAX);
    input
}

fn change(input: &mut Vec<u8>, kept: &[Vec<u8>], rng: &mut SmallRng) {
    let at = rng.random_range(0..=input.len());
    let end = rng.random_range(at..=input.len().min(at + 16));
    match rng.random_range(0..7) {
        0 => input.truncate(at),
        1 => input.insert(at, *EDGES.choose(rng).unwrap()),
        2 => drop(input.drain(at..end)),
        3 => drop(input.splice(at..at, input[at..end].to_vec())),
        4 => {
            let other = kept.choose(rng).unwrap();
            let from = rng.random_range(0..=other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        _ if at == input.len() => input.push(rng.random()),
        5 => input[at] ^= 1 << rng.random_range(0..8),
        _ => input[at] = *EDGES.choose(rng).unwrap(),
    }
}

#[test]
fn whatever_is_asked_is_answered_by_the_rules() {
    check("query", 20_000);
}

#[test]
fn what_was_signed_is_let_in_and_what_was_changed_is_not() {
    check("tsig", 10_000);
}

#[test]
fn whatever_a_zone_file_holds_is_refused_or_can_be_asked_for() {
    check("master", 10_000);
}

#[test]
fn whatever_a_manifest_holds_is_told_or_can_be_worked_with() {
    check("manifest", 4_000);
}
