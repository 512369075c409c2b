//! Help: what the short one leaves out, examples, and tips for flags that other servers have.
//!
//! `-h` and `dullahan help COMMAND` print the short help, at most a screen; `--help` prints every flag. A
//! flag of a server that is not in [`SHOWN`] is in the long one only.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Flags of servers that the short help has.
const SHOWN: [&str; 15] = [
    "file",
    "dns_listen",
    "cluster_domain",
    "zones",
    "metrics_listen",
    "forward",
    "api_listen",
    "simulated_nodes",
    "strict",
    "name",
    "state_dir",
    "config",
    "log_format",
    "verbose",
    "quiet",
];

/// What a user may want to type, and what it does, by subcommand.
const EXAMPLES: [(&str, &[(&str, &str)]); 8] = [
    (
        "serve",
        &[
            ("dullahan serve -f examples/web.yaml", "a manifest; saved changes are applied"),
            (
                "dullahan serve --name two --dns-listen 127.0.0.1:1054 --api-listen 127.0.0.1:7444",
                "a second server",
            ),
            ("dullahan serve --config dullahan.yaml", "settings from a file, by the flags' names"),
        ],
    ),
    (
        "dns",
        &[
            ("dullahan dns --zones zones", "zone files"),
            (
                "dullahan dns -f cluster.yaml",
                "kubectl get svc,endpointslices,pods,ns -A -o yaml > cluster.yaml",
            ),
            (
                "dullahan dns --forward 192.0.2.53 --dns-listen 127.0.0.1:1053",
                "and other names from elsewhere",
            ),
        ],
    ),
    (
        "check",
        &[
            ("dullahan check -f manifests/", "every file of a folder"),
            ("dullahan check -f -", "standard input"),
        ],
    ),
    (
        "explain",
        &[
            ("dullahan explain web-0.nginx.default", "ask the server at 127.0.0.1:1053"),
            ("dullahan explain -t SRV nginx.default", "another record type"),
            ("dullahan explain -f examples/web.yaml web-0.nginx.default", "from manifests"),
        ],
    ),
    (
        "simulate",
        &[
            ("dullahan simulate --seeds 200", "200 generated histories"),
            (
                "dullahan simulate -f examples/web.yaml --first-seed 7 --seeds 1 --timeline",
                "one, step by step",
            ),
        ],
    ),
    (
        "resolver",
        &[
            ("dullahan resolver unbound", "for Unbound"),
            ("dullahan resolver systemd-resolved", "for most desktops"),
        ],
    ),
    (
        "kubeconfig",
        &[
            ("dullahan kubeconfig --merge", "kubectl --context dullahan then reaches the server"),
            ("dullahan kubeconfig --name two --merge --set-current", "kubectl alone reaches \"two\""),
            ("dullahan kubeconfig --remove", "takes the context out again"),
        ],
    ),
    (
        "list",
        &[
            ("dullahan list", "servers that run"),
            ("dullahan list --all -o json", "all that have state, as data"),
        ],
    ),
];

/// Flags of other servers (CoreDNS, BIND, kube-apiserver, k3s, kind), and ours in their place. An entry
/// counts where the subcommand has our flag.
const FOREIGN: [(&str, &str, &str); 34] = [
    ("--dns-port", "dns-listen", "--dns-listen 127.0.0.1:PORT"),
    ("--dns.port", "dns-listen", "--dns-listen 127.0.0.1:PORT"),
    ("--port", "dns-listen", "--dns-listen 127.0.0.1:PORT"),
    ("-p", "dns-listen", "--dns-listen 127.0.0.1:PORT"),
    ("--listen", "dns-listen", "--dns-listen ADDR:PORT"),
    ("--listen-address", "dns-listen", "--dns-listen ADDR:PORT"),
    ("--bind", "dns-listen", "--dns-listen ADDR:PORT"),
    ("--bind-address", "dns-listen", "--dns-listen ADDR:PORT"),
    ("--dns-address", "dns-listen", "--dns-listen ADDR:PORT"),
    ("--address", "dns-listen", "--dns-listen ADDR:PORT"),
    ("--api-port", "api-listen", "--api-listen 127.0.0.1:PORT"),
    ("--secure-port", "api-listen", "--api-listen 127.0.0.1:PORT"),
    ("--https-listen-port", "api-listen", "--api-listen 127.0.0.1:PORT"),
    ("--kubeconfig", "kubeconfig-out", "--kubeconfig-out FILE"),
    ("--write-kubeconfig", "kubeconfig-out", "--kubeconfig-out FILE"),
    ("--domain", "cluster-domain", "--cluster-domain NAME"),
    ("--dns-domain", "cluster-domain", "--cluster-domain NAME"),
    ("--upstream", "forward", "--forward ADDR[:PORT]"),
    ("--forwarders", "forward", "--forward ADDR[:PORT]"),
    ("--nameserver", "forward", "--forward ADDR[:PORT]"),
    ("--conf", "config", "--config FILE"),
    ("--config-file", "config", "--config FILE"),
    ("--data-dir", "state-dir", "--state-dir DIR"),
    ("--log-level", "verbose", "-v, -vv or -vvv"),
    ("--loglevel", "verbose", "-v, -vv or -vvv"),
    ("--debug", "verbose", "-vv"),
    ("--filename", "file", "-f PATH"),
    ("--metrics-port", "metrics-listen", "--metrics-listen 127.0.0.1:PORT"),
    ("--metrics-addr", "metrics-listen", "--metrics-listen 127.0.0.1:PORT"),
    ("--service-cluster-ip-range", "service-cidr", "--service-cidr CIDR"),
    ("--cluster-cidr", "pod-cidr", "--pod-cidr CIDR"),
    ("--tls-cert-file", "tls-cert", "--tls-cert FILE"),
    ("--tls-private-key-file", "tls-key", "--tls-key FILE"),
    ("--nodes", "simulated-nodes", "--simulated-nodes N"),
];

