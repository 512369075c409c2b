//! The conformance cases as data: loading, the rules of comparison, and the same fixtures as a
//! manifest and a command line.
//!
//! A case says what CoreDNS answers. Where this server answers otherwise because an RFC says so,
//! `differences.json` has the case's name, the reason, and what is expected instead; [`Case::ours`]
//! is the case with these expectations. See `dns/README.md` for where the cases come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dullahan::names::options::{PodNames, ZoneOptions};
use dullahan::objects::{Kind, Typed};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, Record, RecordType};
use serde::Deserialize;
use serde_json::Value;

/// A TTL that stands for any.
const ANY_TTL: &str = "303";

/// What a server must have for a case, if this one has it.
const FEATURES: &[&str] = &[
    "endpoint_pod_names",
    "fallthrough",
    "ignore_empty_service",
    "live-update",
    "noendpoints",
    "pods-disabled",
    "pods-insecure",
    "pods-verified",
    "unsynced",
    "zonal",
];

/// Features for which somebody else has to answer, so that only the program has them.
const NETWORK_FEATURES: &[&str] = &["upstream"];

/// Features that this server has not got, and why.
const MISSING: &[(&str, &str)] = &[
    (
        "autopath",
        "whoever answers for a client's search list has to know which pod asks; clients walk their lists themselves",
    ),
    ("multicluster", "there is one cluster, and no ServiceImport"),
];

/// Cases that ask nothing of the feature that they name.
const ORDINARY: &[(&str, &str)] =
    &[("ci-autopath-00-A-svc-1-a", "the name in the first search domain exists, so it is answered as it is")];

/// Cases that share objects and settings.
#[derive(Debug, Deserialize)]
pub(crate) struct CaseFile {
    /// The file's name without its ending.
    #[serde(skip)]
    pub(crate) name: String,
    /// Where the cases come from.
    #[allow(dead_code, reason = "for who reads a failure")]
    pub(crate) source: String,
    /// `dns`; other kinds are not here.
    #[allow(dead_code, reason = "for who reads a failure")]
    pub(crate) kind: String,
    /// Kubernetes objects.
    pub(crate) fixtures: Vec<Value>,
    /// The server's settings.
    pub(crate) options: Options,
    /// What upstreams know.
    #[serde(default)]
    pub(crate) upstream_records: Vec<String>,
    /// The zone to which names fall through.
    fallback_zone: Option<FallbackZone>,
    /// The cases.
    pub(crate) cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct FallbackZone {
    origin: String,
    records: Vec<String>,
}

/// What an upstream answers in one case.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UpstreamAnswer {
    /// Whether the datagram is truncated.
    #[serde(default)]
    pub(crate) truncated: bool,
    /// The answer section.
    pub(crate) answer: Vec<String>,
}

/// A server's settings, in CoreDNS' words.
#[derive(Debug, Deserialize)]
pub(crate) struct Options {
    zones: Vec<String>,
    namespaces: Vec<String>,
    pods: String,
    ttl: u32,
    endpoint_pod_names: bool,
    noendpoints: bool,
    ignore_empty_service: bool,
    server_ips: Vec<std::net::IpAddr>,
    synced: bool,
    fallthrough: Option<Vec<String>>,
    #[serde(default)]
    zonal: bool,
}

/// A question and the message that answers it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Case {
    /// Unique over all files.
    pub(crate) name: String,
    /// The name asked for.
    pub(crate) qname: String,
    /// The type asked for.
    pub(crate) qtype: String,
    /// The expected response code.
    pub(crate) rcode: String,
    /// The records that are expected in the answer section.
    #[serde(default)]
    pub(crate) answer: Vec<String>,
    #[serde(default)]
    authority: Vec<String>,
    #[serde(default)]
    additional: Vec<String>,
    aa: Option<bool>,
    #[serde(default)]
    case_sensitive: bool,
    #[serde(default)]
    cname_first: bool,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    soa_compare: Vec<String>,
    #[serde(default)]
    requires: Vec<String>,
    /// The serial that a client of IXFR has: a number, or `current` for the zone's own.
    #[serde(default)]
    pub(crate) ixfr_serial: Value,
    /// What an upstream answers here, if that is more than the file says.
    pub(crate) upstream: Option<UpstreamAnswer>,
    /// Objects that come into being before the question.
    #[serde(default)]
    pub(crate) apply: Vec<Value>,
    /// The TTL of negative answers, if the server's is not the TTL of its records.
    #[serde(skip)]
    pub(crate) negative_ttl_s: Option<u32>,
    #[serde(skip)]
    difference: Option<Difference>,
}

