//! `dullahan man`: the man pages, made from the command line's own definition.
//!
//! A page is a command's long help in the form of man(7), with its examples and what its exit codes
//! mean. One page goes to standard output, to be read with `man -l -`; `--out` writes the page of
//! every command, named as man looks for it (`dullahan-serve.1`), for packages. No page has a date, so
//! that the same program always makes the same pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::output::say;

/// The exit codes and their meaning, the same for every command.
const EXIT_CODES: [(&str, &str); 4] = [
    ("0", "Everything went as asked."),
    ("1", "Something is wrong with the input or the machine."),
    ("2", "The command line or the configuration file is wrong."),
    ("70", "A part of the program has panicked; the last line says why."),
];

/// Flags of `dullahan man`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dullahan man | man -l -
  dullahan man serve | man -l -
  dullahan man --out ~/.local/share/man/man1")]
pub(super) struct ManSettings {
    /// The command whose page is printed [default: the page of dullahan itself].
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,
    /// Write the page of every command into this directory, which is made if it is missing.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The page of one command.
struct Page {
    /// As man knows it: `dullahan`, `dullahan-serve`.
    name: String,
    text: String,
}

/// Prints or writes pages of `command`, the whole command line.
pub(super) fn run(settings: &ManSettings, command: Command) -> anyhow::Result<ExitCode> {
    let name = settings.command.as_deref();
    let wanted =
        name.map_or_else(|| command.get_name().to_owned(), |name| format!("{}-{name}", command.get_name()));
    let mut unknown = command.clone();
    let pages = pages(command)?;
    if let Some(folder) = &settings.out {
        write(&pages, folder)?;
    } else if let Some(page) = pages.iter().find(|page| page.name == wanted) {
        say(page.text.trim_end())?;
    } else {
        let told = format!("there is no command \"{}\"", name.unwrap_or_default());
        let error = unknown.error(ErrorKind::InvalidSubcommand, told);
        error.print()?;
        return Ok(u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from));
    }
    Ok(ExitCode::SUCCESS)
}

fn write(pages: &[Page], folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for page in pages {
        let path = folder.join(format!("{}.1", page.name));
        fs::write(&path, &page.text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The page of the program, then those of its commands.
fn pages(command: Command) -> anyhow::Result<Vec<Page>> {
    // `dullahan help COMMAND` shows what the pages say.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let own = command.get_name().to_owned();
    let source = format!("{own} {}", command.get_version().unwrap_or_default());
    let names: Vec<String> =
        command.get_subcommands().filter(|command| !command.is_hide_set()).map(page_name).collect();
    let mut pages = vec![page(&command, &source, &names)?];
    for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        pages.push(page(subcommand, &source, std::slice::from_ref(&own))?);
    }
    Ok(pages)
}

fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

/// The page of one command, which refers to the pages `related`.
fn page(command: &Command, source: &str, related: &[String]) -> anyhow::Result<Page> {
    let name = page_name(command);
    let usage = command.clone().render_usage().to_string();
    let examples = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    let shown = command
        .clone()
        // All flags once are enough.
        .override_usage(usage.trim_start_matches("Usage: ").to_owned())
        .after_help(Resettable::Reset)
        .after_long_help(Resettable::Reset)
        .version(Resettable::Reset);
    let mut text = Vec::new();
    Man::new(shown).render(&mut text).context("cannot make the page")?;
    let text = String::from_utf8(text).context("the page is not text")?;
    let text = with_title(&text, &format!(r#".TH {name} 1 "" "{source}" Dullahan"#));
    Ok(Page { text: text + &closing(examples.as_deref(), related), name })
}

/// The page under another title line: an empty date is lost in clap's, and what follows takes its place.
fn with_title(text: &str, title: &str) -> String {
    let lines = text.lines().map(|line| if line.starts_with(".TH ") { title } else { line });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The sections that clap does not know.
fn closing(examples: Option<&str>, related: &[String]) -> String {
    let mut roff = Roff::new();
    if let Some(examples) = examples {
        roff.control("SH", ["EXAMPLES"]);
        roff.control("nf", []);
        // What follows them is for those who read the short help.
        let lines = examples.lines().skip_while(|line| *line == "Examples:");
        for line in lines.take_while(|line| !line.is_empty()) {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        roff.control("TP", []);
        roff.text([bold(code)]);
        roff.text([roman(meaning)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    for (position, name) in related.iter().enumerate() {
        let end = if position + 1 == related.len() { "(1)" } else { "(1)," };
        roff.text([bold(name), roman(end)]);
    }
    roff.to_roff()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::command::Cli;

    #[test]
    fn every_command_has_a_page_that_names_its_flags_and_the_other_pages() {
        let pages = pages(Cli::command()).unwrap();
        let n_commands = Cli::command().get_subcommands().count();
        assert_eq!(pages.len(), 1 + n_commands);
        assert_eq!((pages[0].name.as_str(), pages[1].name.as_str()), ("dullahan", "dullahan-serve"));
        let title = format!(r#".TH dullahan-serve 1 "" "dullahan {}" Dullahan"#, env!("CARGO_PKG_VERSION"));
        assert!(pages[1].text.lines().any(|line| line == title), "{}", pages[1].text);
        assert!(pages[0].text.contains("\\fBdullahan\\-simulate\\fR(1),"), "{}", pages[0].text);
        assert!(pages[1].text.contains("\\-\\-cluster\\-domain"), "{}", pages[1].text);
        assert!(pages.iter().all(|page| page.text.contains(".SH \"EXIT STATUS\"")), "{}", pages[1].text);
    }

    #[test]
    fn examples_stand_in_a_section_of_their_own_line_by_line() {
        let command =
            Command::new("x").after_long_help("Examples:\n  x one\n  x 'two'\n\nAll options: x --help");
        let page = &pages(command).unwrap()[0];
        assert!(page.text.contains(".SH EXAMPLES\n.nf\n  x one\n  x "), "{}", page.text);
        assert!(!page.text.contains("EXTRA") && !page.text.contains("All options"), "{}", page.text);
    }
}
