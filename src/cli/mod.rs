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
mod help;
mod hints;
mod kubeconfig;
mod list;
mod logging;
mod man;
mod output;
mod progress;
mod resolver;
mod serve;
mod session;
mod signals;
mod simulate;
mod unschedulable;

use std::process::ExitCode;

use command::Command;

use crate::config::LogFormat;

/// Parses the command line, runs the command, and gives the process' exit code.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let is_json = arguments::wants_json(&arguments);
    let given = arguments::parse(arguments).and_then(|given| Ok((given.command()?, given)));
    let (cli, given) = match given {
        Ok(given) => given,
        Err(error) => return error.exit(is_json),
    };
    let mut is_json = false;
    if let Some(common) = cli.command.common() {
        is_json = common.log_format == LogFormat::Json;
        logging::start(common);
    }
    let outcome = match cli.command {
        Command::Serve(settings) => serve::run(&settings, given),
        Command::Dns(settings) => dns::run(&settings, given),
        Command::Check(settings) => check::run(&settings),
        Command::Explain(settings) => explain::run(&settings),
        Command::Simulate(settings) => simulate::run(&settings),
        Command::Resolver(settings) => resolver::run(&settings),
        Command::Kubeconfig(settings) => kubeconfig::run(&settings),
        Command::List(settings) => list::run(&settings),
        Command::Completions(settings) => completions::run(&settings, command::command()),
        Command::Man(settings) => man::run(&settings, command::command()),
    };
    outcome.unwrap_or_else(|error| {
        output::print_error(&error, is_json);
        ExitCode::FAILURE
    })
}
