//! Where endpoints go, placeholders, reuse, labels and owners.

use super::*;
use crate::controllers::endpointslice::plan::ENDPOINTS_MAX;

/// Slices of at most 4 with these many endpoints, then other pods: what is written?
fn check(lengths: &[usize], gone: &[usize], n_new: usize, expected: &[&str], lengths_after: &[usize]) {
    let mut cluster = Cluster::new(Vec::new());
    cluster.endpoints_max = 4;
    let all = pods(lengths.iter().sum::<usize>() + n_new);
    let mut rest = all.as_slice();
    for length in lengths {
        let (mine, others) = rest.split_at(*length);
        rest = others;
        let mut alone = Cluster { pods: mine.to_vec(), ..Cluster::new(Vec::new()) };
        alone.step();
        let mut slice = alone.slices.remove(0);
        slice.metadata.name = Some(format!("old-{}", cluster.slices.len()));
        cluster.slices.push(slice);
    }
    let stays = |(i, pod): (usize, &Pod)| (!gone.contains(&i)).then(|| pod.clone());
    cluster.pods = all.iter().enumerate().filter_map(stays).collect();
    assert_eq!(cluster.step(), expected, "{lengths:?} without {gone:?} and {n_new} new");
    assert_eq!(cluster.lengths(), lengths_after, "{lengths:?} without {gone:?} and {n_new} new");
    assert_eq!(cluster.endpoints().len(), cluster.pods.len(), "each pod is in one slice");
}

#[test]
fn endpoints_stay_and_new_ones_go_where_a_write_is_due_or_room_is_least() {
    check(&[], &[], 4, &["+4"], &[4]);
    check(&[], &[], 9, &["+4", "+4", "+1"], &[4, 4, 1]);
    check(&[3, 2], &[], 0, &[], &[3, 2]);
    check(&[3, 2], &[], 1, &["~4"], &[4, 2]);
    check(&[1, 2, 1], &[], 2, &["~4"], &[1, 4, 1]);
    check(&[3, 2], &[], 2, &["~4"], &[3, 4]);
    check(&[3, 3], &[], 2, &["+2"], &[3, 3, 2]);
    check(&[2], &[], 4, &["+4"], &[2, 4]);
    check(&[2], &[], 6, &["+4", "~4"], &[4, 4]);
    check(&[4, 4], &[1], 1, &["~4"], &[4, 4]);
    check(&[4, 4, 1], &[0, 4, 5], 2, &["~4", "~3"], &[4, 3, 1]);
    check(&[3, 1], &[3], 0, &["-"], &[3]);
    check(&[3, 3], &[0, 1], 0, &["~1"], &[1, 3]);
    check(&[1], &[0], 0, &["~0"], &[0]);
    check(&[1], &[0], 3, &["~3"], &[3]);
}

#[test]
fn a_pod_that_changes_rewrites_its_slice_alone() {
    let mut cluster = Cluster::new(pods(10_000));
    assert_eq!(cluster.step(), vec!["+100"; 100]);
    assert_eq!(cluster.lengths(), vec![ENDPOINTS_MAX; 100]);
    set_ready(&mut cluster.pods[4_711], "False");
    assert_eq!(cluster.step(), ["~100"]);
    let endpoints = cluster.slices[3].endpoints.iter().flatten().take(50);
    let gone: Vec<_> = endpoints.map(|endpoint| endpoint.target_ref.clone().unwrap().name).collect();
    cluster.pods.retain(|pod| !gone.contains(&pod.metadata.name));
    assert_eq!(cluster.step(), ["~50"]);
}

#[test]
fn a_replaced_pod_with_the_same_name_and_address_is_refreshed_in_place() {
    let mut cluster = Cluster::new(pods(3));
    cluster.step();
    cluster.pods[1].metadata.uid = Some("another".into());
    assert_eq!(cluster.step(), ["~3"]);
    let endpoint = cluster.endpoints()[1];
    assert_eq!(endpoint.target_ref.as_ref().unwrap().uid.as_deref(), Some("another"));
}

#[test]
fn an_endpoint_in_two_slices_stays_in_one() {
    let mut cluster = Cluster::new(pods(2));
    cluster.step();
    let mut copy = cluster.slices[0].clone();
    copy.metadata.name = Some("copy".into());
    cluster.slices.push(copy);
    assert_eq!(cluster.step(), ["-"]);
}

