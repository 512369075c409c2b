//! What the documents are about: the resources of the kinds, with their subresources.
//!
//! `events` are served twice, under two groups; everything else is a row of the table of kinds.

use serde_json::{Value, json};

use crate::machinery::schema;
use crate::objects::{Kind, events_api};

/// One resource of one group and version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resource {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: Kind,
    /// The name of its type (`io.k8s.api.core.v1.Pod`).
    pub(super) definition: &'static str,
}

/// What a subresource takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subresource {
    pub(super) name: &'static str,
    pub(super) group: &'static str,
    pub(super) kind: &'static str,
    /// The name of its type; empty if it is text or a stream.
    pub(super) definition: &'static str,
    pub(super) verbs: &'static [&'static str],
}

const SCALE: Subresource = Subresource {
    name: "scale",
    group: "autoscaling",
    kind: "Scale",
    definition: "io.k8s.api.autoscaling.v1.Scale",
    verbs: &["get", "put", "patch"],
};

const EVICTION: Subresource = Subresource {
    name: "eviction",
    group: "policy",
    kind: "Eviction",
    definition: "io.k8s.api.policy.v1.Eviction",
    verbs: &["post"],
};

const LOG: Subresource = Subresource { name: "log", group: "", kind: "Pod", definition: "", verbs: &["get"] };

const EXEC: Subresource =
    Subresource { name: "exec", group: "", kind: "PodExecOptions", definition: "", verbs: &["get", "post"] };

const ATTACH: Subresource = Subresource { name: "attach", kind: "PodAttachOptions", ..EXEC };

const PORT_FORWARD: Subresource = Subresource { name: "portforward", kind: "PodPortForwardOptions", ..EXEC };

/// Every resource there is.
pub(super) fn all() -> Vec<Resource> {
    let row = |kind: &Kind| {
        let info = kind.info();
        let (definition, _) = schema::named(*kind);
        Resource { group: info.group, version: info.version, kind: *kind, definition }
    };
    let mut resources: Vec<Resource> = Kind::ALL.iter().map(row).collect();
    if let Some((group, version)) = events_api::API_VERSION.split_once('/') {
        resources.push(Resource {
            group,
            version,
            kind: Kind::Event,
            definition: "io.k8s.api.events.v1.Event",
        });
    }
    resources
}

impl Resource {
    /// The path of its group and version: `api/v1`, `apis/apps/v1`.
    pub(super) fn root(&self) -> String {
        match self.group {
            "" => format!("api/{}", self.version),
            group => format!("apis/{group}/{}", self.version),
        }
    }

    /// The group, version and kind as the extension fields of documents hold them.
    pub(super) fn group_version_kind(&self, suffix: &str) -> Value {
        json!({"group": self.group, "version": self.version, "kind": format!("{}{suffix}", self.kind)})
    }

    /// The name of the type of its lists.
    pub(super) fn list_definition(&self) -> String {
        format!("{}List", self.definition)
    }

    /// Its subresources besides `status`.
    pub(super) fn subresources(&self) -> &'static [Subresource] {
        match self.kind {
            Kind::StatefulSet => &[SCALE],
            Kind::Pod => &[ATTACH, EVICTION, EXEC, LOG, PORT_FORWARD],
            _ => &[],
        }
    }

    /// Whether its objects have a status of their own.
    pub(super) fn has_status(&self) -> bool {
        schema::of(self.kind).pointer("/properties/status").is_some()
    }
}
