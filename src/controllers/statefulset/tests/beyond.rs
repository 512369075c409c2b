//! What Kubernetes' controller cannot do: off unless switched on, and what it does then.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::{Value, json};

use super::super::StatefulSets;
use super::super::decide::growth;
use super::super::settings::Options;
use super::cluster::Cluster;
use super::fixture;
use crate::controllers::Controller;
use crate::objects::{Kind, ObjectKey, Typed};
use crate::store::Severity;

fn annotated(spec: Value, annotations: &[(&str, &str)]) -> StatefulSet {
    let mut set = fixture::set(spec);
    let pair = |(name, value): &(&str, &str)| (format!("dullahan.dev/{name}"), (*value).to_owned());
    set.metadata.annotations = Some(annotations.iter().map(pair).collect());
    set
}

/// A set whose last rollout is stuck at its highest pod, with a template that would work.
async fn stuck(annotations: &[(&str, &str)]) -> Cluster {
    let mut cluster = Cluster::up(annotated(json!({}), annotations)).await;
    cluster.is_orderly = false;
    cluster.set_image("broken").await;
    cluster.sync_ok().await;
    cluster.sync_ok().await;
    cluster.run("foo-2").await;
    assert_eq!(cluster.images(), ["nginx", "nginx", "broken"]);
    cluster
}

#[tokio::test(start_paused = true)]
async fn a_rollout_blocked_by_a_broken_pod_waits_for_ever_as_in_kubernetes() {
    for image in ["nginx", "fixed"] {
        let mut cluster = stuck(&[]).await;
        cluster.set_image(image).await;
        for _ in 0..10 {
            cluster.sync_ok().await;
        }
        assert_eq!(cluster.images(), ["nginx", "nginx", "broken"]);
    }
}

#[tokio::test(start_paused = true)]
async fn unstuck_a_rollout_blocked_by_a_broken_pod_heals_when_the_template_is_fixed() {
    for image in ["nginx", "fixed"] {
        let mut cluster = stuck(&[("unstick", "true")]).await;
        for _ in 0..5 {
            cluster.sync_ok().await;
        }
        assert_eq!(cluster.images()[2], "broken", "it is of the revision that is wanted");
        cluster.set_image(image).await;
        cluster.settle().await;
        assert_eq!(cluster.images(), [image; 3]);
        assert_eq!(cluster.status().ready_replicas, Some(3));
    }
}

#[tokio::test(start_paused = true)]
async fn unstuck_a_first_rollout_that_never_worked_heals_too() {
    let mut cluster = Cluster::with(annotated(json!({}), &[("unstick", "true")])).await;
    cluster.sync_ok().await;
    cluster.run("foo-0").await;
    cluster.set_image("fixed").await;
    cluster.settle().await;
    assert_eq!(cluster.images(), ["fixed"; 3]);
}

#[tokio::test(start_paused = true)]
async fn unstuck_nothing_is_replaced_below_the_partition_or_by_hand_or_while_it_is_ready() {
    for strategy in [json!({ "rollingUpdate": { "partition": 3 } }), json!({ "type": "OnDelete" })] {
        let set = annotated(json!({ "updateStrategy": strategy }), &[("unstick", "true")]);
        let mut cluster = Cluster::up(set).await;
        cluster.is_orderly = false;
        cluster.unready("foo-1").await;
        cluster.set_image("next").await;
        for _ in 0..5 {
            cluster.sync_ok().await;
        }
        assert_eq!(cluster.images(), ["nginx"; 3], "{strategy}");
    }
    let set = annotated(json!({ "minReadySeconds": 3600 }), &[("unstick", "true")]);
    let mut cluster = Cluster::with(set).await;
    cluster.sync_ok().await;
    cluster.ready("foo-0").await;
    cluster.set_image("next").await;
    cluster.sync_ok().await;
    assert_eq!(cluster.images(), ["nginx"], "ready, only not available yet");
}

