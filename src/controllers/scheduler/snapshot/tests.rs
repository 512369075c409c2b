//! What is kept from event to event is what a listing of the same objects gives.

use super::super::fixture::{LARGE, info, node, pod, requests, snapshot};
use super::*;
use crate::clock::{Clock, Timestamp};
use crate::controllers::informer::Informer;
use crate::store::{DeleteOptions, Store, StoreOptions};

fn usage(snapshot: &Snapshot, name: &str) -> (i128, i128) {
    let usage = snapshot.nodes.get(name).map(|node| node.usage.clone()).unwrap_or_default();
    (usage.n_pods, usage.requested.milli_cpu)
}

#[tokio::test(start_paused = true)]
async fn usage_follows_pods_as_they_are_bound_end_and_go() {
    let store = Store::in_memory(Clock::starting_at(Timestamp::UNIX_EPOCH), StoreOptions::default());
    let mut index = Informer::<Snapshot>::default();
    let mirror = async |object: &Object| store.mirror(object.typed().clone()).await.unwrap();
    mirror(&node("a", LARGE, "", "")).await;
    let one = pod("p", "", "", &requests("cpu: 1"));
    mirror(&one).await;
    assert_eq!(index.current(&store).waiting.all(), [one.key().clone()]);
    store.bind(&store.get(one.key()).unwrap(), "a", |_| None).await.unwrap();
    assert_eq!(usage(index.current(&store), "a"), (1, 1000));
    assert!(index.current(&store).waiting.is_empty(), "nothing is kept of it");
    let end = |pod: &mut Pod| pod.status.get_or_insert_default().phase = Some("Succeeded".into());
    store.modify_status::<Pod>(one.key(), end).await.unwrap();
    assert_eq!(usage(index.current(&store), "a"), (0, 0), "what has ended takes nothing");
    let other = pod("q", "a", "", &requests("cpu: 2"));
    store.mirror(other.typed().clone()).await.unwrap();
    assert_eq!(usage(index.current(&store), "a"), (1, 2000));
    store.delete(other.key(), &DeleteOptions::default()).await.unwrap();
    assert_eq!(usage(index.current(&store), "a"), (1, 2000), "a terminating pod still counts");
    store.unmirror(other.key()).await.unwrap();
    assert_eq!(usage(index.current(&store), "a"), (0, 0));
}

#[test]
fn counts_that_are_kept_are_those_of_a_new_count() {
    let web = Selection::within("default", Some(Selector::parse("app=web").unwrap()));
    let mut kept = snapshot([node("a", LARGE, "", ""), pod("x", "a", "app: web", "")]);
    let count = |snapshot: &mut Snapshot| {
        let Snapshot { tallies, nodes, .. } = snapshot;
        tallies.of(vec![web.clone()], nodes).get("a").map(|count| (count.all, count.live)).unwrap_or_default()
    };
    assert_eq!(count(&mut kept), (1, 1));
    kept.add(&pod("y", "a", "app: web", ""));
    kept.add(&pod("z", "a", "app: db", ""));
    assert_eq!(count(&mut kept), (2, 2));
    let mut leaving = pod("y", "a", "app: web", "").typed().clone();
    leaving.meta_mut().deletion_timestamp = Some(crate::objects::time(Timestamp::UNIX_EPOCH));
    kept.add(&Object::unversioned(leaving));
    assert_eq!(count(&mut kept), (2, 1));
    kept.add(&pod("x", "a", "app: db", ""));
    assert_eq!(count(&mut kept), (1, 0));
    kept.note_object(&pod("y", "a", "app: web", ""), true);
    assert_eq!(count(&mut kept), (0, 0));
}

#[test]
fn a_pod_whose_claims_are_awaited_counts_against_its_node_until_it_is_gone() {
    let waiting = pod("p", "", "", &requests("cpu: 1"));
    let mut cluster = snapshot([node("a", LARGE, "", ""), waiting.clone()]);
    cluster.assume(waiting.key(), "a");
    assert_eq!(usage(&cluster, "a"), (1, 1000));
    cluster.add(&waiting);
    assert_eq!(usage(&cluster, "a"), (1, 1000), "an event about it changes nothing");
    cluster.forget(waiting.key());
    assert_eq!(usage(&cluster, "a"), (0, 0));
    cluster.assume(waiting.key(), "a");
    cluster.add(&pod("p", "b", "", &requests("cpu: 1")));
    assert_eq!((usage(&cluster, "a"), usage(&cluster, "b")), ((0, 0), (1, 1000)), "bound elsewhere");
    cluster.note_object(&pod("p", "b", "", ""), true);
    assert_eq!((usage(&cluster, "b"), cluster.assumed.len(), cluster.nodes.len()), ((0, 0), 0, 1));
    assert_eq!(info(&waiting).demand.requested.milli_cpu, 1000);
}

#[test]
fn equal_terms_of_many_pods_are_held_once() {
    let anti = "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [
        {labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}";
    let mut cluster = snapshot((0..5).map(|n| pod(&format!("p{n}"), "a", "app: web", anti)));
    assert_eq!(cluster.affine.refusals().map(|(_, counts)| counts["a"]).collect::<Vec<_>>(), [5]);
    for n in 0..5 {
        cluster.note_object(&pod(&format!("p{n}"), "a", "app: web", anti), true);
    }
    assert_eq!(cluster.affine.terms().count(), 0, "nothing is kept");
}
