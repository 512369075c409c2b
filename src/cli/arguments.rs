//! The command line and the configuration file, put together: flag over file over default.
//!
//! A file may be shared by `serve` and `dns`: what only the other one knows is left out. Mistakes in it are
//! told with line and setting. What was given can be [read again](Given::again) while a server runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgMatches, FromArgMatches};
use serde_json::json;

use super::command::{Cli, command};
use super::help;
use crate::config::file::{self, FileSetting};
use crate::machinery::manifest;

/// The subcommands that take a configuration file.
const SERVERS: [&str; 2] = ["serve", "dns"];
/// The flag that names the file, and so has no place in it.
const CONFIG: &str = "config";
/// Given several times on the command line, as a number in a file.
const COUNTED: &str = "verbose";

/// Why there is no command to run.
#[derive(Debug)]
pub(super) enum ArgumentError {
    /// The command line is wrong, or only asked for help.
    Usage(Box<clap::Error>),
    /// The configuration file is wrong.
    File { path: PathBuf, reason: String },
}

impl std::fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Usage(error) => f.write_str(&first_lines(error)),
            Self::File { path, reason } => write!(f, "{}: {reason}", path.display()),
        }
    }
}

impl ArgumentError {
    /// Says what is wrong, as data if that is wanted, and gives the exit code: 2, or 0 when help was asked for.
    pub(super) fn exit(&self, is_json: bool) -> ExitCode {
        match self {
            Self::Usage(error) if is_json && error.use_stderr() => self.print_json(),
            Self::File { .. } if is_json => self.print_json(),
            Self::Usage(error) => {
                // Printing fails only when nobody reads; the exit code says the rest.
                let _ = error.print();
                return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
            }
            Self::File { .. } => eprintln!("error: {self}"),
        }
        ExitCode::from(2)
    }

    fn print_json(&self) {
        let now = crate::clock::Clock::system().now().to_string();
        eprintln!("{}", json!({"time": now, "level": "ERROR", "message": self.to_string()}));
    }
}

/// Whether the command line asks for JSON, right or wrong as it may be otherwise.
pub(super) fn wants_json(arguments: &[OsString]) -> bool {
    let follows = |pair: &[OsString]| pair[0] == "--log-format" && pair[1] == "json";
    arguments.iter().any(|argument| argument == "--log-format=json") || arguments.windows(2).any(follows)
}

/// A command line that was understood, with the settings of its file.
#[derive(Clone)]
pub(super) struct Given {
    arguments: Vec<OsString>,
    subcommand: Option<String>,
    matches: ArgMatches,
}

impl Given {
    /// The command that is asked for.
    pub(super) fn command(&self) -> Result<Cli, ArgumentError> {
        Cli::from_arg_matches(&self.matches).map_err(|error| ArgumentError::Usage(Box::new(error)))
    }

    /// Reads the file again: what is asked for now, and the names of the settings that are others.
    pub(super) fn again(&self) -> Result<(Self, Vec<String>), ArgumentError> {
        let now = parse(self.arguments.clone())?;
        let changed = now.differences(self);
        Ok((now, changed))
    }

    /// The names of the settings that are not as they were.
    pub(super) fn differences(&self, before: &Self) -> Vec<String> {
        let Some(name) = &self.subcommand else { return Vec::new() };
        let command = command();
        let flags = command.find_subcommand(name).into_iter().flat_map(clap::Command::get_arguments);
        let raw = |given: &Self, id: &str| -> Vec<OsString> {
            let matches = given.matches.subcommand_matches(name);
            let values = matches.and_then(|matches| matches.try_get_raw(id).ok().flatten());
            values.into_iter().flatten().map(ToOwned::to_owned).collect()
        };
        let is_other =
            |flag: &&clap::Arg| raw(self, flag.get_id().as_str()) != raw(before, flag.get_id().as_str());
        flags.filter(is_other).filter_map(|flag| flag.get_long().map(str::to_owned)).collect()
    }
}

