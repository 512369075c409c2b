//! What becomes of the pods of a node that is lost, comes back, or is given up.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod, Taint};

use super::cluster::Cluster;
use crate::objects::{Kind, ObjectKey};
use crate::store::DeleteOptions;

/// From the moment on that a node is silent; a lease may have been renewed just before.
const LOST_S: u64 = 51;
const TOLERATED_S: u64 = 301;

const UNREACHABLE: [&str; 2] =
    ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"];

/// A cluster whose node `a` runs `web-0` and `web-1` and is silent since now.
async fn with_silent_node() -> Cluster {
    let cluster = Cluster::with(&["a"], 2).await;
    assert_eq!(cluster.pods(), ["web-0 on a Running Ready", "web-1 on a Running Ready"]);
    cluster.take_down("a", true).await;
    cluster
}

fn cordon(is_cordoned: Option<bool>) -> impl FnMut(&mut Node) + Send {
    move |node| node.spec.get_or_insert_default().unschedulable = is_cordoned
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_unknown_after_the_grace_period_and_its_names_are_gone() {
    let cluster = with_silent_node().await;
    cluster.pass(39).await;
    assert_eq!(cluster.published(), ["web-0", "web-1"], "nobody knows yet");
    cluster.pass(LOST_S - 39).await;
    assert_eq!(
        cluster.conditions("a"),
        [
            "MemoryPressure=Unknown NodeStatusUnknown",
            "DiskPressure=Unknown NodeStatusUnknown",
            "PIDPressure=Unknown NodeStatusUnknown",
            "Ready=Unknown NodeStatusUnknown",
        ]
    );
    assert_eq!(cluster.taints("a"), UNREACHABLE);
    assert_eq!(cluster.pods(), ["web-0 on a Running", "web-1 on a Running"]);
    assert_eq!(cluster.published(), Vec::<String>::new());
    assert_eq!(
        cluster.events(),
        [
            "NodeNotReady a: Node a status is now: NodeNotReady",
            "NodeNotReady web-0: Node is not ready",
            "NodeNotReady web-1: Node is not ready",
            "NodeReady a: Node a status is now: NodeReady",
            "RegisteredNode a: Node a event: Registered Node a in Controller",
            "Starting a: Starting kubelet.",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_evicted_pod_of_a_silent_node_stays_and_its_identity_is_not_given_again() {
    let cluster = with_silent_node().await;
    let uids = ["web-0", "web-1"].map(|name| cluster.uid(name));
    cluster.pass(LOST_S + TOLERATED_S - 20).await;
    assert_eq!(cluster.pods(), ["web-0 on a Running", "web-1 on a Running"]);
    cluster.pass(1800).await;
    assert_eq!(cluster.pods(), ["web-0 on a Running Terminating", "web-1 on a Running Terminating"]);
    assert_eq!(["web-0", "web-1"].map(|name| cluster.uid(name)), uids);
    let pod: Pod = cluster.find("default", "web-0").unwrap();
    let condition = crate::objects::pod::condition(&pod, "DisruptionTarget").unwrap();
    assert_eq!(condition.reason.as_deref(), Some("DeletionByTaintManager"));
    let marking = "TaintManagerEviction web-0: Marking for deletion Pod default/web-0";
    assert!(cluster.events().contains(&marking.to_owned()), "{:#?}", cluster.events());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_back_in_time_keeps_its_pods() {
    let cluster = with_silent_node().await;
    let uids = ["web-0", "web-1"].map(|name| cluster.uid(name));
    cluster.pass(LOST_S + 100).await;
    cluster.take_down("a", false).await;
    cluster.pass(1).await;
    assert!(cluster.conditions("a").contains(&"Ready=True KubeletReady".to_owned()));
    assert_eq!(cluster.taints("a"), Vec::<String>::new());
    assert_eq!(cluster.pods(), ["web-0 on a Running Ready", "web-1 on a Running Ready"]);
    assert_eq!(cluster.published(), ["web-0", "web-1"]);
    assert_eq!(["web-0", "web-1"].map(|name| cluster.uid(name)), uids);
    let spared = "TaintManagerEviction web-0: Cancelling deletion of Pod default/web-0";
    assert!(cluster.events().contains(&spared.to_owned()), "{:#?}", cluster.events());
    cluster.pass(TOLERATED_S + 100).await;
    assert_eq!(["web-0", "web-1"].map(|name| cluster.uid(name)), uids, "nothing is deleted later");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_back_late_confirms_and_its_pods_are_replaced() {
    let cluster = with_silent_node().await;
    let uids = ["web-0", "web-1"].map(|name| cluster.uid(name));
    cluster.pass(LOST_S + TOLERATED_S).await;
    assert_eq!(cluster.pods(), ["web-0 on a Running Terminating", "web-1 on a Running Terminating"]);
    cluster.take_down("a", false).await;
    cluster.pass(30).await;
    assert_eq!(cluster.pods(), ["web-0 on a Running Ready", "web-1 on a Running Ready"]);
    for (name, before) in ["web-0", "web-1"].into_iter().zip(uids) {
        assert_ne!(cluster.uid(name), before, "{name}");
    }
    assert_eq!(cluster.published(), ["web-0", "web-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_node_out_of_service_lets_go_of_its_pods_only_while_it_is_silent() {
    let cluster = Cluster::with(&["a"], 1).await;
    let before = cluster.uid("web-0");
    let fence = |node: &mut Node| {
        let taint = Taint {
            key: "node.kubernetes.io/out-of-service".into(),
            effect: "NoExecute".into(),
            value: Some("nodeshutdown".into()),
            time_added: None,
        };
        node.spec.get_or_insert_default().taints.get_or_insert_default().push(taint);
    };
    cluster.change_node("a", cordon(Some(true))).await;
    cluster.take_down("a", true).await;
    cluster.pass(1).await;
    cluster.change_node("a", fence).await;
    cluster.pass(20).await;
    assert_eq!(cluster.pods(), ["web-0 on a Running Ready Terminating"], "its lease has not run out");
    cluster.pass(LOST_S).await;
    assert_eq!(cluster.pods(), ["web-0 Pending"], "a new pod that finds no node");
    assert_ne!(cluster.uid("web-0"), before);
}

#[tokio::test(start_paused = true)]
async fn a_forced_deletion_lets_go_and_the_node_cleans_up_when_it_is_back() {
    let cluster = with_silent_node().await;
    cluster.pass(LOST_S + TOLERATED_S).await;
    let before = cluster.uid("web-0");
    cluster.change_node("a", cordon(Some(true))).await;
    let force = DeleteOptions { grace_s: Some(0), ..Default::default() };
    cluster.store.delete(&Cluster::key("web-0"), &force).await.unwrap();
    cluster.pass(1).await;
    assert_eq!(cluster.pods(), ["web-0 Pending", "web-1 on a Running Terminating"]);
    cluster.take_down("a", false).await;
    cluster.change_node("a", cordon(None)).await;
    cluster.pass(30).await;
    assert_eq!(cluster.pods(), ["web-0 on a Running Ready", "web-1 on a Running Ready"]);
    assert_ne!(cluster.uid("web-0"), before);
}

#[tokio::test(start_paused = true)]
async fn the_pods_of_a_deleted_node_are_collected_after_a_quarantine() {
    let cluster = with_silent_node().await;
    cluster.pass(LOST_S).await;
    let before = cluster.uid("web-0");
    let node = ObjectKey::new(Kind::Node, "", "a");
    cluster.store.delete(&node, &DeleteOptions::default()).await.unwrap();
    cluster.pass(39).await;
    assert_eq!(cluster.uid("web-0"), before, "the node may be created again");
    cluster.pass(2).await;
    assert_eq!(cluster.pods(), ["web-0 Pending", "web-1 Pending"]);
    assert!(cluster.find::<Lease>("kube-node-lease", "a").is_none(), "its lease went with it");
}

#[tokio::test(start_paused = true)]
async fn a_cordon_is_a_taint_that_evicts_nobody() {
    let cluster = Cluster::with(&["a"], 1).await;
    cluster.change_node("a", cordon(Some(true))).await;
    cluster.pass(600).await;
    assert_eq!(cluster.taints("a"), ["node.kubernetes.io/unschedulable:NoSchedule"]);
    assert_eq!(cluster.pods(), ["web-0 on a Running Ready"]);
    cluster.change_node("a", cordon(None)).await;
    cluster.pass(1).await;
    assert_eq!(cluster.taints("a"), Vec::<String>::new());
    let schedulable: Vec<String> =
        cluster.events().into_iter().filter(|event| event.contains("Schedulable")).collect();
    assert_eq!(
        schedulable,
        [
            "NodeNotSchedulable a: Node a status is now: NodeNotSchedulable",
            "NodeSchedulable a: Node a status is now: NodeSchedulable",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_forced_off_a_lost_node_runs_elsewhere_and_its_remains_go_when_the_node_is_back() {
    let cluster = Cluster::with(&["a", "b"], 2).await;
    let lost = cluster.node_of("web-0");
    let other = if lost == "a" { "b" } else { "a" };
    let (before, address_before) = (cluster.uid("web-0"), cluster.address("web-0"));
    cluster.take_down(&lost, true).await;
    cluster.pass(LOST_S).await;
    assert!(!cluster.published().contains(&"web-0".to_owned()), "{:?}", cluster.published());
    let force = DeleteOptions { grace_s: Some(0), ..Default::default() };
    cluster.store.delete(&Cluster::key("web-0"), &force).await.unwrap();
    cluster.pass(5).await;
    assert_eq!(cluster.node_of("web-0"), other, "{:?}", cluster.pods());
    assert!(cluster.pods()[0].ends_with("Running Ready"), "{:?}", cluster.pods());
    assert!(cluster.published().contains(&"web-0".to_owned()));
    let address = cluster.address("web-0");
    assert!(!address.is_empty() && address != address_before, "{address}");
    let next: Pod = cluster.find("default", "web-0").unwrap();
    assert!(cluster.sandboxes().await.contains(&before), "nobody could stop it on the lost node");
    cluster.take_down(&lost, false).await;
    cluster.pass(30).await;
    assert_eq!(
        cluster.find::<Pod>("default", "web-0").unwrap(),
        next,
        "the one that was forced is not touched"
    );
    let present = ["web-0", "web-1"].map(|name| cluster.uid(name));
    assert_eq!(cluster.sandboxes().await, present.into_iter().collect(), "of each identity one");
    assert_eq!(cluster.published(), ["web-0", "web-1"]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_node_writes_its_lease_and_nothing_else() {
    let cluster = Cluster::with(&["a", "b"], 2).await;
    let lease: Lease = cluster.find("kube-node-lease", "b").unwrap();
    assert_eq!(lease.spec.as_ref().unwrap().lease_duration_seconds, Some(40));
    assert_eq!(lease.metadata.owner_references.unwrap()[0].name, "b");
    let before = cluster.store.revision();
    cluster.pass(1800).await;
    let n_writes = cluster.store.revision() - before;
    assert_eq!(n_writes, 2 * 180, "one renewal of each node every ten seconds");
    assert!(cluster.conditions("b").contains(&"Ready=True KubeletReady".to_owned()));
}
