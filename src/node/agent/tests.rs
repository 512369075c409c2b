//! The agent over a store, in virtual time.

mod annotations;
mod claims;
mod cluster;
mod engine;
mod needs;
mod restart;
mod roles;

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};

use super::*;
use crate::controllers::{self, scheduler::Scheduler};
use crate::store::DeleteOptions;
use cluster::{Cluster, pod, with_annotations, with_probe};

#[tokio::test(start_paused = true)]
async fn every_step_of_a_pods_life_is_a_status_of_its_own() {
    let mut cluster = Cluster::new().await;
    cluster.create(with_annotations(pod("web-0"), &[("start-delay", "1s"), ("stop-delay", "2s")])).await;
    cluster.pass(5).await;
    cluster.delete("web-0").await;
    cluster.pass(5).await;
    cluster.check(&[
        "0 Pending",
        "0 Pending on node-1 Scheduled",
        "0 Pending on node-1 Scheduled ContainerCreating 10.0.0.2",
        "1 Running on node-1 Scheduled running 10.0.0.2 Ready",
        "5 Running on node-1 Scheduled running 10.0.0.2 Ready Terminating",
        // The kubelet's answer: status.observedGeneration follows the generation of the deletion.
        "5 Running on node-1 Scheduled running 10.0.0.2 Ready Terminating",
        "7 Succeeded on node-1 Scheduled Completed(0) 10.0.0.2 Terminating",
        "7 gone",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_probe_succeeds_at_once_is_first_seen_not_ready() {
    let mut cluster = Cluster::new().await;
    cluster.create(with_probe(pod("web-0"), 0, 10)).await;
    cluster.pass(0).await;
    cluster.check_end(&[
        "0 Pending on node-1 Scheduled ContainerCreating 10.0.0.2",
        "0 Running on node-1 Scheduled running 10.0.0.2",
        "0 Running on node-1 Scheduled running 10.0.0.2 Ready",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_probe_is_ready_as_soon_as_it_runs() {
    let mut cluster = Cluster::new().await;
    cluster.create(pod("web-0")).await;
    cluster.pass(0).await;
    cluster.check_end(&[
        "0 Pending on node-1 Scheduled ContainerCreating 10.0.0.2",
        "0 Running on node-1 Scheduled running 10.0.0.2 Ready",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_with_a_probe_is_ready_at_the_first_tick_after_its_delay() {
    for (delay, initial_delay_s, period_s, ready_s) in
        [("0s", 0, 10, 0), ("0s", 3, 10, 3), ("4s", 3, 10, 13), ("3s", 3, 10, 3), ("7s", 0, 2, 8)]
    {
        let mut cluster = Cluster::new().await;
        let probed = with_probe(pod("web-0"), initial_delay_s, period_s);
        cluster.create(with_annotations(probed, &[("readiness-delay", delay)])).await;
        cluster.pass(60).await;
        let ready = format!("{ready_s} Running on node-1 Scheduled running 10.0.0.2 Ready");
        cluster.check_end(&[&ready]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_was_not_placed_yet_is_deleted_at_once() {
    let mut cluster = Cluster::new().await;
    let mut gated = pod("web-0");
    gated.spec.as_mut().unwrap().scheduling_gates =
        Some(vec![k8s_openapi::api::core::v1::PodSchedulingGate { name: "example.com/gate".into() }]);
    cluster.create(gated).await;
    cluster.pass(1).await;
    cluster.delete("web-0").await;
    cluster.pass(1).await;
    let terminating = "1 Pending SchedulingGated Terminating";
    cluster.check(&["0 Pending", "0 Pending SchedulingGated", terminating, "1 gone"]);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_grace_counts_from_when_it_is_asked_for() {
    let mut cluster = Cluster::new().await;
    cluster.create(with_annotations(pod("web-0"), &[("stop-delay", "1m")])).await;
    cluster.pass(1).await;
    cluster.delete("web-0").await;
    cluster.pass(10).await;
    let sooner = DeleteOptions { grace_s: Some(5), ..Default::default() };
    cluster.store.delete(&cluster.key("web-0"), &sooner).await.unwrap();
    cluster.pass(30).await;
    cluster.check_end(&["16 Failed on node-1 Scheduled Error(137) 10.0.0.2 Terminating", "16 gone"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_deleted_without_grace_leaves_nothing_behind() {
    let mut cluster = Cluster::new().await;
    cluster.create(pod("web-0")).await;
    cluster.pass(1).await;
    let now = DeleteOptions { grace_s: Some(0), ..Default::default() };
    cluster.store.delete(&cluster.key("web-0"), &now).await.unwrap();
    cluster.create(pod("web-0")).await;
    cluster.pass(1).await;
    cluster.check_end(&["1 Running on node-1 Scheduled running 10.0.0.3 Ready"]);
    assert_eq!((cluster.agent.pods.len(), cluster.agent.keys.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_pod_held_by_a_finalizer_is_confirmed_once_and_goes_when_the_finalizer_does() {
    let mut cluster = Cluster::new().await;
    let mut held = pod("web-0");
    held.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    cluster.create(held).await;
    cluster.pass(1).await;
    cluster.delete("web-0").await;
    cluster.pass(60).await;
    assert!(cluster.store.get(&cluster.key("web-0")).is_some());
    let release = |pod: &mut Pod| pod.metadata.finalizers = None;
    cluster.store.modify::<Pod>(&cluster.key("web-0"), release).await.unwrap();
    cluster.pass(1).await;
    cluster.check_end(&["61 gone"]);
    assert!(cluster.agent.pods.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_free_address_waits_for_one() {
    let mut cluster = Cluster::with_network("10.0.0.0/30").await;
    cluster.create(pod("web-0")).await;
    cluster.create(pod("web-1")).await;
    cluster.pass(3).await;
    cluster.check_end(&["0 Pending on node-1 Scheduled ContainerCreating"]);
    cluster.delete("web-0").await;
    cluster.pass(0).await;
    cluster.check_end(&["3 Running on node-1 Scheduled running 10.0.0.2 Ready"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_image_restarts_the_container() {
    let mut cluster = Cluster::new().await;
    cluster.create(with_annotations(pod("web-0"), &[("stop-delay", "2s")])).await;
    cluster.pass(1).await;
    let change = |pod: &mut Pod| pod.spec.as_mut().unwrap().containers[0].image = Some("nginx:2".into());
    cluster.store.modify::<Pod>(&cluster.key("web-0"), change).await.unwrap();
    cluster.pass(5).await;
    cluster.check_end(&[
        "3 Running on node-1 Scheduled Completed(0) 10.0.0.2",
        "3 Running on node-1 Scheduled running 10.0.0.2 Ready restarts=1",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_cordoned_node_takes_no_pods_until_it_is_uncordoned() {
    let mut cluster = Cluster::new().await;
    cluster.pass(0).await;
    let node = ObjectKey::new(Kind::Node, "", "node-1");
    let cordon = |is_cordoned| {
        move |node: &mut Node| {
            node.spec.get_or_insert_default().unschedulable = is_cordoned;
        }
    };
    cluster.store.modify::<Node>(&node, cordon(Some(true))).await.unwrap();
    cluster.create(pod("web-0")).await;
    cluster.pass(1).await;
    cluster.check(&["0 Pending", "0 Pending Unschedulable"]);
    cluster.store.modify::<Node>(&node, cordon(None)).await.unwrap();
    cluster.pass(1).await;
    cluster.check_end(&["1 Running on node-1 Scheduled running 10.0.0.2 Ready"]);
}

/// As after the process stood still for longer than the grace period.
#[tokio::test(start_paused = true)]
async fn a_node_that_was_taken_for_lost_says_that_it_lives() {
    let mut cluster = Cluster::new().await;
    cluster.pass(0).await;
    let key = ObjectKey::new(Kind::Node, "", "node-1");
    let forget = |node: &mut Node| {
        for condition in node.status.as_mut().unwrap().conditions.as_mut().unwrap() {
            condition.status = "Unknown".into();
        }
    };
    cluster.store.modify_status::<Node>(&key, forget).await.unwrap();
    cluster.pass(1).await;
    let node = cluster.store.get(&key).unwrap();
    let conditions = node.get::<Node>().unwrap().status.as_ref().unwrap().conditions.as_ref().unwrap();
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready").unwrap();
    assert_eq!(ready.status, "True");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pods_get_ready_and_then_cost_nothing() {
    let mut cluster = Cluster::with_network("10.0.0.0/16").await;
    for n in 0..1000 {
        let delays = [("start-delay", "1s-20s"), ("readiness-delay", "0s-10s")];
        cluster.create(with_annotations(pod(&format!("web-{n}")), &delays)).await;
    }
    cluster.pass(60).await;
    let pods = cluster.store.list(Kind::Pod, None).objects;
    let mut ips: Vec<String> = pods.iter().map(cluster::summary).collect();
    assert!(ips.iter().all(|summary| summary.ends_with(" Ready")), "{ips:?}");
    ips.sort();
    ips.dedup();
    assert_eq!(ips.len(), 1000, "every pod has an address of its own");
    let revision = cluster.store.revision();
    assert_eq!(cluster.agent.step().await, None, "nothing is due");
    assert_eq!(cluster.store.revision(), revision, "nothing is written");
}

#[tokio::test(start_paused = true)]
async fn the_running_agent_does_what_its_steps_do_and_stops_when_told() {
    let cluster = Cluster::new().await;
    let Cluster { store, agent, .. } = cluster;
    let stop = CancellationToken::new();
    let running = tokio::spawn(agent.run(stop.clone()));
    let scheduler = Box::new(Scheduler::new());
    tokio::spawn(controllers::run(scheduler, store.clone(), stop.clone()));
    let slow = with_annotations(pod("web-0"), &[("start-delay", "1s-5s"), ("readiness-delay", "2s")]);
    let created = store.create(slow).await.unwrap();
    store.clock().sleep(Duration::from_secs(8)).await;
    let summary = cluster::summary(&store.get(created.key()).unwrap());
    assert_eq!(summary, "Running on node-1 Scheduled running 10.0.0.2 Ready");
    stop.cancel();
    running.await.unwrap();
    assert!(store.get(created.key()).is_some());
}
