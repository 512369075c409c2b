//! Scenarios of the API and its clients, as far as they are about sets: what a write may change,
//! what a rollback sends back, what is recorded for people.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetCondition, StatefulSetStatus};
use k8s_openapi::api::core::v1::Event;
use serde_json::{Value, json};

use super::super::StatefulSets;
use super::super::decide::encoding;
use super::super::decide::revision::{self, LABEL_HASH};
use super::cluster::Cluster;
use super::fixture;
use super::scenarios::Case;
use crate::controllers::Controller;
use crate::objects::{Kind, Object, Typed};
use crate::rules::defaulting;
use crate::rules::validation::{validate_create, validate_update};

pub(crate) async fn keeps_max_unavailable(case: Case) {
    let strategy = json!({ "updateStrategy": { "rollingUpdate": { "maxUnavailable": 3 } } });
    let cluster = Cluster::with(case.set_with(strategy)).await;
    let strategy = cluster.set().spec.update_strategy.unwrap();
    let kept = serde_json::to_value(strategy.rolling_update.unwrap()).unwrap();
    assert_eq!(kept["maxUnavailable"], 3);
}

pub(crate) async fn recreate_type(case: Case) {
    let set_of = |type_: &Value| {
        let type_ = type_.as_str()?;
        let mut typed = Typed::from(fixture::set(json!({ "updateStrategy": { "type": type_ } })));
        defaulting::default(&mut typed);
        Some(typed)
    };
    let (old, new) = (set_of(&case.scenario.given["old"]), set_of(&case.scenario.given["new"]).unwrap());
    let errors = old.map_or_else(|| validate_create(&new), |old| validate_update(&new, &old));
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    match case.scenario.expect[0].as_str().unwrap() {
        "accepted" => assert_eq!(errors, Vec::<String>::new()),
        _ => {
            assert!(errors.len() == 1 && errors[0].starts_with("spec.updateStrategy: Invalid"), "{errors:?}")
        }
    }
}

pub(crate) async fn create_clears_the_status(case: Case) {
    let mut set = case.set();
    set.status = Some(StatefulSetStatus { replicas: 7, ready_replicas: Some(7), ..Default::default() });
    let cluster = Cluster::with(set).await;
    let json: Value = serde_json::from_slice(cluster.store.get(&cluster.key).unwrap().json()).unwrap();
    assert_eq!(json["status"], json!({ "availableReplicas": 0, "replicas": 0 }));
    assert_eq!(json["metadata"]["generation"], 1);
}

pub(crate) async fn updates_keep_to_their_half(case: Case) {
    let cluster = Cluster::with(case.set()).await;
    let generation = || cluster.set().metadata.generation;
    cluster.edit(|set| set.status.as_mut().unwrap().replicas = 9).await;
    assert_eq!((cluster.status().replicas, generation()), (0, Some(1)));
    cluster.set_image("next").await;
    assert_eq!(generation(), Some(2));
    let change = |set: &mut StatefulSet| {
        set.spec.replicas = Some(9);
        set.status.as_mut().unwrap().replicas = 1;
    };
    cluster.store.modify_status(&cluster.key, change).await.unwrap();
    assert_eq!((cluster.set().spec.replicas, cluster.status().replicas), (Some(3), 1));
    let other = |set: &mut StatefulSet| set.spec.service_name = Some("other".into());
    let error = cluster.store.modify(&cluster.key, other).await.unwrap_err().to_string();
    assert!(error.contains("spec: Forbidden: updates to statefulset spec for fields other than"), "{error}");
}

pub(crate) async fn status_conditions(case: Case) {
    let mut cluster = Cluster::with(case.set()).await;
    let condition = StatefulSetCondition {
        type_: Some("StatusUpdate".into()),
        status: Some("True".into()),
        ..Default::default()
    };
    let add = |set: &mut StatefulSet| {
        set.status.get_or_insert_default().conditions = Some(vec![condition.clone()]);
    };
    cluster.store.modify_status(&cluster.key.clone(), add).await.unwrap();
    assert_eq!(cluster.status().conditions, Some(vec![condition]));
    cluster.settle().await;
    assert_eq!(cluster.status().conditions, None, "a status is written whole");
}

