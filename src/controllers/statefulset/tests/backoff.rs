//! The back-off of identities, in numbers, and how a set tells about it.

use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::super::StatefulSets;
use super::super::action::{Action, Cause, Plan, PodWrite};
use super::super::backoff::Backoffs;
use super::cluster::Cluster;
use super::fixture::{self, Seen, kept_set, pod};
use crate::clock::Timestamp;
use crate::controllers::{Controller, Next};

/// Who ends the pods of a table's row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Ours,
    Others,
    OthersWhenReady,
}

/// A set of one pod whose plans are written by the test.
struct Model {
    set: StatefulSet,
    backoffs: Backoffs,
    now: Timestamp,
    pod: Option<Pod>,
    n_created: u32,
    /// When pods were created, in seconds.
    times_s: Vec<i64>,
}

impl Model {
    fn new() -> Self {
        let set = kept_set(json!({ "replicas": 1, "podManagementPolicy": "Parallel" }));
        let now = Timestamp::UNIX_EPOCH;
        Self { set, backoffs: Backoffs::default(), now, pod: None, n_created: 0, times_s: Vec::new() }
    }

    /// Carries an action out as soon as it is not held back.
    fn act(&mut self, action: &Action) {
        loop {
            let mut plan = plan_of(vec![action.clone()]);
            self.look(&mut plan);
            if plan.actions.is_empty() {
                assert_eq!(plan.notes.len(), 1);
                let wake_at = plan.wake_at.expect("what is held back wakes the set up");
                assert!(wake_at > self.now);
                self.now = wake_at;
                continue;
            }
            assert_eq!((plan.wake_at, plan.notes.len()), (None, 0));
            return;
        }
    }

    fn look(&mut self, plan: &mut Plan) {
        let pods: Vec<Pod> = self.pod.iter().cloned().collect();
        self.backoffs.hold_back(&self.set, &fixture::records(&self.set, &pods), plan, self.now);
    }

    fn create(&mut self, seen: Seen) {
        let mut new = pod(&self.set, 0, "r", seen);
        self.act(&Action::CreatePod { pod: Box::new(new.clone()), claims: Vec::new() });
        self.n_created += 1;
        let uid = format!("uid-{}", self.n_created);
        new.metadata.uid = Some(uid.clone());
        self.pod = Some(new);
        self.times_s.push(self.now.as_second());
        self.backoffs.note(&self.set, &[PodWrite::Created { pod: "foo-0".into(), uid }], self.now);
    }

