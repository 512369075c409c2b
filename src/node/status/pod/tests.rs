//! Statuses of one pod in one state each.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, PodCondition, PodReadinessGate, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::*;
use crate::node::containers::Containers;
use crate::node::runtime::{ContainerReport, ContainerState, Ended, Exit, Health, PodReport};

fn at(s: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(s)
}

fn pod() -> Pod {
    let nginx = Container { name: "nginx".into(), image: Some("nginx:1".into()), ..Default::default() };
    Pod {
        metadata: ObjectMeta {
            name: Some("web-0".into()),
            namespace: Some("default".into()),
            uid: Some("u-1".into()),
            ..Default::default()
        },
        spec: Some(PodSpec { containers: vec![nginx], ..Default::default() }),
        status: None,
    }
}

/// The containers after these reports of successive runs, `advance` called before each.
fn containers(pod: &Pod, states: &[ContainerState]) -> Containers {
    let mut containers = Containers::new(pod);
    let mut attempt = 0;
    for (index, state) in states.iter().enumerate() {
        containers.advance(pod.spec.as_ref().unwrap(), at(index as u64));
        attempt = containers.tracks()[0].attempt.max(attempt);
        let (id, image_id) = (format!("test://{attempt}"), "sha256:1".to_owned());
        let report = ContainerReport { attempt, id, image_id, state: state.clone() };
        let report = PodReport { containers: [("nginx".to_owned(), report)].into(), ..Default::default() };
        containers.observe(&report, at(index as u64));
    }
    containers.advance(pod.spec.as_ref().unwrap(), at(states.len() as u64));
    containers
}

fn write(pod: &Pod, containers: &Containers, ended: Option<&Ended>, now: Timestamp) -> PodStatus {
    let addresses = ["10.0.0.2".parse().unwrap(), "fd00::2".parse().unwrap()];
    let host = "192.168.0.1".parse().unwrap();
    let view = View { containers, addresses: &addresses, host, ended, is_over: ended.is_some() };
    status(pod, &view, now)
}

fn running() -> ContainerState {
    ContainerState::Running { since: at(0), health: Health::Healthy }
}

fn exited(code: i32) -> ContainerState {
    let (started_at, finished_at) = (at(0), at(1));
    ContainerState::Exited(Exit { started_at, finished_at, code, reason: None, message: None })
}

/// Compares the parts of `status` that `expected` has.
#[track_caller]
fn check(status: &PodStatus, expected: Value) {
    let found = serde_json::to_value(status).unwrap();
    for (key, expected) in expected.as_object().unwrap() {
        assert_eq!(&found[key], expected, "{key}");
    }
}

fn conditions(status: &PodStatus) -> Vec<String> {
    let line = |condition: &PodCondition| {
        let words = [
            Some(&condition.type_),
            Some(&condition.status),
            condition.reason.as_ref(),
            condition.message.as_ref(),
        ];
        words.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
    };
    status.conditions.iter().flatten().map(line).collect()
}

#[test]
fn a_pod_being_created() {
    let pod = pod();
    let status = write(&pod, &containers(&pod, &[]), None, at(5));
    check(
        &status,
        json!({
            "phase": "Pending", "podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.2"}, {"ip": "fd00::2"}],
            "hostIP": "192.168.0.1", "hostIPs": [{"ip": "192.168.0.1"}], "startTime": "1970-01-01T00:00:05Z",
            "containerStatuses": [{
                "name": "nginx", "image": "nginx:1", "imageID": "", "ready": false, "started": false,
                "restartCount": 0, "lastState": {}, "state": {"waiting": {"reason": "ContainerCreating"}},
            }],
        }),
    );
    assert_eq!(
        conditions(&status),
        [
            "PodReadyToStartContainers True",
            "Initialized True",
            "Ready False ContainersNotReady containers with unready status: [nginx]",
            "ContainersReady False ContainersNotReady containers with unready status: [nginx]",
            "PodScheduled True",
        ]
    );
}

#[test]
fn a_ready_pod() {
    let pod = pod();
    let status = write(&pod, &containers(&pod, &[running()]), None, at(5));
    check(
        &status,
        json!({
            "phase": "Running",
            "containerStatuses": [{
                "name": "nginx", "image": "nginx:1", "imageID": "sha256:1", "containerID": "test://0",
                "ready": true, "started": true, "restartCount": 0, "lastState": {},
                "state": {"running": {"startedAt": "1970-01-01T00:00:00Z"}},
            }],
        }),
    );
    assert_eq!(conditions(&status)[2..4], ["Ready True", "ContainersReady True"]);
}