#[tokio::test(start_paused = true)]
async fn reserved_ordinals_are_left_out_and_pods_on_them_go() {
    for policy in ["OrderedReady", "Parallel"] {
        let set = annotated(json!({ "podManagementPolicy": policy }), &[("reserved-ordinals", "1,4")]);
        let mut cluster = Cluster::up(set).await;
        assert_eq!(cluster.ordinals(), [0, 2, 3], "{policy}");
        cluster.scale(4).await;
        cluster.settle().await;
        assert_eq!(cluster.ordinals(), [0, 2, 3, 5]);
        // What is left out is only given up once what takes its place is there.
        cluster.is_orderly = false;
        cluster.edit(|set| set.metadata.annotations = reserved("0,2")).await;
        cluster.settle().await;
        assert_eq!(cluster.ordinals(), [1, 3, 4, 5]);
        cluster.scale(2).await;
        cluster.settle().await;
        assert_eq!(cluster.ordinals(), [1, 3]);
        cluster.edit(|set| set.metadata.annotations = None).await;
        cluster.settle().await;
        assert_eq!(cluster.ordinals(), [0, 1]);
        assert_eq!(cluster.status().ready_replicas, Some(2));
    }
}

fn reserved(ordinals: &str) -> Option<std::collections::BTreeMap<String, String>> {
    Some([("dullahan.dev/reserved-ordinals".to_owned(), ordinals.to_owned())].into())
}

#[tokio::test(start_paused = true)]
async fn with_reserved_ordinals_the_partition_counts_the_pods_there_are() {
    let spec = json!({
        "replicas": 4, "ordinals": { "start": 1 }, "updateStrategy": { "rollingUpdate": { "partition": 2 } },
    });
    let mut cluster = Cluster::up(annotated(spec, &[("reserved-ordinals", "0,2,3")])).await;
    assert_eq!(cluster.ordinals(), [1, 4, 5, 6]);
    cluster.set_image("next").await;
    cluster.settle().await;
    assert_eq!(cluster.images(), ["nginx", "nginx", "next", "next"]);
    cluster.remove("foo-4").await;
    cluster.settle().await;
    assert_eq!(cluster.images(), ["nginx", "nginx", "next", "next"], "a lost one comes back as it was");
}

#[tokio::test(start_paused = true)]
async fn a_bad_annotation_is_told_once_and_ignored() {
    let bad = [("reserved-ordinals", "1,x"), ("unstick", "yes")];
    let cluster = Cluster::with(annotated(json!({ "replicas": 2 }), &bad)).await;
    let mut controller = StatefulSets::new();
    for _ in 0..5 {
        controller.reconcile(&cluster.store, &cluster.key).await.unwrap();
        cluster.advance_all().await;
    }
    assert_eq!(cluster.ordinals(), [0, 1]);
    let told: Vec<_> = cluster.events().into_iter().filter(|event| event.0 == "InvalidAnnotation").collect();
    let text = |name: &str, value: &str, what: &str| {
        let message = format!("annotation dullahan.dev/{name} is ignored: \"{value}\" is not {what}");
        ("InvalidAnnotation".to_owned(), message, 1)
    };
    let list = text("reserved-ordinals", "1,x", "a list of at most 1024 ordinals such as 1,4");
    assert_eq!(told, [text("unstick", "yes", "true or false"), list]);
}

/// Gives the set's claims a class and what else a bound claim has.
async fn bind(cluster: &Cluster, class: &str) {
    for claim in cluster.claims() {
        let name = claim.metadata.name.unwrap();
        let key = ObjectKey::new(Kind::PersistentVolumeClaim, "default", &name);
        let set_class = |claim: &mut PersistentVolumeClaim| {
            claim.spec.as_mut().unwrap().storage_class_name.get_or_insert(class.into());
        };
        cluster.change_claim(&name, set_class).await;
        let set_status = |claim: &mut PersistentVolumeClaim| {
            let requests = claim.spec.as_ref().unwrap().resources.as_ref().unwrap().requests.clone();
            let status = claim.status.get_or_insert_default();
            status.phase = Some("Bound".into());
            status.capacity = requests;
        };
        cluster.store.modify_status::<PersistentVolumeClaim>(&key, set_status).await.unwrap();
    }
}

async fn create_class(cluster: &Cluster, name: &str, may_grow: bool) {
    let class: StorageClass = serde_json::from_value(json!({
        "metadata": { "name": name }, "provisioner": "example.com/disk", "allowVolumeExpansion": may_grow,
    }))
    .unwrap();
    cluster.store.create(Typed::from(class)).await.unwrap();
}

