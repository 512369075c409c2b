//! A new agent takes up what the one before left.

use super::cluster::{Cluster, pod, with_annotations};

#[tokio::test(start_paused = true)]
async fn ready_pods_are_adopted_without_a_write() {
    let mut cluster = Cluster::new().await;
    for name in ["web-0", "web-1"] {
        cluster.create(with_annotations(pod(name), &[("readiness-delay", "2s")])).await;
    }
    cluster.pass(5).await;
    let revision = cluster.store.revision();
    cluster.restart();
    cluster.agent.step().await;
    let pods = cluster.store.list(super::Kind::Pod, None).objects;
    assert!(pods.iter().all(|pod| pod.revision() <= revision), "{pods:?}");
    cluster.create(pod("web-2")).await;
    cluster.pass(1).await;
    cluster.check_end(&["5 Running on node-1 Scheduled running 10.0.0.4 Ready"]);
}

#[tokio::test(start_paused = true)]
async fn a_course_goes_on_where_it_was() {
    let mut cluster = Cluster::new().await;
    let course = [("readiness-delay", "10s"), ("crash-after", "20s"), ("crash-times", "1")];
    cluster.create(with_annotations(pod("web-0"), &course)).await;
    cluster.pass(5).await;
    cluster.restart();
    cluster.pass(30).await;
    cluster.check_end(&[
        "0 Running on node-1 Scheduled running 10.0.0.2",
        "10 Running on node-1 Scheduled running 10.0.0.2 Ready",
        "20 Running on node-1 Scheduled Error(1) 10.0.0.2",
        "20 Running on node-1 Scheduled running 10.0.0.2 restarts=1",
        "30 Running on node-1 Scheduled running 10.0.0.2 Ready restarts=1",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_was_being_deleted_or_created_is_finished() {
    let mut cluster = Cluster::new().await;
    cluster.create(with_annotations(pod("web-0"), &[("stop-delay", "8s")])).await;
    cluster.pass(1).await;
    cluster.delete("web-0").await;
    cluster.create(with_annotations(pod("web-1"), &[("start-delay", "5s")])).await;
    cluster.pass(1).await;
    cluster.restart();
    cluster.pass(20).await;
    cluster.check_end(&[
        "7 Running on node-1 Scheduled running 10.0.0.3 Ready",
        "10 Succeeded on node-1 Scheduled Completed(0) 10.0.0.2 Terminating",
        "10 gone",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_pod_stays_failed() {
    let mut cluster = Cluster::new().await;
    cluster.create(with_annotations(pod("web-0"), &[("fail", "1s")])).await;
    cluster.pass(5).await;
    let revision = cluster.store.get(&cluster.key("web-0")).unwrap().revision();
    cluster.restart();
    cluster.pass(60).await;
    assert_eq!(cluster.store.get(&cluster.key("web-0")).unwrap().revision(), revision);
    cluster.delete("web-0").await;
    cluster.pass(0).await;
    cluster.check_end(&["65 gone"]);
}