#[test]
fn a_container_that_crashes_again_and_again() {
    let pod = pod();
    let crashing = containers(&pod, &[exited(1), exited(1), exited(1)]);
    let ended = |id: &str| {
        json!({"terminated": {
            "containerID": id, "exitCode": 1, "reason": "Error",
            "startedAt": "1970-01-01T00:00:00Z", "finishedAt": "1970-01-01T00:00:01Z",
        }})
    };
    let message = "back-off 10s restarting failed container=nginx pod=web-0_default(u-1)";
    check(
        &write(&pod, &crashing, None, at(5)),
        json!({
            "phase": "Running",
            "containerStatuses": [{
                "name": "nginx", "image": "nginx:1", "imageID": "sha256:1", "containerID": "test://1",
                "ready": false, "started": false, "restartCount": 1, "lastState": ended("test://1"),
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": message}},
            }],
        }),
    );
    let again = containers(&pod, &[exited(1), running()]);
    check(
        &write(&pod, &again, None, at(5)),
        json!({
            "containerStatuses": [{
                "name": "nginx", "image": "nginx:1", "imageID": "sha256:1", "containerID": "test://1",
                "ready": true, "started": true, "restartCount": 1, "lastState": ended("test://0"),
                "state": {"running": {"startedAt": "1970-01-01T00:00:00Z"}},
            }],
        }),
    );
}

#[test]
fn a_pod_that_its_runtime_has_ended() {
    let pod = pod();
    let ended = Ended { is_success: false, reason: Some("Evicted".into()), message: Some("why".into()) };
    let mut ending = containers(&pod, &[running()]);
    let stopping = write(&pod, &ending, Some(&ended), at(5));
    check(&stopping, json!({"phase": "Running", "reason": null}));
    ending.kill(at(5));
    let status = write(&pod, &ending, Some(&ended), at(5));
    check(&status, json!({"phase": "Failed", "reason": "Evicted", "message": "why"}));
    assert_eq!(conditions(&status)[2..4], ["Ready False PodFailed", "ContainersReady False PodFailed"]);
}

#[test]
fn readiness_gates_hold_ready_back_but_not_containers_ready() {
    let mut pod = pod();
    let gate = PodReadinessGate { condition_type: "example.com/lb".into() };
    pod.spec.as_mut().unwrap().readiness_gates = Some(vec![gate]);
    let containers = containers(&pod, &[running()]);
    let closed = "Ready False ReadinessGatesNotReady";
    for (gate, expected) in [
        (
            None,
            format!(
                "{closed} corresponding condition of pod readiness gate \"example.com/lb\" does not exist."
            ),
        ),
        (
            Some("False"),
            format!(
                "{closed} the status of pod readiness gate \"example.com/lb\" is not \"True\", but False"
            ),
        ),
        (Some("True"), "Ready True".to_owned()),
    ] {
        let condition = gate.map(|status| PodCondition {
            type_: "example.com/lb".into(),
            status: status.into(),
            ..Default::default()
        });
        pod.status.get_or_insert_default().conditions = Some(condition.into_iter().collect());
        let found = conditions(&write(&pod, &containers, None, at(1)));
        assert_eq!(found[2..4], [expected, "ContainersReady True".to_owned()]);
        assert_eq!(found.len(), 5 + usize::from(gate.is_some()), "the gate's own condition is kept");
    }
}

#[test]
fn transition_times_and_what_others_wrote_are_kept() {
    let mut pod = pod();
    pod.status.get_or_insert_default().qos_class = Some("Burstable".into());
    pod.status = Some(write(&pod, &containers(&pod, &[]), None, at(5)));
    let ready = containers(&pod, &[running()]);
    let status = write(&pod, &ready, None, at(9));
    check(&status, json!({"startTime": "1970-01-01T00:00:05Z", "qosClass": "Burstable"}));
    let since = |condition: &PodCondition| condition.last_transition_time.clone().unwrap().0.as_second();
    let times: Vec<i64> = status.conditions.iter().flatten().map(since).collect();
    assert_eq!(times, [5, 5, 9, 9, 5]);
    pod.status = Some(status.clone());
    assert_eq!(write(&pod, &ready, None, at(100)), status, "time alone changes nothing");
}
