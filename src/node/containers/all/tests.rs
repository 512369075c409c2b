//! Containers of one pod, stepped by hand.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Probe};

use super::*;
use crate::node::containers::track::State;
use crate::node::runtime::{ContainerReport, ContainerState, Exit, Health, ProbeOutcome};

fn at(s: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(s)
}

fn pod() -> Pod {
    let nginx = Container { name: "nginx".into(), image: Some("nginx:1".into()), ..Default::default() };
    Pod { spec: Some(PodSpec { containers: vec![nginx], ..Default::default() }), ..Default::default() }
}

fn report(attempt: u32, state: ContainerState) -> PodReport {
    let report = ContainerReport { attempt, id: "test://1".into(), image_id: "sha256:1".into(), state };
    PodReport { containers: [("nginx".to_owned(), report)].into(), ..Default::default() }
}

fn running(health: Health) -> ContainerState {
    ContainerState::Running { since: at(1), health }
}

fn exited(finished_s: u64, code: i32) -> ContainerState {
    let finished_at = at(finished_s);
    ContainerState::Exited(Exit { started_at: at(1), finished_at, code, reason: None, message: None })
}

fn probed() -> Pod {
    let mut pod = pod();
    pod.spec.get_or_insert_default().containers[0].readiness_probe = Some(Probe::default());
    pod
}

fn start(attempt: u32) -> Action {
    Action::Start { container: "nginx".into(), role: Role::Main, attempt }
}

/// Containers of which the one was started at 0 s.
fn started() -> (Containers, PodSpec) {
    started_of(&pod())
}

fn started_of(pod: &Pod) -> (Containers, PodSpec) {
    let (pod, mut containers) = (pod.clone(), Containers::new(pod));
    let spec = pod.spec.unwrap();
    assert_eq!(containers.advance(&spec, at(0)), (vec![start(0)], vec![]));
    assert_eq!(containers.advance(&spec, at(0)), (vec![], vec![]), "it is started once");
    (containers, spec)
}

fn began() -> Observation {
    Observation::Started { container: "nginx".into(), image: "nginx:1".into() }
}

#[test]
fn what_has_no_probe_is_ready_when_it_runs() {
    let (mut containers, _) = started();
    assert_eq!(containers.observe(&report(0, running(Health::Healthy)), at(1)), [began()]);
    assert!(containers.tracks()[0].is_ready());
}

#[test]
fn what_has_a_probe_is_ready_when_the_probe_has_succeeded() {
    let (mut containers, _) = started_of(&probed());
    assert_eq!(containers.observe(&report(0, running(Health::Healthy)), at(1)), [began()]);
    assert!(!containers.tracks()[0].is_ready(), "it is first seen running and not ready");
    assert_eq!(containers.take_due_probes(at(1)), [("nginx".to_owned(), 0, ProbeKind::Readiness)]);
    let reply = ProbeReply { outcome: ProbeOutcome::Success, holds_until: None };
    let probe = |attempt| ("nginx", attempt, ProbeKind::Readiness);
    assert_eq!(containers.probed(probe(1), Some(&reply), at(1)), None);
    assert!(!containers.tracks()[0].is_ready(), "that was another run");
    assert_eq!(containers.probed(probe(0), Some(&reply), at(1)), None);
    assert!(containers.tracks()[0].is_ready());
    containers.observe(&report(0, running(Health::Unhealthy("no".into()))), at(2));
    assert!(!containers.tracks()[0].is_ready(), "the runtime objects");
}

#[test]
fn a_probe_that_cannot_be_carried_out_changes_nothing_and_is_told() {
    let (mut containers, _) = started_of(&probed());
    containers.observe(&report(0, running(Health::Healthy)), at(1));
    containers.take_due_probes(at(1));
    let reply =
        ProbeReply { outcome: ProbeOutcome::Errored("no port".into()), holds_until: Some(Timestamp::MAX) };
    let told = containers.probed(("nginx", 0, ProbeKind::Readiness), Some(&reply), at(1));
    let errored = Observation::ProbeErrored { kind: ProbeKind::Readiness, message: "no port".into() };
    assert_eq!(told, Some(errored));
    assert!(!containers.tracks()[0].is_ready());
    assert_eq!(containers.take_due_probes(at(1_000)), [], "it would never find another result");
}

