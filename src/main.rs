//! The `dullahan` command.

use std::process::ExitCode;

/// Objects are many small allocations, written by one thread and freed by another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    dullahan::cli::main()
}
