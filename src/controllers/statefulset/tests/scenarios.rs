//! Runs `tests/conformance/statefulset-scenarios.json`: facts that Kubernetes' own tests state.
//!
//! Each scenario is either run here, with its own data, or listed with the reason why not. A
//! scenario that is neither, or a listed one that is gone, fails.

use std::future::Future;
use std::pin::Pin;

use k8s_openapi::api::apps::v1::StatefulSet;
use serde_json::{Value, json};

use super::{api, fixture, owners, pure, queue, scripts, tables, updates, whole};

/// One scenario of the file.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) given: Value,
    pub(crate) steps: Value,
    pub(crate) expect: Value,
}

/// One scenario under one policy.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) scenario: Scenario,
    pub(crate) is_parallel: bool,
    pub(crate) retention: Value,
}

impl Case {
    /// The scenario's set.
    pub(crate) fn set(&self) -> StatefulSet {
        self.set_with(json!({}))
    }

    /// The scenario's set with more laid over it.
    pub(crate) fn set_with(&self, extra: Value) -> StatefulSet {
        let given = &self.scenario.given;
        let mut spec = json!({
            "podManagementPolicy": if self.is_parallel { "Parallel" } else { "OrderedReady" },
        });
        if !self.retention.is_null() {
            spec["persistentVolumeClaimRetentionPolicy"] = self.retention.clone();
        }
        for (from, to) in [
            ("replicas", "/replicas"),
            ("minReadySeconds", "/minReadySeconds"),
            ("revisionHistoryLimit", "/revisionHistoryLimit"),
            ("ordinals_start", "/ordinals/start"),
            ("partition", "/updateStrategy/rollingUpdate/partition"),
            ("maxUnavailable", "/updateStrategy/rollingUpdate/maxUnavailable"),
            ("updateStrategy", "/updateStrategy/type"),
        ] {
            if let Some(value) = given.get(from).filter(|value| !value.is_null()) {
                let nested = to.rsplit('/').filter(|key| !key.is_empty());
                fixture::merge(&mut spec, nested.fold(value.clone(), |value, key| json!({ key: value })));
            }
        }
        fixture::merge(&mut spec, extra);
        fixture::set(spec)
    }
}

pub(crate) type Live = fn(Case) -> Pin<Box<dyn Future<Output = ()>>>;

/// How a scenario is run.
pub(crate) enum Runner {
    /// A table over pure functions.
    Pure(fn(&Scenario)),
    /// Syncs on a store.
    Live(Live),
}

macro_rules! live {
    ($script:path) => {
        Runner::Live(|case| Box::pin($script(case)))
    };
}

