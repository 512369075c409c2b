//! The command line: one file per subcommand, each parses, calls, prints and gives an exit code.
//!
//! Exit codes: 0 when everything went as asked, 1 when something is wrong with the input or the
//! machine, 2 when the command line itself is wrong, 70 when a part of the program has panicked.

mod arguments;
mod check;
mod command;
mod completions;
mod dns;
mod explain;
mod kubeconfig;
mod logging;
mod man;
mod output;
mod progress;
mod resolver;
mod serve;
mod session;
mod simulate;

use std::process::ExitCode;

use clap::CommandFactory;
use command::{Cli, Command};

/// Parses the command line, runs the command, and gives the process' exit code.
pub fn main() -> ExitCode {
    let cli = match arguments::parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => return error.exit(),
    };
    if let Some(common) = cli.command.common() {
        logging::start(common);
    }
    let outcome = match cli.command {
        Command::Serve(settings) => serve::run(&settings),
        Command::Dns(settings) => dns::run(&settings),
        Command::Check(settings) => check::run(&settings),
        Command::Explain(settings) => explain::run(&settings),
        Command::Simulate(settings) => simulate::run(&settings),
        Command::Resolver(settings) => resolver::run(&settings),
        Command::Kubeconfig(settings) => kubeconfig::run(&settings),
        Command::Completions(settings) => completions::run(&settings, Cli::command()),
        Command::Man(settings) => man::run(&settings, Cli::command()),
    };
    outcome.unwrap_or_else(|error| {
        output::print_error(&error);
        ExitCode::FAILURE
    })
}