/// Adds examples, and leaves out of the short help what is rarely wanted.
pub(super) fn complete(mut command: clap::Command) -> clap::Command {
    for (name, examples) in EXAMPLES {
        let is_server = matches!(name, "serve" | "dns");
        command = command.mut_subcommand(name, |subcommand| {
            let subcommand = subcommand.after_help(example_text(examples, is_server.then_some(name)));
            match is_server {
                true => subcommand.mut_args(|arg| {
                    let is_shown = SHOWN.contains(&arg.get_id().as_str());
                    if is_shown { arg } else { arg.hide_short_help(true) }
                }),
                false => subcommand,
            }
        });
    }
    command.mut_subcommands(|subcommand| subcommand.mut_args(as_switch))
}

/// Hides what is said of every flag that is on if it is given and off with `=false`.
fn as_switch(arg: clap::Arg) -> clap::Arg {
    let values = arg.get_possible_values();
    let takes_value = arg.get_num_args().is_some_and(|range| range.takes_values());
    let is_switch = takes_value && values.iter().map(|value| value.get_name()).eq(["true", "false"]);
    let is_off = arg.get_default_values() == ["false"];
    match is_switch {
        true => arg.value_name("BOOL").hide_possible_values(true).hide_default_value(is_off),
        false => arg,
    }
}

fn example_text(examples: &[(&str, &str)], server: Option<&str>) -> String {
    let mut text = "Examples:".to_owned();
    for (line, what) in examples {
        text.push_str(&format!("\n  {line}\n      {what}"));
    }
    if let Some(name) = server {
        text.push_str(&format!("\n\nAll options: dullahan {name} --help"));
    }
    text
}

/// `help COMMAND` asks for the short help, as `COMMAND -h` does.
pub(super) fn shorten(arguments: Vec<OsString>) -> Vec<OsString> {
    match &arguments[..] {
        [program, help] if help == "help" => vec![program.clone(), "-h".into()],
        [program, help, command] if help == "help" && !command.to_string_lossy().starts_with('-') => {
            vec![program.clone(), command.clone(), "-h".into()]
        }
        _ => arguments,
    }
}

/// Adds a tip to an error about a flag that another server has.
pub(super) fn advise(mut error: clap::Error, has_flag: impl Fn(&str) -> bool) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else { return error };
    let meant = FOREIGN.iter().find(|(foreign, ours, _)| foreign == unknown && has_flag(ours));
    let Some((_, _, usage)) = meant else { return error };
    let tip = StyledStr::from(format!("use {usage}"));
    error.insert(ContextKind::SuggestedArg, ContextValue::None);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command::command;

    /// What a terminal shows at once.
    const SCREEN_LINES: usize = 60;

    #[test]
    fn every_short_help_fits_on_a_screen() {
        let command = command();
        let mut all: Vec<clap::Command> = command.get_subcommands().cloned().collect();
        all.push(command);
        for width in [80, 100] {
            for command in &all {
                let mut command = command.clone().term_width(width);
                let help = command.render_help().to_string();
                let n_lines = help.lines().count();
                assert!(n_lines <= SCREEN_LINES, "{} has {n_lines} lines:\n{help}", command.get_name());
            }
        }
    }

    #[test]
    fn every_example_can_be_typed() {
        for (name, examples) in EXAMPLES {
            for (line, _) in examples {
                let parsed = command().try_get_matches_from(line.split(' '));
                let parsed = parsed.unwrap_or_else(|error| panic!("{line}: {error}"));
                assert_eq!(parsed.subcommand_name(), Some(name));
            }
        }
    }

    #[test]
    fn a_flag_of_another_server_is_answered_with_ours() {
        for (line, tip) in [
            ("serve --dns-port 53", "tip: use --dns-listen 127.0.0.1:PORT"),
            ("dns -p 53", "tip: use --dns-listen 127.0.0.1:PORT"),
            ("serve --data-dir /x", "tip: use --state-dir DIR"),
            ("dns --dns-liste 127.0.0.1:53", "a similar argument exists: '--dns-listen'"),
        ] {
            let words = ["dullahan"].into_iter().chain(line.split(' ')).map(OsString::from).collect();
            let error = crate::cli::arguments::parse(words).err().expect("it is refused").to_string();
            assert!(error.contains(tip), "{line}: {error}");
        }
        let ours: Vec<_> = FOREIGN.iter().map(|(_, ours, _)| *ours).collect();
        let command = command();
        let has = |name: &&str| {
            let mut arguments = command.get_subcommands().flat_map(clap::Command::get_arguments);
            arguments.any(|argument| argument.get_long() == Some(name))
        };
        // Those of servers with several nodes come with them.
        let missing: Vec<_> = ours.iter().filter(|name| !has(name) && **name != "simulated-nodes").collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
