//! `dullahan explain NAME`: why a name has no records, in more words than fit into an answer.
//!
//! With `-f` from manifests, as `dullahan dns` would answer for them, with the objects that were
//! looked at; otherwise by asking a running server, which puts its reason into the answer.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as Question, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, Record, RecordType};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::app;
use crate::clock::Clock;
use crate::config::DnsSettings;
use crate::dns::answer::{self, Query};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is asked.
const ATTEMPTS_MAX: usize = 3;
/// The longest answer over UDP.
const ANSWER_LENGTH_MAX: usize = 4096;

/// What `dullahan explain` takes.
#[derive(Args, Debug)]
pub(super) struct ExplainSettings {
    /// The name, for example web-0.nginx.default.svc.cluster.local; the domain may be left out.
    #[arg(value_name = "NAME")]
    name: String,
    /// The type of record that is wanted.
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "A")]
    record_type: RecordType,
    /// Explain from this manifest file or folder instead of asking a server (repeatable).
    #[arg(short = 'f', long = "file", value_name = "PATH", conflicts_with = "server")]
    file: Vec<PathBuf>,
    /// Ask this server; it must be told --explain on if it is not on this machine.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:1053")]
    server: SocketAddr,
    #[command(flatten)]
    dns: DnsSettings,
}

/// Prints what a name is answered with and why; succeeds if it has records.
pub(super) fn run(settings: &ExplainSettings) -> anyhow::Result<ExitCode> {
    let name = full_name(&settings.name, &settings.dns.cluster_domain)?;
    match settings.file.is_empty() {
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
    let relative = text.trim_end_matches('.');
    let below = if relative.ends_with(".svc") || relative.ends_with(".pod") { "" } else { "svc." };
    parse(&format!("{relative}.{below}{domain}"))
}

fn from_files(settings: &ExplainSettings, name: Name) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let known = runtime.block_on(app::explain(&settings.dns, &settings.file, Clock::system()))?;
    let query = Query { name: name.clone(), record_type: settings.record_type };
    let answer = answer::answer(&known.zones, &query);
    print_outcome(&name, settings.record_type, answer.rcode, &answer.answers);
    if !answer.answers.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    match known.explainer.explain(&name, settings.record_type) {
        Some(explanation) => {
            println!("{}: {}", explanation.cause.label(), explanation.text);
            println!("{}", explanation.cause.advice());
            println!("looked at:");
            for key in &explanation.looked_at {
                let missing = if known.store.get(key).is_some() { "" } else { " (not there)" };
                println!("  {key}{missing}");
            }
        }
        None => println!("no object is known that this name could come from"),
    }
    Ok(ExitCode::FAILURE)
}

fn ask(settings: &ExplainSettings, name: Name) -> anyhow::Result<ExitCode> {
    let reply = exchange(settings.server, &name, settings.record_type)?;
    print_outcome(&name, settings.record_type, reply.metadata.response_code, &reply.answers);
    if !reply.answers.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    match error_text(&reply) {
        Some(text) => println!("{text}"),
        None => println!(
            "{} does not say why; it tells clients on its own machine, others with --explain on",
            settings.server
        ),
    }
    Ok(ExitCode::FAILURE)
}

fn exchange(server: SocketAddr, name: &Name, record_type: RecordType) -> anyhow::Result<Message> {
    let local = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local).context("cannot open a socket")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(server).with_context(|| format!("cannot reach {server}"))?;
    let mut query = Message::new(StdRng::from_os_rng().random(), MessageType::Query, OpCode::Query);
    query.add_query(Question::query(name.clone(), record_type));
    query.edns = Some(Edns::new());
    let octets = query.to_vec().context("the question cannot be encoded")?;
    let mut buffer = [0; ANSWER_LENGTH_MAX];
    for _ in 0..ATTEMPTS_MAX {
        socket.send(&octets).with_context(|| format!("cannot ask {server}"))?;
        let Ok(length) = socket.recv(&mut buffer) else { continue };
        match Message::from_vec(&buffer[..length]) {
            Ok(reply) if reply.metadata.id == query.metadata.id => return Ok(reply),
            _ => {}
        }
    }
    bail!("{server} does not answer; is `dullahan serve` or `dullahan dns` running there?")
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

fn print_outcome(name: &Name, record_type: RecordType, rcode: ResponseCode, answers: &[Record]) {
    let outcome = match rcode {
        ResponseCode::NoError if answers.is_empty() => "NODATA: the name exists, without such a record",
        ResponseCode::NoError => "NOERROR",
        ResponseCode::NXDomain => "NXDOMAIN: the name does not exist",
        ResponseCode::Refused => "REFUSED: it is in no zone of this server",
        ResponseCode::ServFail => "SERVFAIL",
        _ => "an error",
    };
    println!("{name} {record_type}: {outcome}");
    for record in answers {
        println!("  {record}");
    }
}
