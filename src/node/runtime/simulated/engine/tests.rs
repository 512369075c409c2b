//! The courses of simulated containers, in virtual time.

use k8s_openapi::api::core::v1::{Container, PodSpec, Probe};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::*;
use crate::node::runtime::{Health, ProbeOutcome};

fn pod(uid: &str, name: &str, annotations: &[(&str, &str)]) -> Pod {
    let key = |name: &str| format!("{}{name}", annotations::PREFIX);
    let all = annotations.iter().map(|(name, value)| (key(name), (*value).to_owned())).collect();
    let nginx = Container { name: "nginx".into(), image: Some("nginx:1".into()), ..Default::default() };
    Pod {
        metadata: ObjectMeta {
            name: Some(name.into()),
            namespace: Some("default".into()),
            uid: Some(uid.into()),
            annotations: Some(all),
            ..Default::default()
        },
        spec: Some(PodSpec { containers: vec![nginx], ..Default::default() }),
        status: None,
    }
}

fn simulated(seed: u64) -> Simulated {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    Simulated::new(
        clock,
        SimulatedOptions { start_delay: Duration::from_secs(1), stop_delay: Duration::ZERO, seed },
    )
}

async fn start(runtime: &Simulated, pod: &Pod, attempt: u32) {
    let container = &pod.spec.as_ref().unwrap().containers[0];
    let role = Role::Main;
    let order = StartContainer { pod, container, role, attempt, environment: &[], mounts: &[] };
    runtime.start(order).await.unwrap();
}

/// When each change of the pod's report happens, and what the container does then.
async fn course(runtime: &Simulated, uid: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let report = runtime.report(uid).await.unwrap();
        let state = match &report.containers["nginx"].state {
            ContainerState::Running { health, .. } => match health {
                Health::Healthy => "healthy".to_owned(),
                Health::Unhealthy(message) => format!("unhealthy: {message}"),
                Health::Starting => "starting".to_owned(),
            },
            ContainerState::Exited(exit) => format!("exited {}", exit.code),
            other => format!("{other:?}"),
        };
        seen.push(format!("{} {state}", runtime.clock.now().as_millisecond()));
        let Some(next) = report.next_change.filter(|_| seen.len() < 10) else { return seen };
        runtime.clock.sleep_until(next).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_announces_its_next_change() {
    let runtime = simulated(1);
    let pod = pod("u", "web-0", &[("readiness-delay", "2s"), ("crash-after", "10s")]);
    start(&runtime, &pod, 0).await;
    assert_eq!(
        course(&runtime, "u").await,
        ["0 Creating", "1000 starting", "3000 healthy", "11000 exited 1"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_readiness_probe_finds_what_is_else_reported_as_health() {
    let runtime = simulated(1);
    let mut pod = pod("u", "web-0", &[("readiness-delay", "7s"), ("probe-message", "no"), ("flap", "5s")]);
    pod.spec.as_mut().unwrap().containers[0].readiness_probe = Some(Probe::default());
    start(&runtime, &pod, 0).await;
    let probe = async |kind| {
        let container = &pod.spec.as_ref().unwrap().containers[0];
        let request = ProbeRequest { pod_uid: "u", container, kind, probe: &Probe::default() };
        let reply = runtime.probe(request).await.unwrap();
        let until_s = reply.holds_until.filter(|until| *until != Timestamp::MAX).map(Timestamp::as_second);
        (reply.outcome, until_s)
    };
    runtime.clock.sleep(Duration::from_secs(2)).await;
    assert_eq!(probe(ProbeKind::Liveness).await, (ProbeOutcome::Success, None));
    assert_eq!(probe(ProbeKind::Readiness).await, (ProbeOutcome::Failure("no".into()), Some(8)));
    runtime.clock.sleep(Duration::from_secs(6)).await;
    assert_eq!(probe(ProbeKind::Readiness).await, (ProbeOutcome::Success, None));
    let flapping = course(&runtime, "u").await;
    assert_eq!(flapping[..3], ["8000 healthy", "13000 unhealthy: no", "18000 healthy"]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_of_a_port_that_is_not_there_is_not_carried_out() {
    let runtime = simulated(1);
    let pod = pod("u", "web-0", &[]);
    start(&runtime, &pod, 0).await;
    let container: Container =
        serde_json::from_value(json!({"name": "nginx", "ports": [{"name": "web", "containerPort": 80}]}))
            .unwrap();
    let cases = [
        (json!({"httpGet": {"port": "web"}}), ProbeOutcome::Success),
        (json!({"tcpSocket": {"port": 81}}), ProbeOutcome::Success),
        (
            json!({"tcpSocket": {"port": "nosuch"}}),
            ProbeOutcome::Errored("strconv.Atoi: parsing \"nosuch\": invalid syntax".into()),
        ),
    ];
    for (probe, expected) in cases {
        let probe: Probe = serde_json::from_value(probe).unwrap();
        let kind = ProbeKind::Liveness;
        let request = ProbeRequest { pod_uid: "u", container: &container, kind, probe: &probe };
        assert_eq!(runtime.probe(request).await.unwrap().outcome, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_drawn_follows_from_seed_name_and_attempt_alone() {
    let draw = async |seed: u64, uid: &str, name: &str, attempt: u32| {
        let runtime = simulated(seed);
        let pod = pod(uid, name, &[("start-delay", "0s-1h")]);
        start(&runtime, &pod, attempt).await;
        runtime.report(uid).await.unwrap().next_change
    };
    let first = draw(1, "u-1", "web-0", 0).await;
    assert_eq!(first, draw(1, "u-2", "web-0", 0).await, "the uid does not matter");
    for (seed, name, attempt) in [(2, "web-0", 0), (1, "web-1", 0), (1, "web-0", 1)] {
        assert_ne!(first, draw(seed, "u-1", name, attempt).await, "{seed} {name} {attempt}");
    }
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_a_run_at_the_earliest_of_its_ends() {
    for (annotations, grace_s, expected) in [
        (&[("stop-delay", "0s")][..], 30, "1000 exited 0"),
        (&[("stop-delay", "5s")], 30, "6000 exited 0"),
        (&[("stop-delay", "5s")], 2, "3000 exited 137"),
        (&[("stop-delay", "20s"), ("crash-after", "3s")], 30, "4000 exited 1"),
    ] {
        let runtime = simulated(1);
        start(&runtime, &pod("u", "web-0", annotations), 0).await;
        runtime.clock.sleep(Duration::from_secs(1)).await;
        runtime.stop("u", "nginx", Duration::from_secs(grace_s)).await.unwrap();
        assert_eq!(course(&runtime, "u").await.last().unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_does_not_say_stops_as_the_runtime_was_told() {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let stop_delay = Duration::from_millis(300);
    let runtime = Simulated::new(clock, SimulatedOptions { stop_delay, ..SimulatedOptions::default() });
    start(&runtime, &pod("u", "web-0", &[]), 0).await;
    runtime.stop("u", "nginx", Duration::from_secs(30)).await.unwrap();
    assert_eq!(course(&runtime, "u").await.last().unwrap(), "300 exited 0");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_pod_has_no_containers_and_a_removed_one_neither() {
    let runtime = simulated(1);
    start(&runtime, &pod("u", "web-0", &[]), 0).await;
    assert_eq!(runtime.report("u").await.unwrap().containers.len(), 1);
    assert_eq!(runtime.sandboxes().await.unwrap(), ["u"]);
    runtime.remove_sandbox("u").await.unwrap();
    assert_eq!(runtime.report("u").await, Ok(PodReport::default()));
    assert_eq!(runtime.report("v").await, Ok(PodReport::default()));
}
