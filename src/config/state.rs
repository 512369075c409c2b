//! Where a server keeps its state: the folder of its name, and what else of the user's is touched.
//!
//! ```text
//!   $XDG_STATE_HOME/dullahan/NAME/   (else ~/.local/state/dullahan/NAME/)
//!       lock  server.json  kubeconfig  dns-serial  credentials/
//! ```
//!
//! `--state-dir` is that folder itself. Where neither variable names a folder that can be written, a
//! temporary one takes its place, the same for all servers of the user, so that names still collide.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// The longest DNS label (RFC 1035, 2.3.4).
const LABEL_LENGTH_MAX: usize = 63;

/// The name of a server, and where it keeps its state.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "State")]
pub struct StateSettings {
    /// Name of this server; each name has its own kubeconfig, credentials, zone serials and lock.
    #[arg(long, value_name = "NAME", default_value_t = ServerName::default())]
    pub name: ServerName,
    /// Directory for the state of this server [default: NAME in ~/.local/state/dullahan].
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// The name of a server: a DNS label, which is a file name and fits into names of contexts too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerName(String);

impl ServerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its cluster, context and user in a kubeconfig.
    pub fn context(&self) -> String {
        if *self == Self::default() { "dullahan".to_owned() } else { format!("dullahan-{self}") }
    }
}

impl Default for ServerName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl std::fmt::Display for ServerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_label = (1..=LABEL_LENGTH_MAX).contains(&text.len())
            && text.bytes().all(is_inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if is_label {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "\"{text}\" is not a DNS label: at most {LABEL_LENGTH_MAX} of a-z, 0-9 and -, as in \"staging-2\""
        ))
    }
}

/// The folders in which the state of a user's servers may be, each with one folder per name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRoots {
    /// The one that outlives the machine's next start; `None` if the environment names none.
    pub lasting: Option<PathBuf>,
    /// What takes its place where it cannot be written. Its name says whose it is.
    pub temporary: PathBuf,
}

/// Where servers of this user keep their state (XDG Base Directory Specification).
pub fn state_roots() -> StateRoots {
    let lasting = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    let owner = nix::unistd::geteuid();
    StateRoots {
        lasting: lasting.map(|state| state.join("dullahan")),
        temporary: std::env::temp_dir().join(format!("dullahan-{owner}")),
    }
}

/// The kubeconfig that kubectl and kind would change: of the files in `KUBECONFIG` the first that
/// exists, else the last; without it `~/.kube/config`.
pub fn user_kubeconfig() -> Option<PathBuf> {
    let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let listed: Vec<PathBuf> =
        std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()).collect();
    let existing = listed.iter().find(|path| path.exists());
    existing.or(listed.last()).cloned().or_else(|| Some(set("HOME")?.join(".kube/config")))
}

fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Flags of `dullahan kubeconfig`.
#[derive(Args, Clone, Debug)]
pub struct KubeconfigSettings {
    /// Name of the server.
    #[arg(long, value_name = "NAME", default_value_t = ServerName::default())]
    pub name: ServerName,
    /// The file that the server was told to write [default: what it has written].
    #[arg(long, value_name = "FILE")]
    pub kubeconfig_out: Option<PathBuf>,
    /// Merge it into your kubeconfig, as context "dullahan" or "dullahan-NAME", instead of printing it.
    #[arg(long)]
    pub merge: bool,
    /// Make it the current context of your kubeconfig, even if there is another.
    #[arg(long, requires = "merge")]
    pub set_current: bool,
    /// Remove that context, its cluster and its user from your kubeconfig.
    #[arg(long, conflicts_with_all = ["merge", "kubeconfig_out"])]
    pub remove: bool,
    /// Your kubeconfig [default: the first file of $KUBECONFIG that exists, or ~/.kube/config].
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        let longest = "a".repeat(LABEL_LENGTH_MAX);
        for (text, is_good) in [
            ("default", true),
            ("staging-2", true),
            ("2", true),
            (longest.as_str(), true),
            (&format!("{longest}a"), false),
            ("", false),
            ("-a", false),
            ("a-", false),
            ("A", false),
            ("a.b", false),
            ("../x", false),
            ("a/b", false),
            ("ä", false),
        ] {
            assert_eq!(text.parse::<ServerName>().is_ok(), is_good, "{text}");
        }
    }

    #[test]
    fn the_context_of_the_default_is_named_after_the_program() {
        assert_eq!(ServerName::default().context(), "dullahan");
        assert_eq!("staging".parse::<ServerName>().unwrap().context(), "dullahan-staging");
    }
}