/// Where this server answers otherwise than the case says, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Difference {
    /// The case's name.
    pub(crate) case: String,
    /// The RFC and section that decide.
    #[allow(dead_code, reason = "for who reads a failure")]
    pub(crate) rfc: String,
    /// What they say.
    #[allow(dead_code, reason = "for who reads a failure")]
    pub(crate) why: String,
    rcode: Option<String>,
    answer: Option<Vec<String>>,
    authority: Option<Vec<String>>,
    additional: Option<Vec<String>>,
}

/// The message that a server has answered with.
pub(crate) struct Reply<'r> {
    /// The response code.
    pub(crate) rcode: ResponseCode,
    /// The AA bit.
    pub(crate) is_authoritative: bool,
    /// The answer section.
    pub(crate) answers: &'r [Record],
    /// The authority section.
    pub(crate) authority: &'r [Record],
    /// The additional section, without OPT.
    pub(crate) additional: &'r [Record],
}

/// All cases, with the differences entered.
pub(crate) fn load_cases() -> Vec<CaseFile> {
    let mut differences = load_differences();
    let mut files = load_files("dns");
    for case in files.iter_mut().flat_map(|file| &mut file.cases) {
        case.difference = differences.remove(&case.name);
    }
    assert!(differences.is_empty(), "differences without a case: {:?}", differences.keys());
    files
}

/// The files of a folder of `tests/conformance`, in the order of their names.
pub(crate) fn load_files(folder: &str) -> Vec<CaseFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    paths.iter().map(PathBuf::as_path).map(load_file).collect()
}

fn load_file(path: &Path) -> CaseFile {
    let text = std::fs::read_to_string(path).unwrap();
    let mut file: CaseFile = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    file.name = path.file_stem().unwrap().to_string_lossy().into_owned();
    file
}

fn load_differences() -> BTreeMap<String, Difference> {
    let listed: Vec<Difference> =
        serde_json::from_str(include_str!("../../conformance/differences.json")).unwrap();
    listed.into_iter().map(|difference| (difference.case.clone(), difference)).collect()
}

impl CaseFile {
    /// The fixtures of kinds that this server has.
    pub(crate) fn objects(&self) -> Vec<Typed> {
        self.fixtures.iter().filter_map(typed).collect()
    }

    /// The settings. CoreDNS has no TTL of its own for negative answers.
    pub(crate) fn zone_options(&self) -> ZoneOptions {
        let (reverse, forward): (Vec<Name>, Vec<Name>) =
            self.options.zones.iter().map(|zone| name(zone)).partition(is_reverse);
        ZoneOptions {
            cluster_domain: forward[0].clone(),
            ttl_s: self.options.ttl,
            negative_ttl_s: self.options.ttl,
            pods: match self.options.pods.as_str() {
                "disabled" => PodNames::Disabled,
                "insecure" => PodNames::Insecure,
                "verified" => PodNames::Verified,
                other => panic!("{}: pods {other}", self.name),
            },
            endpoint_pod_names: self.options.endpoint_pod_names,
            ignore_empty_service: self.options.ignore_empty_service,
            namespaces: self.options.namespaces.clone(),
            no_endpoints: self.options.noendpoints,
            reverse_zones: Some(reverse),
            server_addresses: self.options.server_ips.clone(),
            zonal: self.options.zonal,
            is_synced: self.options.synced,
            fallthrough: self.options.fallthrough.iter().flatten().map(|zone| name(zone)).collect(),
            ..ZoneOptions::default()
        }
    }

