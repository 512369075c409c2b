//! Completion scripts in the shells they are for, and man pages in the programs that show them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::tools::Tools;

/// Ends a program that waits for something that does not come, after so many seconds.
const PATIENCE_S: &str = "60";

fn dullahan(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_dullahan")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a shell, or what shows pages; `timeout` is one of coreutils.
fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new("timeout")
        .arg(PATIENCE_S)
        .arg(program)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

fn script(shell: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("_dullahan");
    fs::write(&path, dullahan(&["completions", shell])).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

/// Loads the script as a user does, then calls the function that it names for the words so far.
const BASH: &str = r#"
set -eu
source "$1"
function=$(complete -p dullahan | sed 's/.* -F \([^ ]*\) .*/\1/')
completed() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  "$function" dullahan "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  echo "${COMPREPLY[*]}"
}
completed dullahan ser
completed dullahan serve --cluster-d
completed dullahan serve --pods ''
"#;

#[test]
fn bash_completes_commands_flags_and_values() {
    let Some(bash) = Tools::default().find("bash", "bash") else { return };
    let (_folder, path) = script("bash");
    let output = run(&bash, &["--noprofile", "--norc", "-c", BASH, "bash", &path]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = "serve\n--cluster-domain\ndisabled insecure verified\n";
    assert_eq!((told.as_str(), &*output.stderr), (expected, &b""[..]));
}

/// Types into a zsh of its own and reads what it makes of a tabulator.
const ZSH: &str = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "autoload -Uz compinit && compinit -u -D; source $1; echo loa''ded"
zpty -r shell output '*loaded*' || exit 1
zpty -n -w shell $'dullahan ser\t'
zpty -r shell output '*serve*' || exit 2
zpty -n -w shell $'--cluster-d\t'
zpty -r shell output '*cluster-domain*' || exit 3
"#;

#[test]
fn zsh_completes_commands_and_flags() {
    let Some(zsh) = Tools::default().find("zsh", "zsh") else { return };
    let (_folder, path) = script("zsh");
    let output = run(&zsh, &["-f", "-c", ZSH, "zsh", &path]);
    assert!(output.status.success(), "{output:?}");
}

const FISH: &str = r#"
source $argv[1]
for line in 'dullahan ser' 'dullahan serve --cluster-d' 'dullahan serve --pods in'
    complete -C $line
end
"#;

#[test]
fn fish_completes_commands_flags_and_values() {
    let Some(fish) = Tools::default().find("fish", "fish") else { return };
    let (_folder, path) = script("fish");
    let output = run(&fish, &["--no-config", "-c", FISH, &path]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = told.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(words, ["serve", "--cluster-domain", "insecure"], "{output:?}");
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    dullahan(&["man", "--out", &folder.display().to_string()]);
    let mut pages: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages
}

#[test]
fn man_pages_are_shown_without_a_warning() {
    let mut tools = Tools::default();
    let folder = tempfile::tempdir().unwrap();
    let pages = pages(folder.path());
    assert!(pages.iter().any(|page| page.ends_with("dullahan-serve.1")), "{pages:?}");
    let groff = tools.find("groff", "groff");
    let mandoc = tools.find("mandoc", "mandoc");
    for page in &pages {
        let path = page.display().to_string();
        if let Some(groff) = &groff {
            let shown = run(groff, &["-man", "-Tutf8", "-ww", "-b", &path]);
            assert_eq!(String::from_utf8_lossy(&shown.stderr), "", "{path}");
            assert!(String::from_utf8_lossy(&shown.stdout).contains("Everything went as asked."), "{path}");
        }
        if let Some(mandoc) = &mandoc {
            // Warnings are of line breaks too many, which clap puts around a flag's values.
            let checked = run(mandoc, &["-T", "lint", "-W", "error", &path]);
            assert_eq!(String::from_utf8_lossy(&checked.stdout), "");
        }
    }
}

#[test]
fn a_page_is_the_same_whether_printed_or_written() {
    let folder = tempfile::tempdir().unwrap();
    let printed = [dullahan(&["man"]), dullahan(&["man", "serve"])];
    pages(folder.path());
    let written =
        ["dullahan.1", "dullahan-serve.1"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
    assert_eq!(printed, written);
    let unknown = Command::new(env!("CARGO_BIN_EXE_dullahan")).args(["man", "serf"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
}
