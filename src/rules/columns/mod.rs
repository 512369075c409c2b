//! What tables show of an object: the columns of each kind, and the cells that Kubernetes'
//! server-side printers compute.
//!
//! kubectl prints what it is given; columns of priority 1 only when asked for a wide table. Ages
//! are cells like any other, computed for the moment of the answer, so rows are never kept. One
//! file per family of kinds; each has its columns and, in their order, its cells.

mod age;
mod cluster;
mod content;
mod network;
mod pod;
mod storage;
mod table;
mod workload;

pub use age::human_duration;
pub use pod::PodCells;
pub use table::{Partial, Table};

use serde_json::Value;

use crate::clock::Timestamp;
use crate::objects::{Kind, Typed};
use age::since;

/// What of the object itself goes with its row (the query parameter `includeObject`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    /// Its metadata: kubectl takes the namespace and the labels from there.
    #[default]
    Metadata,
    /// All of it.
    Object,
    /// Nothing.
    None,
}

impl IncludeObject {
    /// What the query parameter says; absent and empty mean the default, `None` that there is no
    /// such value.
    pub fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("" | "Metadata") => Some(Self::Metadata),
            Some("Object") => Some(Self::Object),
            Some("None") => Some(Self::None),
            Some(_) => None,
        }
    }
}

/// One column of the table of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading, which kubectl prints in capitals.
    pub name: &'static str,
    /// The OpenAPI type of the cells.
    pub cell_type: &'static str,
    /// `name` for the column with the object's name.
    pub format: &'static str,
    /// 0 for every table, 1 for wide ones.
    pub priority: i32,
    /// What the cells say.
    pub description: &'static str,
}

const fn text(name: &'static str, description: &'static str) -> Column {
    Column { name, cell_type: "string", format: "", priority: 0, description }
}

const fn wide(name: &'static str, description: &'static str) -> Column {
    Column { priority: 1, ..text(name, description) }
}

const fn number(name: &'static str, description: &'static str) -> Column {
    Column { cell_type: "integer", ..text(name, description) }
}

const NAME: Column = Column { format: "name", ..text("Name", "The name, unique within its namespace.") };
const AGE: Column = text("Age", "How long ago the object was created.");
const NONE: &str = "<none>";
const UNSET: &str = "<unset>";
const UNKNOWN: &str = "<unknown>";
/// Lists in cells show so many items and count the rest.
const ITEMS_SHOWN: usize = 3;

/// The columns of a kind, in their order.
pub fn columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Namespace => cluster::NAMESPACE,
        Kind::Node => cluster::NODE,
        Kind::RuntimeClass => cluster::RUNTIME_CLASS,
        Kind::Lease => cluster::LEASE,
        Kind::ServiceAccount => cluster::SERVICE_ACCOUNT,
        Kind::PersistentVolume => storage::VOLUME,
        Kind::PersistentVolumeClaim => storage::CLAIM,
        Kind::StorageClass => storage::CLASS,
        Kind::ConfigMap => content::CONFIG_MAP,
        Kind::Secret => content::SECRET,
        Kind::Event => content::EVENT,
        Kind::Service => network::SERVICE,
        Kind::Endpoints => network::ENDPOINTS,
        Kind::EndpointSlice => network::SLICE,
        Kind::Pod => pod::COLUMNS,
        Kind::StatefulSet => workload::STATEFUL_SET,
        Kind::ControllerRevision => workload::REVISION,
    }
}

/// The cells of an object, one per column of its kind.
pub fn cells(typed: &Typed, now: Timestamp) -> Vec<Value> {
    match typed {
        Typed::Namespace(namespace) => cluster::namespace(namespace, now),
        Typed::Node(node) => cluster::node(node, now),
        Typed::RuntimeClass(class) => cluster::runtime_class(class, now),
        Typed::Lease(lease) => cluster::lease(lease, now),
        Typed::ServiceAccount(account) => cluster::service_account(account, now),
        Typed::PersistentVolume(volume) => storage::volume(volume, now),
        Typed::PersistentVolumeClaim(claim) => storage::claim(claim, now),
        Typed::StorageClass(class) => storage::class(class, now),
        Typed::ConfigMap(map) => content::config_map(map, now),
        Typed::Secret(secret) => content::secret(secret, now),
        Typed::Event(event) => content::event(event, now),
        Typed::Service(service) => network::service(service, now),
        Typed::Endpoints(endpoints) => network::endpoints(endpoints, now),
        Typed::EndpointSlice(slice) => network::slice(slice, now),
        Typed::Pod(pod) => pod::cells(pod, now),
        Typed::StatefulSet(set) => workload::stateful_set(set, now),
        Typed::ControllerRevision(revision) => workload::revision(revision, now),
    }
}

/// The first items, and how many more there are.
fn shortened(items: &[String], when_empty: &str) -> String {
    match items.len() {
        0 => when_empty.to_owned(),
        n_items if n_items > ITEMS_SHOWN => {
            format!("{} + {} more...", items[..ITEMS_SHOWN].join(","), n_items - ITEMS_SHOWN)
        }
        _ => items.join(","),
    }
}

/// The text, or what stands for there being none.
fn or<'a>(text: Option<&'a str>, when_empty: &'a str) -> &'a str {
    text.filter(|text| !text.is_empty()).unwrap_or(when_empty)
}

#[cfg(test)]
mod tests;
