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
    (1600, 360, "the last status of a pod was lost because someone else wrote the pod at that moment"),
    (6290, 360, "a claim that an orphan pod uses was expected to be gone"),
    (8117, 360, "a pod that always fails while writes fail too was taken for a storm"),
    (7646, 360, "a set was expected to keep the revision of another set that had its name before"),
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
fn a_storm_is_noticed_in_few_seeds_by_the_writes_that_it_costs() {
    let rules = (0..40).filter_map(|seed| {
        let simulation = Simulation { fault: Some(Fault::Storms), ..Simulation::new(seed, LENGTH) };
        simulation.run(&mut |_| {}).err().map(|failure| failure.broken.violation.rule)
    });
    let rules: Vec<&str> = rules.collect();
    assert!(!rules.is_empty());
    assert!(rules.iter().all(|rule| *rule == "the controller does not write without end"), "{rules:?}");
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

/// A set of one pod with these fields of the pod's spec, of its container, and of the set's spec.
fn lone(spec: &str, container: &str, set: &str) -> Simulation {
    let manifests = format!(
        r#"
apiVersion: v1
kind: Service
metadata: {{name: nginx}}
spec: {{clusterIP: None, selector: {{app: web}}, ports: [{{port: 80}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: web}}
spec:
  serviceName: nginx
  selector: {{matchLabels: {{app: web}}}}
{set}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
{spec}
      containers:
        - name: nginx
          image: "nginx:1"
{container}
"#
    );
    Simulation { cast: Some(cast(&manifests)), ..Simulation::new(0, LENGTH) }
}

#[track_caller]
fn check_cause(simulation: &Simulation, expected: &str) {
    let unsettled = simulation.rehearse(&mut |_| {}).unwrap_err();
    assert_eq!(unsettled.causes, expected);
    assert!(
        unsettled.to_string().starts_with("the manifests do not settle although nothing goes wrong, in ")
    );
}

#[test]
fn manifests_that_cannot_settle_are_told_so_with_the_cause() {
    let secret = r#"          env: [{name: P, valueFrom: {secretKeyRef: {name: db, key: p}}}]"#;
    check_cause(
        &lone("", secret, ""),
        "StatefulSet default/web: pod default/web-0 is CreateContainerConfigError for 63m: secret \"db\" not found",
    );
    let volume = r#"      volumes: [{name: v, configMap: {name: settings}}]"#;
    let mount = r#"          volumeMounts: [{name: v, mountPath: /v}]"#;
    check_cause(
        &lone(volume, mount, ""),
        "StatefulSet default/web: pod default/web-0 is ContainerCreating for 63m: \
         MountVolume.SetUp failed for volume \"v\" : configmap \"settings\" not found",
    );
    let claims = r#"
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {storageClassName: gold, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"#;
    check_cause(
        &lone("", "", claims),
        "StatefulSet default/web: pod default/web-0 is Pending for 63m: \
         claim data-web-0 is not bound: storageclass.storage.k8s.io \"gold\" not found",
    );
    check_cause(
        &lone("      serviceAccountName: etcd", "", ""),
        "StatefulSet default/web has not made pod web-0 yet: pods \"web-0\" is forbidden: \
         error looking up service account default/etcd: serviceaccount \"etcd\" not found",
    );
    let causes = lone("      nodeSelector: {disk: ssd}", "", "").rehearse(&mut |_| {}).unwrap_err().causes;
    let title = "StatefulSet default/web: pod default/web-0 is Pending for 63m: 0/1 nodes are available: ";
    assert!(
        causes.starts_with(title) && causes.contains("didn't match Pod's node affinity/selector"),
        "{causes}"
    );
}

#[test]
fn an_object_that_the_api_refuses_is_told_with_its_reason() {
    let set = SEVERAL_SERVICES.replace("metadata: {name: web}", "metadata: {name: web, namespace: team}");
    let simulation = Simulation { cast: Some(cast(&set)), ..Simulation::new(0, LENGTH) };
    check_cause(&simulation, "StatefulSet team/web cannot be created: Namespace team not found");
}

#[test]
fn manifests_that_settle_pass_the_rehearsal() {
    let simulation = Simulation { cast: Some(cast(SEVERAL_SERVICES)), ..Simulation::new(0, LENGTH) };
    assert_eq!(simulation.rehearse(&mut |_| {}), Ok(()));
}
