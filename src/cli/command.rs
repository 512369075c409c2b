//! The command line as clap knows it: the subcommands and their flags.
//!
//! What a subcommand does is in its own file.

use clap::{CommandFactory, Parser, Subcommand};

use super::check::CheckSettings;
use super::completions::CompletionsSettings;
use super::explain::ExplainSettings;
use super::help;
use super::list::ListSettings;
use super::man::ManSettings;
use super::resolver::ResolverSettings;
use super::simulate::SimulateSettings;
use crate::config::{CommonSettings, DnsOnlySettings, KubeconfigSettings, ServeSettings};

/// StatefulSets and their DNS, without a cluster.
#[derive(Parser, Debug)]
#[command(name = "dullahan", version, about, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Run StatefulSets from manifests and serve their DNS.
    Serve(Box<ServeSettings>),
    /// Serve DNS only, for the objects in files.
    Dns(Box<DnsOnlySettings>),
    /// Check manifests and print every mistake.
    Check(CheckSettings),
    /// Explain why a name has no records.
    Explain(Box<ExplainSettings>),
    /// Simulate StatefulSets, their users and faults in virtual time, and check every rule.
    Simulate(SimulateSettings),
    /// Print the configuration for a resolver that forwards our zones to this server.
    Resolver(ResolverSettings),
    /// Print a server's kubeconfig, or merge it into yours.
    Kubeconfig(KubeconfigSettings),
    /// List the servers that run.
    List(ListSettings),
    /// Print the script that completes commands and flags in a shell.
    Completions(CompletionsSettings),
    /// Print a man page, or write those of all commands.
    Man(ManSettings),
}

/// The command line with its help.
pub(super) fn command() -> clap::Command {
    help::complete(Cli::command())
}

impl Command {
    /// The flags that every server has, if it is one.
    pub(super) fn common(&self) -> Option<&CommonSettings> {
        match self {
            Self::Serve(settings) => Some(&settings.common),
            Self::Dns(settings) => Some(&settings.common),
            Self::Check(_)
            | Self::Explain(_)
            | Self::Resolver(_)
            | Self::Simulate(_)
            | Self::Kubeconfig(_)
            | Self::List(_)
            | Self::Completions(_)
            | Self::Man(_) => None,
        }
    }
}
