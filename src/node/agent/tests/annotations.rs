//! Each annotation, seen in the statuses of one pod.

use super::cluster::{Cluster, pod, with_annotations};

const READY: &str = "Running on node-1 Scheduled running 10.0.0.2 Ready";
const UNREADY: &str = "Running on node-1 Scheduled running 10.0.0.2";
const CREATING: &str = "Pending on node-1 Scheduled ContainerCreating 10.0.0.2";

/// What is seen of a pod with these annotations from its creation on, within `seconds`.
async fn check(annotations: &[(&str, &str)], seconds: u64, expected: &[&str]) {
    let mut cluster = Cluster::new().await;
    cluster.create(with_annotations(pod("web-0"), annotations)).await;
    cluster.pass(seconds).await;
    let words =
        |line: &&str| line.replace("READY", READY).replace("CREATING", CREATING).replace("UNRUN", UNREADY);
    let start = ["0 Pending", "0 Pending on node-1 Scheduled", "0 CREATING"];
    let expected: Vec<String> = start.iter().chain(expected).map(words).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    cluster.check(&expected);
}

#[tokio::test(start_paused = true)]
async fn start_delay_and_readiness_delay() {
    check(&[("start-delay", "300ms")], 1, &["0.3 READY"]).await;
    check(&[("readiness-delay", "1m")], 90, &["0 UNRUN", "60 READY"]).await;
}

#[tokio::test(start_paused = true)]
async fn never_ready() {
    check(&[("never-ready", "true"), ("probe-message", "no")], 3600, &["0 UNRUN"]).await;
    check(&[("never-ready", "false")], 3600, &["0 READY"]).await;
}

#[tokio::test(start_paused = true)]
async fn crash_after_is_restarted_at_once_and_then_with_a_back_off() {
    let crashes = [("crash-after", "3s"), ("exit-code", "7"), ("crash-times", "2")];
    let expected = [
        "0 READY",
        "3 Running on node-1 Scheduled Error(7) 10.0.0.2",
        "3 READY restarts=1",
        "6 Running on node-1 Scheduled Error(7) 10.0.0.2 restarts=1",
        "6 Running on node-1 Scheduled CrashLoopBackOff 10.0.0.2 restarts=1",
        "16 READY restarts=2",
    ];
    check(&crashes, 3600, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn fail_and_succeed_end_the_pod_whatever_its_restart_policy() {
    let failed = ["0 READY", "5 Failed on node-1 Scheduled Error(1) 10.0.0.2"];
    check(&[("fail", "5s")], 3600, &failed).await;
    check(&[("fail", "true"), ("exit-code", "3")], 3600, &["0 Failed on node-1 Scheduled Error(3) 10.0.0.2"])
        .await;
    let succeeded = ["0 READY", "5 Succeeded on node-1 Scheduled Completed(0) 10.0.0.2"];
    check(&[("succeed", "5s")], 3600, &succeeded).await;
}

#[tokio::test(start_paused = true)]
async fn flap_takes_turns() {
    let flapping = [("readiness-delay", "1s"), ("flap", "5s")];
    let expected = ["0 UNRUN", "1 READY", "6 UNRUN", "11 READY", "16 UNRUN"];
    check(&flapping, 18, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_delay_longer_than_the_grace_ends_with_a_kill_at_the_graces_end() {
    for (delay, end) in [
        ("10s", "11 Succeeded on node-1 Scheduled Completed(0) 10.0.0.2 Terminating"),
        ("1m", "31 Failed on node-1 Scheduled Error(137) 10.0.0.2 Terminating"),
    ] {
        let mut cluster = Cluster::new().await;
        cluster.create(with_annotations(pod("web-0"), &[("stop-delay", delay)])).await;
        cluster.pass(1).await;
        cluster.delete("web-0").await;
        cluster.pass(100).await;
        let gone = format!("{} gone", end.split(' ').next().unwrap());
        cluster.check_end(&[end, &gone]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_value_means_the_default() {
    check(&[("start-delay", "soon"), ("never-ready", "maybe")], 10, &["0 READY"]).await;
}
