//! The `dullahan` command.

fn main() {}
