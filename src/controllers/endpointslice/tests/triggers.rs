//! Which changes wake which services.

use super::*;
use crate::controllers::endpointslice::trigger::{PodTrigger, TriggerTimes, services_of_slice, takes_pods};

fn selecting(name: &str, selector: &[(&str, &str)]) -> Service {
    let mut service = service();
    service.metadata.name = Some(name.into());
    service.spec.as_mut().unwrap().selector = Some(labels(selector));
    service
}

/// The services that a pod's change wakes, of `all` (`app=nginx`), `new` (`track=new`) and
/// `old` (`track=old`).
fn woken(before: Option<&Pod>, after: Option<&Pod>) -> String {
    let services = [
        selecting("all", &[("app", "nginx")]),
        selecting("new", &[("track", "new")]),
        selecting("old", &[("track", "old")]),
    ];
    let Some(trigger) = PodTrigger::new((before, after)) else { return String::new() };
    let woken = services.iter().filter(|service| trigger.concerns(service));
    woken.filter_map(|service| service.metadata.name.as_deref()).collect::<Vec<_>>().join(" ")
}

fn check(change: impl Fn(&mut Pod), expected: &str) {
    let before = pod("web-0", "10.0.0.1");
    let mut after = before.clone();
    change(&mut after);
    assert_eq!(woken(Some(&before), Some(&after)), expected);
    assert_eq!(woken(Some(&after), Some(&before)), expected, "and back");
}

#[test]
fn a_pod_wakes_the_services_whose_endpoints_change() {
    let status = |pod: &mut Pod| pod.status.take().unwrap();
    check(|pod| set_ready(pod, "False"), "all");
    check(|pod| pod.metadata.deletion_timestamp = Some(at(1)), "all");
    check(|pod| pod.spec.as_mut().unwrap().hostname = None, "all");
    check(|pod| pod.spec.as_mut().unwrap().subdomain = None, "all");
    check(|pod| pod.metadata.uid = Some("another".into()), "all");
    check(|pod| pod.status.as_mut().unwrap().pod_ips.as_mut().unwrap()[0].ip = "10.0.0.2".into(), "all");
    for phase in ["Failed", "Succeeded"] {
        check(|pod| pod.status = Some(PodStatus { phase: Some(phase.into()), ..status(pod) }), "all");
    }
}

#[test]
fn a_pod_wakes_nobody_when_nothing_that_shows_has_changed() {
    check(|_| {}, "");
    check(|pod| pod.metadata.resource_version = Some("9".into()), "");
    check(|pod| pod.metadata.annotations = Some(labels(&[("a", "b")])), "");
    check(|pod| pod.metadata.labels = Some(labels(&[("app", "nginx"), ("x", "y")])), "");
    check(|pod| pod.status.as_mut().unwrap().start_time = Some(at(3)), "");
    check(|pod| pod.status.as_mut().unwrap().phase = Some("Pending".into()), "");
}

#[test]
fn moved_labels_wake_the_services_that_lose_or_gain_the_pod_and_no_others() {
    let tracked = |track: &str| {
        let mut pod = pod("web-0", "10.0.0.1");
        pod.metadata.labels = Some(labels(&[("app", "nginx"), ("track", track)]));
        pod
    };
    assert_eq!(woken(Some(&tracked("old")), Some(&tracked("new"))), "new old");
    let mut unready = tracked("new");
    set_ready(&mut unready, "False");
    assert_eq!(woken(Some(&tracked("old")), Some(&unready)), "all new old");
    assert_eq!(woken(Some(&tracked("old")), Some(&tracked("other"))), "old");
}

#[test]
fn a_pod_that_comes_or_goes_wakes_its_services_once_it_shows() {
    let shown = pod("web-0", "10.0.0.1");
    let mut hidden = shown.clone();
    hidden.status = None;
    assert_eq!(woken(None, Some(&shown)), "all");
    assert_eq!(woken(Some(&shown), None), "all");
    assert_eq!(woken(None, Some(&hidden)), "");
    assert_eq!(woken(Some(&hidden), None), "");
    assert_eq!(woken(Some(&hidden), Some(&shown)), "all");
}

#[test]
fn services_without_selector_and_external_names_are_not_taken() {
    let check = |change: fn(&mut ServiceSpec), expected: bool| {
        let mut service = service();
        change(service.spec.as_mut().unwrap());
        assert_eq!(takes_pods(&service), expected);
        let trigger = (None, Some(&pod("web-0", "10.0.0.1")));
        assert_eq!(PodTrigger::new(trigger).unwrap().concerns(&service), expected);
    };
    check(|_| {}, true);
    check(|spec| spec.selector = None, false);
    check(|spec| spec.selector = Some(Labels::new()), false);
    check(|spec| spec.type_ = Some("ExternalName".into()), false);
    check(|spec| spec.type_ = Some("ClusterIP".into()), true);
}

#[test]
fn a_slice_wakes_the_service_it_names_or_named() {
    let mut cluster = Cluster::new(pods(1));
    cluster.step();
    let slice = cluster.slices.remove(0);
    let relabelled = |key: &str, value: &str| {
        let mut slice = slice.clone();
        slice.metadata.labels.as_mut().unwrap().insert(key.into(), value.into());
        slice
    };
    let moved = relabelled("kubernetes.io/service-name", "other");
    let foreign = relabelled("endpointslice.kubernetes.io/managed-by", "somebody");
    assert_eq!(services_of_slice(Some(&slice), Some(&slice)), ["nginx"]);
    assert_eq!(services_of_slice(Some(&slice), None), ["nginx"]);
    assert_eq!(services_of_slice(Some(&slice), Some(&moved)), ["nginx", "other"]);
    assert_eq!(services_of_slice(Some(&slice), Some(&foreign)), ["nginx"]);
    assert!(services_of_slice(Some(&foreign), Some(&foreign)).is_empty());
}

#[test]
fn the_trigger_time_is_that_of_the_earliest_change_not_reported_yet() {
    let mut service = service();
    service.metadata.creation_timestamp = Some(at(3));
    let mut pods = pods(2);
    let set = |pod: &mut Pod, second| {
        let conditions = pod.status.as_mut().unwrap().conditions.as_mut().unwrap();
        conditions[0].last_transition_time = Some(at(second));
    };
    let mut times = TriggerTimes::default();
    let mut next = |pods: &[Pod]| times.next(&service, &pods.iter().collect::<Vec<_>>());
    assert_eq!(next(&[]), Some(at(3).0));
    assert_eq!(next(&pods), Some(at(7).0));
    assert_eq!(next(&pods), None);
    set(&mut pods[0], 12);
    set(&mut pods[1], 11);
    assert_eq!(next(&pods), Some(at(11).0));
    assert_eq!(next(&pods), None);
}
