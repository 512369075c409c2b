//! What the program prints: help, logs and their levels, JSON, colours, tips.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::servers::{run, said};
use crate::support::binary;
use crate::support::message::{ask, over_tcp};
use crate::support::tools::Tools;

/// What a terminal shows at once.
const SCREEN_LINES: usize = 60;

#[test]
fn help_of_every_command_fits_on_a_screen_and_the_long_one_has_everything() {
    let folder = tempfile::tempdir().unwrap();
    let help = |line: &str| said(&run(folder.path(), line));
    let commands = help("help");
    let commands = commands.split_once("Commands:").unwrap().1.split_once("\n\n").unwrap().0.to_owned();
    let commands: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"serve") && commands.contains(&"list"), "{commands:?}");
    for line in commands.iter().flat_map(|name| [format!("help {name}"), format!("{name} -h")]) {
        let text = help(&line);
        assert!((3..=SCREEN_LINES).contains(&text.lines().count()), "{line}:\n{text}");
    }
    let (short, long) = (help("help serve"), help("serve --help"));
    assert!(!short.contains("--negative-ttl") && long.contains("--negative-ttl"));
    assert!(!help("help explain").contains("--dns-listen"));
}

#[test]
fn mistakes_are_answered_with_what_may_be_meant() {
    let folder = tempfile::tempdir().unwrap();
    for (line, expected) in [
        ("serve --dns-listen 127.0.0.1", "port missing: 127.0.0.1:1053?"),
        ("dns --dns-port 53", "tip: use --dns-listen 127.0.0.1:PORT"),
        ("explain -f examples/web.yaml web-0.nginx", "did you mean web-0.nginx.default?"),
    ] {
        let output = run(folder.path(), line);
        assert!(!output.status.success() && said(&output).contains(expected), "{line}: {}", said(&output));
    }
}

#[test]
fn json_is_json_from_the_first_error_to_the_state_of_a_pod() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.yaml"), "apiVersion: v1\nkind: Nonsense\n").unwrap();
    let broken = format!("-f {}/broken.yaml --dns-listen 127.0.0.1:0", folder.path().display());
    for line in [
        format!("serve --log-format json {broken} --api-listen off"),
        format!("dns --log-format=json {broken}"),
        "serve --log-format json --no-such-flag".to_owned(),
        "serve --log-format json --config /none".to_owned(),
    ] {
        let output = run(folder.path(), &line);
        let text = said(&output);
        assert!(!output.status.success() && !text.is_empty(), "{line}");
        for printed in text.lines() {
            let data: Value =
                serde_json::from_str(printed).unwrap_or_else(|error| panic!("{line}: {error}: {printed}"));
            assert_eq!(data["level"], "ERROR", "{printed}");
        }
    }
    let mut server = Command::new(env!("CARGO_BIN_EXE_dullahan"))
        .args(["serve", "-f", "examples/web.yaml", "--log-format=json"])
        .args(["--dns-listen=127.0.0.1:0", "--api-listen=off"])
        .env("XDG_STATE_HOME", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut all = lines
        .map(|line| serde_json::from_str::<Value>(&line).unwrap_or_else(|error| panic!("{error}: {line}")));
    let pod =
        all.find(|data| data["pod"] == "default/web-0" && data["ready"] == true).expect("it becomes ready");
    assert_eq!((pod["state"].as_str(), pod["address"].is_string()), (Some("Running"), true), "{pod}");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn each_level_logs_more_than_the_one_before() {
    for (flag, has, has_not) in
        [("-v", "started", "reconciled"), ("-vv", "reconciled", "answered"), ("-vvv", "answered", "\u{1b}")]
    {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let flags = ["-f".to_owned(), "examples/web.yaml".to_owned(), flag.to_owned()];
        let program =
            binary::start_logging("serve", &flags, Stdio::from(std::fs::File::create(&log).unwrap()));
        program.told("set      default/web  ");
        over_tcp(program.address, &ask("cluster.local", 6).octets()).unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.contains(has) && !text.contains(has_not), "{flag}:\n{text}");
    }
}

#[test]
fn a_dumb_terminal_gets_no_colours() {
    let mut tools = Tools::default();
    let Some(script) = tools.find("script", "util-linux") else { return };
    for (terminal, is_coloured) in [("xterm", true), ("dumb", false)] {
        let folder = tempfile::tempdir().unwrap();
        let line = format!(
            "exec {} serve -f examples/web.yaml --dns-listen 127.0.0.1:0 --api-listen off",
            env!("CARGO_BIN_EXE_dullahan")
        );
        let mut child = Command::new(&script)
            .args(["-qefc", &line, "/dev/null"])
            .env("TERM", terminal)
            .env_remove("NO_COLOR")
            .env("XDG_STATE_HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.into_iter().find(|line| line.contains("published")).expect("names are published");
        assert_eq!(line.contains('\u{1b}'), is_coloured, "{terminal}: {line:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