/// The command that `arguments` and the configuration file they name ask for.
pub(super) fn parse(arguments: Vec<OsString>) -> Result<Given, ArgumentError> {
    let arguments = help::shorten(arguments);
    let matches = command().try_get_matches_from(&arguments).map_err(|error| usage(error, &arguments))?;
    let subcommand = matches.subcommand_name().map(str::to_owned);
    let given = matches.subcommand().map(|(_, given)| given);
    let path = given.and_then(|given| given.try_get_one::<PathBuf>(CONFIG).ok().flatten()).cloned();
    let (Some(name), Some(given), Some(path)) = (&subcommand, given, path) else {
        return Ok(Given { arguments, subcommand, matches });
    };
    let merged =
        merge(&arguments, name, given, &path).map_err(|reason| ArgumentError::File { path, reason })?;
    Ok(Given { arguments, subcommand, matches: merged })
}

fn usage(error: clap::Error, arguments: &[OsString]) -> ArgumentError {
    let flags = arguments.get(1).map(|name| flags_of(&name.to_string_lossy())).unwrap_or_default();
    let advised = help::advise(error, |flag| flags.iter().any(|own| own == flag));
    ArgumentError::Usage(Box::new(advised))
}

/// What the command line and the file say together, or what is wrong with the file.
fn merge(arguments: &[OsString], name: &str, given: &ArgMatches, path: &Path) -> Result<ArgMatches, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let document = manifest::yaml_to_value(&path.display().to_string(), &text)
        .map_err(|mistake| format!("line {}: {}", mistake.line, mistake.message))?;
    let mut settings = file::settings(&document).map_err(|error| match &error {
        file::FileError::NotPlain(name) => format!("line {}: {error}", file::line_of(&text, name)),
        file::FileError::NotAMap => error.to_string(),
    })?;
    let own = flags_of(name);
    let known: Vec<String> = SERVERS.iter().flat_map(|server| flags_of(server)).collect();
    for setting in &settings {
        if setting.name == CONFIG || !known.contains(&setting.name) {
            return Err(unknown(&setting.name, &known, file::line_of(&text, &setting.name)));
        }
    }
    settings.retain(|setting| own.contains(&setting.name) && !is_given(given, &setting.name));
    let merged = with_settings(arguments, name, &settings);
    command().try_get_matches_from(merged).map_err(|error| {
        let place = culprit(&error).map(|name| format!("line {}: {name}: ", file::line_of(&text, &name)));
        format!("{}{}", place.unwrap_or_default(), first_lines(&error))
    })
}

/// The long names of the flags of a subcommand, without dashes.
fn flags_of(name: &str) -> Vec<String> {
    let command = command();
    let flags = command.find_subcommand(name).into_iter().flat_map(clap::Command::get_arguments);
    flags.filter_map(|flag| flag.get_long().map(str::to_owned)).collect()
}

fn unknown(name: &str, known: &[String], line: usize) -> String {
    /// Less alike is no help.
    const LIKENESS_MIN: f64 = 0.8;
    let alike = known.iter().map(|other| (strsim::jaro_winkler(name, other), other));
    let best = alike.filter(|(likeness, _)| *likeness >= LIKENESS_MIN).max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = best.map(|(_, other)| format!("; did you mean {other}?")).unwrap_or_default();
    format!("line {line}: {name}: there is no such setting{hint}")
}

/// The setting that an error is about.
fn culprit(error: &clap::Error) -> Option<String> {
    let named = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(named) => named.as_str(),
        ContextValue::Strings(all) => all.first()?,
        _ => return None,
    };
    let flag = named.strip_prefix("--")?.split([' ', '=', '[']).next()?;
    Some(flag.to_owned())
}

fn is_given(given: &ArgMatches, name: &str) -> bool {
    let id = name.replace('-', "_");
    let is_known = given.try_contains_id(&id).is_ok();
    is_known && given.value_source(&id) == Some(ValueSource::CommandLine)
}

/// The arguments with the file's settings put right after the subcommand.
fn with_settings(arguments: &[OsString], command: &str, settings: &[FileSetting]) -> Vec<OsString> {
    let position = arguments.iter().position(|argument| argument == command).unwrap_or(0) + 1;
    let (before, after) = arguments.split_at(position.min(arguments.len()));
    let from_file = settings.iter().flat_map(as_arguments).map(OsString::from);
    before.iter().cloned().chain(from_file).chain(after.iter().cloned()).collect()
}

fn as_arguments(setting: &FileSetting) -> Vec<String> {
    let count = setting.values.first().and_then(|value| value.parse::<u8>().ok());
    match count.filter(|_| setting.name == COUNTED) {
        Some(count) => vec![format!("--{COUNTED}"); usize::from(count)],
        None => setting.arguments().collect(),
    }
}

