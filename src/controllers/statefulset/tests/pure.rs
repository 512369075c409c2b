//! Scenarios about single functions, one check each.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::EnvVar;
use serde_json::json;

use super::super::action::ClaimStep;
use super::super::decide::claims::PodClaims;
use super::super::decide::{self, revision};
use super::super::naming::{self, PodName};
use super::super::world::{self, LABEL_POD_NAME, RetentionPolicy};
use super::fixture::{self, Seen, kept_set, pod};
use super::scenarios::Scenario;
use crate::clock::Timestamp;
use crate::objects::pod::is_running_and_ready;
use crate::objects::{Object, time};

pub(crate) fn parent_and_ordinal(scenario: &Scenario) {
    for row in scenario.expect.as_array().unwrap() {
        for (name, expected) in row.as_object().unwrap() {
            let parsed = PodName::parse(name);
            assert_eq!(json!([parsed.parent, parsed.ordinal.unwrap_or(-1)]), *expected);
        }
    }
    let huge = PodName::parse("foo-99999999999");
    assert_eq!((huge.parent, huge.ordinal), ("foo", None));
    assert_eq!(PodName::parse("foo-bar-007"), PodName { parent: "foo-bar", ordinal: Some(7) });
}

pub(crate) fn claim_to_pod_name(scenario: &Scenario) {
    for row in scenario.expect.as_array().unwrap() {
        for (claim, expected) in row.as_object().unwrap() {
            let found = naming::pod_name_of(scenario.given["set"].as_str().unwrap(), claim);
            assert_eq!(found.unwrap_or_default(), expected.as_str().unwrap(), "{claim}");
        }
    }
}

pub(crate) fn member_of(scenario: &Scenario) {
    let name = scenario.given["pod"].as_str().unwrap();
    let mut set = kept_set(json!({}));
    assert!(naming::is_member(&set, name));
    set.metadata.name = Some("foo2".into());
    assert!(!naming::is_member(&set, name));
}

pub(crate) fn identity_matches(_: &Scenario) {
    let set = kept_set(json!({}));
    let fresh = pod(&set, 1, "r", Seen::Ready);
    assert!(world::identity_matches(&set, &fresh, 1));
    let mut misnamed = fresh.clone();
    misnamed.metadata.name = Some("foo".into());
    assert!(!world::identity_matches(&set, &misnamed, 1));
    let mut elsewhere = fresh.clone();
    elsewhere.metadata.namespace = Some(String::new());
    assert!(!world::identity_matches(&set, &elsewhere, 1));
    let mut unlabelled = fresh.clone();
    unlabelled.metadata.labels.as_mut().unwrap().remove(LABEL_POD_NAME);
    assert!(!world::identity_matches(&set, &unlabelled, 1));
    let mut padded = fresh;
    padded.metadata.name = Some("foo-01".into());
    padded.metadata.labels.as_mut().unwrap().insert(LABEL_POD_NAME.into(), "foo-01".into());
    assert_eq!(naming::PodName::parse("foo-01").ordinal, Some(1));
    assert!(!world::identity_matches(&set, &padded, 1), "a leading zero is a member, but not the right one");
}

pub(crate) fn storage_matches(_: &Scenario) {
    let set = kept_set(json!({}));
    let fresh = pod(&set, 1, "r", Seen::Ready);
    assert!(world::storage_matches(&set, &fresh, 1));
    assert!(!world::storage_matches(&set, &fresh, 2));
    let mut bare = fresh.clone();
    bare.spec.as_mut().unwrap().volumes = None;
    assert!(!world::storage_matches(&set, &bare, 1));
    let mut sourceless = fresh.clone();
    sourceless.spec.as_mut().unwrap().volumes.as_mut().unwrap()[0].persistent_volume_claim = None;
    assert!(!world::storage_matches(&set, &sourceless, 1));
    let mut foreign = fresh;
    let volumes = foreign.spec.as_mut().unwrap().volumes.as_mut().unwrap();
    volumes[0].persistent_volume_claim.as_mut().unwrap().claim_name = "foo".into();
    assert!(!world::storage_matches(&set, &foreign, 1));
}

pub(crate) fn update_identity(_: &Scenario) {
    let set = kept_set(json!({}));
    let mut broken = pod(&set, 1, "r", Seen::Ready);
    broken.metadata.namespace = None;
    decide::pod::set_identity(&set, &mut broken, 1);
    assert!(world::identity_matches(&set, &broken, 1));
    broken.metadata.labels = None;
    decide::pod::set_identity(&set, &mut broken, 1);
    assert!(world::identity_matches(&set, &broken, 1));
}

pub(crate) fn update_storage(_: &Scenario) {
    let set = kept_set(json!({}));
    let fresh = pod(&set, 1, "r", Seen::Ready);
    let names = |pod: &k8s_openapi::api::core::v1::Pod| -> Vec<String> {
        pod.spec.as_ref().unwrap().volumes.iter().flatten().map(|volume| volume.name.clone()).collect()
    };
    assert_eq!(names(&fresh), ["datadir", "home"], "claims first, then the template's volumes");
    let mut broken = fresh.clone();
    broken.spec.as_mut().unwrap().volumes = None;
    decide::pod::set_volumes(&set, &mut broken, 1);
    assert!(world::storage_matches(&set, &broken, 1));
    let mut broken = fresh;
    broken.spec.as_mut().unwrap().volumes.as_mut().unwrap()[0].persistent_volume_claim = None;
    decide::pod::set_volumes(&set, &mut broken, 1);
    assert!(world::storage_matches(&set, &broken, 1));
    assert_eq!(names(&broken), ["datadir", "home"], "a claim's volume replaces one of its name");
}

