//! A sync may stop between any two writes; the next one starts from what is there.

use serde_json::{Value, json};

use super::super::act::{Halt, carry_out};
use super::super::action::{Action, Cause, Plan};
use super::cluster::{Cluster, Verb, is_ready};
use super::fixture;
use crate::objects::Kind;

/// What users do to a set: come up, grow, get a new template and a claim policy, shrink.
async fn live_through(cluster: &mut Cluster, crash: Option<usize>) {
    cluster.backend.crash_after(crash);
    for step in 0..5 {
        // What the user does is not what crashes.
        let left = cluster.backend.pause();
        match step {
            1 => cluster.scale(4).await,
            2 => cluster.set_image("foo").await,
            3 => cluster.edit(delete_claims).await,
            4 => cluster.scale(1).await,
            _ => {}
        }
        cluster.backend.crash_after(left);
        settle_over_crashes(cluster).await;
    }
}

fn delete_claims(set: &mut k8s_openapi::api::apps::v1::StatefulSet) {
    let policy = set.spec.persistent_volume_claim_retention_policy.get_or_insert_default();
    policy.when_scaled = Some("Delete".into());
    policy.when_deleted = Some("Delete".into());
}

/// Settles; when the controller "dies", it is started again and never dies a second time.
async fn settle_over_crashes(cluster: &mut Cluster) {
    for _ in 0..500 {
        let before = cluster.store.revision();
        let result = cluster.sync().await;
        if result.is_err() {
            cluster.backend.crash_after(None);
            cluster.restart();
        }
        let left = cluster.backend.pause();
        let is_moved = cluster.advance_one().await;
        cluster.backend.crash_after(left);
        if result.is_ok() && !is_moved && cluster.store.revision() == before {
            return;
        }
    }
    panic!("does not come to rest: {:?}", cluster.status());
}

/// What is there in the end, without what depends on when.
fn picture(cluster: &Cluster) -> Value {
    let claims = cluster.claims().into_iter().map(|claim| {
        let owners = claim.metadata.owner_references.unwrap_or_default();
        json!([claim.metadata.name, owners.iter().map(|owner| owner.name.clone()).collect::<Vec<_>>()])
    });
    let status = cluster.status();
    json!({
        "pods": cluster.ordinals(),
        "images": cluster.images(),
        "ready": cluster.pods().iter().all(is_ready),
        "claims": claims.collect::<Vec<_>>(),
        "status": [status.replicas, status.ready_replicas, status.current_replicas, status.updated_replicas],
        "revisions": [status.current_revision, status.update_revision],
    })
}

async fn check_policy(policy: &str) {
    let set = || fixture::set(json!({ "podManagementPolicy": policy }));
    let mut whole = Cluster::with(set()).await;
    let before = whole.backend.n_writes();
    live_through(&mut whole, None).await;
    let expected = picture(&whole);
    let n_writes = whole.backend.n_writes() - before;
    assert!(n_writes > 30, "{n_writes} writes");
    for n in 0..n_writes {
        let mut cluster = Cluster::with(set()).await;
        live_through(&mut cluster, Some(n)).await;
        assert_eq!(picture(&cluster), expected, "stopped after {n} writes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_writes_changes_nothing_in_the_end_under_ordered_ready() {
    check_policy("OrderedReady").await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_writes_changes_nothing_in_the_end_under_parallel() {
    check_policy("Parallel").await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_ends_a_plan_after_the_batch_it_happened_in() {
    for (n_passed, n_tried) in [(0, 1), (1, 3), (3, 7)] {
        let set = fixture::set(json!({ "podManagementPolicy": "Parallel", "replicas": 10 }));
        let mut cluster = Cluster::with(set).await;
        cluster.backend.refuse(Kind::Pod, Verb::Create, n_passed);
        assert!(cluster.sync().await.is_err());
        assert_eq!(cluster.backend.count(Kind::Pod, Verb::Create), n_tried, "{n_passed} passed");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_overtaken_by_the_next_keeps_its_counts_above_zero() {
    let set = fixture::set(json!({ "replicas": 1, "podManagementPolicy": "Parallel" }));
    let mut cluster = Cluster::up(set).await;
    cluster.set_image("second").await;
    for _ in 0..3 {
        cluster.sync_ok().await;
    }
    cluster.set_image("third").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.status().current_replicas, None);
    cluster.settle().await;
    assert_eq!(cluster.images(), ["third"]);
}

fn plan_of(actions: Vec<Action>) -> Plan {
    Plan {
        whole_claims: Vec::new(),
        actions,
        status: Default::default(),
        wake_at: None,
        is_parallel: false,
        notes: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_no_longer_fits_the_world_is_outdated_and_leaves_no_events() {
    let cluster = Cluster::up(fixture::set(json!({}))).await;
    let set = cluster.set();
    let known = cluster.pod("foo-1").unwrap();
    cluster.change_pod("foo-1", |pod| pod.metadata.annotations = Some(Default::default())).await;
    let note = [("example.com/note".to_owned(), "x".to_owned())];
    cluster.change_pod("foo-1", |pod| pod.metadata.annotations = Some(note.clone().into())).await;
    let update = Action::UpdatePod { pod: Box::new(known), claims: Vec::new() };
    let replaced = Action::DeletePod { pod: "foo-2".into(), uid: "another".into(), cause: Cause::ScaledDown };
    let gone = Action::DeletePod { pod: "foo-9".into(), uid: "x".into(), cause: Cause::ScaledDown };
    for action in [update, replaced, gone] {
        let outcome = carry_out(&cluster.store, &set, &mut plan_of(vec![action])).await;
        assert!(matches!(outcome.halt, Some(Halt::Outdated(_))), "{outcome:?}");
        assert!(outcome.notes.is_empty());
    }
    assert_eq!(cluster.ordinals(), [0, 1, 2], "a pod of another uid is not deleted");
}
