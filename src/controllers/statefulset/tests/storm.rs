//! No plan makes a pod that the next one deletes for its revision, and what happens if one did.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use k8s_openapi::api::apps::v1::{RollingUpdateStatefulSetStrategy, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::Pod;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::StatefulSets;
use super::super::action::{Action, Cause, Plan};
use super::super::decide::status::subtract_current;
use super::super::decide::{Planner, plan};
use super::super::naming::name_of;
use super::super::settings::{Options, Settings};
use super::super::world::identity::revision_of;
use super::super::world::{Observed, TemplateRevision};
use super::fixture::{self, Seen, kept_set, pod};
use super::whole::Cluster;
use crate::clock::Timestamp;
use crate::objects::{Kind, ObjectKey};
use crate::store::DeleteOptions;

const OLD: &str = "foo-old";
const NEW: &str = "foo-new";

/// A set in the middle of a rollout from OLD to NEW.
#[derive(Clone, Debug)]
struct Scene {
    spec: Value,
    is_unstick: bool,
    reserved: Option<&'static str>,
    /// `status.currentReplicas`.
    n_current: i32,
    pods: Vec<(i32, &'static str, Seen)>,
    /// Whether the pods that are deleted are gone at the next plan, or still terminating.
    is_gone_at_once: bool,
}

impl Scene {
    fn set(&self) -> StatefulSet {
        let mut set = kept_set(self.spec.clone());
        let annotations = set.metadata.annotations.get_or_insert_default();
        annotations.insert("dullahan.dev/unstick".into(), self.is_unstick.to_string());
        if let Some(reserved) = self.reserved {
            annotations.insert("dullahan.dev/reserved-ordinals".into(), reserved.into());
        }
        set.status = Some(StatefulSetStatus {
            current_replicas: Some(self.n_current),
            current_revision: Some(OLD.into()),
            update_revision: Some(NEW.into()),
            ..Default::default()
        });
        set
    }

    fn pods(&self) -> Vec<Pod> {
        let set = self.set();
        self.pods.iter().map(|(ordinal, name, seen)| pod(&set, *ordinal, name, *seen)).collect()
    }
}

fn plan_for(set: &StatefulSet, pods: &[Pod]) -> Plan {
    let names = (0..20).map(|ordinal| fixture::claim(&format!("datadir-foo-{ordinal}"), &[]));
    let claims = fixture::claims(names);
    let revision = |name: &str| TemplateRevision { name: name.into(), template: set.spec.template.clone() };
    let current = set.status.as_ref().and_then(|status| status.current_revision.as_deref());
    let observed = Observed {
        set,
        settings: &Settings::of(set, Options::default()).0,
        current: &revision(current.unwrap()),
        update: &revision(NEW),
        collision_count: 0,
        pods: &fixture::records(set, pods),
        claims: &|name| claims.get(name).cloned(),
        classes: &|_| None,
    };
    plan(&observed, Timestamp::UNIX_EPOCH + Duration::from_secs(100))
}

/// The pods that a plan creates, with their revisions.
fn created(plan: &Plan) -> BTreeMap<String, String> {
    let created = plan.actions.iter().filter_map(|action| match action {
        Action::CreatePod { pod, .. } => {
            Some((name_of(&pod.metadata).to_owned(), revision_of(pod).to_owned()))
        }
        _ => None,
    });
    created.collect()
}

/// The pods that a plan deletes for their revision.
fn replaced(plan: &Plan) -> Vec<String> {
    let is_for_revision = |cause: &Cause| matches!(cause, Cause::Outdated | Cause::Abandoned);
    let deleted = plan.actions.iter().filter_map(|action| match action {
        Action::DeletePod { pod, cause, .. } if is_for_revision(cause) => Some(pod.clone()),
        _ => None,
    });
    deleted.collect()
}

/// Set and pods after a plan was carried out: what it created is pending.
fn carry_out(
    scene: &Scene,
    mut set: StatefulSet,
    mut pods: Vec<Pod>,
    plan: &Plan,
) -> (StatefulSet, Vec<Pod>) {
    let mut n_outdated = 0;
    for action in &plan.actions {
        match action {
            Action::CreatePod { pod, .. } => {
                let mut pod = pod.as_ref().clone();
                pod.metadata.uid = Some("new".into());
                pod.status.get_or_insert_default().phase = Some("Pending".into());
                pods.push(pod);
            }
            Action::DeletePod { pod: name, cause, .. } => {
                n_outdated += i32::from(*cause == Cause::Outdated);
                if scene.is_gone_at_once {
                    pods.retain(|pod| name_of(&pod.metadata) != name);
                }
                for pod in pods.iter_mut().filter(|pod| name_of(&pod.metadata) == name) {
                    pod.metadata.deletion_timestamp = Some(crate::objects::time(Timestamp::UNIX_EPOCH));
                }
            }
            _ => {}
        }
    }
    let mut status = plan.status.clone();
    subtract_current(&mut status, n_outdated);
    set.status = Some(status);
    (set, pods)
}

fn check(scene: &Scene) -> Result<(), TestCaseError> {
    let (set, pods) = (scene.set(), scene.pods());
    let first = plan_for(&set, &pods);
    let created = created(&first);
    let (set, pods) = carry_out(scene, set, pods, &first);
    let second = plan_for(&set, &pods);
    let undone: Vec<String> =
        replaced(&second).into_iter().filter(|name| created.contains_key(name)).collect();
    prop_assert!(undone.is_empty(), "{undone:?} of {created:?} in {scene:?}");
    Ok(())
}

fn any_strategy() -> impl Strategy<Value = Value> {
    let max_unavailable = prop_oneof![Just(Value::Null), Just(json!(2)), Just(json!("60%"))];
    prop_oneof![
        Just(json!({ "type": "OnDelete" })),
        Just(json!({ "type": "RollingUpdate" })),
        Just(json!({ "type": null })),
        (0..6, max_unavailable).prop_map(|(partition, max_unavailable)| {
            let mut rolling = json!({ "partition": partition });
            fixture::merge(&mut rolling, json!({ "maxUnavailable": max_unavailable }));
            json!({ "rollingUpdate": rolling })
        }),
    ]
}

fn any_pods() -> impl Strategy<Value = Vec<(i32, &'static str, Seen)>> {
    let revision = prop_oneof![Just(OLD), Just(NEW), Just("foo-other")];
    let seen = prop_oneof![
        4 => Just(Seen::Ready),
        1 => Just(Seen::Pending),
        1 => Just(Seen::Running),
        1 => Just(Seen::Failed),
        1 => Just(Seen::Terminating),
    ];
    let pods = proptest::collection::vec(proptest::option::weighted(0.7, (revision, seen)), 7);
    let numbered = |pods: Vec<Option<(&'static str, Seen)>>| {
        let pods = (0..).zip(pods);
        pods.filter_map(|(ordinal, pod)| pod.map(|(revision, seen)| (ordinal, revision, seen))).collect()
    };
    pods.prop_map(numbered)
}

fn any_scene() -> impl Strategy<Value = Scene> {
    let policy = prop_oneof![Just("OrderedReady"), Just("Parallel")];
    let spec = (policy, any_strategy(), 0..6, 0..3, prop_oneof![Just(0), Just(50), Just(200)]);
    let spec = spec.prop_map(|(policy, strategy, replicas, start, min_ready_s)| {
        json!({
            "podManagementPolicy": policy, "updateStrategy": strategy, "replicas": replicas,
            "ordinals": { "start": start }, "minReadySeconds": min_ready_s,
        })
    });
    let reserved = prop_oneof![3 => Just(None), 1 => Just(Some("1,4"))];
    (spec, any::<bool>(), reserved, 0..7, any_pods(), any::<bool>()).prop_map(
        |(spec, is_unstick, reserved, n_current, pods, is_gone_at_once)| Scene {
            spec,
            is_unstick,
            reserved,
            n_current,
            pods,
            is_gone_at_once,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) })]

    #[test]
    fn no_plan_makes_a_pod_that_the_next_one_deletes_for_its_revision(scene in any_scene()) {
        check(&scene)?;
    }
}

