//! `dullahan explain NAME`: why a name has no records, in more words than fit into a response.
//!
//! With `-f` it answers from manifests as `dullahan dns` would, and lists the objects it looked at;
//! otherwise it asks a running server, which puts its reason into the response.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as Question, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::output::{printable, say};
use super::unschedulable;
use crate::app;
use crate::clock::Clock;
use crate::config::{ManifestSettings, NameSettings, with_port};
use crate::dns::answer::{self, Query};
use crate::dns::message::protocol::DATAGRAM_LENGTH_MAX;
use crate::dns::zonefile::master;
use crate::names::explain::Cause;
use crate::objects::Kind;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is asked.
const ATTEMPTS_MAX: usize = 3;
/// Names of the cluster's zone that lie below no service or pod.
const NAMES_OF_THE_ZONE: [&str; 4] = ["dns-version", "ns.dns", "pod", "svc"];

/// Where a name without a namespace is looked for first.
const NAMESPACE_DEFAULT: &str = "default";
/// How reasons begin of names that no object nearly has.
const FAR: [&str; 2] = ["there is no namespace", "there is no service"];

/// Flags of `dullahan explain`.
#[derive(Args, Debug)]
pub(super) struct ExplainSettings {
    /// The name, for example web-0.nginx.default.svc.cluster.local; the cluster domain may be left out.
    #[arg(value_name = "NAME")]
    name: String,
    /// Record type.
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "A", value_parser = record_type)]
    record_type: RecordType,
    #[command(flatten)]
    manifests: ManifestSettings,
    /// Server to ask; one on another machine must run with --explain on.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:1053", value_parser = with_port(1053), conflicts_with = "file")]
    server: SocketAddr,
    #[command(flatten)]
    names: NameSettings,
}

/// A type as people write it: its mnemonic in any case, or `TYPE65` (RFC 3597 section 5).
fn record_type(text: &str) -> Result<RecordType, String> {
    master::record_type(&text.to_ascii_uppercase())
        .map_err(|_| "not a record type; write for example A, SRV or TYPE65".to_owned())
}

/// Prints what a name is answered with and why; succeeds if it has records.
pub(super) fn run(settings: &ExplainSettings) -> anyhow::Result<ExitCode> {
    let name = full_name(&settings.name, &settings.names.cluster_domain)?;
    match settings.manifests.file.is_empty() {
        true => ask(settings, name),
        false => from_files(settings, name),
    }
}

/// `name` with the cluster's domain behind it, unless it ends with it or with a dot.
fn full_name(text: &str, domain: &str) -> anyhow::Result<Name> {
    let parse = |text: &str| {
        let mut name = Name::from_ascii(text).with_context(|| format!("\"{text}\" is not a domain name"))?;
        name.set_fqdn(true);
        anyhow::Ok(name)
    };
    let (name, domain) = (parse(text)?, parse(domain)?);
    let is_complete =
        text.ends_with('.') || domain.zone_of(&name) || text.to_ascii_lowercase().ends_with(".arpa");
    if is_complete {
        return Ok(name);
    }
    let relative = text.to_ascii_lowercase();
    let is_of_zone = NAMES_OF_THE_ZONE.contains(&relative.as_str());
    let is_below = is_of_zone || relative.ends_with(".svc") || relative.ends_with(".pod");
    let below = if is_below { "" } else { "svc." };
    parse(&format!("{relative}.{below}{domain}"))
}

fn from_files(settings: &ExplainSettings, name: Name) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let known = runtime.block_on(app::explain(&settings.names, &settings.manifests, Clock::system()))?;
    let query = Query { name: name.clone(), record_type: settings.record_type };
    let answer = answer::answer(&known.zones, &query);
    print_outcome(&name, settings.record_type, answer.rcode, &answer.answers)?;
    let is_followed = answer.beyond.is_none() && !takes_aliases(settings.record_type);
    let absent = match alias_of_all(&answer.answers).filter(|_| is_followed) {
        Some(target) => target,
        None if answer.answers.is_empty() => &name,
        None => return Ok(ExitCode::SUCCESS),
    };
    match known.explainer.explain(absent, settings.record_type) {
        Some(explanation) => {
            say(printable(&format!("{}: {}", explanation.cause.label(), explanation.text)))?;
            say(explanation.cause.advice())?;
            say("looked at:")?;
            for key in &explanation.looked_at {
                let missing = if known.store.get(key).is_some() { "" } else { " (does not exist)" };
                say(format_args!("  {key}{missing}"))?;
            }
        }
        None => say(format_args!("no object in the files could have the name {absent}"))?,
    }
    let services = known.store.list(Kind::Service, None).objects;
    let namespaces: BTreeSet<&str> = services.iter().map(|service| service.namespace()).collect();
    let is_known = |name: &Name| {
        let query = Query { name: name.clone(), record_type: settings.record_type };
        let explained = known.explainer.explain(name, settings.record_type);
        let is_near = |cause| !matches!(cause, Cause::NoNamespace | Cause::NoService);
        !answer::answer(&known.zones, &query).answers.is_empty()
            || explained.is_some_and(|explanation| is_near(explanation.cause))
    };
    suggest(settings, std::iter::once(NAMESPACE_DEFAULT).chain(namespaces), is_known)?;
    Ok(ExitCode::FAILURE)
}

/// Names the first of these namespaces that a short name may have been meant in.
fn suggest<'a>(
    settings: &ExplainSettings,
    namespaces: impl IntoIterator<Item = &'a str>,
    is_known: impl Fn(&Name) -> bool,
) -> anyhow::Result<()> {
    let text = settings.name.to_ascii_lowercase();
    if !lacks_namespace(&text) {
        return Ok(());
    }
    for namespace in namespaces {
        let candidate = format!("{text}.{namespace}");
        if full_name(&candidate, &settings.names.cluster_domain).is_ok_and(|name| is_known(&name)) {
            say(format_args!(
                "did you mean {candidate}? The last part of a name without \"svc\" is its namespace"
            ))?;
            return Ok(());
        }
    }
    Ok(())
}

