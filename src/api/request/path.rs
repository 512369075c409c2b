//! Request paths.
//!
//! `/api/v1/…` is the core group, `/apis/<group>/<version>/…` are the others. The resources are those
//! of the table of kinds; `events.k8s.io` is a second group of the core events.

use crate::objects::{Kind, ObjectKey};

/// What a path addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/healthz`, `/livez`, `/readyz` and their parts.
    Health,
    Version,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/<group>`
    Group(String),
    /// `/api/v1`, `/apis/<group>/<version>`
    Resources {
        group: String,
        version: String,
    },
    /// `/openapi/v2`
    OpenApiV2,
    /// `/openapi/v3`
    OpenApiIndex,
    /// `/openapi/v3/<path>`
    OpenApi(String),
    Review(Review),
    Objects(ResourcePath),
}

/// Reviews of the client's own access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Review {
    /// SelfSubjectAccessReview
    Access,
    /// SelfSubjectRulesReview
    Rules,
    /// SelfSubjectReview
    Subject,
}

/// A resource: a kind in one of its groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    pub(crate) dialect: Dialect,
}

/// The group in which objects are represented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The kind's own.
    Native,
    /// `events.k8s.io/v1`, with other names for the same fields.
    EventsV1,
}

/// A collection, an object, or a subresource (`RequestInfo` in the API server).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    pub(crate) resource: Resource,
    /// `None` for all namespaces and for cluster-scoped kinds.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<Subresource>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subresource {
    Status,
    Scale,
    Finalize,
    Eviction,
    Log,
    Exec,
    Attach,
    PortForward,
}

/// The second group of the core events.
pub(crate) const EVENTS_GROUP: &str = "events.k8s.io";

impl Resource {
    pub(crate) const fn native(kind: Kind) -> Self {
        Self { kind, dialect: Dialect::Native }
    }

    pub(crate) fn group(self) -> &'static str {
        match self.dialect {
            Dialect::Native => self.kind.info().group,
            Dialect::EventsV1 => EVENTS_GROUP,
        }
    }

    /// `v1`, `apps/v1`.
    pub(crate) fn api_version(self) -> &'static str {
        match self.dialect {
            Dialect::Native => self.kind.info().api_version,
            Dialect::EventsV1 => "events.k8s.io/v1",
        }
    }

    /// All resources, in the order of the table of kinds.
    pub(crate) fn all() -> impl Iterator<Item = Resource> {
        let alias = Resource { kind: Kind::Event, dialect: Dialect::EventsV1 };
        Kind::ALL.iter().copied().map(Resource::native).chain([alias])
    }

    fn find(group: &str, version: &str, plural: &str) -> Option<Resource> {
        Resource::all().find(|resource| {
            let info = resource.kind.info();
            resource.group() == group && info.version == version && info.plural == plural
        })
    }
}

impl ResourcePath {
    /// The key of the object at this path; a collection has none.
    pub(crate) fn key(&self) -> Option<ObjectKey> {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        Some(ObjectKey::new(self.resource.kind, namespace, self.name.as_deref()?))
    }
}

impl Subresource {
    /// Whether the subresource is a bidirectional stream.
    pub(crate) fn is_stream(self) -> bool {
        matches!(self, Self::Exec | Self::Attach | Self::PortForward)
    }

    /// The subresource of `kind` with this name.
    fn find(kind: Kind, name: &str) -> Option<Self> {
        Some(match (kind, name) {
            (Kind::Pod, "eviction") => Self::Eviction,
            (Kind::Pod, "log") => Self::Log,
            (Kind::Pod, "exec") => Self::Exec,
            (Kind::Pod, "attach") => Self::Attach,
            (Kind::Pod, "portforward") => Self::PortForward,
            (Kind::StatefulSet, "scale") => Self::Scale,
            (Kind::Namespace, "finalize") => Self::Finalize,
            (kind, "status") if has_status(kind) => Self::Status,
            _ => return None,
        })
    }
}

/// Whether a kind has the subresource `status`.
pub(crate) fn has_status(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::StorageClass
            | Kind::ConfigMap
            | Kind::Secret
            | Kind::ControllerRevision
            | Kind::EndpointSlice
            | Kind::Event
    )
}

/// What a path addresses; `None` if nothing is served there.
pub(crate) fn parse(path: &str) -> Option<Target> {
    let trimmed = path.trim_matches('/');
    if let Some(document) = trimmed.strip_prefix("openapi/v3/") {
        return Some(Target::OpenApi(document.to_owned()));
    }
    let segments: Vec<&str> = trimmed.split('/').collect();
    match segments.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => Some(Target::Health),
        ["version"] => Some(Target::Version),
        ["openapi", "v2"] => Some(Target::OpenApiV2),
        ["openapi", "v3"] => Some(Target::OpenApiIndex),
        ["api"] => Some(Target::CoreVersions),
        ["apis"] => Some(Target::Groups),
        ["apis", group] => Some(Target::Group((*group).to_owned())),
        ["api", version] => Some(resources("", version)),
        ["apis", group, version] => Some(resources(group, version)),
        ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] => {
            Some(Target::Review(Review::Access))
        }
        ["apis", "authorization.k8s.io", "v1", "selfsubjectrulesreviews"] => {
            Some(Target::Review(Review::Rules))
        }
        ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"] => {
            Some(Target::Review(Review::Subject))
        }
        ["api", version, rest @ ..] => objects("", version, rest).map(Target::Objects),
        ["apis", group, version, rest @ ..] => objects(group, version, rest).map(Target::Objects),
        _ => None,
    }
}

fn resources(group: &str, version: &str) -> Target {
    Target::Resources { group: group.to_owned(), version: version.to_owned() }
}

fn objects(group: &str, version: &str, rest: &[&str]) -> Option<ResourcePath> {
    if rest.iter().any(|segment| segment.is_empty()) {
        return None;
    }
    let find = |plural: &str| Resource::find(group, version, plural);
    match rest {
        // A namespace's own subresources come before resources within it.
        ["namespaces", name, sub] if Subresource::find(Kind::Namespace, sub).is_some() => {
            resource_path(find("namespaces")?, None, Some(name), Some(sub))
        }
        ["namespaces", namespace, plural] => resource_path(find(plural)?, Some(namespace), None, None),
        ["namespaces", namespace, plural, name] => {
            resource_path(find(plural)?, Some(namespace), Some(name), None)
        }
        ["namespaces", namespace, plural, name, sub] => {
            resource_path(find(plural)?, Some(namespace), Some(name), Some(sub))
        }
        [plural] => resource_path(find(plural)?, None, None, None),
        [plural, name] => resource_path(find(plural)?, None, Some(name), None),
        [plural, name, sub] => resource_path(find(plural)?, None, Some(name), Some(sub)),
        _ => None,
    }
}

fn resource_path(
    resource: Resource,
    namespace: Option<&str>,
    name: Option<&str>,
    subresource: Option<&str>,
) -> Option<ResourcePath> {
    let is_namespaced = resource.kind.info().is_namespaced;
    let fits = match (is_namespaced, namespace) {
        (true, Some(_)) | (false, None) => true,
        (true, None) => name.is_none(),
        (false, Some(_)) => false,
    };
    let subresource = match subresource {
        None => None,
        Some(name) => Some(Subresource::find(resource.kind, name)?),
    };
    fits.then(|| ResourcePath {
        resource,
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        subresource,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(path: &str) -> String {
        match parse(path) {
            Some(Target::Objects(path)) => {
                let ResourcePath { resource, namespace, name, subresource } = path;
                let namespace = namespace.as_deref().unwrap_or("*");
                let name = name.as_deref().unwrap_or("*");
                let subresource = subresource.map(|found| format!(" {found:?}")).unwrap_or_default();
                format!("{} {} {namespace}/{name}{subresource}", resource.api_version(), resource.kind)
            }
            Some(other) => format!("{other:?}"),
            None => "nothing".into(),
        }
    }

    #[test]
    fn every_path_stands_for_one_thing_or_nothing() {
        for (path, expected) in [
            ("/api/v1/pods", "v1 Pod */*"),
            ("/api/v1/namespaces/default/pods", "v1 Pod default/*"),
            ("/api/v1/namespaces/default/pods/", "v1 Pod default/*"),
            ("/api/v1/namespaces/default/pods/web-0", "v1 Pod default/web-0"),
            ("/api/v1/namespaces/default/pods/web-0/log", "v1 Pod default/web-0 Log"),
            ("/api/v1/namespaces/default/pods/web-0/scale", "nothing"),
            ("/api/v1/pods/web-0", "nothing"),
            ("/api/v1/namespaces", "v1 Namespace */*"),
            ("/api/v1/namespaces/default", "v1 Namespace */default"),
            ("/api/v1/namespaces/default/status", "v1 Namespace */default Status"),
            ("/api/v1/namespaces/default/finalize", "v1 Namespace */default Finalize"),
            ("/api/v1/namespaces/default/nodes", "nothing"),
            ("/api/v1/nodes/n/status", "v1 Node */n Status"),
            ("/apis/apps/v1/namespaces/a/statefulsets/web/scale", "apps/v1 StatefulSet a/web Scale"),
            ("/apis/apps/v1beta1/namespaces/a/statefulsets/web", "nothing"),
            ("/apis/events.k8s.io/v1/namespaces/a/events", "events.k8s.io/v1 Event a/*"),
            ("/api/v1/events", "v1 Event */*"),
            ("/api/v1/namespaces/a/configmaps/c/status", "nothing"),
            ("/api/v1/namespaces//pods", "nothing"),
            ("/api/v1/deployments", "nothing"),
            ("/version/", "Version"),
            ("/livez/ping", "Health"),
            ("/openapi/v3/apis/apps/v1", "OpenApi(\"apis/apps/v1\")"),
            ("/", "nothing"),
            ("/metrics", "nothing"),
        ] {
            assert_eq!(describe(path), expected, "{path}");
        }
    }
}