pub(crate) async fn generations(case: Case) {
    let mut cluster = Cluster::with(case.set()).await;
    let mut observed = Vec::new();
    for step in 0..3 {
        match step {
            1 => cluster.scale(1).await,
            2 => cluster.edit(|set| annotate(set, "2026-01-01T00:00:00Z")).await,
            _ => {}
        }
        cluster.settle().await;
        observed.push(cluster.status().observed_generation);
    }
    assert_eq!(json!(observed), case.scenario.expect[0]["observedGeneration"]);
    assert_eq!(cluster.ordinals(), [0]);
}

fn annotate(set: &mut StatefulSet, restarted_at: &str) {
    let annotations = set.spec.template.metadata.get_or_insert_default().annotations.get_or_insert_default();
    annotations.insert("kubectl.kubernetes.io/restartedAt".into(), restarted_at.into());
}

/// The revisions there are, by number.
fn history(cluster: &Cluster) -> Vec<Object> {
    let mut revisions = cluster.store.list(Kind::ControllerRevision, Some("default")).objects;
    revision::sort(&mut revisions);
    revisions
}

/// What a client does to go back: it sends the revision's data as a patch. The data says that the
/// template replaces what is there.
async fn undo(cluster: &Cluster, to: &Object) {
    let revision: Value = serde_json::from_slice(to.json()).unwrap();
    let mut template = revision["data"]["spec"]["template"].clone();
    assert_eq!(template["$patch"], "replace");
    template.as_object_mut().unwrap().remove("$patch");
    cluster.edit(|set| set.spec.template = serde_json::from_value(template.clone()).unwrap()).await;
}

pub(crate) async fn history_and_undo(case: Case) {
    let mut set = case.set();
    let cause = "kubernetes.io/change-cause";
    set.metadata.annotations = Some([(cause.to_owned(), "apply rv1".to_owned())].into());
    let mut cluster = Cluster::up(set).await;
    cluster
        .edit(|set| {
            set.spec.template.spec.as_mut().unwrap().containers[0].image = Some("rv2".into());
            set.metadata.annotations.as_mut().unwrap().insert(cause.into(), "apply rv2".into());
        })
        .await;
    cluster.settle().await;
    let told = |cluster: &Cluster| -> Vec<(String, i64, String)> {
        let entry = |object: &Object| {
            let cause = object.meta().annotations.as_ref().unwrap()[cause].clone();
            (object.name().to_owned(), revision::number(object), cause)
        };
        history(cluster).iter().map(entry).collect()
    };
    let [(first, 1, cause_1), (second, 2, cause_2)] = &told(&cluster)[..] else {
        panic!("{:?}", told(&cluster))
    };
    assert_eq!((cause_1.as_str(), cause_2.as_str()), ("apply rv1", "apply rv2"));
    for (number, image) in [(3, "nginx"), (4, "rv2"), (5, "nginx")] {
        let previous = history(&cluster)[0].clone();
        undo(&cluster, &previous).await;
        cluster.settle().await;
        assert_eq!(cluster.images(), [image; 3]);
        let newest = if image == "rv2" { second } else { first };
        let now: Vec<(String, i64)> = told(&cluster).into_iter().map(|one| (one.0, one.1)).collect();
        assert_eq!(now.last(), Some(&(newest.clone(), number)), "the old revision becomes the newest");
        assert_eq!(now.len(), 2, "and none is made");
        let status = cluster.status();
        assert_eq!(
            (status.current_revision.as_ref(), status.update_revision.as_ref()),
            (Some(newest), Some(newest))
        );
    }
}

/// A template with something of everything that encoders disagree about.
fn ornate() -> StatefulSet {
    let container = json!({
        "name": "nginx", "image": "nginx", "args": ["-c", "a < b && c > d"],
        "env": [{ "name": "EMPTY", "value": "" }, { "name": "X", "value": "1" }],
        "resources": { "requests": { "cpu": "500m", "memory": "1Gi" } },
        "ports": [{ "containerPort": 80, "name": "http" }],
        "readinessProbe": { "httpGet": { "port": "http", "path": "/" } },
        "securityContext": {},
    });
    fixture::set(json!({ "template": {
        "metadata": { "labels": { "foo": "bar" }, "annotations": { "z": "ä", "a": "\u{2028}" } },
        "spec": { "containers": [container] },
    } }))
}