    /// The zone to which names fall through, as a zone file. Names in the source are absolute without
    /// their last dot.
    pub(crate) fn fallback_zone(&self) -> Option<String> {
        let zone = self.fallback_zone.as_ref()?;
        let absolute = |name: &str| format!("{}.", name.trim_end_matches('.'));
        let lines = zone.records.iter().map(|record| {
            let [owner, _, record_type, data @ ..] = &record.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{record}: owner, class and type are missing")
            };
            let mut data: Vec<String> = data.iter().map(|field| (*field).to_owned()).collect();
            if let ("NS" | "CNAME" | "SRV", Some(target)) = (*record_type, data.last_mut()) {
                *target = absolute(target);
            }
            format!("{} 303 IN {record_type} {}\n", absolute(owner), data.join(" "))
        });
        Some(format!("$ORIGIN {}\n{}", zone.origin, lines.collect::<String>()))
    }

    /// The fixtures of kinds that this server has, as one manifest (JSON documents are YAML).
    pub(crate) fn manifest(&self) -> String {
        let known = self.fixtures.iter().filter(|value| typed(value).is_some());
        known.map(|value| format!("---\n{value}\n")).collect()
    }

    /// Writes the manifest to `folder`; returns its path.
    pub(crate) fn write_manifest(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("{}.yaml", self.name));
        std::fs::write(&path, self.manifest()).unwrap();
        path
    }

    /// The settings as flags of `dullahan dns`, without the fixtures and the addresses to listen
    /// at.
    pub(crate) fn flags(&self) -> Vec<String> {
        let options = self.zone_options();
        let mut flags = vec![format!("--cluster-domain={}", options.cluster_domain)];
        flags.extend(options.reverse_zones.iter().flatten().map(|zone| format!("--reverse-zone={zone}")));
        if !options.namespaces.is_empty() {
            flags.push(format!("--namespaces={}", options.namespaces.join(",")));
        }
        flags.push(format!("--pods={}", self.options.pods));
        flags.extend(options.endpoint_pod_names.then(|| "--endpoint-pod-names".to_owned()));
        flags.extend(options.ignore_empty_service.then(|| "--ignore-empty-service".to_owned()));
        flags.extend(options.no_endpoints.then(|| "--no-endpoints".to_owned()));
        flags.extend(options.fallthrough.iter().map(|zone| format!("--fallthrough={zone}")));
        flags.extend(options.zonal.then(|| "--zonal".to_owned()));
        flags.push(format!("--ttl={}", options.ttl_s));
        flags.extend(options.server_addresses.iter().map(|address| format!("--advertise={address}")));
        flags
    }
}

/// A fixture as an object, unless its kind is one that this server does not have.
pub(crate) fn typed(value: &Value) -> Option<Typed> {
    let kind = Kind::find(value["apiVersion"].as_str()?, value["kind"].as_str()?)?;
    Some(Typed::from_value(kind, value.clone()).unwrap_or_else(|error| panic!("{value}: {error}")))
}

impl Case {
    /// The features this case needs that this server has not got, each with the reason.
    pub(crate) fn missing_features(&self) -> Vec<String> {
        if ORDINARY.iter().any(|(name, _)| *name == self.name) {
            return Vec::new();
        }
        let is_there = |feature: &str| FEATURES.contains(&feature) || NETWORK_FEATURES.contains(&feature);
        let missing = self.requires.iter().filter(|feature| !is_there(feature));
        missing
            .map(|feature| {
                let listed = MISSING.iter().find(|(name, _)| name == feature);
                let (_, why) = listed.unwrap_or_else(|| panic!("{}: no reason for {feature}", self.name));
                format!("{feature} ({why})")
            })
            .collect()
    }

    /// Whether somebody else has to answer a part of it.
    pub(crate) fn needs_network(&self) -> bool {
        self.requires.iter().any(|feature| NETWORK_FEATURES.contains(&feature.as_str()))
    }

    /// The question's name.
    pub(crate) fn query_name(&self) -> Name {
        name(&self.qname)
    }

    /// The question's type.
    pub(crate) fn query_type(&self) -> RecordType {
        self.qtype.parse().unwrap()
    }

    /// Why this server answers otherwise, if it does.
    pub(crate) fn difference(&self) -> Option<&Difference> {
        self.difference.as_ref()
    }

