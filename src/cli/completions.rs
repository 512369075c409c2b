//! `dullahan completions`: the script that completes commands, flags and values in a shell.
//!
//! The script is made from the command line's own definition and knows nothing of a running server;
//! after an update of the program it is printed anew.

use std::process::ExitCode;

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;

use super::output::say;

/// Flags of `dullahan completions`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  . <(dullahan completions bash)
  dullahan completions bash > ~/.local/share/bash-completion/completions/dullahan
  dullahan completions zsh > \"${fpath[1]}/_dullahan\"
  dullahan completions fish > ~/.config/fish/completions/dullahan.fish")]
pub(super) struct CompletionsSettings {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: ShellName,
}

/// The shells whose scripts are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ShellName {
    /// Bash 4 or newer; needs nothing of the package bash-completion.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
}

impl ShellName {
    fn generator(self) -> Shell {
        match self {
            Self::Bash => Shell::Bash,
            Self::Zsh => Shell::Zsh,
            Self::Fish => Shell::Fish,
        }
    }
}

/// Prints the script for `command`, the whole command line.
pub(super) fn run(settings: &CompletionsSettings, command: Command) -> anyhow::Result<ExitCode> {
    say(script(settings.shell, command).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: ShellName, mut command: Command) -> String {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell.generator(), &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::command::Cli;

    #[test]
    fn every_shell_is_told_of_every_command_and_of_the_flags() {
        for shell in [ShellName::Bash, ShellName::Zsh, ShellName::Fish] {
            let script = script(shell, Cli::command());
            for command in Cli::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell:?}: {}", command.get_name());
            }
            assert!(script.contains("cluster-domain"), "{shell:?}");
        }
    }
}
