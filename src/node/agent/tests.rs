//! The agent over a store, in virtual time.

mod annotations;
mod claims;
mod engine;
mod restart;
mod roles;
mod world;

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};

use super::*;
use crate::controllers::{self, scheduler::Scheduler};
use crate::store::DeleteOptions;
use world::{World, pod, with_annotations, with_probe};

#[tokio::test(start_paused = true)]
async fn every_step_of_a_pods_life_is_a_status_of_its_own() {
    let mut world = World::new().await;
    world.create(with_annotations(pod("web-0"), &[("start-delay", "1s"), ("stop-delay", "2s")])).await;
    world.pass(5).await;
    world.delete("web-0").await;
    world.pass(5).await;
    world.check(&[
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
    let mut world = World::new().await;
    world.create(with_probe(pod("web-0"), 0, 10)).await;
    world.pass(0).await;
    world.check_end(&[
        "0 Pending on node-1 Scheduled ContainerCreating 10.0.0.2",
        "0 Running on node-1 Scheduled running 10.0.0.2",
        "0 Running on node-1 Scheduled running 10.0.0.2 Ready",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_probe_is_ready_as_soon_as_it_runs() {
    let mut world = World::new().await;
    world.create(pod("web-0")).await;
    world.pass(0).await;
    world.check_end(&[
        "0 Pending on node-1 Scheduled ContainerCreating 10.0.0.2",
        "0 Running on node-1 Scheduled running 10.0.0.2 Ready",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_with_a_probe_is_ready_at_the_first_tick_after_its_delay() {
    for (delay, initial_delay_s, period_s, ready_s) in
        [("0s", 0, 10, 0), ("0s", 3, 10, 3), ("4s", 3, 10, 13), ("3s", 3, 10, 3), ("7s", 0, 2, 8)]
    {
        let mut world = World::new().await;
        let probed = with_probe(pod("web-0"), initial_delay_s, period_s);
        world.create(with_annotations(probed, &[("readiness-delay", delay)])).await;
        world.pass(60).await;
        let ready = format!("{ready_s} Running on node-1 Scheduled running 10.0.0.2 Ready");
        world.check_end(&[&ready]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_was_not_placed_yet_is_deleted_at_once() {
    let mut world = World::new().await;
    let mut gated = pod("web-0");
    gated.spec.as_mut().unwrap().scheduling_gates =
        Some(vec![k8s_openapi::api::core::v1::PodSchedulingGate { name: "example.com/gate".into() }]);
    world.create(gated).await;
    world.pass(1).await;
    world.delete("web-0").await;
    world.pass(1).await;
    let terminating = "1 Pending SchedulingGated Terminating";
    world.check(&["0 Pending", "0 Pending SchedulingGated", terminating, "1 gone"]);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_grace_counts_from_when_it_is_asked_for() {
    let mut world = World::new().await;
    world.create(with_annotations(pod("web-0"), &[("stop-delay", "1m")])).await;
    world.pass(1).await;
    world.delete("web-0").await;
    world.pass(10).await;
    let sooner = DeleteOptions { grace_s: Some(5), ..Default::default() };
    world.store.delete(&world.key("web-0"), &sooner).await.unwrap();
    world.pass(30).await;
    world.check_end(&["16 Failed on node-1 Scheduled Error(137) 10.0.0.2 Terminating", "16 gone"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_deleted_without_grace_leaves_nothing_behind() {
    let mut world = World::new().await;
    world.create(pod("web-0")).await;
    world.pass(1).await;
    let now = DeleteOptions { grace_s: Some(0), ..Default::default() };
    world.store.delete(&world.key("web-0"), &now).await.unwrap();
    world.create(pod("web-0")).await;
    world.pass(1).await;
    world.check_end(&["1 Running on node-1 Scheduled running 10.0.0.3 Ready"]);
    assert_eq!((world.agent.pods.len(), world.agent.keys.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_pod_held_by_a_finalizer_is_confirmed_once_and_goes_when_the_finalizer_does() {
    let mut world = World::new().await;
    let mut held = pod("web-0");
    held.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    world.create(held).await;
    world.pass(1).await;
    world.delete("web-0").await;
    world.pass(60).await;
    assert!(world.store.get(&world.key("web-0")).is_some());
    let release = |pod: &mut Pod| pod.metadata.finalizers = None;
    world.store.modify::<Pod>(&world.key("web-0"), release).await.unwrap();
    world.pass(1).await;
    world.check_end(&["61 gone"]);
    assert!(world.agent.pods.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_free_address_waits_for_one() {
    let mut world = World::with_network("10.0.0.0/30").await;
    world.create(pod("web-0")).await;
    world.create(pod("web-1")).await;
    world.pass(3).await;
    world.check_end(&["0 Pending on node-1 Scheduled ContainerCreating"]);
    world.delete("web-0").await;
    world.pass(0).await;
    world.check_end(&["3 Running on node-1 Scheduled running 10.0.0.2 Ready"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_image_restarts_the_container() {
    let mut world = World::new().await;
    world.create(with_annotations(pod("web-0"), &[("stop-delay", "2s")])).await;
    world.pass(1).await;
    let change = |pod: &mut Pod| pod.spec.as_mut().unwrap().containers[0].image = Some("nginx:2".into());
    world.store.modify::<Pod>(&world.key("web-0"), change).await.unwrap();
    world.pass(5).await;
    world.check_end(&[
        "3 Running on node-1 Scheduled Completed(0) 10.0.0.2",
        "3 Running on node-1 Scheduled running 10.0.0.2 Ready restarts=1",
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_cordoned_node_takes_no_pods_until_it_is_uncordoned() {
    let mut world = World::new().await;
    world.pass(0).await;
    let node = ObjectKey::new(Kind::Node, "", "node-1");
    let cordon = |is_cordoned| {
        move |node: &mut Node| {
            node.spec.get_or_insert_default().unschedulable = is_cordoned;
        }
    };
    world.store.modify::<Node>(&node, cordon(Some(true))).await.unwrap();
    world.create(pod("web-0")).await;
    world.pass(1).await;
    world.check(&["0 Pending", "0 Pending Unschedulable"]);
    world.store.modify::<Node>(&node, cordon(None)).await.unwrap();
    world.pass(1).await;
    world.check_end(&["1 Running on node-1 Scheduled running 10.0.0.2 Ready"]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pods_get_ready_and_then_cost_nothing() {
    let mut world = World::with_network("10.0.0.0/16").await;
    for n in 0..1000 {
        let delays = [("start-delay", "1s-20s"), ("readiness-delay", "0s-10s")];
        world.create(with_annotations(pod(&format!("web-{n}")), &delays)).await;
    }
    world.pass(60).await;
    let pods = world.store.list(Kind::Pod, None).objects;
    let mut ips: Vec<String> = pods.iter().map(world::summary).collect();
    assert!(ips.iter().all(|summary| summary.ends_with(" Ready")), "{ips:?}");
    ips.sort();
    ips.dedup();
    assert_eq!(ips.len(), 1000, "every pod has an address of its own");
    let revision = world.store.revision();
    assert_eq!(world.agent.step().await, None, "nothing is due");
    assert_eq!(world.store.revision(), revision, "nothing is written");
}

#[tokio::test(start_paused = true)]
async fn the_running_agent_does_what_its_steps_do_and_stops_when_told() {
    let world = World::new().await;
    let World { store, agent, .. } = world;
    let stop = CancellationToken::new();
    let running = tokio::spawn(agent.run(stop.clone()));
    let scheduler = Box::new(Scheduler::new("node-1"));
    tokio::spawn(controllers::run(scheduler, store.clone(), stop.clone()));
    let slow = with_annotations(pod("web-0"), &[("start-delay", "1s-5s"), ("readiness-delay", "2s")]);
    let created = store.create(slow).await.unwrap();
    store.clock().sleep(Duration::from_secs(8)).await;
    let summary = world::summary(&store.get(created.key()).unwrap());
    assert_eq!(summary, "Running on node-1 Scheduled running 10.0.0.2 Ready");
    stop.cancel();
    running.await.unwrap();
    assert!(store.get(created.key()).is_some());
}
