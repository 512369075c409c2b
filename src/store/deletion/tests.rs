//! One delete call on one version of an object, as tables.

use super::*;
use crate::store::deletion::Propagation::{Background, Foreground, Orphan, Unspecified};

/// A pod that has run since second 100; it is second 110.
fn object(kind: Kind, text: &str) -> Object {
    let mut value: serde_json::Value = serde_yaml::from_str(&format!("{{{text}}}")).unwrap();
    value["apiVersion"] = kind.info().api_version.into();
    value["kind"] = kind.name().into();
    Object::at_revision(Typed::from_value(kind, value).unwrap(), 7)
}

fn now() -> Timestamp {
    Timestamp::from_second(110).unwrap()
}

/// `write 140 grace 30 generation 2 [a, b]`, with what is there of it.
fn brief(step: Step) -> String {
    let (verb, typed) = match step {
        Step::Nothing => return "nothing".into(),
        Step::Remove => return "remove".into(),
        Step::Write(next) => ("write", next),
        Step::WriteAndRemove(next) => ("write and remove", next),
    };
    let meta = typed.meta();
    let mut words = vec![verb.to_owned()];
    words.extend(meta.deletion_timestamp.as_ref().map(|instant| instant.0.as_second().to_string()));
    words.extend(meta.deletion_grace_period_seconds.map(|grace| format!("grace {grace}")));
    words.extend(meta.generation.map(|generation| format!("generation {generation}")));
    words.extend(meta.finalizers.as_ref().map(|list| format!("[{}]", list.join(", "))));
    words.join(" ")
}

#[track_caller]
fn check(kind: Kind, text: &str, grace_s: Option<i64>, propagation: Propagation, expected: &str) {
    let options = DeleteOptions { grace_s, propagation, ..Default::default() };
    assert_eq!(brief(step(&object(kind, text), &options, now())), expected, "{text} {options:?}");
}

#[test]
fn only_a_placed_pod_that_has_not_ended_has_a_grace() {
    let pod = |spec: &str, phase: &str| {
        format!(
            "metadata: {{name: p, generation: 1}}, spec: {{containers: [], {spec}}}, status: {{phase: {phase}}}"
        )
    };
    let check = |text: &str, grace_s, expected| check(Kind::Pod, text, grace_s, Unspecified, expected);
    let running = pod("nodeName: n, terminationGracePeriodSeconds: 20", "Running");
    check(&running, None, "write 130 grace 20 generation 2");
    check(&running, Some(5), "write 115 grace 5 generation 2");
    check(&running, Some(60), "write 170 grace 60 generation 2");
    check(&running, Some(-1), "write 111 grace 1 generation 2");
    check(&running, Some(0), "write and remove 110 grace 0 generation 2");
    check(&pod("nodeName: n", "Running"), None, "write 140 grace 30 generation 2");
    check(
        &pod("terminationGracePeriodSeconds: 20", "Pending"),
        None,
        "write and remove 110 grace 0 generation 2",
    );
    for ended in ["Succeeded", "Failed"] {
        check(&pod("nodeName: n", ended), None, "write and remove 110 grace 0 generation 2");
    }
}

#[test]
fn a_grace_is_only_ever_shortened_and_the_time_waited_counts() {
    let meta =
        "name: p, generation: 2, deletionTimestamp: '1970-01-01T00:02:10Z', deletionGracePeriodSeconds: 30";
    let spec = "spec: {containers: [], nodeName: n, terminationGracePeriodSeconds: 20}";
    let waiting = format!("metadata: {{{meta}}}, {spec}");
    let held = format!("metadata: {{{meta}, finalizers: [a]}}, {spec}");
    let check =
        |text: &str, grace_s, propagation, expected| check(Kind::Pod, text, grace_s, propagation, expected);
    check(&waiting, None, Unspecified, "nothing");
    check(&waiting, Some(30), Unspecified, "nothing");
    check(&waiting, Some(40), Foreground, "nothing");
    check(&waiting, Some(12), Unspecified, "write 112 grace 12 generation 2");
    check(&waiting, Some(0), Unspecified, "remove");
    check(&held, Some(0), Unspecified, "write 100 grace 0 generation 2 [a]");
    let over = held.replace("Seconds: 30", "Seconds: 0");
    check(&over, None, Unspecified, "write 110 grace 0 generation 2 [a]");
    check(&over.replace("00:02:10", "00:01:40"), None, Unspecified, "nothing");
    check(&over.replace("[a]", "[]"), None, Unspecified, "remove");
}

#[test]
fn finalizers_hold_an_object_and_the_propagation_is_one_of_them() {
    let plain = "metadata: {name: c}";
    let held = "metadata: {name: c, finalizers: [a]}";
    let orphaning = "metadata: {name: c, finalizers: [a, orphan]}";
    let check =
        |text: &str, propagation, expected| check(Kind::ConfigMap, text, Some(9), propagation, expected);
    check(plain, Unspecified, "remove");
    check(plain, Background, "remove");
    check(plain, Foreground, "write 110 grace 0 [foregroundDeletion]");
    check(plain, Orphan, "write 110 grace 0 [orphan]");
    check(held, Background, "write 110 grace 0 [a]");
    check(held, Orphan, "write 110 grace 0 [a, orphan]");
    check(orphaning, Unspecified, "write 110 grace 0 [a, orphan]");
    check(orphaning, Background, "write 110 grace 0 [a]");
    check(orphaning, Foreground, "write 110 grace 0 [a, foregroundDeletion]");
}

#[test]
fn a_second_call_changes_the_propagation_and_nothing_else() {
    let meta =
        "name: s, generation: 5, deletionTimestamp: '1970-01-01T00:01:40Z', deletionGracePeriodSeconds: 0";
    let text = |finalizers: &str| format!("metadata: {{{meta}, finalizers: [{finalizers}]}}");
    let check =
        |text: &str, propagation, expected| check(Kind::StatefulSet, text, None, propagation, expected);
    check(&text("foregroundDeletion"), Foreground, "nothing");
    check(&text("foregroundDeletion"), Unspecified, "nothing");
    check(&text("foregroundDeletion"), Orphan, "write 100 grace 0 generation 5 [orphan]");
    check(&text("foregroundDeletion"), Background, "remove");
    check(&text("foregroundDeletion, a"), Background, "write 100 grace 0 generation 5 [a]");
}

#[test]
fn the_first_deletion_of_a_held_object_raises_its_generation() {
    let set = "metadata: {name: s, generation: 4, finalizers: [a]}";
    check(Kind::StatefulSet, set, None, Unspecified, "write 110 grace 0 generation 5 [a]");
}

#[test]
fn a_namespace_terminates_until_it_is_finalized() {
    let namespace = |meta: &str, finalizers: &str| {
        object(
            Kind::Namespace,
            &format!("metadata: {{name: n, {meta}}}, spec: {{finalizers: [{finalizers}]}}"),
        )
    };
    let options = DeleteOptions::default();
    let Step::Write(Typed::Namespace(next)) = step(&namespace("", "kubernetes"), &options, now()) else {
        panic!("it stays for now");
    };
    assert_eq!(next.status.unwrap().phase.as_deref(), Some("Terminating"));
    assert_eq!(next.metadata.deletion_grace_period_seconds, None);
    let terminating = "deletionTimestamp: '1970-01-01T00:01:40Z'";
    assert_eq!(step(&namespace(terminating, "kubernetes"), &options, now()), Step::Nothing);
    assert_eq!(step(&namespace(terminating, ""), &options, now()), Step::Remove);
}
