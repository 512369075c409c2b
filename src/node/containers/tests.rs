//! Containers of one pod, stepped by hand.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Probe};

use super::*;
use crate::node::runtime::{ContainerReport, ContainerState, Exit, Readiness};

fn at(s: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(s)
}

fn pod() -> Pod {
    let nginx = Container { name: "nginx".into(), image: Some("nginx:1".into()), ..Default::default() };
    Pod { spec: Some(PodSpec { containers: vec![nginx], ..Default::default() }), ..Default::default() }
}

fn report(attempt: u32, state: ContainerState) -> Report {
    let report = ContainerReport { attempt, id: "test://1".into(), image_id: "sha256:1".into(), state };
    Report { containers: [("nginx".to_owned(), report)].into(), ..Default::default() }
}

fn running(readiness: Readiness) -> ContainerState {
    ContainerState::Running { since: at(1), is_started: true, readiness }
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

#[test]
fn what_has_no_probe_is_ready_when_it_runs() {
    let (mut containers, _) = started();
    let ready = report(0, running(Readiness::Ready));
    let happening = Happening::Started { container: "nginx".into(), image: "nginx:1".into() };
    assert_eq!(containers.observe(&ready, at(1)), (vec![happening], false));
    assert!(matches!(&containers.tracks()[0].life, Life::Running { readiness: Readiness::Ready, .. }));
}

#[test]
fn what_a_probe_finds_ready_at_once_is_taken_in_twice() {
    let (mut containers, _) = started_of(&probed());
    let ready = report(0, running(Readiness::Ready));
    let happening = Happening::Started { container: "nginx".into(), image: "nginx:1".into() };
    assert_eq!(containers.observe(&ready, at(1)), (vec![happening], true));
    assert!(matches!(&containers.tracks()[0].life, Life::Running { readiness: Readiness::Unknown, .. }));
    assert_eq!(containers.observe(&ready, at(1)), (vec![], false));
    assert!(matches!(&containers.tracks()[0].life, Life::Running { readiness: Readiness::Ready, .. }));
}

#[test]
fn a_probe_that_goes_on_failing_is_told_once() {
    let (mut containers, _) = started();
    let told = |containers: &mut Containers, readiness| {
        let (happenings, _) = containers.observe(&report(0, running(readiness)), at(1));
        happenings.iter().filter(|one| matches!(one, Happening::Unhealthy { .. })).count()
    };
    let unready = || Readiness::Unready("no".into());
    let course = [Readiness::Unknown, unready(), unready(), Readiness::Ready, unready()];
    let told = course.map(|readiness| told(&mut containers, readiness));
    assert_eq!(told, [0, 1, 0, 0, 1]);
}

#[test]
fn a_lost_container_counts_as_killed_and_is_started_again() {
    let (mut containers, spec) = started();
    containers.observe(&report(0, running(Readiness::Ready)), at(1));
    containers.observe(&Report::default(), at(2));
    assert_eq!(containers.tracks()[0].exit().map(|exit| exit.code), Some(137));
    assert_eq!(containers.advance(&spec, at(2)).0, [start(1)]);
}

#[test]
fn a_report_of_the_run_before_changes_nothing() {
    let (mut containers, spec) = started();
    containers.observe(&report(0, exited(2, 1)), at(2));
    assert_eq!(containers.advance(&spec, at(2)).0, [start(1)]);
    containers.observe(&report(0, exited(2, 1)), at(3));
    assert_eq!(containers.tracks()[0].life, Life::Creating);
}

#[test]
fn a_refused_container_is_tried_again_with_a_back_off() {
    let (mut containers, spec) = started();
    let refused = ContainerState::Refused { reason: "ErrImagePull".into(), message: "no such image".into() };
    let (happenings, _) = containers.observe(&report(0, refused.clone()), at(1));
    assert_eq!(happenings, [Happening::Refused { message: "no such image".into() }]);
    assert_eq!(containers.next_due(), Some(at(11)));
    assert_eq!(containers.advance(&spec, at(10)).0, []);
    assert_eq!(containers.advance(&spec, at(11)).0, [start(0)], "nothing ran, so nothing was restarted");
    containers.observe(&report(0, refused), at(12));
    assert_eq!(containers.next_due(), Some(at(32)));
}

#[test]
fn tearing_down_stops_each_container_once_and_again_when_asked_to() {
    let (mut containers, _) = started();
    let stop = Action::Stop { container: "nginx".into(), why: Why::PodEnds };
    assert_eq!(containers.tear_down(), std::slice::from_ref(&stop));
    assert_eq!(containers.tear_down(), []);
    containers.stop_again();
    assert_eq!(containers.tear_down(), [stop]);
    containers.kill(at(30));
    assert!(!containers.are_live());
    assert_eq!(containers.phase(None, true), Phase::Failed);
}