/// The scenarios that are run: by the beginning of their names.
const RUNNERS: &[(&str, Runner)] = &[
    ("maxUnavailable field, gate on", live!(api::keeps_max_unavailable)),
    ("CreatesPods", live!(scripts::creates_pods)),
    ("ScalesUp", live!(scripts::scales_up)),
    ("ScalesDown", live!(scripts::scales_down)),
    ("ReplacesPods", live!(scripts::replaces_pods)),
    ("RecreatesFailedPodWithDeleteFailure", live!(scripts::replaces_an_ended_pod_after_a_failed_delete)),
    ("RecreatesFailedPod", live!(scripts::replaces_an_ended_pod)),
    ("RecreatesSucceededPodWithDeleteFailure", live!(scripts::replaces_an_ended_pod_after_a_failed_delete)),
    ("RecreatesSucceededPod", live!(scripts::replaces_an_ended_pod)),
    ("CreatePodFailure", live!(scripts::create_fails_once)),
    ("UpdatePodFailure", live!(scripts::update_fails_once)),
    ("UpdateSetStatusFailure", live!(scripts::status_write_fails_once)),
    ("NewRevisionDeletePodFailure", live!(updates::update_delete_fails_once)),
    ("RecreatesPVCForPendingPod", live!(scripts::recreates_the_claim_of_a_pending_pod)),
    ("StartOrdinal", live!(scripts::start_ordinal)),
    ("ScaleDownDeleteError", live!(scripts::scale_down_delete_fails_once)),
    ("getSetRevisions", Runner::Pure(tables::resolves_revisions)),
    ("MaxUnavailable Parallel", live!(updates::max_unavailable_parallel)),
    ("MaxUnavailable OrderedReady", live!(updates::max_unavailable_ordered)),
    ("MaxUnavailable invariant", Runner::Pure(tables::max_unavailable_invariant)),
    ("stale unavailable pod", Runner::Pure(tables::stale_unavailable_pod)),
    ("RollingUpdate ", live!(updates::rolling_update)),
    ("OnDelete ", live!(updates::on_delete)),
    ("Rollback ", live!(updates::rollback)),
    ("Partition 2 ", live!(updates::partition)),
    ("LimitsHistory", live!(updates::limits_history)),
    ("HonorRevisionHistoryLimit", live!(updates::limits_history_after_errors)),
    ("Availability ready", live!(scripts::availability)),
    ("StatusUpdate ", live!(scripts::status_is_written_in_spite_of_errors)),
    ("ParallelScale", live!(scripts::parallel_scale)),
    ("1.33 set", live!(updates::revisions_of_other_releases)),
    ("1.34 set", live!(updates::revisions_of_other_releases)),
    ("parent name and ordinal", Runner::Pure(pure::parent_and_ordinal)),
    ("claim name to pod name", Runner::Pure(pure::claim_to_pod_name)),
    ("isMemberOf", Runner::Pure(pure::member_of)),
    ("identityMatches", Runner::Pure(pure::identity_matches)),
    ("storageMatches", Runner::Pure(pure::storage_matches)),
    ("updateIdentity", Runner::Pure(pure::update_identity)),
    ("updateStorage", Runner::Pure(pure::update_storage)),
    ("retention policy getter", Runner::Pure(pure::retention_policy)),
    ("matchesRef", Runner::Pure(tables::matches_ref)),
    ("isClaimOwnerUpToDate", Runner::Pure(tables::claim_owner_up_to_date)),
    ("claim owner up to date, edge", Runner::Pure(tables::claim_owner_edge)),
    ("updateClaimOwnerRef controller ", Runner::Pure(tables::update_claim_owner_exact)),
    ("updateClaimOwnerRef", Runner::Pure(tables::update_claim_owner)),
    ("hasOwnerRef by UID", Runner::Pure(tables::has_owner_by_uid)),
    ("hasUnexpectedController", Runner::Pure(tables::unexpected_controller)),
    ("hasNonControllerOwner", Runner::Pure(tables::non_controller_owner)),
    ("hasStaleOwnerRef", Runner::Pure(tables::stale_owner)),
    ("isRunningAndReady", Runner::Pure(pure::running_and_ready)),
    ("new pod controller ref", Runner::Pure(pure::new_pod_owner)),
    ("create and apply revision", Runner::Pure(pure::create_and_apply_revision)),
    ("rolling update apply revision", Runner::Pure(pure::apply_revision)),
    ("claim labels", Runner::Pure(tables::claim_labels)),
    ("maxUnavailable ", Runner::Pure(tables::max_unavailable)),
    ("Creates", live!(scripts::creates_pods)),
    ("Deletes", live!(scripts::scales_down)),
    ("RespectsTermination", live!(scripts::respects_termination)),
    ("BlocksScaling", live!(scripts::blocks_scaling)),
    ("DeletionTimestampRace", Runner::Pure(pure::adoption_is_refused_to_a_deleted_set)),
    ("DeletionTimestamp", live!(scripts::deletion_stops_everything)),
    ("getPodsForStatefulSet", Runner::Pure(tables::claims_pods)),
    ("AdoptOrphanRevisions", live!(owners::adopts_orphan_revisions)),
    ("OrphanedPodsWithPVCDeletePolicy", live!(owners::adopted_pods_claims_get_owners)),
    ("StaleOwnerRefOnScaleup", live!(owners::stale_claims_are_waited_for)),
    ("create pod ok", live!(scripts::create_events)),
    ("create pod already exists", live!(scripts::create_events)),
    ("create: ", live!(scripts::create_events)),
    ("update: nothing to do", live!(scripts::update_events)),
    ("update identity", live!(scripts::update_events)),
    ("update conflict once", live!(scripts::update_events)),
    ("delete ok", live!(scripts::delete_events)),
    ("delete fails", live!(scripts::delete_events)),
    ("PodClaimIsStale", Runner::Pure(tables::pod_claim_is_stale)),
    ("ClaimsMatchRetentionPolicy", Runner::Pure(pure::claims_match_retention)),
    ("UpdatePodClaimForRetentionPolicy", Runner::Pure(pure::claims_get_owners)),
    ("RetainDeletionPolicyUpdate", live!(owners::retention_changes)),
    ("RetentionPolicyUpdate", live!(owners::retention_changes)),
    ("no deadlock when a predecessor fails", live!(scripts::no_deadlock)),
    ("rolling update and roll back", live!(updates::roll_back_reuses_the_revision)),
    ("canary and phased update", live!(updates::canary)),
    ("partitioned update, lost low pod", live!(updates::lost_low_pod)),
    ("OnDelete", live!(updates::on_delete_by_hand)),
    ("ordered scaling, halts when unhealthy", live!(scripts::ordered_scaling_halts)),
    ("burst scaling regardless of health", live!(scripts::burst_scaling)),
    ("evicted pod re-created", live!(scripts::evicted_pod)),
    ("minReadySeconds", live!(scripts::min_ready_seconds)),
    ("adopt orphans, release non-matching", live!(owners::adopts_and_releases)),
    ("PVC with another controller as owner", live!(owners::foreign_controller_of_a_claim)),
    ("start ordinal: ", live!(scripts::changed_start)),
    ("AddPod", live!(queue::concerns)),
    ("UpdatePod", live!(queue::concerns)),
    ("DeletePod", live!(queue::concerns)),
    ("GetStatefulSetsForPod", live!(queue::concerns)),
    ("update storage fails", live!(owners::storage_repair_fails)),
    ("basic identity", live!(whole::basic_identity)),
    ("PVC whenDeleted", live!(whole::claims_go_with_the_set)),
    ("PVC deleted after adopting pod, whenDeleted", live!(whole::claims_go_with_the_set)),
    ("PVC whenScaled", live!(whole::claims_go_with_their_pods)),
    ("PVC deleted after adopting pod, whenScaled", live!(whole::claims_go_with_their_pods)),
    ("PVC foreign owners", live!(whole::foreign_owners)),
    ("pending pod with lost PVC", live!(whole::lost_claim_of_a_pending_pod)),
    ("Recreate type", live!(api::recreate_type)),
    ("create strategy", live!(api::create_clears_the_status)),
    ("update strategy", live!(api::updates_keep_to_their_half)),
    ("status endpoints", live!(api::status_conditions)),
    ("rollout history and undo", live!(api::history_and_undo)),
    ("scale and restart generations", live!(api::generations)),
];

