//! Rules of StatefulSets.

use serde_json::{Value, json};

use super::*;

#[test]
fn statefulset_fields_have_their_rules() {
    let cases = [
        (json!({"replicas": -1}), "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (
            json!({"minReadySeconds": -1}),
            "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            json!({"ordinals": {"start": -1}}),
            "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            json!({"podManagementPolicy": "Random"}),
            "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'",
        ),
        (
            json!({"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}}),
            "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy \
             'RollingUpdate'",
        ),
        (
            json!({"updateStrategy": {"type": "Recreate"}}),
            "spec.updateStrategy: Invalid value: {\"type\":\"Recreate\"}: must be 'RollingUpdate' or 'OnDelete'",
        ),
        (
            json!({"updateStrategy": {"rollingUpdate": {"partition": -1}}}),
            "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            json!({"updateStrategy": {"rollingUpdate": {"maxUnavailable": "0%"}}}),
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": cannot be 0",
        ),
        (
            json!({"updateStrategy": {"rollingUpdate": {"maxUnavailable": "101%"}}}),
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
        ),
        (
            json!({"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Keep"}}),
            "spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: \"Keep\": supported values: \
             \"Retain\", \"Delete\"",
        ),
    ];
    for (change, expected) in cases {
        let object = prepared(Kind::StatefulSet, merged(good(Kind::StatefulSet), &json!({"spec": change})));
        let errors = texts(&validate_create(&object));
        assert_eq!(errors.first().map(String::as_str), Some(expected), "{change}: {errors:?}");
    }
    let service = format!("spec.serviceName: Invalid value: \"a.b\": {}", "must not contain dots");
    check(Kind::StatefulSet, json!({"spec": {"serviceName": "a.b"}}), &[&service]);
    check(Kind::StatefulSet, json!({"spec": {"serviceName": null}}), &[]);
    check(Kind::StatefulSet, json!({"spec": {"revisionHistoryLimit": -1}}), &[]);
}

#[test]
fn the_template_of_a_statefulset_fits_its_selector_and_claims() {
    let cases = [
        (
            json!({"template": {"metadata": {"labels": {"app": "other"}}}}),
            "spec.template.metadata.labels: Invalid value: {\"app\":\"other\"}: `selector` does not match template \
             `labels`",
        ),
        (
            json!({"selector": {"matchLabels": null, "matchExpressions": []}}),
            "spec.selector: Invalid value: {\"matchExpressions\":[]}: empty selector is invalid for statefulset",
        ),
        (
            json!({"template": {"spec": {"restartPolicy": "Never"}}}),
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
        ),
        (
            json!({"template": {"spec": {"activeDeadlineSeconds": 5}}}),
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not \
             Supported",
        ),
        (json!({"template": {"spec": {"containers": []}}}), "spec.template.spec.containers: Required value"),
        (
            json!({"volumeClaimTemplates": null}),
            "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"www\"",
        ),
        (
            json!({"volumeClaimTemplates": [{"metadata": {"name": "www"}}]}),
            "spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required",
        ),
    ];
    for (change, expected) in cases {
        let object = prepared(Kind::StatefulSet, merged(good(Kind::StatefulSet), &json!({"spec": change})));
        let errors = texts(&validate_create(&object));
        assert_eq!(errors.first().map(String::as_str), Some(expected), "{change}: {errors:?}");
    }
}

#[test]
fn of_a_statefulset_only_what_a_rollout_can_reach_may_change() {
    let allowed = [
        json!({"replicas": 5}),
        json!({"ordinals": {"start": 2}}),
        json!({"updateStrategy": {"type": "OnDelete"}}),
        json!({"revisionHistoryLimit": 3}),
        json!({"minReadySeconds": 3}),
        json!({"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}),
        json!({"template": {"metadata": {"annotations": {"a": "b"}}}}),
        json!({"selector": {"matchExpressions": []}}),
    ];
    for change in allowed {
        check_update(Kind::StatefulSet, json!({}), json!({"spec": change}), &[]);
    }
    let forbidden = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', \
        'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
        'minReadySeconds' are forbidden";
    let refused = [
        json!({"serviceName": "other"}),
        json!({"podManagementPolicy": "Parallel"}),
        json!({"selector": {"matchLabels": {"app": "nginx", "a": null}, "matchExpressions": [
            {"key": "app", "operator": "Exists"},
        ]}}),
        json!({"volumeClaimTemplates": [{
            "metadata": {"name": "www"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}},
        }]}),
    ];
    for change in refused {
        check_update(Kind::StatefulSet, json!({}), json!({"spec": change}), &[forbidden]);
    }
}

#[test]
fn the_counts_of_a_status_fit_together() {
    let status = |status: Value| {
        let mut typed = prepared(Kind::StatefulSet, good(Kind::StatefulSet));
        let Typed::StatefulSet(set) = &mut typed else { unreachable!() };
        set.status = serde_json::from_value(status).unwrap();
        typed
    };
    let old = status(json!({"replicas": 3, "collisionCount": 2}));
    let cases = [
        (json!({"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "collisionCount": 2}), None),
        (
            json!({"replicas": 1, "readyReplicas": 2, "collisionCount": 2}),
            Some("status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"),
        ),
        (
            json!({"replicas": 1, "availableReplicas": 1, "collisionCount": 2}),
            Some("status.availableReplicas: Invalid value: 1: cannot be greater than status.readyReplicas"),
        ),
        (
            json!({"replicas": 1, "collisionCount": 1}),
            Some("status.collisionCount: Invalid value: 1: cannot be decremented"),
        ),
        (json!({"replicas": 1}), Some("status.collisionCount: Invalid value: 0: cannot be decremented")),
        (
            json!({"replicas": 0, "updatedReplicas": -1, "collisionCount": 2}),
            Some("status.updatedReplicas: Invalid value: -1: must be greater than or equal to 0"),
        ),
    ];
    for (new, expected) in cases {
        let errors = texts(&validate_status_update(&status(new.clone()), &old));
        assert_eq!(errors, expected.into_iter().collect::<Vec<_>>(), "{new}");
    }
}