#[tokio::test(start_paused = true)]
async fn the_data_of_a_stored_revision_is_what_a_rollback_sends_back_byte_for_byte() {
    for set in [ornate(), fixture::set(json!({}))] {
        let mut cluster = Cluster::up(set).await;
        let stored = history(&cluster)[0].clone();
        let data = stored.get::<ControllerRevision>().unwrap().data.0.clone();
        let bytes = encoding::encode(&data);
        let hash = revision::hash(&bytes, 0);
        assert_eq!(stored.name(), format!("foo-{hash}"));
        assert_eq!(stored.meta().labels.as_ref().unwrap()[LABEL_HASH], hash);
        let template = cluster.set().spec.template;
        cluster.set_image("other").await;
        cluster.settle().await;
        undo(&cluster, &stored).await;
        assert_eq!(cluster.set().spec.template, template, "nothing is lost or added on the way");
        let again = revision::propose(&cluster.set(), 1, 0);
        assert_eq!(encoding::encode(&again.data.0), bytes);
        let json = String::from_utf8(stored.json().to_vec()).unwrap();
        let sent: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(encoding::encode(&sent["data"]), bytes, "the API gives the same data out");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_sync_does_is_recorded_in_event_objects_about_the_set_and_counted() {
    let cluster = Cluster::with(fixture::set(json!({ "replicas": 1 }))).await;
    let mut controller = StatefulSets::new();
    controller.reconcile(&cluster.store, &cluster.key).await.unwrap();
    let create = |what: &str| ("SuccessfulCreate".to_owned(), what.to_owned(), 1);
    let expected = [
        create("Create Claim datadir-foo-0 Pod foo-0 in StatefulSet foo success"),
        create("Create Pod foo-0 in StatefulSet foo successful"),
    ];
    assert_eq!(cluster.events(), expected);
    let set = cluster.store.get(&cluster.key).unwrap();
    for object in cluster.store.list(Kind::Event, Some("default")).objects {
        let event = object.get::<Event>().unwrap();
        let about = &event.involved_object;
        assert_eq!(about.uid.as_deref(), Some(set.uid()));
        assert_eq!(
            (about.kind.as_deref(), about.api_version.as_deref()),
            (Some("StatefulSet"), Some("apps/v1"))
        );
        assert_eq!((about.name.as_deref(), about.namespace.as_deref()), (Some("foo"), Some("default")));
        assert_eq!(event.type_.as_deref(), Some("Normal"));
        assert_eq!(event.source.as_ref().unwrap().component.as_deref(), Some("statefulset-controller"));
    }
    for _ in 0..3 {
        cluster.remove("foo-0").await;
        controller.reconcile(&cluster.store, &cluster.key).await.unwrap();
    }
    let counted: Vec<i32> = cluster.events().into_iter().map(|(.., count)| count).collect();
    assert_eq!(counted, [1, 4], "equal events are one object");
}

#[tokio::test(start_paused = true)]
async fn failures_are_recorded_as_warnings_and_counted_too() {
    let mut long = fixture::set(json!({ "replicas": 1, "volumeClaimTemplates": null }));
    long.metadata.name = Some("a".repeat(60));
    let cluster = Cluster::with(long).await;
    let mut controller = StatefulSets::new();
    for _ in 0..3 {
        assert!(controller.reconcile(&cluster.store, &cluster.key).await.is_err());
    }
    let events = cluster.store.list(Kind::Event, Some("default")).objects;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let event = event.get::<Event>().unwrap();
    assert_eq!((event.reason.as_deref(), event.count), (Some("FailedCreate"), Some(3)));
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    let message = event.message.as_deref().unwrap();
    assert!(message.contains("must be no more than 63"), "{message}");
}
