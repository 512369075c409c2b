//! Lines on standard output: for people, with colour on a terminal, or as JSON.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::config::{CommonSettings, LogFormat, wants_color};
use crate::dns::transport::EncryptedProtocol;

/// How a line is meant; on a terminal, its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Something is as wanted.
    Good,
    /// Something is on its way.
    Neutral,
    /// Something is going away.
    Fading,
    /// Somebody may have to act.
    Bad,
}

/// The subject of a line that says what is wrong with files.
pub(super) const PROBLEM: &str = "problem";

/// One line of progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// What it is about: `pod`, `name`, `applied`, `problem`, `event`.
    pub(super) subject: &'static str,
    /// The name of it.
    pub(super) name: String,
    /// What has become of it.
    pub(super) state: String,
    pub(super) tone: Tone,
    /// The same as data, for those who read JSON; a field `state` takes the place of the words.
    pub(super) fields: Vec<(&'static str, Value)>,
}

impl Line {
    pub(super) fn new(
        subject: &'static str,
        name: impl Into<String>,
        state: impl Into<String>,
        tone: Tone,
    ) -> Self {
        Self { subject, name: name.into(), state: state.into(), tone, fields: Vec::new() }
    }

    /// The same with one more field for those who read JSON.
    pub(super) fn with(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((field, value.into()));
        self
    }

    fn data(&self, now: Timestamp) -> Value {
        let mut data = json!({"time": now.to_string(), self.subject: self.name});
        if !self.state.is_empty() {
            data["state"] = self.state.as_str().into();
        }
        for (field, value) in &self.fields {
            data[*field] = value.clone();
        }
        data
    }
}

/// Where lines go, and in which form.
pub(super) struct Output {
    form: Form,
    started: Timestamp,
    is_closed: bool,
}

enum Form {
    Silent,
    Text { has_color: bool },
    Json,
}

impl Output {
    pub(super) fn new(settings: &CommonSettings, started: Timestamp) -> Self {
        let form = match (settings.quiet, settings.log_format) {
            (true, _) => Form::Silent,
            (false, LogFormat::Json) => Form::Json,
            (false, LogFormat::Text) => Form::Text { has_color: wants_color(&std::io::stdout()) },
        };
        Self { form, started, is_closed: false }
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether lines are JSON.
    pub(super) fn is_json(&self) -> bool {
        matches!(self.form, Form::Json)
    }

    /// Prints one line of progress; a problem is logged as an error where no progress is wanted.
    pub(super) fn line(&mut self, now: Timestamp, line: &Line) {
        let since = now.duration_since(self.started).as_secs_f64();
        let text = match self.form {
            Form::Silent if line.subject == PROBLEM => return tracing::error!("{}", printable(&line.name)),
            Form::Silent => return,
            Form::Text { has_color } => text(since, line, has_color),
            Form::Json => line.data(now).to_string(),
        };
        self.print(&text);
    }

    /// Says where DNS is answered: to people as a line of its own, which programs may look for too.
    pub(super) fn listening(&mut self, now: Timestamp, address: SocketAddr) {
        self.listening_by(now, "DNS", &address.to_string(), " (UDP and TCP)");
    }

    /// Says where DNS is answered encrypted.
    pub(super) fn listening_encrypted(
        &mut self,
        now: Timestamp,
        protocol: EncryptedProtocol,
        address: SocketAddr,
    ) {
        let place = match protocol {
            EncryptedProtocol::Doh => format!("https://{address}/dns-query"),
            EncryptedProtocol::Dot | EncryptedProtocol::Doq => address.to_string(),
        };
        self.listening_by(now, protocol.name(), &place, "");
    }

    fn listening_by(&mut self, now: Timestamp, protocol: &str, place: &str, transports: &str) {
        match self.form {
            Form::Silent => {}
            Form::Text { .. } => self.print(&format!("{protocol} on {place}{transports}")),
            Form::Json => {
                let line = json!({"time": now.to_string(), protocol.to_ascii_lowercase(): place, "state": "listening"});
                self.print(&line.to_string());
            }
        }
    }

    /// Says where metrics are.
    pub(super) fn measuring(&mut self, now: Timestamp, address: SocketAddr) {
        match self.form {
            Form::Silent => {}
            Form::Text { .. } => self.print(&format!("metrics on http://{address}/metrics")),
            Form::Json => {
                let line =
                    json!({"time": now.to_string(), "metrics": address.to_string(), "state": "listening"});
                self.print(&line.to_string());
            }
        }
    }

    /// Says where the API is served and how to use it.
    pub(super) fn serving(&mut self, now: Timestamp, address: SocketAddr, kubeconfig: &Path) {
        let kubeconfig = kubeconfig.display().to_string();
        match self.form {
            Form::Silent => {}
            Form::Text { .. } => {
                self.print(&format!("API on https://{address}"));
                self.print(&format!("  export KUBECONFIG={}", quoted(&kubeconfig)));
            }
            Form::Json => {
                let line = json!({"time": now.to_string(), "api": address.to_string(), "state": "listening",
                    "kubeconfig": kubeconfig});
                self.print(&line.to_string());
            }
        }
    }

    /// Says whose certificate clients of encrypted DNS must trust.
    pub(super) fn trusting(&mut self, now: Timestamp, authority: &Path) {
        let file = authority.display().to_string();
        match self.form {
            Form::Silent => {}
            Form::Text { .. } => self.print(&format!(
                "The certificate of encrypted DNS is signed by {file}; clients must trust it"
            )),
            Form::Json => self.print(&json!({"time": now.to_string(), "authority": file}).to_string()),
        }
    }

    /// Says that a signal ends the server.
    pub(super) fn ending(&mut self, now: Timestamp, signal: &str, how: &str) {
        match self.form {
            Form::Silent => {}
            Form::Text { .. } => self.print(&format!("{signal}: {how}")),
            Form::Json => {
                let line =
                    json!({"time": now.to_string(), "server": how, "state": "stopping", "signal": signal});
                self.print(&line.to_string());
            }
        }
    }

    /// Prints a line for people only; JSON readers do not get it.
    pub(super) fn remark(&mut self, text: &str) {
        if let Form::Text { .. } = self.form {
            self.print(text);
        }
    }

    fn print(&mut self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
        self.is_closed |= written.is_err();
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+,@:".contains(&byte));
    if is_plain { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn text(since_s: f64, line: &Line, has_color: bool) -> String {
    let Line { subject, name, state, tone, .. } = line;
    let [name, state] = [name, state].map(|text| printable(text));
    let (start, end) = if has_color { (color(*tone), "\x1b[0m") } else { ("", "") };
    if state.is_empty() {
        return format!("{since_s:7.2}s  {subject:<8} {start}{name}{end}");
    }
    format!("{since_s:7.2}s  {subject:<8} {name}  {start}{state}{end}")
}

fn color(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "\x1b[32m",
        Tone::Neutral => "\x1b[36m",
        Tone::Fading => "\x1b[2m",
        Tone::Bad => "\x1b[31m",
    }
}

/// The same without control characters, which the objects of others may hold: a terminal would obey them.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let escape = |character: char| match character.is_control() {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    };
    text.chars().map(escape).collect::<String>().into()
}

/// Prints what a command was asked for. That whoever reads it has read enough is no error.
pub(super) fn say(text: impl Display) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        said => said.context("cannot write to standard output"),
    }
}