#[test]
fn a_failed_liveness_probe_restarts_the_container_with_a_back_off() {
    let mut pod = pod();
    let probe = Probe { failure_threshold: Some(1), ..Default::default() };
    pod.spec.get_or_insert_default().containers[0].liveness_probe = Some(probe);
    let (mut containers, spec) = started_of(&pod);
    containers.observe(&report(0, running(Health::Healthy)), at(1));
    let reply = ProbeReply { outcome: ProbeOutcome::Failure("dead".into()), holds_until: None };
    let failed = containers.probed(("nginx", 0, ProbeKind::Liveness), Some(&reply), at(1));
    let unhealthy = Observation::Unhealthy { kind: ProbeKind::Liveness, message: "dead".into() };
    assert_eq!(failed, Some(unhealthy));
    let reason = StopReason::ProbeFailed(ProbeKind::Liveness);
    let stop = Action::Stop { container: "nginx".into(), reason };
    assert_eq!(containers.advance(&spec, at(1)).0, [stop]);
    containers.observe(&report(0, exited(2, 137)), at(2));
    assert_eq!(containers.advance(&spec, at(2)).0, [start(1)]);
    containers.observe(&report(1, exited(3, 137)), at(3));
    assert_eq!(containers.advance(&spec, at(3)).0, [], "it backs off");
}

#[test]
fn what_stays_unhealthy_is_told_once() {
    let (mut containers, _) = started();
    let told = |containers: &mut Containers, health| {
        let observations = containers.observe(&report(0, running(health)), at(1));
        observations.iter().filter(|one| matches!(one, Observation::Unhealthy { .. })).count()
    };
    let unhealthy = || Health::Unhealthy("no".into());
    let course = [Health::Starting, unhealthy(), unhealthy(), Health::Healthy, unhealthy()];
    let told = course.map(|health| told(&mut containers, health));
    assert_eq!(told, [0, 1, 0, 0, 1]);
}

#[test]
fn a_lost_container_counts_as_killed_and_is_started_again() {
    let (mut containers, spec) = started();
    containers.observe(&report(0, running(Health::Healthy)), at(1));
    containers.observe(&PodReport::default(), at(2));
    assert_eq!(containers.tracks()[0].exit().map(|exit| exit.code), Some(137));
    assert_eq!(containers.advance(&spec, at(2)).0, [start(1)]);
}

#[test]
fn a_report_of_the_run_before_changes_nothing() {
    let (mut containers, spec) = started();
    containers.observe(&report(0, exited(2, 1)), at(2));
    assert_eq!(containers.advance(&spec, at(2)).0, [start(1)]);
    containers.observe(&report(0, exited(2, 1)), at(3));
    assert_eq!(containers.tracks()[0].state, State::Creating);
}

#[test]
fn a_refused_container_is_tried_again_with_a_back_off() {
    let (mut containers, spec) = started();
    let error = RuntimeError::Refused { reason: "ErrImagePull".into(), message: "no such image".into() };
    let refused = Observation::Refused { reason: "ErrImagePull".into(), message: "no such image".into() };
    assert_eq!(containers.refused("nginx", &error, at(1)), Some(refused));
    assert_eq!(containers.next_due(), Some(at(11)));
    assert_eq!(containers.advance(&spec, at(10)).0, []);
    assert_eq!(containers.advance(&spec, at(11)).0, [start(0)], "nothing ran, so nothing was restarted");
    containers.refused("nginx", &error, at(12));
    assert_eq!(containers.next_due(), Some(at(32)));
}

#[test]
fn tearing_down_stops_each_container_once_and_again_when_asked_to() {
    let (mut containers, _) = started();
    let stop = Action::Stop { container: "nginx".into(), reason: StopReason::PodEnds };
    assert_eq!(containers.tear_down(), std::slice::from_ref(&stop));
    assert_eq!(containers.tear_down(), []);
    containers.stop_again();
    assert_eq!(containers.tear_down(), [stop]);
    containers.kill(at(30));
    assert!(!containers.are_live());
    assert_eq!(containers.phase(None, true), Phase::Failed);
}