/// Scenarios that are not run here, by the beginning of their names, how many, and why.
const ELSEWHERE: &[(&str, usize, &str)] = &[
    ("property: ", 4, "checked after every sync of every other scenario, see invariants"),
    ("DeletePodTombstone", 1, "the store's history always holds the deleted object"),
    ("create: claim lookup error", 1, "reading the store cannot fail"),
    ("sorting", 1, "the roster sorts (see planner); overlapping sets are not ordered here"),
    ("update storage ok", 1, "the API refuses changed volumes; the plan is checked in planner"),
    ("scale subresource", 1, "the API's"),
    ("list, patch, deletecollection", 1, "the API's"),
    ("maxUnavailable field, gate off", 3, "the field is always on"),
    ("Recreate type, create, gate on", 1, "alpha, and always off"),
    ("Recreate type, switch to, gate on", 1, "alpha, and always off"),
];

/// Names of [`ELSEWHERE`] that begin like one of [`RUNNERS`] too.
const NOT_RUN: &[&str] = &[
    "maxUnavailable field, gate off",
    "create: claim lookup error",
    "DeletePodTombstone",
    "Recreate type, create, gate on",
    "Recreate type, switch to, gate on",
];

fn scenarios() -> Vec<Scenario> {
    let text = include_str!("../../../../tests/conformance/statefulset-scenarios.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let scenario = |value: &Value| Scenario {
        name: value["name"].as_str().unwrap().to_owned(),
        given: value["given"].clone(),
        steps: value["steps"].clone(),
        expect: value["expect"].clone(),
    };
    file["scenarios"].as_array().unwrap().iter().map(scenario).collect()
}