fn ask_for(size: &'static str) -> impl FnMut(&mut StatefulSet) + Send {
    move |set| {
        let template = &mut set.spec.volume_claim_templates.as_mut().unwrap()[0];
        let resources = template.spec.as_mut().unwrap().resources.as_mut().unwrap();
        resources.requests = Some([("storage".to_owned(), Quantity(size.into()))].into());
    }
}

fn sizes(cluster: &Cluster) -> Vec<String> {
    let size =
        |claim: PersistentVolumeClaim| claim.spec?.resources?.requests?.get("storage")?.0.clone().into();
    cluster.claims().into_iter().filter_map(size).collect()
}

fn condition(cluster: &Cluster) -> (String, String) {
    let conditions = cluster.status().conditions.unwrap_or_default();
    let found = conditions.into_iter().find(|one| one.type_.as_deref() == Some(growth::CONDITION));
    found.map(|one| (one.reason.unwrap(), one.message.unwrap())).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn claims_grow_with_their_template_and_each_ordinal_is_reported() {
    let mut cluster = Cluster::up(annotated(json!({ "replicas": 2 }), &[("grow-claims", "true")])).await;
    cluster.is_orderly = false;
    create_class(&cluster, "fast", true).await;
    bind(&cluster, "fast").await;
    cluster.unready("foo-0").await;
    cluster.edit(ask_for("2Gi")).await;
    cluster.sync_ok().await;
    assert_eq!(sizes(&cluster), ["2Gi"; 2], "a pod that is not ready holds no growth up");
    let grown = "Grow Claim datadir-foo-0 Pod foo-0 in StatefulSet foo from 1 to 2Gi successful";
    assert_eq!(
        (cluster.notes[0].reason.as_str(), cluster.notes[0].message.as_str()),
        ("SuccessfulGrow", grown)
    );
    cluster.sync_ok().await;
    let message = "0: datadir-foo-0 grows from 1 to 2Gi; 1: datadir-foo-1 grows from 1 to 2Gi";
    assert_eq!(condition(&cluster), ("Growing".into(), message.into()));
    bind(&cluster, "fast").await;
    cluster.sync_ok().await;
    assert_eq!(condition(&cluster), ("AllGrown".into(), "2 claims have the size of their templates".into()));
    let before = cluster.store.revision();
    cluster.sync_ok().await;
    assert_eq!(cluster.store.revision(), before, "and nothing is left to write");
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_cannot_grow_is_told_with_the_reason_and_holds_nothing_up() {
    for (class, reason) in [
        ("slow", "StorageClass slow does not allow volume expansion"),
        ("gone", "StorageClass gone does not exist"),
    ] {
        let mut cluster = Cluster::up(annotated(json!({ "replicas": 1 }), &[("grow-claims", "true")])).await;
        create_class(&cluster, "slow", false).await;
        bind(&cluster, class).await;
        cluster.edit(ask_for("2Gi")).await;
        cluster.scale(2).await;
        cluster.sync_ok().await;
        assert_eq!(sizes(&cluster), ["1", "2Gi"], "a new claim has the new size");
        assert_eq!(condition(&cluster), ("Blocked".into(), format!("0: datadir-foo-0 stays at 1: {reason}")));
        let [note] = cluster.standing.as_slice() else { panic!("{:?}", cluster.standing) };
        assert_eq!((note.severity, note.reason.as_str()), (Severity::Warning, "FailedGrow"));
        assert!(note.message.ends_with(reason), "{}", note.message);
    }
}

#[tokio::test(start_paused = true)]
async fn without_being_asked_no_claim_grows_and_no_condition_is_told() {
    let cluster = Cluster::up(fixture::set(json!({}))).await;
    assert!(cluster.store.modify::<StatefulSet>(&cluster.key, ask_for("2Gi")).await.is_err());
    assert_eq!(cluster.status().conditions, None);
}

#[tokio::test(start_paused = true)]
async fn an_option_holds_for_sets_that_do_not_say() {
    let mut controller = StatefulSets::with(Options { unstick: true, ..Options::default() });
    for (annotations, image) in [(&[][..], "fixed"), (&[("unstick", "false")][..], "broken")] {
        let cluster = stuck(annotations).await;
        cluster.set_image("fixed").await;
        for _ in 0..5 {
            controller.reconcile(&cluster.store, &cluster.key).await.unwrap();
        }
        assert_eq!(cluster.images()[2], image);
    }
}
