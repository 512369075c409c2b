//! The whole product in virtual time, by the seed: every rule at every step, and planners with
//! planted faults to see that the checkers notice.
//!
//! 200 seeds in ordinary runs, 10,000 where the environment says `DULLAHAN_NIGHTLY=1`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use dullahan::machinery::manifest::{self, Strictness};
use dullahan::rules::dry_run;
use dullahan::simulation::{Cast, Fault, Simulation};

/// The length of the histories.
const LENGTH: Duration = Duration::from_secs(6 * 60);
const SEEDS: u64 = 200;
const SEEDS_NIGHTLY: u64 = 10_000;

fn n_seeds() -> u64 {
    let is_nightly = std::env::var_os("DULLAHAN_NIGHTLY").is_some_and(|value| value == "1");
    if is_nightly { SEEDS_NIGHTLY } else { SEEDS }
}

/// Runs the seeds on two threads; the first failures are told.
fn check(seeds: impl Iterator<Item = u64>) {
    let seeds: Vec<u64> = seeds.collect();
    let half = seeds.len().div_ceil(2).max(1);
    let run = |seed: &u64| Simulation::new(*seed, LENGTH).run(&mut |_| {}).err();
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = seeds
            .chunks(half)
            .map(|seeds| scope.spawn(move || seeds.iter().filter_map(run).take(3).collect::<Vec<_>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .map(|failure| failure.to_string())
            .collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn no_seed_breaks_a_rule() {
    check(0..n_seeds());
}

/// Seeds that once broke a rule, with what was wrong.
const FOUND: &[(u64, u64, &str)] = &[
    (1134, 480, "a pod without a node whose removal failed half-way stayed for ever"),
    (20737, 900, "foreground deletion waited for a claim that waited for a pod that waited for the claim"),
    (5287, 900, "the same, after scaling down twice"),
    (6, 900, "a claim of a set that was deleted and created again at once was expected to be gone"),
];

#[test]
fn no_seed_that_was_found_breaks_a_rule_again() {
    for (seed, length_s, what) in FOUND {
        let outcome = Simulation::new(*seed, Duration::from_secs(*length_s)).run(&mut |_| {});
        if let Err(failure) = outcome {
            panic!("{what}: {failure}");
        }
    }
}

#[test]
fn the_same_seed_has_the_same_trace() {
    let trace = |seed| Simulation::new(seed, LENGTH).run(&mut |_| {}).unwrap();
    for seed in [3, 5, 11] {
        assert_eq!(trace(seed), trace(seed), "seed {seed}");
    }
    assert_ne!(trace(3).trace, trace(5).trace);
}

#[test]
fn every_planted_fault_is_caught() {
    for fault in Fault::ALL {
        let caught = (0..200).find_map(|seed| {
            let simulation = Simulation { fault: Some(fault), ..Simulation::new(seed, LENGTH) };
            simulation.run(&mut |_| {}).err()
        });
        let failure = caught.unwrap_or_else(|| panic!("{fault:?} was not caught"));
        println!("{fault:?}: {failure}");
        assert!(failure.history.len() <= 12, "{fault:?} was not shrunk: {failure}");
    }
}

#[test]
fn a_failure_says_how_to_replay_it() {
    let simulation = Simulation {
        cast: Some(Cast::plain(3)),
        fault: Some(Fault::CountsUnreadyPods),
        ..Simulation::new(7, LENGTH)
    };
    let failure = simulation.run(&mut |_| {}).unwrap_err().to_string();
    assert!(failure.starts_with("seed 7 breaks a rule after "), "{failure}");
    let replay = "replay: dullahan simulate --seeds 1 --first-seed 7 --hours 0.1 --timeline";
    assert!(failure.ends_with(replay), "{failure}");
}

/// The objects of manifests in YAML, as `simulate -f` reads them.
fn cast(manifests: &str) -> Cast {
    let read = manifest::parse("cast.yaml", manifests, "default", Strictness::Strict(dry_run::create));
    assert!(read.mistakes.is_empty(), "{:?}", read.mistakes);
    Cast::of(read.objects.into_iter().map(|located| located.typed).collect()).unwrap()
}

/// A set with its governing service, and ordinary services that select the same pods.
const SEVERAL_SERVICES: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: nginx}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: clients}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: example.com}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: nginx
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: nginx, image: "nginx:1"}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: clients
  replicas: 2
  selector: {matchLabels: {app: web, tier: db}}
  template:
    metadata: {labels: {app: web, tier: db}}
    spec: {containers: [{name: db, image: "db:1"}]}
"#;

#[test]
fn an_ordinary_service_on_the_same_pods_breaks_no_rule() {
    let cast = cast(SEVERAL_SERVICES);
    for seed in 0..5 {
        let simulation = Simulation { cast: Some(cast.clone()), ..Simulation::new(seed, LENGTH) };
        if let Err(failure) = simulation.run(&mut |_| {}) {
            panic!("{failure}");
        }
    }
}