fn runner(name: &str) -> Option<&'static Runner> {
    if NOT_RUN.iter().any(|not_run| name.starts_with(not_run)) {
        return None;
    }
    RUNNERS.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, runner)| runner)
}

/// The scenario under every policy it is to be run for.
fn cases(scenario: &Scenario) -> Vec<Case> {
    let run_for = &scenario.given["run_for"];
    let policies = match (&scenario.given["podManagementPolicy"], &run_for["podManagementPolicy"]) {
        (Value::String(policy), _) => vec![policy == "Parallel"],
        (_, Value::Array(policies)) => policies.iter().map(|policy| policy == "Parallel").collect(),
        _ => match scenario.given["policy"].as_str() {
            Some("Parallel") => vec![true],
            _ => vec![false],
        },
    };
    let retain = |deleted: &str, scaled: &str| json!({ "whenDeleted": deleted, "whenScaled": scaled });
    let retention = |name: &str| match name {
        "Retain/Retain" => retain("Retain", "Retain"),
        "scaled Delete + deleted Retain" => retain("Retain", "Delete"),
        "scaled Retain + deleted Delete" => retain("Delete", "Retain"),
        "Delete/Delete" => retain("Delete", "Delete"),
        _ => Value::Null,
    };
    let retentions = match &run_for["pvcRetentionPolicy"] {
        Value::Array(names) => names.iter().map(|name| retention(name.as_str().unwrap())).collect(),
        _ => vec![Value::Null],
    };
    let case = |(is_parallel, retention)| Case { scenario: scenario.clone(), is_parallel, retention };
    let pairs =
        policies.iter().flat_map(|policy| retentions.iter().map(|retention| (*policy, retention.clone())));
    pairs.map(case).collect()
}

#[test]
fn every_scenario_is_run_or_listed_with_a_reason() {
    let mut counted = vec![0; ELSEWHERE.len()];
    let (mut n_run, mut lost) = (0, Vec::new());
    for scenario in scenarios() {
        if runner(&scenario.name).is_some() {
            n_run += 1;
            continue;
        }
        match ELSEWHERE.iter().position(|(prefix, ..)| scenario.name.starts_with(prefix)) {
            Some(at) => counted[at] += 1,
            None => lost.push(scenario.name),
        }
    }
    assert_eq!(lost, Vec::<String>::new());
    let expected: Vec<usize> = ELSEWHERE.iter().map(|(_, n, _)| *n).collect();
    assert_eq!(counted, expected);
    assert_eq!(n_run, 271 - expected.iter().sum::<usize>());
}

#[test]
fn the_scenarios_of_pure_functions_hold() {
    for scenario in scenarios() {
        if let Some(Runner::Pure(check)) = runner(&scenario.name) {
            eprintln!("scenario: {}", scenario.name);
            check(&scenario);
        }
    }
}

#[test]
fn the_scenarios_of_whole_syncs_hold_under_every_policy() {
    for scenario in scenarios() {
        let Some(Runner::Live(script)) = runner(&scenario.name) else { continue };
        for case in cases(&scenario) {
            eprintln!(
                "scenario: {} parallel {} retention {}",
                scenario.name, case.is_parallel, case.retention
            );
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.unwrap().block_on(script(case));
        }
    }
}