#[test]
fn a_service_without_endpoints_has_one_placeholder_per_family() {
    let mut cluster = Cluster::new(Vec::new());
    cluster.service.spec.as_mut().unwrap().ip_families = Some(vec!["IPv4".into(), "IPv6".into()]);
    assert_eq!(cluster.step(), ["+0", "+0"]);
    for slice in &cluster.slices {
        assert_eq!((slice.ports.as_deref(), slice.endpoints.as_deref()), (Some(&[][..]), Some(&[][..])));
    }
    cluster.pods = pods(1);
    assert_eq!(cluster.step(), ["~1"], "the placeholder becomes the first slice");
    cluster.service.spec.as_mut().unwrap().ip_families = Some(vec!["IPv6".into()]);
    assert_eq!(cluster.step(), ["-"], "slices of a family that is not listed go");
}

#[test]
fn slices_without_lists_are_placeholders_too() {
    let mut cluster = Cluster::new(Vec::new());
    cluster.step();
    (cluster.slices[0].ports, cluster.slices[0].endpoints) = (None, None);
    assert!(cluster.step().is_empty());
}

#[test]
fn slices_of_an_earlier_service_are_deleted_and_not_reused() {
    let mut cluster = Cluster::new(pods(2));
    cluster.step();
    cluster.service.metadata.uid = Some("reborn".into());
    assert_eq!(cluster.step(), ["+2", "-"]);
    let owner = &cluster.slices[0].metadata.owner_references.as_ref().unwrap()[0];
    assert_eq!((owner.kind.as_str(), owner.uid.as_str()), ("Service", "reborn"));
    assert_eq!((owner.controller, owner.block_owner_deletion), (Some(true), Some(true)));
}

#[test]
fn a_service_that_is_being_deleted_gets_no_new_slices() {
    let mut cluster = Cluster::new(pods(2));
    cluster.step();
    cluster.service.metadata.deletion_timestamp = Some(at(9));
    let planned = |cluster: &Cluster| cluster.plan().iter().map(short).collect::<Vec<String>>();
    cluster.pods = pods(100);
    assert_eq!(planned(&cluster), ["~100"], "what is there is kept up to date");
    cluster.pods = pods(103);
    assert_eq!(planned(&cluster), ["~3"], "a hundred would need a slice of their own");
}

fn check_labels(of_service: &[(&str, &str)], cluster_ip: &str, expected: &[(&str, &str)]) {
    let mut cluster = Cluster::new(pods(1));
    cluster.step();
    cluster.service.metadata.labels = Some(labels(of_service));
    cluster.service.spec.as_mut().unwrap().cluster_ip = Some(cluster_ip.into());
    cluster.step();
    let mut expected = labels(expected);
    expected.insert("kubernetes.io/service-name".into(), "nginx".into());
    expected
        .insert("endpointslice.kubernetes.io/managed-by".into(), "endpointslice-controller.k8s.io".into());
    assert_eq!(cluster.slices[0].metadata.labels, Some(expected));
}

#[test]
fn slices_bear_the_labels_of_the_service_and_their_own() {
    let headless = ("service.kubernetes.io/headless", "");
    check_labels(&[], "None", &[headless]);
    check_labels(&[], "", &[headless]);
    check_labels(&[], "10.96.0.1", &[]);
    check_labels(&[("team", "a")], "None", &[headless, ("team", "a")]);
    let reserved = [
        ("kubernetes.io/service-name", "other"),
        ("endpointslice.kubernetes.io/managed-by", "me"),
        ("service.kubernetes.io/headless", "yes"),
    ];
    check_labels(&reserved, "10.96.0.1", &[]);
}

#[test]
fn changed_labels_alone_rewrite_the_slices() {
    let mut cluster = Cluster::new(pods(2));
    cluster.step();
    cluster.service.metadata.labels = Some(labels(&[("team", "a")]));
    assert_eq!(cluster.step(), ["~2"]);
    cluster.service.metadata.labels = None;
    assert_eq!(cluster.step(), ["~2"]);
}

#[test]
fn a_write_bears_the_time_of_its_change_or_none() {
    const KEY: &str = "endpoints.kubernetes.io/last-change-trigger-time";
    let mut cluster = Cluster::new(pods(1));
    let plan = |cluster: &Cluster, trigger_time| {
        reconcile(&Inputs {
            service: &cluster.service,
            pods: cluster.pods.iter().collect(),
            slices: cluster.slices.iter().collect(),
            zones: &cluster.zones,
            trigger_time,
            endpoints_max: 100,
        })
    };
    let created = plan(&cluster, Some(at(5).0)).remove(0);
    cluster.apply(created);
    let annotations = cluster.slices[0].metadata.annotations.clone().unwrap();
    assert_eq!(annotations.get(KEY).map(String::as_str), Some("1970-01-01T00:00:05Z"));
    assert!(plan(&cluster, Some(at(6).0)).is_empty(), "a time alone is no reason to write");
    set_ready(&mut cluster.pods[0], "False");
    cluster.step();
    assert_eq!(cluster.slices[0].metadata.annotations, None);
}
