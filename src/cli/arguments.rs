//! The command line and the configuration file, put together: flag over file over default.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::command::Cli;
use crate::config::file::{self, FileSetting};
use crate::machinery::manifest;

/// Why there is no command to run.
#[derive(Debug)]
pub(super) enum ArgumentError {
    /// The command line is wrong, or only asked for help.
    Usage(clap::Error),
    /// The configuration file is wrong.
    File { path: PathBuf, reason: String },
}

impl ArgumentError {
    /// Says what is wrong and gives the exit code: 2, or 0 when help was asked for.
    pub(super) fn exit(&self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                // Printing fails only when nobody reads; the exit code says the rest.
                let _ = error.print();
                u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
            }
            Self::File { path, reason } => {
                eprintln!("error: {}: {reason}", path.display());
                ExitCode::from(2)
            }
        }
    }
}

/// The command that `arguments` and the configuration file they name ask for.
pub(super) fn parse(arguments: Vec<OsString>) -> Result<Cli, ArgumentError> {
    let matches = matches(&arguments).map_err(ArgumentError::Usage)?;
    let Some((command, given)) = matches.subcommand() else {
        return Cli::from_arg_matches(&matches).map_err(ArgumentError::Usage);
    };
    let path = given.try_get_one::<PathBuf>("config").ok().flatten();
    let Some(path) = path else {
        return Cli::from_arg_matches(&matches).map_err(ArgumentError::Usage);
    };
    let mut settings = read(path)?;
    settings.retain(|setting| !is_given(given, &setting.name));
    let merged = with_settings(&arguments, command, &settings);
    let wrong = |error: clap::Error| ArgumentError::File { path: path.clone(), reason: first_lines(&error) };
    let cli = Cli::command().try_get_matches_from(merged).map_err(wrong)?;
    Cli::from_arg_matches(&cli).map_err(wrong)
}

fn matches(arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    Cli::command().try_get_matches_from(arguments)
}

fn read(path: &Path) -> Result<Vec<FileSetting>, ArgumentError> {
    let wrong = |reason: String| ArgumentError::File { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let document = manifest::yaml_to_value(&path.display().to_string(), &text)
        .map_err(|mistake| wrong(format!("line {}: {}", mistake.line, mistake.message)))?;
    file::settings(&document).map_err(|error| wrong(error.to_string()))
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
    let from_file = settings.iter().flat_map(FileSetting::arguments).map(OsString::from);
    before.iter().cloned().chain(from_file).chain(after.iter().cloned()).collect()
}

/// The message of a command line error without its usage lines, which do not speak of the file.
fn first_lines(error: &clap::Error) -> String {
    let text = error.to_string();
    let message = text.split("\n\nUsage:").next().unwrap_or(&text);
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
            Ok(Cli { command: Command::Serve(settings) }) => Ok(*settings),
            Ok(_) => Err("another command".into()),
            Err(ArgumentError::File { reason, .. }) => Err(reason),
            Err(ArgumentError::Usage(error)) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = "ttl: 7\nnegative-ttl: 3\ndns-listen: [127.0.0.1:5301, '[::1]:5301']\n";
        let settings = parse_with(file, &["--ttl", "9"]).unwrap();
        assert_eq!((settings.dns.ttl, settings.dns.negative_ttl), (9, 3));
        assert_eq!(settings.dns.dns_listen.len(), 2);
        assert_eq!(settings.dns.cluster_domain, "cluster.local");
        let settings = parse_with(file, &["--dns-listen", "127.0.0.1:53"]).unwrap();
        assert_eq!(settings.dns.dns_listen, ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn a_mistake_in_the_file_names_the_setting() {
        for (file, expected) in [
            ("tttl: 5\n", "unexpected argument '--tttl' found"),
            ("ttl: soon\n", "invalid value 'soon' for '--ttl <SECONDS>'"),
            ("[1]\n", "expected a map of settings"),
            ("no-endpoints: maybe\n", "invalid value 'maybe'"),
        ] {
            let error = parse_with(file, &[]).unwrap_err();
            assert!(error.contains(expected), "{file}: {error}");
        }
    }
}
