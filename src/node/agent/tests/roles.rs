//! Pods with several containers: init containers, sidecars, one that ends all.

use k8s_openapi::api::core::v1::{Container, Pod};

use super::cluster::{Cluster, pod, with_annotations};

fn container(name: &str, restart_policy: Option<&str>) -> Container {
    Container {
        name: name.into(),
        image: Some("busybox:1".into()),
        restart_policy: restart_policy.map(str::to_owned),
        ..Default::default()
    }
}

fn with_inits(mut pod: Pod, inits: Vec<Container>) -> Pod {
    pod.spec.as_mut().unwrap().init_containers = Some(inits);
    pod
}

#[tokio::test(start_paused = true)]
async fn init_containers_and_sidecars_come_before_the_others() {
    let mut cluster = Cluster::new().await;
    let inits = vec![container("init", None), container("sidecar", Some("Always"))];
    cluster.create(with_inits(with_annotations(pod("web-0"), &[("start-delay", "1s")]), inits)).await;
    cluster.pass(10).await;
    cluster.check_end(&[
        "0 Pending on node-1 Scheduled PodInitializing 10.0.0.2",
        // The init container has ended.
        "0 Pending on node-1 Scheduled PodInitializing 10.0.0.2",
        // The sidecar runs and is ready.
        "1 Pending on node-1 Scheduled PodInitializing 10.0.0.2",
        "2 Running on node-1 Scheduled running 10.0.0.2 Ready",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_sidecar_stops_after_the_main_containers() {
    let mut cluster = Cluster::new().await;
    let inits = vec![container("sidecar", Some("Always"))];
    cluster.create(with_inits(with_annotations(pod("web-0"), &[("stop-delay", "4s")]), inits)).await;
    cluster.pass(1).await;
    cluster.delete("web-0").await;
    cluster.pass(20).await;
    cluster.check_end(&[
        "5 Running on node-1 Scheduled Completed(0) 10.0.0.2 Terminating",
        "9 Succeeded on node-1 Scheduled Completed(0) 10.0.0.2 Terminating",
        "9 gone",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_not_failed_while_one_of_its_containers_still_stops() {
    let mut cluster = Cluster::new().await;
    let mut two = with_annotations(pod("web-0"), &[("fail", "1s-20s"), ("stop-delay", "1m")]);
    two.spec.as_mut().unwrap().containers.push(container("second", None));
    cluster.create(two).await;
    cluster.pass(100).await;
    let summary = super::cluster::summary(&cluster.store.get(&cluster.key("web-0")).unwrap());
    assert!(summary.starts_with("Failed on node-1"), "{summary}");
    let mut running_and_failed = 0;
    for line in cluster.seen() {
        running_and_failed += usize::from(line.contains("Failed") && line.contains("running"));
    }
    assert_eq!(running_and_failed, 0, "{:#?}", cluster.seen());
    assert!(cluster.seen().iter().any(|line| line.contains("Running") && line.contains("Error(1)")));
}

#[tokio::test(start_paused = true)]
async fn a_pod_on_the_hosts_network_has_the_nodes_address() {
    let mut cluster = Cluster::new().await;
    let mut hosted = pod("web-0");
    hosted.spec.as_mut().unwrap().host_network = Some(true);
    cluster.create(hosted).await;
    cluster.pass(1).await;
    cluster.check_end(&["0 Running on node-1 Scheduled running 192.168.0.1 Ready"]);
    cluster.restart();
    cluster.create(pod("web-1")).await;
    cluster.pass(1).await;
    cluster.check_end(&["1 Running on node-1 Scheduled running 10.0.0.2 Ready"]);
}

#[tokio::test(start_paused = true)]
async fn jobs_end_as_their_restart_policy_says() {
    for (policy, code, expected) in [
        ("Never", "0", "1 Succeeded on node-1 Scheduled Completed(0) 10.0.0.2"),
        ("Never", "2", "1 Failed on node-1 Scheduled Error(2) 10.0.0.2"),
        ("OnFailure", "0", "1 Succeeded on node-1 Scheduled Completed(0) 10.0.0.2"),
        ("OnFailure", "2", "1 Running on node-1 Scheduled running 10.0.0.2 Ready restarts=1"),
    ] {
        let mut cluster = Cluster::new().await;
        let crash = [("crash-after", "1s"), ("crash-times", "1"), ("exit-code", code)];
        let mut job = with_annotations(pod("job"), &crash);
        job.spec.as_mut().unwrap().restart_policy = Some(policy.into());
        cluster.create(job).await;
        cluster.pass(60).await;
        cluster.check_end(&[expected]);
    }
}
