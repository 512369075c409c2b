//! The figures as text: names, labels, sums over workers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::counts::{ANSWER_BOUNDS_S, Counts, NAMES_MAX, NETWORKS_MAX, ZONES_MAX, lock};
use super::figures::Metrics;
use super::histogram::Histogram;
use super::labels::{DROP_REASONS, FORWARDED, NOTIFY_EVENTS, OTHER, RCODES, TRANSPORTS, TYPES};
use super::top::Top;

/// What the page is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Metrics {
    /// Everything, as OpenMetrics text.
    pub fn page(self: &Arc<Self>) -> String {
        let mut registry = Registry::with_prefix("dullahan_dns");
        registry.register_collector(Box::new(Page(self.clone())));
        let mut page = String::new();
        text::encode(&mut page, &registry).expect("a string takes everything");
        page
    }
}

#[derive(Debug)]
struct Page(Arc<Metrics>);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let workers = lock(&self.0.workers).clone();
        queries(&mut encoder, &workers)?;
        dropped(&mut encoder, &workers)?;
        let answering: Vec<&Histogram> = workers.iter().map(|counts| &counts.took).collect();
        histogram(&mut encoder, "query_duration", "How long answering takes", &ANSWER_BOUNDS_S, &answering)?;
        let publishing = &self.0.published;
        let help = "From the commit of a change to its publication";
        histogram(&mut encoder, "publish_duration", help, publishing.bounds_s, &[publishing])?;
        notified(&mut encoder, &self.0.notified)?;
        let upstream = &self.0.upstream;
        let help = "How long upstreams took for questions that were forwarded";
        histogram(&mut encoder, "upstream_duration", help, upstream.bounds_s, &[upstream])?;
        self.forwarded(&mut encoder)?;
        self.explanations(&mut encoder)?;
        self.limited(&mut encoder)?;
        self.sampled(&mut encoder, &workers)?;
        self.zones(&mut encoder)
    }
}

impl Page {
    fn explanations(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Negative answers that say why";
        let mut family = encoder.encode_descriptor("explanations", help, None, MetricType::Counter)?;
        for (cause, n) in lock(&self.0.causes).iter() {
            ConstCounter::new(*n).encode(family.encode_family(&[("cause", *cause)])?)?;
        }
        Ok(())
    }

    fn forwarded(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Questions for upstreams, by what became of them";
        let mut family = encoder.encode_descriptor("forwarded", help, None, MetricType::Counter)?;
        for (outcome, n) in FORWARDED.iter().zip(&self.0.forwarded) {
            let n = n.load(Ordering::Relaxed);
            ConstCounter::new(n).encode(family.encode_family(&[("outcome", *outcome)])?)?;
        }
        Ok(())
    }

    fn limited(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Answers withheld or truncated, of the networks most limited; of many at once, estimated";
        let mut family = encoder.encode_descriptor("rate_limited", help, None, MetricType::Counter)?;
        let limited = lock(&self.0.limited);
        for ((address, length), n) in Top::of_all([&*limited], NETWORKS_MAX) {
            let network = format!("{address}/{length}");
            ConstCounter::new(n).encode(family.encode_family(&[("network", network)])?)?;
        }
        Ok(())
    }

    fn sampled(&self, encoder: &mut DescriptorEncoder<'_>, workers: &[Arc<Counts>]) -> fmt::Result {
        let help = "Requests that were answered, of the networks that ask most, estimated from a sample";
        let mut family = encoder.encode_descriptor("network_queries", help, None, MetricType::Counter)?;
        let networks: Vec<_> = workers.iter().map(|counts| lock(&counts.networks)).collect();
        for ((address, length), n) in Top::of_all(networks.iter().map(|top| &**top), NETWORKS_MAX) {
            let network = format!("{address}/{length}");
            ConstCounter::new(n).encode(family.encode_family(&[("network", network)])?)?;
        }
        drop(networks);
        let help = "Answers with records, of the names that are asked for most, estimated from a sample";
        let mut family = encoder.encode_descriptor("name_queries", help, None, MetricType::Counter)?;
        let names: Vec<_> = workers.iter().map(|counts| lock(&counts.names)).collect();
        for (name, n) in Top::of_all(names.iter().map(|top| &**top), NAMES_MAX) {
            ConstCounter::new(n).encode(family.encode_family(&[("name", &*name)])?)?;
        }
        Ok(())
    }

