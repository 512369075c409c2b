//! What is counted is what the page says, and nothing that clients send makes it grow.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::*;

fn lines(metrics: &Arc<Metrics>, beginning: &str) -> Vec<String> {
    let page = metrics.page();
    page.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
}

fn seen(record_type: Option<u16>, rcode: u16, by: By) -> Seen {
    Seen { by, record_type, rcode, took: Some(Duration::from_micros(7)) }
}

#[test]
fn workers_are_summed_up_and_what_is_not_listed_is_other() {
    let metrics = Arc::new(Metrics::default());
    let (one, two) = (metrics.counts(), metrics.counts());
    one.answered(seen(Some(1), 0, By::Udp));
    two.answered(seen(Some(1), 0, By::Udp));
    two.answered(seen(Some(33), 3, By::Tcp));
    for strange in [777, 778, 65535] {
        one.answered(seen(Some(strange), 99, By::Udp));
    }
    one.answered(seen(None, 1, By::Udp));
    let expected = [
        r#"dullahan_dns_queries_total{transport="udp",type="A",rcode="NOERROR"} 2"#,
        r#"dullahan_dns_queries_total{transport="udp",type="other",rcode="FORMERR"} 1"#,
        r#"dullahan_dns_queries_total{transport="udp",type="other",rcode="other"} 3"#,
        r#"dullahan_dns_queries_total{transport="tcp",type="SRV",rcode="NXDOMAIN"} 1"#,
    ];
    assert_eq!(lines(&metrics, "dullahan_dns_queries_total"), expected);
}

#[test]
fn notifications_are_counted_by_what_became_of_them() {
    let metrics = Arc::new(Metrics::default());
    for event in [NotifyEvent::Sent, NotifyEvent::Sent, NotifyEvent::Answered] {
        metrics.notified(event);
    }
    let expected = [
        r#"dullahan_dns_notifies_total{event="sent"} 2"#,
        r#"dullahan_dns_notifies_total{event="answered"} 1"#,
        r#"dullahan_dns_notifies_total{event="given_up"} 0"#,
    ];
    assert_eq!(lines(&metrics, "dullahan_dns_notifies_total"), expected);
}

#[test]
fn a_histogram_is_cumulative_and_ends_with_all() {
    let metrics = Arc::new(Metrics::default());
    let counts = metrics.counts();
    for microseconds in [3, 7, 7, 2_000_000] {
        counts
            .answered(Seen { took: Some(Duration::from_micros(microseconds)), ..seen(Some(1), 0, By::Udp) });
    }
    let buckets = lines(&metrics, "dullahan_dns_query_duration_seconds");
    for line in [
        r#"dullahan_dns_query_duration_seconds_sum 2.000017"#,
        r#"dullahan_dns_query_duration_seconds_count 4"#,
        r#"dullahan_dns_query_duration_seconds_bucket{le="0.000005"} 1"#,
        r#"dullahan_dns_query_duration_seconds_bucket{le="0.1"} 3"#,
        r#"dullahan_dns_query_duration_seconds_bucket{le="+Inf"} 4"#,
    ] {
        assert!(buckets.iter().any(|other| other == line), "{line} in {buckets:#?}");
    }
}

#[test]
fn only_the_most_limited_networks_are_told() {
    let metrics = Arc::new(Metrics::default());
    let network = |n: u8| (IpAddr::from([192, 0, n, 0]), 24);
    for n in 0..NETWORKS_MAX as u8 {
        (0..10).for_each(|_| metrics.limited(network(n)));
    }
    (0..13).for_each(|_| metrics.limited(network(200)));
    let told = lines(&metrics, "dullahan_dns_rate_limited_total");
    assert_eq!(told.len(), NETWORKS_MAX);
    assert!(
        told.contains(&r#"dullahan_dns_rate_limited_total{network="192.0.200.0/24"} 13"#.to_owned()),
        "{told:#?}"
    );
}

#[test]
fn who_asks_and_what_for_is_estimated_from_a_sample() {
    let metrics = Arc::new(Metrics::default());
    let (one, two) = (metrics.counts(), metrics.counts());
    let sampled = (0..10 * SAMPLE).filter(|_| one.is_sampled()).count();
    assert_eq!(sampled, 10, "one in {SAMPLE}");
    for n_turns in [2, 3, 4, 64] {
        let by_turns = (0..2_000 * SAMPLE).filter(|n| one.is_sampled() && n % n_turns == 0).count();
        assert!((1_500..=2_500).contains(&(by_turns * n_turns as usize)), "{by_turns} of one of {n_turns}");
    }
    let network = |n: u8| (IpAddr::from([192, 0, n, 0]), 24);
    for n in 0..=255 {
        one.sampled(network(n), Some(format!("web-{n}.web.")));
        two.sampled(network(7), Some("web-0.web.".to_owned()));
        two.sampled(network(8), None);
    }
    let networks = lines(&metrics, "dullahan_dns_network_queries_total");
    assert_eq!(networks.len(), NETWORKS_MAX);
    let names = lines(&metrics, "dullahan_dns_name_queries_total");
    assert_eq!(names.len(), NAMES_MAX);
    assert!(names[0].starts_with(r#"dullahan_dns_name_queries_total{name="web-0.web."} "#), "{names:#?}");
    let first_two = [&networks[0], &networks[1]].map(|line| line.split('"').nth(1).unwrap().to_owned());
    assert!(first_two.contains(&"192.0.8.0/24".to_owned()), "{networks:#?}");
}

#[test]
fn zones_are_asked_for_and_bounded() {
    let metrics = Arc::new(Metrics::default());
    metrics.set_zones(|| {
        let zone = |n: usize| ZoneFigures { zone: format!("{n:03}.example."), serial: 9, n_names: n };
        (0..ZONES_MAX + 5).map(zone).collect()
    });
    assert_eq!(lines(&metrics, "dullahan_dns_zones"), ["dullahan_dns_zones 69"]);
    let names = lines(&metrics, "dullahan_dns_zone_names");
    assert_eq!((names.len(), names[7].as_str()), (64, r#"dullahan_dns_zone_names{zone="007.example."} 7"#));
    assert_eq!(
        lines(&metrics, "dullahan_dns_zone_serial")[0],
        r#"dullahan_dns_zone_serial{zone="000.example."} 9"#
    );
}

#[test]
fn causes_and_publications_are_counted() {
    let metrics = Arc::new(Metrics::default());
    metrics.explained("pod not ready");
    metrics.explained("pod not ready");
    metrics.published(Duration::from_millis(2));
    assert_eq!(
        lines(&metrics, "dullahan_dns_explanations_total"),
        [r#"dullahan_dns_explanations_total{cause="pod not ready"} 2"#]
    );
    assert_eq!(
        lines(&metrics, "dullahan_dns_publish_duration_seconds_count"),
        ["dullahan_dns_publish_duration_seconds_count 1"]
    );
    assert!(metrics.page().ends_with("# EOF\n"));
}
