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

/// Changing the good set under `rules`, with `annotations`, breaks these rules.
fn check_under(rules: Rules, annotations: Value, change: Value, expected: &[&str]) {
    let old_form = merged(good(Kind::StatefulSet), &json!({"metadata": {"annotations": annotations}}));
    let old = prepared(Kind::StatefulSet, old_form.clone());
    let new = prepared(Kind::StatefulSet, merged(old_form, &change));
    assert_eq!(
        texts(&validate_update_under(rules, &new, &old)),
        expected,
        "{rules:?} {annotations} {change}"
    );
}

#[test]
fn claim_templates_grow_where_that_is_switched_on_and_nowhere_else() {
    let templates = |name: &str, modes: &[&str], size: &str| {
        json!({"spec": {"volumeClaimTemplates": [{
            "metadata": {"name": name},
            "spec": {"accessModes": modes, "resources": {"requests": {"storage": size}}},
        }]}})
    };
    let sized = |size: &str| templates("www", &["ReadWriteOnce"], size);
    let grow = Rules { grow_claims: true, ..Rules::default() };
    let annotation = |value: &str| json!({"dullahan.dev/grow-claims": value});
    let forbidden = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', \
        'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
        'minReadySeconds' are forbidden";
    let shrunk = "spec.volumeClaimTemplates[0].spec.resources.requests.storage: Invalid value: \"512Mi\": claims can \
        only grow, and it was 1Gi";
    let unknown = "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"www\"";
    check_under(Rules::default(), json!({}), sized("2Gi"), &[forbidden]);
    check_under(Rules::default(), annotation("maybe"), sized("2Gi"), &[forbidden]);
    check_under(grow, annotation("false"), sized("2Gi"), &[forbidden]);
    check_under(grow, json!({}), sized("2Gi"), &[]);
    check_under(Rules::default(), annotation("true"), sized("2Gi"), &[]);
    check_under(grow, json!({}), sized("1024Mi"), &[]);
    check_under(grow, json!({}), sized("512Mi"), &[shrunk]);
    check_under(grow, json!({}), templates("data", &["ReadWriteOnce"], "2Gi"), &[unknown, forbidden]);
    check_under(grow, json!({}), templates("www", &["ReadWriteMany"], "2Gi"), &[forbidden]);
    check_under(grow, json!({}), json!({"spec": {"volumeClaimTemplates": null}}), &[unknown, forbidden]);
    check_under(grow, json!({}), json!({"spec": {"serviceName": "other"}}), &[forbidden]);
}

#[test]
fn a_name_that_no_pod_can_bear_is_refused_where_that_is_switched_on() {
    let strict = Rules { strict_names: true, ..Rules::default() };
    let annotated = |value: &str| json!({"dullahan.dev/strict-name": value});
    for (rules, annotations, n, is_refused) in [
        (Rules::default(), json!({}), 63, false),
        (strict, json!({}), 52, false),
        (strict, json!({}), 53, true),
        (strict, annotated("false"), 53, false),
        (Rules::default(), annotated("true"), 53, true),
    ] {
        let change = json!({"metadata": {"name": "a".repeat(n), "annotations": annotations}});
        let set = prepared(Kind::StatefulSet, merged(good(Kind::StatefulSet), &change));
        let errors = texts(&validate_create_under(rules, &set));
        assert_eq!(errors.len(), usize::from(is_refused), "{rules:?} {n} {errors:?}");
        assert!(
            errors.iter().all(|error| error.contains("must be no more than 52 characters")),
            "{errors:?}"
        );
        assert_eq!(texts(&validate_update_under(rules, &set, &set)), [""; 0], "one that is there may change");
    }
}
