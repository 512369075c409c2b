//! `dullahan list`: the servers of this user.
//!
//! Those that run, by their locks; with `--all` also those that have stopped and left state behind.
//! Servers with a `--state-dir` of their own are not found.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::output::{printable, say};
use crate::app::{KnownServer, servers};
use crate::config::state_roots;

/// Flags of `dullahan list`.
#[derive(Args, Debug)]
pub(super) struct ListSettings {
    /// Also list servers that have stopped.
    #[arg(short, long)]
    all: bool,
    /// Print as data.
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<ListFormat>,
}

/// How servers are printed as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// A JSON array.
    Json,
}

/// Prints the servers.
pub(super) fn run(settings: &ListSettings) -> anyhow::Result<ExitCode> {
    let known = servers(&state_roots());
    let listed: Vec<&KnownServer> = known.iter().filter(|server| settings.all || server.is_running).collect();
    match settings.output {
        Some(ListFormat::Json) => {
            let all: Vec<Value> = listed.iter().map(|server| data(server)).collect();
            say(serde_json::to_string_pretty(&all)?)?;
        }
        None if listed.is_empty() => say("no server is running; start one: dullahan serve")?,
        None => say(table(&listed))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn state(server: &KnownServer) -> &'static str {
    match (server.is_running, &server.description) {
        (true, Some(_)) => "Running",
        (true, None) => "Starting",
        (false, _) => "Stopped",
    }
}

fn data(server: &KnownServer) -> Value {
    let mut data = json!({"name": server.name, "state": state(server), "folder": server.folder});
    // What a stopped server last said is no longer so.
    let described = server.description.as_ref().filter(|_| server.is_running);
    if let (Some(data), Some(described)) = (data.as_object_mut(), described)
        && let Ok(Value::Object(described)) = serde_json::to_value(described)
    {
        data.extend(described);
    }
    data
}

fn table(servers: &[&KnownServer]) -> String {
    let heading = ["NAME", "STATE", "KIND", "PID", "DNS", "API", "SINCE", "STATE FOLDER"].map(str::to_owned);
    let rows = servers.iter().map(|server| row(server));
    let rows: Vec<[String; 8]> = std::iter::once(heading).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 8] = std::array::from_fn(width);
    let line = |row: &[String; 8]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(server: &KnownServer) -> [String; 8] {
    let folder = printable(&server.folder.display().to_string()).into_owned();
    let name = printable(&server.name).into_owned();
    let none = || "-".to_owned();
    let Some(described) = server.description.as_ref().filter(|_| server.is_running) else {
        return [name, state(server).into(), none(), none(), none(), none(), none(), folder];
    };
    let dns: Vec<String> = described.dns.iter().map(ToString::to_string).collect();
    [
        name,
        state(server).into(),
        printable(&described.kind).into_owned(),
        described.pid.to_string(),
        dns.join(","),
        described.api.map_or_else(none, |api| api.to_string()),
        described.since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        folder,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Description;
    use crate::clock::Timestamp;

    fn server(is_running: bool) -> KnownServer {
        let description = Description {
            name: "a".into(),
            kind: "serve".into(),
            pid: 7,
            since: Timestamp::UNIX_EPOCH,
            dns: vec!["127.0.0.1:1053".parse().unwrap(), "[::1]:1053".parse().unwrap()],
            api: Some("127.0.0.1:7443".parse().unwrap()),
            kubeconfig: Some("/s/a/kubeconfig".into()),
        };
        KnownServer { name: "a".into(), folder: "/s/a".into(), is_running, description: Some(description) }
    }

    #[test]
    fn a_running_server_has_its_addresses_and_a_stopped_one_only_its_folder() {
        let (running, stopped) = (server(true), server(false));
        let lines: Vec<String> = table(&[&running, &stopped]).lines().map(str::to_owned).collect();
        let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let addresses = "127.0.0.1:1053,[::1]:1053";
        assert_eq!(
            cells(&lines[1]),
            ["a", "Running", "serve", "7", addresses, "127.0.0.1:7443", "1970-01-01T00:00:00Z", "/s/a"]
        );
        assert_eq!(cells(&lines[2]), ["a", "Stopped", "-", "-", "-", "-", "-", "/s/a"]);
        assert_eq!(data(&stopped), json!({"name": "a", "state": "Stopped", "folder": "/s/a"}));
        assert_eq!(data(&running)["pid"], 7);
    }
}