/// A condemned pod can complete a rollout while a wanted one is missing; only one revision is left then.
#[test]
fn a_hole_below_the_partition_is_not_filled_from_a_revision_that_is_over() {
    let scene = Scene {
        spec: json!({ "replicas": 1, "updateStrategy": { "rollingUpdate": { "partition": 1 } } }),
        is_unstick: true,
        reserved: None,
        n_current: 0,
        pods: vec![(1, NEW, Seen::Ready)],
        is_gone_at_once: true,
    };
    assert_eq!(created(&plan_for(&scene.set(), &scene.pods())).len(), 1);
    check(&scene).unwrap();
}

/// The revisions of three pods that are created while `status.currentReplicas` is 2.
#[test]
fn a_new_pod_has_the_revision_that_kubernetes_gives_it_unless_it_would_be_deleted_for_it() {
    let bare = || json!({ "type": "RollingUpdate" });
    let partition = |n: i32| json!({ "rollingUpdate": { "partition": n } });
    for (policy, is_unstick, strategy, expected) in [
        ("OrderedReady", false, bare(), [OLD, OLD, NEW]),
        ("OrderedReady", true, bare(), [NEW, NEW, NEW]),
        ("Parallel", false, bare(), [NEW, NEW, NEW]),
        ("Parallel", true, bare(), [NEW, NEW, NEW]),
        ("OrderedReady", false, partition(1), [OLD, NEW, NEW]),
        ("OrderedReady", true, partition(1), [OLD, NEW, NEW]),
        ("Parallel", false, partition(1), [OLD, NEW, NEW]),
        ("Parallel", true, partition(1), [OLD, NEW, NEW]),
        ("OrderedReady", false, json!({ "type": "OnDelete" }), [NEW, NEW, NEW]),
        ("Parallel", false, json!({ "type": "OnDelete" }), [NEW, NEW, NEW]),
    ] {
        for (ordinal, expected) in (0..).zip(expected) {
            let scene = Scene {
                spec: json!({ "podManagementPolicy": policy, "updateStrategy": strategy }),
                is_unstick,
                reserved: None,
                n_current: 2,
                pods: (0..3)
                    .filter(|other| *other != ordinal)
                    .map(|other| (other, OLD, Seen::Ready))
                    .collect(),
                is_gone_at_once: true,
            };
            let created = created(&plan_for(&scene.set(), &scene.pods()));
            let expected = BTreeMap::from([(format!("foo-{ordinal}"), expected.to_owned())]);
            assert_eq!(created, expected, "{policy} {is_unstick} {strategy}");
        }
    }
}