/// Whether a name may be that of a service, or of a pod below one, and nothing else.
fn lacks_namespace(text: &str) -> bool {
    let n_labels = text.split('.').count();
    n_labels <= 2 && !text.ends_with(['.']) && !text.ends_with(".svc") && !text.ends_with(".pod")
}

/// Whether an alias is itself what was asked for.
fn takes_aliases(record_type: RecordType) -> bool {
    matches!(record_type, RecordType::CNAME | RecordType::ANY)
}

/// The last name of a chain of aliases, if there is one and nothing but it.
fn alias_of_all(answers: &[Record]) -> Option<&Name> {
    match &answers.last()?.data {
        RData::CNAME(target) => Some(&target.0),
        _ => None,
    }
}

fn ask(settings: &ExplainSettings, name: Name) -> anyhow::Result<ExitCode> {
    let reply = exchange(settings.server, &name, settings.record_type)?;
    print_outcome(&name, settings.record_type, reply.metadata.response_code, &reply.answers)?;
    let has_records = !reply.answers.is_empty() && reply.metadata.response_code == ResponseCode::NoError;
    match error_text(&reply) {
        Some(text) => {
            say(printable(&text))?;
            let advice = unschedulable::advice(&text);
            if !advice.is_empty() {
                say(format_args!("Of dullahan serve: {advice}."))?;
            }
        }
        None if has_records => return Ok(ExitCode::SUCCESS),
        None if settings.server.ip().is_loopback() => say(format_args!(
            "{} gives no reason: no object that it knows could have this name, or it runs with --explain off",
            settings.server
        ))?,
        None => say(format_args!(
            "{} gives no reason: no object that it knows could have this name, or it tells only clients on its own \
             machine; run it with --explain on",
            settings.server
        ))?,
    }
    let is_known = |name: &Name| {
        let Ok(reply) = exchange(settings.server, name, settings.record_type) else { return false };
        let is_far = |text: String| FAR.iter().any(|beginning| text.starts_with(beginning));
        !reply.answers.is_empty() || error_text(&reply).is_some_and(|text| !is_far(text))
    };
    suggest(settings, [NAMESPACE_DEFAULT], is_known)?;
    Ok(ExitCode::FAILURE)
}

/// Asks over UDP, and over TCP if the response is truncated.
fn exchange(server: SocketAddr, name: &Name, record_type: RecordType) -> anyhow::Result<Message> {
    let mut query = Message::new(StdRng::from_os_rng().random(), MessageType::Query, OpCode::Query);
    query.add_query(Question::query(name.clone(), record_type));
    let mut edns = Edns::new();
    edns.set_max_payload(DATAGRAM_LENGTH_MAX);
    query.edns = Some(edns);
    let octets = query.to_vec().context("the question cannot be encoded")?;
    let is_reply = |reply: &Message| reply.metadata.id == query.metadata.id;
    let reply = ask_by_datagram(server, &octets, is_reply)?;
    if !reply.metadata.truncation {
        return Ok(reply);
    }
    ask_by_stream(server, &octets).with_context(|| format!("cannot ask {server} over TCP"))
}

fn ask_by_datagram(
    server: SocketAddr,
    query: &[u8],
    is_reply: impl Fn(&Message) -> bool,
) -> anyhow::Result<Message> {
    let local = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local).context("cannot open a socket")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(server).with_context(|| format!("cannot reach {server}"))?;
    let mut buffer = [0; DATAGRAM_LENGTH_MAX as usize];
    for _ in 0..ATTEMPTS_MAX {
        socket.send(query).with_context(|| format!("cannot ask {server}"))?;
        let Ok(length) = socket.recv(&mut buffer) else { continue };
        match Message::from_vec(&buffer[..length]) {
            Ok(reply) if is_reply(&reply) => return Ok(reply),
            _ => {}
        }
    }
    bail!("{server} does not answer; is `dullahan serve` or `dullahan dns` running there?")
}

fn ask_by_stream(server: SocketAddr, query: &[u8]) -> anyhow::Result<Message> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = u16::try_from(query.len())?.to_be_bytes();
    stream.write_all(&[&length, query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    Ok(Message::from_vec(&reply)?)
}

/// The text of an Extended DNS Error (RFC 8914), which follows the two octets of its code.
fn error_text(reply: &Message) -> Option<String> {
    const EXTENDED_ERROR: EdnsCode = EdnsCode::Unknown(15);
    match reply.edns.as_ref()?.option(EXTENDED_ERROR)? {
        EdnsOption::Unknown(_, option) => {
            let text = String::from_utf8_lossy(option.get(2..)?).into_owned();
            Some(text).filter(|text| !text.is_empty())
        }
        _ => None,
    }
}

fn print_outcome(
    name: &Name,
    record_type: RecordType,
    rcode: ResponseCode,
    answers: &[Record],
) -> anyhow::Result<()> {
    let outcome = match rcode {
        ResponseCode::NoError if answers.is_empty() => "NODATA: the name exists, but has no such record",
        ResponseCode::NoError => "NOERROR",
        ResponseCode::NXDomain => "NXDOMAIN: the name does not exist",
        ResponseCode::Refused => "REFUSED: the name is in no zone of this server",
        ResponseCode::ServFail => "SERVFAIL",
        _ => "an error",
    };
    say(format_args!("{name} {record_type}: {outcome}"))?;
    answers.iter().try_for_each(|record| say(format_args!("  {record}")))
}
