//! What one core answers over UDP on loopback, beside a bare echo, Knot and NSD, and while changes are
//! published. Prints tables; run with `cargo bench --bench dns`.
//!
//! ```text
//!   this process, last core: load.rs ──► a server in a process of its own, first core
//!                                         echo | dullahan | knotd | nsd | --peer NAME=ADDR
//! ```
//!
//! The floor is an echo in the same batches whose replies have the size of ours. Servers take turns
//! in rounds; figures and ratios are medians over the rounds, a ratio being taken within one round,
//! for machines change their pace. Two figures are given: queries per second of the server's
//! processor time, which others on the machine hardly disturb, and per second of the clock. Every
//! query of a round has been asked once before it begins. All queries carry EDNS. NSD is told to
//! give minimal responses, so its SRV answers come without addresses.
//!
//! Questions of one socket are what a resolver or forwarder sends; each of 64 sockets has no more
//! than a few on their way, as hosts have that ask for themselves.
//!
//! Arguments: `--names N` (repeatable), `--sockets N` (repeatable), `--rounds N`,
//! `--peer NAME=ADDR` (repeatable), `--only SECTION` (`answers`, `growth`, `scaling` or
//! `publishing`), `--row NAME`, `--alone` (without Knot and NSD).

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a benchmark reads the real time")]

mod fixture;
mod load;
mod publishing;
mod scaling;
mod servers;

use std::net::SocketAddr;
use std::time::Duration;

use fixture::{Fixture, Row};
use servers::Server;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUND: Duration = Duration::from_millis(200);

/// What the command line asks for.
struct Options {
    names: Vec<usize>,
    rounds: usize,
    peers: Vec<(String, SocketAddr)>,
    only: Option<String>,
    row: Option<String>,
    is_alone: bool,
    /// How many sockets ask.
    sockets: Vec<usize>,
}

impl Options {
    fn rows(&self) -> impl Iterator<Item = Row> {
        let is_wanted = |row: &Row| self.row.as_deref().is_none_or(|name| row.name() == name);
        Row::ALL.into_iter().filter(is_wanted)
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", n_names, n_workers] => {
            servers::serve_fixture(n_names.parse().unwrap(), n_workers.parse().unwrap());
        }
        ["echo", n_workers] => servers::echo(n_workers.parse().unwrap()),
        ["publish", size] => publishing::serve(size.parse().unwrap()),
        _ => {
            servers::n_cores();
            measure(&options(&words));
        }
    }
}

fn options(words: &[&str]) -> Options {
    let is_alone = words.contains(&"--alone");
    let words: Vec<&str> = words.iter().copied().filter(|word| *word != "--alone").collect();
    let mut options = Options {
        names: Vec::new(),
        rounds: 15,
        peers: Vec::new(),
        only: None,
        row: None,
        is_alone,
        sockets: Vec::new(),
    };
    for pair in words.chunks(2) {
        match pair {
            ["--names", n_names] => options.names.push(n_names.parse().unwrap()),
            ["--rounds", n_rounds] => options.rounds = n_rounds.parse().unwrap(),
            ["--only", section] => options.only = Some((*section).to_owned()),
            ["--sockets", n_sockets] => options.sockets.push(n_sockets.parse().unwrap()),
            ["--row", row] => options.row = Some((*row).to_owned()),
            ["--peer", peer] => {
                let (name, address) = peer.split_once('=').expect("--peer NAME=ADDR");
                options.peers.push((name.to_owned(), address.parse().unwrap()));
            }
            other => panic!("unknown arguments: {other:?}"),
        }
    }
    if options.names.is_empty() {
        options.names = vec![10_000, 1_000_000];
    }
    if options.sockets.is_empty() {
        options.sockets = vec![1, 64];
    }
    options
}

fn measure(options: &Options) {
    let is_wanted = |section: &str| options.only.as_deref().is_none_or(|only| only == section);
    if is_wanted("answers") {
        options.names.iter().for_each(|n_names| answers(*n_names, options));
    }
    if is_wanted("growth") {
        growth(options);
    }
    if is_wanted("scaling") {
        scaling::measure(options.rounds);
    }
    if is_wanted("publishing") {
        publishing::measure(options.rounds);
    }
}

/// Prints a table of all servers.
fn answers(n_names: usize, options: &Options) {
    let fixture = Fixture::new(n_names);
    let servers = servers::start_all(&fixture, &options.peers, options.is_alone);
    let contenders: Vec<(&Server, &Fixture)> = servers.iter().map(|server| (server, &fixture)).collect();
    for n_sockets in &options.sockets {
        println!(
            "\n{n_names} names, asked by {n_sockets} sockets; thousand queries per second of processor time \
             (of the clock), ratio to the floor"
        );
        let head: Vec<String> = servers.iter().map(|server| format!("{:>24}", server.name)).collect();
        println!("{:<16}{}", "", head.join(""));
        for row in options.rows() {
            let sizes = load::reply_sizes(row, &fixture, &servers[1]);
            let figures = take_turns(row, &contenders, &sizes, *n_sockets, options.rounds);
            println!("{:<16}{}", row.name(), cells(&figures));
        }
    }
}

/// Prints what is left of our own figures when there are the most names, of those with the fewest.
fn growth(options: &Options) {
    let (Some(few), Some(many)) = (options.names.iter().min(), options.names.iter().max()) else { return };
    let fixtures = [*few, *many].map(Fixture::new);
    let servers = servers::on_first_core(|| {
        let serve =
            |fixture: &Fixture| servers::own("dullahan", &["serve", &fixture.n_names.to_string(), "1"]);
        fixtures.each_ref().map(serve)
    });
    println!("\n{few} names and {many}; thousand queries per second of processor time (of the clock), ratio");
    let contenders: Vec<(&Server, &Fixture)> = servers.iter().zip(&fixtures).collect();
    for row in options.rows() {
        let figures = take_turns(row, &contenders, &[], 1, options.rounds);
        println!("{:<16}{}", row.name(), cells(&figures));
    }
}

/// The figures of all rounds, by server.
fn take_turns(
    row: Row,
    contenders: &[(&Server, &Fixture)],
    sizes: &[usize],
    n_sockets: usize,
    rounds: usize,
) -> Vec<Vec<load::Figure>> {
    let mut figures: Vec<Vec<load::Figure>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for ((server, fixture), figures) in contenders.iter().zip(&mut figures) {
            figures.push(load::run(row, fixture, server, sizes, (n_sockets, ROUND), round as u64));
        }
    }
    let lost: f64 = figures.iter().flatten().map(|one| one.lost_share).fold(0.0, f64::max);
    if lost > 0.01 {
        println!("  up to {:.1} % of the queries of a round were lost", lost * 100.0);
    }
    figures
}

/// A cell for each server, its ratio to the first.
fn cells(figures: &[Vec<load::Figure>]) -> String {
    let cell = |own: &Vec<load::Figure>| {
        let cpu = median(own.iter().map(|one| one.per_cpu_second));
        let clock = median(own.iter().map(|one| one.per_second));
        let rounds = own.iter().zip(&figures[0]);
        let ratio = median(rounds.map(|(own, first)| own.per_cpu_second / first.per_cpu_second));
        let cell = format!("{:>8.0} ({:>5.0}) {ratio:>6.2} ", cpu / 1e3, clock / 1e3);
        format!("{cell:>24}")
    };
    figures.iter().map(cell).collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