    fn delete(&mut self) {
        let uid = self.pod.as_ref().and_then(|pod| pod.metadata.uid.clone()).unwrap();
        self.act(&deletion(&uid));
        self.pod = None;
        self.backoffs.note(&self.set, &[PodWrite::Deleted { pod: "foo-0".into(), uid }], self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.look(&mut plan_of(Vec::new()));
    }
}

fn plan_of(actions: Vec<Action>) -> Plan {
    Plan {
        actions,
        status: Default::default(),
        wake_at: None,
        is_parallel: true,
        notes: Vec::new(),
        whole_claims: Vec::new(),
    }
}

fn deletion(uid: &str) -> Action {
    Action::DeletePod { pod: "foo-0".into(), uid: uid.into(), cause: Cause::Outdated }
}

/// When pods are created if each is wanted gone at this age.
fn check(end: End, age_s: u64, expected_s: &[i64]) {
    let mut model = Model::new();
    for _ in expected_s {
        model.create(if end == End::OthersWhenReady { Seen::Ready } else { Seen::Pending });
        model.pass(Duration::from_secs(age_s));
        match end {
            End::Ours => model.delete(),
            End::Others | End::OthersWhenReady => model.pod = None,
        }
    }
    assert_eq!(model.times_s, expected_s, "{end:?} {age_s}");
}

#[test]
fn pods_that_do_not_last_are_made_at_once_then_in_doubling_times() {
    for end in [End::Ours, End::Others] {
        check(end, 0, &[0, 0, 0, 0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111]);
        check(end, 29, &[0, 29, 58, 87, 116, 145, 174, 203, 232, 264, 328]);
        check(end, 30, &[0, 30, 60, 90, 120, 150, 180, 210]);
    }
    check(End::OthersWhenReady, 0, &[0; 8]);
    check(End::OthersWhenReady, 2, &[0, 2, 4, 6, 8, 10, 12, 14]);
}

#[test]
fn a_pod_that_lasts_ends_the_back_off() {
    let mut model = Model::new();
    for _ in 0..7 {
        model.create(Seen::Pending);
        model.delete();
    }
    model.create(Seen::Pending);
    assert_eq!(model.times_s, [0, 0, 0, 0, 1, 3, 7, 15]);
    // Its deletion may have to wait for 16 seconds, so it lasts from 32 seconds on.
    model.pass(Duration::from_secs(31));
    model.delete();
    model.create(Seen::Pending);
    assert_eq!(model.now.as_second(), 46);
    model.pass(Duration::from_secs(64));
    for _ in 0..2 {
        model.delete();
        model.create(Seen::Pending);
    }
    assert_eq!(model.times_s[8..], [46, 110, 110], "as if nothing had been");
}

#[test]
fn a_pod_that_was_ready_only_counts_against_the_controller_that_deletes_it() {
    let mut model = Model::new();
    for _ in 0..6 {
        model.create(Seen::Ready);
        model.pass(Duration::ZERO);
        model.delete();
    }
    model.create(Seen::Ready);
    assert_eq!(model.times_s, [0, 0, 0, 0, 1, 3, 7]);
    model.pass(Duration::ZERO);
    model.pod = None;
    model.create(Seen::Ready);
    model.create(Seen::Ready);
    assert_eq!(model.times_s[7..], [7, 7]);
}

#[test]
fn a_change_of_the_spec_begins_afresh() {
    let mut model = Model::new();
    for _ in 0..8 {
        model.create(Seen::Pending);
        model.delete();
    }
    assert_eq!(model.now.as_second(), 31);
    model.set.metadata.generation = Some(2);
    model.create(Seen::Pending);
    model.delete();
    assert_eq!(model.now.as_second(), 31);
    model.set.metadata.uid = Some("another set of that name".into());
    model.create(Seen::Pending);
    model.delete();
    assert_eq!(model.now.as_second(), 31);
}

#[test]
fn a_pod_that_someone_else_made_is_not_held() {
    let mut model = Model::new();
    for _ in 0..4 {
        model.create(Seen::Pending);
        model.pod = None;
    }
    model.pod = Some(pod(&model.set, 0, "r", Seen::Pending));
    let mut plan = plan_of(vec![deletion("foo-0-uid")]);
    model.look(&mut plan);
    assert_eq!((plan.actions.len(), plan.wake_at), (1, None));
}

/// Under Parallel other pods go on; under OrderedReady what comes after waits too.
#[test]
fn what_is_held_back_holds_up_only_what_is_ordered() {
    for (policy, n_left) in [("Parallel", 1), ("OrderedReady", 0)] {
        let mut model = Model::new();
        model.set.spec.pod_management_policy = Some(policy.into());
        for _ in 0..4 {
            model.create(Seen::Pending);
            model.pod = None;
        }
        let create = |ordinal| Action::CreatePod {
            pod: Box::new(pod(&model.set, ordinal, "r", Seen::Pending)),
            claims: Vec::new(),
        };
        let mut plan = plan_of(vec![create(0), create(1)]);
        let soon = Timestamp::UNIX_EPOCH + Duration::from_millis(10);
        plan.wake_at = Some(soon);
        model.look(&mut plan);
        assert_eq!((plan.actions.len(), plan.wake_at), (n_left, Some(soon)), "{policy}");
        let note = &plan.notes[0];
        let message = "Back-off creating Pod foo-0 in StatefulSet foo: Pods of this name were gone soon \
                       after their creation";
        assert_eq!((note.reason.as_str(), note.message.as_str()), ("BackOff", message));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fails_again_and_again_is_replaced_less_and_less_often_and_people_are_told() {
    let cluster = Cluster::with(fixture::set(json!({ "replicas": 1 }))).await;
    let mut controller = StatefulSets::new();
    let mut waits_s = Vec::new();
    let mut created = Vec::new();
    while waits_s.len() < 6 {
        match controller.reconcile(&cluster.store, &cluster.key).await.unwrap() {
            Next::After(wait) => {
                // Whoever looks meanwhile finds the same, and nothing is told twice.
                let again = controller.reconcile(&cluster.store, &cluster.key).await.unwrap();
                assert_eq!(again, Next::After(wait));
                cluster.store.clock().sleep(wait).await;
                waits_s.push(wait.as_secs_f64().round());
            }
            Next::OnChange => {
                let Some(pod) = cluster.pods().pop() else { continue };
                if !created.contains(&pod.uid().to_owned()) {
                    created.push(pod.uid().to_owned());
                    cluster.set_phase("foo-0", "Failed").await;
                }
            }
        }
    }
    assert_eq!(waits_s, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
    assert_eq!(created.len(), 9);
    let told: Vec<_> = cluster.events().into_iter().filter(|event| event.0 == "BackOff").collect();
    let message = "Back-off deleting Pod foo-0 in StatefulSet foo: Pods of this name were gone soon after \
                   their creation";
    assert_eq!(told, [("BackOff".to_owned(), message.to_owned(), 6)]);
}