pub(crate) fn retention_policy(_: &Scenario) {
    assert_eq!(RetentionPolicy::of(&kept_set(json!({}))), RetentionPolicy::default());
    let policy = json!({ "persistentVolumeClaimRetentionPolicy": { "whenScaled": "Delete" } });
    let expected = RetentionPolicy { is_scaled_delete: true, is_deleted_delete: false };
    assert_eq!(RetentionPolicy::of(&kept_set(policy)), expected);
}

pub(crate) fn running_and_ready(scenario: &Scenario) {
    let set = kept_set(json!({}));
    let mut steps = vec![pod(&set, 0, "r", Seen::Pending), pod(&set, 0, "r", Seen::Running)];
    steps.push(pod(&set, 0, "r", Seen::Ready));
    let seen: Vec<bool> = steps.iter().map(is_running_and_ready).collect();
    assert_eq!(json!(seen), scenario.expect);
}

pub(crate) fn new_pod_owner(scenario: &Scenario) {
    let mut set = kept_set(json!({}));
    set.metadata.uid = Some("test".into());
    let pod = pod(&set, 0, "r", Seen::Pending);
    let owners = pod.metadata.owner_references.unwrap();
    let mut expected = scenario.expect[0].clone();
    expected["blockOwnerDeletion"] = json!(true);
    assert_eq!(serde_json::to_value(&owners).unwrap(), json!([expected]));
}

pub(crate) fn create_and_apply_revision(_: &Scenario) {
    let mut set = kept_set(json!({}));
    let first = revision::propose(&set, 1, 0);
    let read = revision::read(&Object::at_revision(first.clone().into(), 1)).unwrap();
    set.spec.template.spec.as_mut().unwrap().containers[0].name = "renamed".into();
    set.metadata.annotations = Some(BTreeMap::from([("foo".to_owned(), "bar".to_owned())]));
    set.spec.template = read.template;
    let second = revision::propose(&set, 2, 0);
    assert_eq!(second.data, first.data);
    assert_eq!(second.metadata.annotations, set.metadata.annotations);
}

pub(crate) fn apply_revision(_: &Scenario) {
    let original = kept_set(json!({}));
    let mut changed = original.clone();
    let env = EnvVar { name: "foo".into(), value: Some("bar".into()), value_from: None };
    changed.spec.template.spec.as_mut().unwrap().containers[0].env = Some(vec![env]);
    for set in [original, changed] {
        let stored = Object::at_revision(revision::propose(&set, 1, 0).into(), 1);
        let again = kept_set(json!({}));
        let mut applied = again;
        applied.spec.template = revision::read(&stored).unwrap().template;
        assert_eq!(revision::propose(&applied, 1, 0).data, revision::propose(&set, 1, 0).data);
        let containers = |set: &k8s_openapi::api::apps::v1::StatefulSet| {
            let spec = set.spec.template.spec.clone().unwrap();
            (spec.containers[0].env.clone(), spec.containers[0].image.clone(), spec.volumes)
        };
        assert_eq!(containers(&applied), containers(&set));
    }
}

/// The set that adopts was read without a deletionTimestamp; read again it has one.
pub(crate) fn adoption_is_refused_to_a_deleted_set(_: &Scenario) {
    let set = kept_set(json!({}));
    let same = Object::at_revision(set.clone().into(), 1);
    assert_eq!(world::ownership::refusal(&set, Some(&same)), None);
    let mut deleted = set.clone();
    deleted.metadata.deletion_timestamp = Some(time(Timestamp::UNIX_EPOCH));
    let deleted = Object::at_revision(deleted.into(), 2);
    let refusal = world::ownership::refusal(&set, Some(&deleted)).unwrap();
    assert_eq!(refusal, "default/foo has just been deleted at 1970-01-01T00:00:00Z");
    let mut other = set.clone();
    other.metadata.uid = Some("other".into());
    let other = Object::at_revision(other.into(), 3);
    let refusal = world::ownership::refusal(&set, Some(&other)).unwrap();
    assert_eq!(refusal, "original StatefulSet default/foo is gone: got uid other, wanted set-uid");
}

pub(crate) fn claims_match_retention(scenario: &Scenario) {
    let present = fixture::claims([fixture::claim("datadir-foo-0", &[])]);
    let policies =
        [RetentionPolicy::default(), RetentionPolicy { is_deleted_delete: true, is_scaled_delete: false }];
    let set = kept_set(json!({}));
    let matches =
        policies.map(|policy| of_pod(&set, policy, &|name| present.get(name).cloned()).match_retention());
    assert_eq!(json!(matches), scenario.expect[0]["match"]);
}

pub(crate) fn claims_get_owners(_: &Scenario) {
    let present = fixture::claims([fixture::claim("datadir-foo-0", &[])]);
    let set = kept_set(json!({}));
    let policy = RetentionPolicy { is_deleted_delete: true, is_scaled_delete: false };
    let steps = of_pod(&set, policy, &|name| present.get(name).cloned()).reown();
    let [ClaimStep::Own(claim)] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(claim.metadata.owner_references, Some(vec![naming::owner_reference(&set)]));
}

fn of_pod<'a>(
    set: &'a k8s_openapi::api::apps::v1::StatefulSet,
    policy: RetentionPolicy,
    lookup: world::Lookup<'a>,
) -> PodClaims<'a> {
    PodClaims {
        set,
        policy,
        ordinal: 0,
        is_condemned: false,
        pod_name: "foo-0",
        pod_uid: "foo-0-uid",
        lookup,
    }
}