/// The message of a command line error without its usage lines, which do not speak of the file.
fn first_lines(error: &clap::Error) -> String {
    let text = error.to_string();
    let message = text.split("\n\nUsage:").next().unwrap_or(&text);
    let message = message.split("\n\nFor more information").next().unwrap_or(message);
    message.trim_start_matches("error: ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command::Command;

    fn parse_with(file: &str, flags: &[&str]) -> Result<crate::config::ServeSettings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dullahan.yaml");
        std::fs::write(&path, file).unwrap();
        let path = path.display().to_string();
        let mut arguments = vec!["dullahan", "serve", "--config", path.as_str()];
        arguments.extend(flags);
        match parse(arguments.into_iter().map(OsString::from).collect()) {
            Ok(given) => match given.command().unwrap().command {
                Command::Serve(settings) => Ok(*settings),
                _ => Err("another command".into()),
            },
            Err(ArgumentError::File { reason, .. }) => Err(reason),
            Err(ArgumentError::Usage(error)) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = "ttl: 7\nnegative-ttl: 3\ndns-listen: [127.0.0.1:5301, '[::1]:5301']\nverbose: 2\n";
        let settings = parse_with(file, &["--ttl", "9"]).unwrap();
        assert_eq!((settings.dns.names.ttl, settings.dns.names.negative_ttl), (9, 3));
        assert_eq!((settings.dns.dns_listen.len(), settings.common.verbose), (2, 2));
        assert_eq!(settings.dns.names.cluster_domain, "cluster.local");
        let settings = parse_with(file, &["--dns-listen", "127.0.0.1:53"]).unwrap();
        assert_eq!(settings.dns.dns_listen, ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn a_mistake_in_the_file_is_told_with_line_and_setting() {
        for (file, expected) in [
            ("ttl: 5\ntttl: 5\n", "line 2: tttl: there is no such setting; did you mean ttl?"),
            ("nonsense: 5\n", "line 1: nonsense: there is no such setting"),
            ("# seconds\nttl: soon\n", "line 2: ttl: invalid value 'soon' for '--ttl <SECONDS>'"),
            ("[1]\n", "expected a map of settings"),
            ("ttl: 1\n'no-endpoints': maybe\n", "line 2: no-endpoints: invalid value 'maybe'"),
            ("ttl: {a: 1}\n", "line 1: ttl: expected a plain value"),
            ("ttl: 1\ntls-key: k.pem\n", "the following required arguments were not provided"),
            ("config: other.yaml\n", "line 1: config: there is no such setting"),
            ("ttl: 1\nttl: 2\n", "line 2"),
        ] {
            let error = parse_with(file, &[]).unwrap_err();
            assert!(error.contains(expected), "{file}: {error}");
        }
    }

    #[test]
    fn a_file_may_have_settings_that_only_the_other_server_knows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.yaml");
        std::fs::write(&path, "ttl: 7\napi-listen: 'off'\npod-cidr: 10.1.0.0/16\n").unwrap();
        for server in SERVERS {
            let line = ["dullahan", server, "--config", path.to_str().unwrap()];
            let given = parse(line.into_iter().map(OsString::from).collect());
            assert!(given.is_ok(), "{server}: {}", given.err().unwrap());
        }
    }

    #[test]
    fn what_has_changed_in_the_file_is_known_when_it_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dns.yaml");
        std::fs::write(&path, "ttl: 7\nnsid: a\n").unwrap();
        let line = ["dullahan", "dns", "--ttl=9", "--config", path.to_str().unwrap()];
        let given = parse(line.into_iter().map(OsString::from).collect()).ok().unwrap();
        assert_eq!(given.again().ok().unwrap().1, [""; 0]);
        std::fs::write(&path, "ttl: 8\nnsid: b\ndns-listen: 127.0.0.1:53\nendpoint-pod-names: true\n")
            .unwrap();
        let (again, mut changed) = given.again().ok().unwrap();
        changed.sort();
        assert_eq!(changed, ["dns-listen", "endpoint-pod-names", "nsid"], "the flag hides that of ttl");
        std::fs::write(&path, "ttl: [\n").unwrap();
        assert!(again.again().err().unwrap().to_string().contains("dns.yaml: line "));
    }
}