    fn zones(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut zones = lock(&self.0.zones).as_ref().map(|source| source()).unwrap_or_default();
        let help = "Zones that are served";
        let n_zones = encoder.encode_descriptor("zones", help, None, MetricType::Gauge)?;
        ConstGauge::new(zones.len() as u64).encode(n_zones)?;
        zones.sort_by(|left, right| left.zone.cmp(&right.zone));
        zones.truncate(ZONES_MAX);
        let mut serials =
            encoder.encode_descriptor("zone_serial", "The zone's serial", None, MetricType::Gauge)?;
        for zone in &zones {
            let labels = [("zone", zone.zone.as_str())];
            ConstGauge::new(u64::from(zone.serial)).encode(serials.encode_family(&labels)?)?;
        }
        let mut names = encoder.encode_descriptor(
            "zone_names",
            "Names that exist in the zone",
            None,
            MetricType::Gauge,
        )?;
        for zone in &zones {
            let labels = [("zone", zone.zone.as_str())];
            ConstGauge::new(zone.n_names as u64).encode(names.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn sum<'c>(counters: impl Iterator<Item = &'c AtomicU64>) -> u64 {
    counters.map(|counter| counter.load(Ordering::Relaxed)).sum()
}

/// The label of a position in a list, or `other` behind its end.
fn label(listed: &[(u16, &'static str)], position: usize) -> &'static str {
    listed.get(position).map_or(OTHER, |(_, label)| label)
}

fn queries(encoder: &mut DescriptorEncoder<'_>, workers: &[Arc<Counts>]) -> fmt::Result {
    let help = "Requests that were answered";
    let mut family = encoder.encode_descriptor("queries", help, None, MetricType::Counter)?;
    let (n_types, n_rcodes) = (TYPES.len() + 1, RCODES.len() + 1);
    for index in 0..TRANSPORTS.len() * n_types * n_rcodes {
        let n = sum(workers.iter().map(|counts| &counts.queries[index]));
        let (transport, record_type) = (index / n_rcodes / n_types, index / n_rcodes % n_types);
        let labels = [
            ("transport", TRANSPORTS[transport]),
            ("type", label(TYPES, record_type)),
            ("rcode", label(RCODES, index % n_rcodes)),
        ];
        if n > 0 {
            ConstCounter::new(n).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn notified(encoder: &mut DescriptorEncoder<'_>, counts: &[AtomicU64]) -> fmt::Result {
    let help = "Notifications of new versions to secondaries";
    let mut family = encoder.encode_descriptor("notifies", help, None, MetricType::Counter)?;
    for (event, n) in NOTIFY_EVENTS.iter().zip(counts) {
        let n = n.load(Ordering::Relaxed);
        ConstCounter::new(n).encode(family.encode_family(&[("event", *event)])?)?;
    }
    Ok(())
}

fn dropped(encoder: &mut DescriptorEncoder<'_>, workers: &[Arc<Counts>]) -> fmt::Result {
    let help = "Requests that were not answered";
    let mut family = encoder.encode_descriptor("dropped", help, None, MetricType::Counter)?;
    for (index, reason) in DROP_REASONS.iter().enumerate() {
        let n = sum(workers.iter().map(|counts| &counts.dropped[index]));
        ConstCounter::new(n).encode(family.encode_family(&[("reason", *reason)])?)?;
    }
    Ok(())
}

fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    bounds_s: &[f64],
    parts: &[&Histogram],
) -> fmt::Result {
    let unit = Unit::Seconds;
    let mut metric = encoder.encode_descriptor(name, help, Some(&unit), MetricType::Histogram)?;
    let bounds = bounds_s.iter().copied().chain([f64::INFINITY]).enumerate();
    let buckets: Vec<(f64, u64)> =
        bounds.map(|(index, bound)| (bound, sum(parts.iter().map(|part| &part.buckets[index])))).collect();
    let n = buckets.iter().map(|(_, n)| n).sum();
    let seconds = sum(parts.iter().map(|part| &part.sum_ns)) as f64 / 1e9;
    metric.encode_histogram::<NoLabelSet>(seconds, n, &buckets, None)
}