/// Prints an error and its causes to standard error, one after another on one line; several
/// mistakes in files each on a line of their own. As JSON, each line is an object.
pub(super) fn print_error(error: &anyhow::Error, is_json: bool) {
    let now = is_json.then(|| crate::clock::Clock::system().now().to_string());
    let mistakes = error.downcast_ref::<crate::app::BrokenFiles>().map_or(&[][..], |broken| &broken.0);
    for mistake in mistakes {
        match &now {
            Some(now) => eprintln!("{}", json!({"time": now, "level": "ERROR", "problem": mistake})),
            None => eprintln!("{mistake}"),
        }
    }
    let text = with_causes(error);
    match &now {
        Some(now) => {
            let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
            eprintln!("{}", json!({"time": now, "level": "ERROR", "message": text, "causes": causes}));
        }
        None => eprintln!("error: {text}"),
    }
}

/// The error and its causes, but for those whose words are there already: many messages quote what
/// the system says before they say what to do.
fn with_causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("in use").context("cannot listen: in use; choose another");
        assert_eq!(with_causes(&error), "cannot listen: in use; choose another");
        let error = anyhow::anyhow!("in use").context("cannot listen").context("no API");
        assert_eq!(with_causes(&error), "no API: cannot listen: in use");
    }

    #[test]
    fn colour_is_for_terminals_only() {
        let line = Line::new("pod", "default/web-0", "Ready", Tone::Good);
        assert_eq!(text(0.3, &line, false), "   0.30s  pod      default/web-0  Ready");
        assert_eq!(text(0.3, &line, true), "   0.30s  pod      default/web-0  \x1b[32mReady\x1b[0m");
    }

    #[test]
    fn a_terminal_gets_no_control_characters_of_others() {
        assert_eq!(printable("probe failed: não"), "probe failed: não");
        assert_eq!(printable("a\x1b]0;b\x07\nc"), "a\\u{1b}]0;b\\u{7}\\nc");
    }

    #[test]
    fn a_line_without_a_state_is_coloured_as_a_whole() {
        let line = super::super::progress::problem_line("web.yaml:3: no");
        assert_eq!(text(0.3, &line, false), "   0.30s  problem  web.yaml:3: no");
        assert_eq!(text(0.3, &line, true), "   0.30s  problem  \x1b[31mweb.yaml:3: no\x1b[0m");
    }
}
