//! Whether two workers do twice the work of one: what a query costs must not grow with the workers.
//!
//! Server and load share the cores here, so not the throughput is compared but the server's
//! processor time per query, with one worker and with as many as there are cores.

use std::sync::{Barrier, Mutex};
use std::time::Duration;

use crate::fixture::{Fixture, Row};
use crate::load::{Load, connect, pool, reply_sizes};
use crate::median;
use crate::servers::{self, Server};

const NAMES: usize = 10_000;
const ROUND: Duration = Duration::from_millis(500);
/// Sockets that ask, each with a thread; the kernel gives each to one of the workers.
const CLIENTS: usize = 8;

/// Prints what a query costs with each number of workers, and the ratio.
pub(crate) fn measure(rounds: usize) {
    let n_cores = servers::n_cores();
    servers::use_cores(0..n_cores);
    println!("\nnanoseconds of processor time per query, with 1 worker and with {n_cores}");
    let fixture = Fixture::new(NAMES);
    let workers = [1, n_cores].map(|n_workers| n_workers.to_string());
    let [one, all] = workers.map(|n_workers| {
        let names = NAMES.to_string();
        [
            servers::own("echo", &["echo", &n_workers]),
            servers::own("dullahan", &["serve", &names, &n_workers]),
        ]
    });
    for row in [Row::PodA, Row::Mix] {
        for (index, name) in ["echo", "dullahan"].into_iter().enumerate() {
            let sizes = reply_sizes(row, &fixture, &one[1]);
            let mut costs = [Vec::new(), Vec::new()];
            for round in 0..rounds {
                for (servers, costs) in [&one, &all].into_iter().zip(&mut costs) {
                    costs.push(cost_ns(row, &fixture, &servers[index], &sizes, round as u64));
                }
            }
            let ratio = median(costs[0].iter().zip(&costs[1]).map(|(one, all)| one / all));
            let [one, all] = costs.map(|costs| median(costs.into_iter()));
            println!("{:<16}{name:<10}{one:>8.0}{all:>8.0}   {ratio:.2}", row.name());
        }
    }
}

fn cost_ns(row: Row, fixture: &Fixture, server: &Server, sizes: &[usize], seed: u64) -> f64 {
    let pool = pool(row, fixture, server, sizes, seed);
    let (start, n_replies) = (Barrier::new(CLIENTS + 1), Mutex::new(0));
    let before = std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let socket = [connect(server.address)];
                let mut load = Load::new(&socket);
                start.wait();
                let counts = load.run(&pool, ROUND);
                *n_replies.lock().unwrap() += counts.n_replies;
            });
        }
        let before = server.cpu_time().unwrap();
        start.wait();
        before
    });
    let used = server.cpu_time().unwrap() - before;
    used.as_nanos() as f64 / n_replies.into_inner().unwrap() as f64
}
