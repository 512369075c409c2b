//! Whom a more important pod makes leave. Cases follow kube-scheduler's own tables.

use super::super::attempt::{Outcome, Refusal, attempt};
use super::super::fixture::{info, node, pod, requests, snapshot};
use super::*;
use crate::objects::{Object, Typed};

fn important(priority: i32, spec: &str) -> String {
    format!("priority: {priority}, {spec}")
}

fn started_at(object: Object, second: i64) -> Object {
    let mut typed = object.typed().clone();
    if let Typed::Pod(pod) = &mut typed {
        let at = Timestamp::from_second(second).unwrap();
        pod.status.get_or_insert_default().start_time = Some(crate::objects::time(at));
    }
    Object::unversioned(typed)
}

fn small(name: &str) -> Object {
    node(name, "cpu: 4, pods: 9", "", "")
}

/// A pod that takes so many cores of a node.
fn user(name: &str, on: &str, priority: i32, cores: i32) -> Object {
    pod(name, on, "", &important(priority, &requests(&format!("cpu: {cores}"))))
}

fn refused(incoming: &Object, cluster: Vec<Object>) -> Refusal {
    match attempt(&info(incoming), &[], &mut snapshot(cluster), |_| None) {
        Outcome::Refused(refusal) => refusal,
        Outcome::Fits(node) => panic!("fits on {node}"),
    }
}

/// Asserts the node and the victims, the most important first.
#[track_caller]
fn check(incoming: &Object, cluster: Vec<Object>, expected: &str) {
    let refusal = refused(incoming, cluster);
    let candidate = refusal.preemption.unwrap_or_else(|| panic!("{}", refusal.message));
    let victims: Vec<&str> = candidate.victims.iter().map(|victim| victim.object.name()).collect();
    assert_eq!(format!("{}: {}", candidate.node, victims.join(" ")), expected, "{}", refusal.message);
}

#[test]
fn only_as_many_leave_as_must_and_the_least_important_ones() {
    let incoming = user("p", "", 10, 2);
    check(&incoming, vec![small("a"), user("x", "a", 0, 4)], "a: x");
    check(&incoming, vec![small("a"), user("x", "a", 0, 2), user("y", "a", 1, 2)], "a: x");
    let three = vec![small("a"), user("x", "a", 0, 1), user("y", "a", 5, 1), user("z", "a", 1, 2)];
    check(&incoming, three, "a: z");
    let with_important = vec![small("a"), user("x", "a", 10, 2), user("y", "a", 3, 1), user("z", "a", 3, 1)];
    check(&incoming, with_important, "a: y z");
}

#[test]
fn of_equally_important_pods_the_younger_leaves() {
    let old = started_at(user("old", "a", 0, 2), 100);
    let young = started_at(user("young", "a", 0, 2), 200);
    check(&user("p", "", 10, 2), vec![small("a"), young, old], "a: young");
}

#[test]
fn the_node_is_taken_whose_victims_matter_least() {
    let incoming = user("p", "", 10, 4);
    let nodes = || vec![small("a"), small("b")];
    let with = |pods: Vec<Object>| nodes().into_iter().chain(pods).collect::<Vec<_>>();
    check(&incoming, with(vec![user("x", "a", 5, 4), user("y", "b", 3, 4)]), "b: y");
    let sums = vec![user("x", "a", 5, 2), user("y", "a", 4, 2), user("z", "b", 5, 2), user("w", "b", 1, 2)];
    check(&incoming, with(sums), "b: z w");
    let negative = vec![user("x", "a", -5, 2), user("y", "a", -5, 2), user("z", "b", -5, 4)];
    check(&incoming, with(negative), "b: z");
    let times = vec![started_at(user("x", "a", 5, 4), 100), started_at(user("z", "b", 5, 4), 200)];
    check(&incoming, with(times), "b: z");
    check(&incoming, with(vec![user("x", "a", 5, 4), user("z", "b", 5, 4)]), "a: x");
}

#[test]
fn pods_leave_for_anti_affinity_and_spreading_too() {
    let anti = "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [
        {labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}";
    let victim = pod("x", "a", "app: web", "");
    check(&pod("p", "", "", &important(1, anti)), vec![small("a"), victim.clone()], "a: x");
    let theirs = pod("y", "a", "", anti);
    check(&pod("p", "", "app: web", "priority: 1"), vec![small("a"), theirs], "a: y");
    let spread = "topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname,
        whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]";
    let full = node("b", "cpu: 4, pods: 0", "", "");
    check(&pod("p", "", "app: web", &important(1, spread)), vec![small("a"), full, victim], "a: x");
}

#[test]
fn the_message_says_what_becomes_of_it() {
    let message = |incoming: &Object, cluster| refused(incoming, cluster).message;
    let full =
        |priority| vec![small("a"), small("b"), user("x", "a", priority, 4), user("y", "b", priority, 4)];
    assert_eq!(
        message(&user("p", "", 10, 2), full(0)),
        "0/2 nodes are available: 2 Insufficient cpu. preemption: found a potential placement for pod on node a, \
         preempting 1 victims"
    );
    assert_eq!(
        message(&user("p", "", 0, 2), full(0)),
        "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: \
         2 No preemption victims found for incoming pod."
    );
    assert_eq!(
        message(&user("p", "", 10, 9), full(0)),
        "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: \
         2 Preemption is not helpful for scheduling."
    );
    let mut one_fixed = full(0);
    one_fixed[2] = user("x", "a", 20, 4);
    one_fixed[3] = user("y", "b", 20, 3);
    one_fixed.push(user("z", "b", 0, 1));
    assert_eq!(
        message(&user("p", "", 10, 2), one_fixed),
        "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 1 Insufficient cpu, \
         1 No preemption victims found for incoming pod."
    );
    let never = pod("p", "", "", &format!("priority: 9, preemptionPolicy: Never, {}", requests("cpu: 2")));
    assert_eq!(
        message(&never, full(0)),
        "0/2 nodes are available: 2 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never."
    );
}

#[test]
fn nobody_else_leaves_while_victims_are_leaving() {
    let mut leaving = user("x", "a", 0, 4).typed().clone();
    leaving.meta_mut().deletion_timestamp = Some(crate::objects::time(Timestamp::UNIX_EPOCH));
    let mut incoming = user("p", "", 10, 2).typed().clone();
    if let (Typed::Pod(leaving), Typed::Pod(incoming)) = (&mut leaving, &mut incoming) {
        let condition = "{type: DisruptionTarget, status: 'True', reason: PreemptionByScheduler}";
        leaving.status.get_or_insert_default().conditions =
            Some(vec![serde_yaml::from_str(condition).unwrap()]);
        incoming.status.get_or_insert_default().nominated_node_name = Some("a".into());
    }
    let cluster = vec![small("a"), small("b"), user("y", "b", 0, 4), Object::unversioned(leaving)];
    let refusal = refused(&Object::unversioned(incoming), cluster);
    assert!(refusal.preemption.is_none() && !refusal.voids_nomination, "{refusal:?}");
    assert_eq!(
        refusal.message,
        "0/2 nodes are available: 2 Insufficient cpu. preemption: not eligible due to a terminating pod on the \
         nominated node."
    );
}
