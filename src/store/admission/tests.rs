//! Admission through the store's public calls.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::store::tests::yielding::YieldingBackend;
use crate::store::{Bootstrap, DeleteOptions, StoreOptions};

async fn store() -> Store {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let options = StoreOptions { seed: Some(1), ..Default::default() };
    let store = Store::new(Arc::new(YieldingBackend::default()), clock, options);
    store.bootstrap(&Bootstrap::default()).await.unwrap();
    store
}

/// An object from its YAML without `apiVersion` and `kind`.
async fn create(store: &Store, kind: Kind, text: &str) -> Result<Object, StoreError> {
    let mut value: serde_json::Value = serde_yaml::from_str(&format!("{{{text}}}")).unwrap();
    value["apiVersion"] = kind.info().api_version.into();
    value["kind"] = kind.name().into();
    store.create(Typed::from_value(kind, value).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn a_pod_needs_its_service_account_unless_it_is_the_default() {
    let store = store().await;
    let pod = |name: &str, account: &str| {
        format!(
            "metadata: {{name: {name}, namespace: default}}, \
             spec: {{serviceAccountName: \"{account}\", containers: [{{name: c, image: c}}]}}"
        )
    };
    assert!(create(&store, Kind::Pod, &pod("a", "")).await.is_ok());
    assert!(create(&store, Kind::Pod, &pod("b", "default")).await.is_ok());
    let refused = create(&store, Kind::Pod, &pod("c", "etcd")).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "pods \"c\" is forbidden: error looking up service account default/etcd: \
         serviceaccount \"etcd\" not found"
    );
    create(&store, Kind::ServiceAccount, "metadata: {name: etcd, namespace: default}").await.unwrap();
    assert!(create(&store, Kind::Pod, &pod("c", "etcd")).await.is_ok());
}

/// What every claim must say.
const CLAIM_SPEC: &str = "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}";

fn class_of(claim: &Object) -> Option<&str> {
    claim.get::<PersistentVolumeClaim>()?.spec.as_ref()?.storage_class_name.as_deref()
}

#[tokio::test(start_paused = true)]
async fn an_object_needs_a_namespace_that_stays() {
    let store = store().await;
    let text = "metadata: {name: c, namespace: team}";
    let missing = create(&store, Kind::ConfigMap, text).await.unwrap_err();
    assert!(
        matches!(&missing, StoreError::NotFound(key) if *key == ObjectKey::new(Kind::Namespace, "", "team"))
    );
    let team = create(&store, Kind::Namespace, "metadata: {name: team}").await.unwrap();
    let present = create(&store, Kind::ConfigMap, text).await.unwrap();
    store.delete(team.key(), &DeleteOptions::default()).await.unwrap();
    let late = create(&store, Kind::ConfigMap, &text.replace("name: c", "name: d")).await.unwrap_err();
    let reason = "unable to create new content in namespace team because it is being terminated";
    assert_eq!(late.to_string(), format!("configmaps \"d\" is forbidden: {reason}"));
    let change = store.modify::<ConfigMap>(present.key(), |map| map.immutable = Some(true));
    assert!(change.await.is_ok(), "what is there may change to the last");
}

#[tokio::test(start_paused = true)]
async fn the_system_namespaces_stay() {
    let store = store().await;
    for name in ["default", "kube-system", "kube-public"] {
        let key = ObjectKey::new(Kind::Namespace, "", name);
        let error = store.delete(&key, &DeleteOptions::default()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("namespaces \"{name}\" is forbidden: this namespace may not be deleted")
        );
    }
    let lease = ObjectKey::new(Kind::Namespace, "", "kube-node-lease");
    assert!(store.delete(&lease, &DeleteOptions::default()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_keeps_its_finalizer_through_updates_and_goes_without_it() {
    let store = store().await;
    let team = create(&store, Kind::Namespace, "metadata: {name: team}").await.unwrap();
    let applied = Namespace {
        metadata: ObjectMeta { name: Some("team".into()), ..Default::default() },
        ..Default::default()
    };
    let applied = store.update(applied).await.unwrap();
    let finalizers = |object: &Object| object.get::<Namespace>()?.spec.as_ref()?.finalizers.clone();
    assert_eq!(finalizers(&applied), Some(vec!["kubernetes".to_owned()]));
    store.delete(team.key(), &DeleteOptions::default()).await.unwrap();
    let mut emptied = store.get(team.key()).unwrap().get::<Namespace>().unwrap().clone();
    emptied.spec = None;
    store.update_finalizers(emptied).await.unwrap();
    assert!(store.get(team.key()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_claim_without_a_class_gets_the_newest_default() {
    let store = store().await;
    let claim = |name: &str, class: &str| {
        format!("metadata: {{name: {name}, namespace: default}}, spec: {{{CLAIM_SPEC}{class}}}")
    };
    let default = "annotations: {storageclass.kubernetes.io/is-default-class: 'true'}";
    let class =
        |name: &str, annotations: &str| format!("metadata: {{name: {name}, {annotations}}}, provisioner: p");
    let without = create(&store, Kind::PersistentVolumeClaim, &claim("a", "")).await.unwrap();
    assert_eq!(class_of(&without), None);
    for text in [class("z", default), class("plain", "")] {
        create(&store, Kind::StorageClass, &text).await.unwrap();
    }
    let cases = [
        ("b", "", Some("z")),
        ("c", ", storageClassName: ''", Some("")),
        ("d", ", storageClassName: x", Some("x")),
    ];
    for (name, class, expected) in cases {
        let claim = create(&store, Kind::PersistentVolumeClaim, &claim(name, class)).await.unwrap();
        assert_eq!(class_of(&claim), expected, "{class}");
    }
    store.clock().sleep(Duration::from_secs(1)).await;
    for name in ["y", "x"] {
        create(&store, Kind::StorageClass, &class(name, default)).await.unwrap();
    }
    assert_eq!(store.default_storage_class().as_deref(), Some("x"));
}

#[tokio::test(start_paused = true)]
async fn claims_and_volumes_are_held_from_their_creation() {
    let store = store().await;
    let held = "metadata: {name: v, finalizers: [kubernetes.io/pv-protection]}, spec: {capacity: \
                {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /data}}";
    let volume = create(&store, Kind::PersistentVolume, held).await.unwrap();
    assert_eq!(volume.meta().finalizers.as_deref(), Some(&["kubernetes.io/pv-protection".to_owned()][..]));
    let released = store.modify::<PersistentVolume>(volume.key(), |volume| volume.metadata.finalizers = None);
    assert_eq!(released.await.unwrap().meta().finalizers, None, "an update may take it away");
    let claim = format!("metadata: {{name: c, namespace: default}}, spec: {{{CLAIM_SPEC}}}");
    let claim = create(&store, Kind::PersistentVolumeClaim, &claim).await.unwrap();
    assert_eq!(claim.meta().finalizers.as_deref(), Some(&["kubernetes.io/pvc-protection".to_owned()][..]));
}

#[tokio::test(start_paused = true)]
async fn services_written_at_once_never_share_an_address() {
    let store = store().await;
    let creates = (0..50).map(|index| {
        let store = store.clone();
        tokio::spawn(async move {
            let text = format!(
                "metadata: {{name: s{index}, namespace: default}}, spec: {{type: NodePort, ports: [{{port: 80}}]}}"
            );
            create(&store, Kind::Service, &text).await.unwrap()
        })
    });
    let mut taken = std::collections::BTreeSet::new();
    for create in creates.collect::<Vec<_>>() {
        let service = create.await.unwrap();
        let spec = service.get::<Service>().unwrap().spec.clone().unwrap();
        taken.insert(spec.cluster_ip.unwrap());
        taken.insert(spec.ports.unwrap()[0].node_port.unwrap().to_string());
    }
    assert_eq!(taken.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn an_address_is_free_again_when_its_service_is_gone_however_it_went() {
    let store = store().await;
    let text = "metadata: {name: s, namespace: default}, spec: {clusterIP: 10.96.0.20, ports: [{port: 80}]}";
    let again = text.replace("name: s", "name: t");
    let first = create(&store, Kind::Service, text).await.unwrap();
    let refused = create(&store, Kind::Service, &again).await.unwrap_err();
    assert!(matches!(refused, StoreError::Invalid { .. }), "{refused}");
    store.delete(first.key(), &DeleteOptions::default()).await.unwrap();
    let second = create(&store, Kind::Service, &again).await.unwrap();
    store.unmirror(second.key()).await.unwrap();
    store.mirror(second.typed().clone()).await.unwrap();
    assert!(create(&store, Kind::Service, text).await.is_err(), "a mirrored service holds its address too");
    store.unmirror(second.key()).await.unwrap();
    assert!(create(&store, Kind::Service, text).await.is_ok());
}