    /// The case with what this server is to answer.
    pub(crate) fn ours(&self) -> Case {
        let mut ours = self.clone();
        if let Some(difference) = &self.difference {
            let other = difference.clone();
            ours.rcode = other.rcode.unwrap_or(ours.rcode);
            ours.answer = other.answer.unwrap_or(ours.answer);
            ours.authority = other.authority.unwrap_or(ours.authority);
            ours.additional = other.additional.unwrap_or(ours.additional);
        }
        ours
    }

    /// Whether a part, such as `answer.srv.weight`, is not compared.
    pub(crate) fn ignores(&self, part: &str) -> bool {
        self.ignore.iter().any(|ignored| ignored == part)
    }
}

/// Compares a message with what a case expects, by the rules of `dns/README.md`. The error says
/// what differs.
pub(crate) fn compare(case: &Case, reply: &Reply<'_>) -> Result<(), String> {
    let rcode = format!("{:?}", reply.rcode).to_ascii_uppercase();
    if rcode != case.rcode {
        return Err(format!("rcode {rcode}, expected {}", case.rcode));
    }
    if case.aa.is_some_and(|aa| aa != reply.is_authoritative) && !case.ignores("aa") {
        return Err(format!("AA is {}", reply.is_authoritative));
    }
    let sections = [
        ("answer", &case.answer, reply.answers),
        ("authority", &case.authority, reply.authority),
        ("additional", &case.additional, reply.additional),
    ];
    for (section, expected, records) in sections {
        if !case.ignores(section) {
            compare_section(case, section, expected, records)?;
        }
    }
    let first_alias = reply.answers.iter().position(|record| record.record_type() == RecordType::CNAME);
    if case.cname_first && first_alias != Some(0) {
        return Err("the CNAME is not first".to_owned());
    }
    Ok(())
}

fn compare_section(
    case: &Case,
    section: &str,
    expected: &[String],
    records: &[Record],
) -> Result<(), String> {
    let got: Vec<String> = records.iter().map(|record| record.to_string()).collect();
    let mut left: Vec<Vec<String>> = got.iter().map(|line| fields(case, section, line)).collect();
    for line in expected {
        let wanted = fields(case, section, line);
        let Some(index) = left.iter().position(|found| matches(&wanted, found)) else {
            return Err(format!("{section}: no {line:?} in {got:#?}"));
        };
        left.swap_remove(index);
    }
    if left.is_empty() { Ok(()) } else { Err(format!("{section}: not expected: {left:?}")) }
}

fn matches(wanted: &[String], found: &[String]) -> bool {
    let is_alike = |(index, wanted): (usize, &String)| {
        (index == 1 && wanted == ANY_TTL) || found.get(index) == Some(wanted)
    };
    wanted.len() == found.len() && wanted.iter().enumerate().all(is_alike)
}

/// The fields of a record in presentation form, as far as they are compared: owner, TTL, class,
/// type, RDATA.
fn fields(case: &Case, section: &str, line: &str) -> Vec<String> {
    let line = if case.case_sensitive { line.to_owned() } else { line.to_ascii_lowercase() };
    let mut fields: Vec<String> =
        line.split_whitespace().map(|field| field.trim_matches('"').to_owned()).collect();
    let record_type = fields[3].to_ascii_uppercase();
    if case.ignores(&format!("{section}.ttl")) {
        fields[1].clear();
    }
    if let Some(ttl_s) = case.negative_ttl_s.filter(|_| section == "authority" && record_type == "SOA") {
        fields[1] = ttl_s.to_string();
    }
    if record_type == "SRV" {
        for (index, part) in [(4, "priority"), (5, "weight")] {
            if case.ignores(&format!("{section}.srv.{part}")) {
                fields[index].clear();
            }
        }
    }
    if record_type == "SOA" {
        assert!(case.soa_compare.is_empty(), "{}: transfers alone compare more of the SOA", case.name);
        fields.truncate(5);
    }
    fields
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn is_reverse(zone: &Name) -> bool {
    zone.to_ascii().to_ascii_lowercase().trim_end_matches('.').ends_with("arpa")
}
