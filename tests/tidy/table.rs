//! The tables that the source is held against: rooms and what they may import, crates and their
//! rooms, calls and the files that may make them, words that may not stand, lengths.
//!
//! This is the file to change when a room gets another neighbour. An entry is a path below `src`
//! without `.rs`; it covers the file or folder of that name and all below it, and the longest entry
//! that covers a file is its room. `clock::Timestamp` opens one item of a room instead of all.

use Reach::{AllBut, Only};

/// Where something may be used, or what may be used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reach {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

/// All tables; the planted trees of the tests bring their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// A room, and what it may import besides itself.
    pub(crate) rooms: &'static [(&'static str, Reach)],
    /// A crate, and the rooms or files that may use it.
    pub(crate) crates: &'static [(&'static str, Reach)],
    /// The last segments of a function's path, and the rooms or files that may name it.
    pub(crate) calls: &'static [(&'static str, &'static [&'static str])],
}

pub(crate) const TABLE: Table = Table { rooms: ROOMS, crates: CRATES, calls: CALLS };

/// From the ground up, as in the design.
const ROOMS: &[(&str, Reach)] = &[
    ("clock", Only(&[])),
    ("metrics", Only(&[])),
    ("config", Only(&[])),
    ("pki", Only(&["clock"])),
    ("objects", Only(&["clock::Timestamp"])),
    ("machinery", Only(&["objects", "clock::Timestamp"])),
    ("rules", Only(&["objects", "machinery", "clock::Timestamp"])),
    // What containers and their users exchange; the API and the node meet here.
    ("streaming", Only(&["clock::Timestamp"])),
    ("store", Only(&["objects", "machinery", "rules", "clock"])),
    ("controllers", Only(&["store", "rules", "machinery", "objects", "clock"])),
    ("node", Only(&["store", "objects", "streaming", "clock"])),
    // Declares the rooms below it, and shows what is theirs.
    ("dns/mod.rs", Only(&["dns"])),
    ("dns/message", Only(&[])),
    ("dns/zone", Only(&["dns/message"])),
    ("dns/zonefile", Only(&["dns/message", "dns/zone"])),
    ("dns/answer", Only(&["dns/message", "dns/zone"])),
    ("dns/service", Only(&["dns/message", "dns/zone", "dns/answer", "clock", "metrics"])),
    ("dns/secondary", Only(&["dns/message", "dns/zone", "clock", "metrics"])),
    (
        "dns/transport",
        Only(&["dns/message", "dns/zone", "dns/service", "dns/secondary", "pki", "clock", "metrics"]),
    ),
    (
        "names",
        Only(&[
            "names/stored",
            "rules::PodCells",
            "rules::human_duration",
            "machinery",
            "objects",
            "dns/message",
            "dns/zone",
            "dns/secondary",
            "clock",
            "metrics",
        ]),
    ),
    // The only file of names that knows the store.
    ("names/stored", Only(&["names", "store", "objects", "clock"])),
    ("files", Only(&["store", "rules", "machinery", "objects", "clock"])),
    ("api", Only(&["store", "rules", "machinery", "objects", "streaming", "pki", "clock"])),
    ("simulation", AllBut(&["cli", "api", "app"])),
    ("app", AllBut(&["cli"])),
    ("cli", AllBut(&[])),
    // Declares the rooms, and imports none.
    ("lib", Only(&[])),
    ("main", Only(&["cli"])),
];

/// `tokio` stands for tasks and sockets.
const CRATES: &[(&str, Reach)] = &[
    ("anyhow", Only(&["cli", "app"])),
    ("axum", Only(&["api", "dns/transport/doh"])),
    ("clap", Only(&["cli", "config"])),
    ("clap_complete", Only(&["cli/completions"])),
    ("clap_mangen", Only(&["cli/man"])),
    ("hickory_proto", Only(&["dns", "names", "app", "cli", "simulation"])),
    ("hickory_resolver", Only(&["dns/service/forward"])),
    ("hickory_server", Only(&["dns/transport"])),
    ("hyper", Only(&["api", "metrics", "dns/transport/doh"])),
    ("k8s_openapi", AllBut(&["clock", "metrics", "config", "pki", "dns"])),
    ("notify", Only(&["files"])),
    ("prometheus_client", Only(&["metrics"])),
    ("rcgen", Only(&["pki"])),
    ("rustls", Only(&["dns/transport", "pki"])),
    ("saphyr_parser", Only(&["machinery/manifest"])),
    // A user's kubeconfig keeps its order and what nobody here knows.
    ("serde_yaml", Only(&["machinery/manifest", "cli/kubeconfig/merge"])),
    ("tokio", AllBut(&["objects", "machinery", "rules", "dns/message", "dns/answer"])),
    ("tokio_rustls", Only(&["api", "dns/transport"])),
];

const CALLS: &[(&str, &[&str])] = &[
    ("Instant::now", &["clock"]),
    ("SystemTime::now", &[]),
    ("Timestamp::now", &["clock"]),
    ("thread::sleep", &[]),
    ("time::sleep", &["clock"]),
    ("env::var", &[]),
    ("env::var_os", &["config"]),
    ("env::vars", &[]),
    ("env::vars_os", &[]),
    ("process::exit", &[]),
];

/// Words that say a thing is not done.
pub(crate) const LEFTOVERS: &[&str] = &["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "dbg!("];
/// Names that say a thing has no place yet.
pub(crate) const NAMELESS: &[&str] = &["utils", "util", "helpers", "common", "misc", "manager"];

pub(crate) const FILE_LINES_MAX: usize = 500;
pub(crate) const TEST_FILE_LINES_MAX: usize = 600;
pub(crate) const FUNCTION_LINES_MAX: usize = 60;
pub(crate) const PAGE_LINES_MAX: usize = 60;
pub(crate) const FILE_LINES_MEDIAN_MAX: usize = 169;
pub(crate) const FUNCTION_LINES_MEDIAN_MAX: usize = 7;

impl Reach {
    pub(crate) fn entries(self) -> &'static [&'static str] {
        match self {
            Only(entries) | AllBut(entries) => entries,
        }
    }

    /// Whether a file is within reach.
    pub(crate) fn holds(self, path: &str) -> bool {
        let is_named = self.entries().iter().any(|entry| covers(entry, path));
        matches!(self, Only(_)) == is_named
    }

    /// Whether an item of another room is within reach.
    pub(crate) fn opens(self, room: &str, item: &str) -> bool {
        let is_meant = |entry: &str| match entry.split_once("::") {
            Some((entry, only)) => covers(entry, room) && only == item,
            None => covers(entry, room),
        };
        let is_named = self.entries().iter().any(|entry| is_meant(entry));
        matches!(self, Only(_)) == is_named
    }
}

impl Table {
    /// The room of a file below `src`.
    pub(crate) fn room(&self, path: &str) -> Option<(&'static str, Reach)> {
        let rooms = self.rooms.iter().filter(|(room, _)| covers(room, path));
        rooms.max_by_key(|(room, _)| room.len()).copied()
    }
}

/// Whether an entry of a table means this file, or this room.
pub(crate) fn covers(entry: &str, path: &str) -> bool {
    path.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
}