/// Three replicas that take eight seconds to become ready.
fn slow_set() -> StatefulSet {
    let probe = json!({ "tcpSocket": { "port": 80 }, "initialDelaySeconds": 8, "periodSeconds": 1 });
    let container = json!({ "name": "nginx", "image": "nginx", "readinessProbe": probe });
    fixture::set(json!({
        "podManagementPolicy": "Parallel",
        "volumeClaimTemplates": null,
        "template": { "spec": { "containers": [container] } },
    }))
}

/// After so many pods a storm is one, and the test must end.
const CREATED_MAX: usize = 2000;

/// Counts the pods that plans create; from [`CREATED_MAX`] on they are empty.
fn counted(planner: Planner) -> (Planner, Arc<AtomicUsize>) {
    let n_created = Arc::new(AtomicUsize::new(0));
    let count = n_created.clone();
    let planner = Box::new(move |observed: &Observed<'_>, now| {
        let mut plan = planner(observed, now);
        if count.fetch_add(created(&plan).len(), Ordering::Relaxed) > CREATED_MAX {
            plan.actions.clear();
        }
        plan
    });
    (planner, n_created)
}

/// A planner that fills holes by the count of current pods whatever the policy, as Kubernetes' does.
fn stormy() -> Planner {
    Box::new(|observed, now| {
        let mut counting = observed.set.clone();
        let n_current = counting.status.as_ref().and_then(|status| status.current_replicas);
        let rolling = RollingUpdateStatefulSetStrategy { partition: n_current, ..Default::default() };
        counting.spec.update_strategy.get_or_insert_default().rolling_update = Some(rolling);
        let mut created = plan(&Observed { set: &counting, ..*observed }, now).actions;
        created.retain(|action| matches!(action, Action::CreatePod { .. }));
        let mut plan = plan(observed, now);
        plan.actions.retain(|action| !matches!(action, Action::CreatePod { .. }));
        plan.actions.splice(0..0, created);
        plan
    })
}

/// Deletes a pod and changes the image a second later. Returns the number of pods that were made in
/// the following ten minutes, and whether the rollout is done then.
async fn n_pods_of_the_recipe(controller: StatefulSets) -> (usize, bool) {
    let cluster = Cluster::of(slow_set(), controller).await;
    let store = &cluster.store;
    let events = || store.list(Kind::Event, Some("default")).objects;
    let n_made = || {
        let count = |event: &crate::objects::Object| {
            let event = event.get::<k8s_openapi::api::core::v1::Event>()?;
            (event.reason.as_deref() == Some("SuccessfulCreate")).then_some(event.count.unwrap_or(1))
        };
        usize::try_from(events().iter().filter_map(count).sum::<i32>()).unwrap()
    };
    assert_eq!(n_made(), 3);
    store.delete(&ObjectKey::new(Kind::Pod, "default", "foo-0"), &DeleteOptions::default()).await.unwrap();
    store.clock().sleep(Duration::from_secs(1)).await;
    let set_image = |set: &mut StatefulSet| {
        set.spec.template.spec.as_mut().unwrap().containers[0].image = Some("nginx:2".into());
    };
    store.modify::<StatefulSet>(&Cluster::set_key(), set_image).await.unwrap();
    store.clock().sleep(Duration::from_secs(600)).await;
    let set = store.get(&Cluster::set_key()).unwrap();
    let status = set.get::<StatefulSet>().unwrap().status.clone().unwrap();
    let is_done = status.current_revision == status.update_revision && status.ready_replicas == Some(3);
    (n_made() - 3, is_done)
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_deleted_right_before_a_rollout_does_not_start_a_storm() {
    let (planner, n_planned) = counted(Box::new(plan));
    let (n_made, is_done) = n_pods_of_the_recipe(StatefulSets::with_planner(planner)).await;
    assert!(is_done);
    // The deleted one, once more for the new image if it had come back already, and the other two.
    assert!((3..=4).contains(&n_made), "{n_made}");
    assert!(n_planned.load(Ordering::Relaxed) <= 3 + n_made);
}

#[tokio::test(start_paused = true)]
async fn a_planner_that_storms_is_held_back() {
    let (planner, n_planned) = counted(stormy());
    let storm = StatefulSets::with_planner(planner).without_backoff();
    n_pods_of_the_recipe(storm).await;
    assert!(n_planned.load(Ordering::Relaxed) > CREATED_MAX, "without a back-off it storms");
    let (n_made, _) = n_pods_of_the_recipe(StatefulSets::with_planner(stormy())).await;
    assert!(n_made <= 14, "in ten minutes {n_made} pods were made");
}
