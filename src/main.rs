//! The `dullahan` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    dullahan::cli::main()
}
